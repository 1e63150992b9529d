"""
Paths that somebody else may have taken over: a project was renamed, and another one was made at its old path.

It is a net and no protection: the annotation `project-id` is that. With shards nobody sees all projects, so it is off.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from reconcile.actual import Actual, FoundKey
from reconcile.desired.annotations import PIN
from reconcile.desired.repositories import RepositoryRequest
from reconcile.desired.repository_keys import Secrets, key_of
from reconcile.desired.requests import Requests
from reconcile.marks import Owner
from reconcile.model import Project, PublicKey
from reconcile.problems import Code
from reconcile.rules import Rules


def with_replaced_paths(requests: Requests, secrets: Secrets, actual: Actual, rules: Rules) -> Requests:
    """
    Return the requests; one whose project is newer than its key, which lies on a project nobody wants, is held.

    The key must be of a Secret that this GitRepository alone names, and the spec older than the key. Where one of the
    times is unknown nothing is decided.
    """
    if not rules.share.is_all:
        return requests
    users = Counter(request.secret for request in requests.repositories if request.secret)
    wanted = {project.id for project in requests.projects}
    unwanted = _keys_on_unwanted_projects(actual, wanted)
    return replace(
        requests,
        repositories=tuple(
            _judged(request, key_of(request, secrets), unwanted, actual.created)
            if request.secret and users[request.secret] == 1
            else request
            for request in requests.repositories
        ),
    )


def _keys_on_unwanted_projects(actual: Actual, wanted: set[int]) -> Mapping[PublicKey, list[tuple[Project, FoundKey]]]:
    """Return our keys on the projects that no GitRepository leads to."""
    found: dict[PublicKey, list[tuple[Project, FoundKey]]] = defaultdict(list)
    for items in actual.projects:
        if items.project.id not in wanted:
            for key in items.keys:
                if key.owner is Owner.OURS:
                    found[key.key].append((items.project, key))
    return found


def _judged(
    request: RepositoryRequest,
    key: PublicKey | None,
    unwanted: Mapping[PublicKey, list[tuple[Project, FoundKey]]],
    created: Mapping[int, datetime],
) -> RepositoryRequest:
    project, changed = request.project, request.spec_changed
    if key is None or project is None or changed is None or request.held or request.pinned is not None:
        return request
    made = created.get(project.id)
    for former, found in unwanted.get(key, ()):
        if made and found.created and changed < found.created < made and _is_of(found, request):
            return request.hold(
                Code.PROJECT_REPLACED,
                f"{project.path} (project {project.id}) was created after this GitRepository's deploy key, which lies "
                f"on project {former.id}, and spec.url was not changed since: somebody else may have taken the path. "
                f"If that project was deleted and made again, or its successor is meant, set the annotation {PIN} to "
                f'"{project.id}"; else correct spec.url.',
            )
    return request


def _is_of(found: FoundKey, request: RepositoryRequest) -> bool:
    """Return whether the key's mark names the GitRepository's Secret."""
    secret, mark = request.secret, found.mark
    return bool(secret and mark and mark.names(secret.namespace, secret.name))
