"""
What each GitRepository asks for: which project, and whose key.

A request is followed step by step (URL, host, tenancy, project) until a step fails, which is then the problem it
reports. What is not allowed or lies outside is settled before a Secret is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from reconcile.causes import Cause
from reconcile.desired.annotations import NONE, SWITCH, Annotations, annotations_of
from reconcile.desired.change_times import spec_changed
from reconcile.desired.git_url import GitUrl, UnusableUrl, parse_git_url
from reconcile.model import Project, Ref
from reconcile.problems import Code, Problem, Severity
from reconcile.rules import Rules

# Shared by all that have none.
NO_LABELS: Mapping[str, str] = {}
# While one of these holds a GitRepository, its project gets no webhook either.
_UNCERTAIN = frozenset({Code.DISABLED, Code.PROJECT_REPLACED, Code.ANNOTATION_UNUSABLE})


@dataclass(frozen=True, slots=True)
class RepositoryRequest:
    """
    One GitRepository as far as it could be followed.

    *dropped*: not allowed, or not ours to serve; it has no project, gets nothing and holds nothing. *held* names the
    problem that keeps what it already has. *secret* is None where the URL needs no key. *malformed*: the object is
    malformed, so neither its project nor its Secret is certain. *actual_path* is the project's path in GitLab's answer.
    """

    ref: Ref
    labels: Mapping[str, str]
    url: GitUrl | None = None
    pinned: int | None = None
    annotations: Annotations = NONE
    secret: Ref | None = None
    project: Project | None = None
    dropped: bool = False
    malformed: bool = False
    is_not_looked_up: bool = False
    held: Code | None = None
    problems: tuple[Problem, ...] = ()
    actual_path: str | None = None
    spec_changed: datetime | None = field(default=None, compare=False)

    @property
    def path(self) -> str | None:
        """The lower-case path to look up, or None where no project is asked for, or no longer."""
        return None if self.dropped or self.url is None else self.url.path.lower()

    @property
    def target(self) -> Project | None:
        """The project that may get webhooks through this request; a problem with its key does not hinder them."""
        return None if self.held in _UNCERTAIN else self.project

    @property
    def is_foreign(self) -> bool:
        """Whether it is not wanted because its host is not this GitLab."""
        return self.dropped and any(problem.code == Code.FOREIGN_HOST for problem in self.problems)

    def drop(self, code: Code, message: str) -> RepositoryRequest:
        """This request, not wanted, because of the one problem that counts then; it holds nothing."""
        settled = replace(self, problems=(), held=None, project=None, dropped=True, annotations=NONE)
        return settled.warned(code, message)

    def hold(self, code: Code, message: str, cause: Cause | None = None) -> RepositoryRequest:
        """This request with a problem that keeps what it has."""
        return replace(self.warned(code, message, cause), held=self.held or code)

    def at(self, project: Project) -> RepositoryRequest:
        """This request with its project, its problems filed there."""
        filed = tuple(replace(problem, project=project.path) for problem in self.problems)
        return replace(self, project=project, problems=filed)

    def warned(
        self, code: Code, message: str, cause: Cause | None = None, *, severity: Severity | None = None
    ) -> RepositoryRequest:
        """This request with a problem that changes nothing else."""
        path = self.project.path if self.project else None
        problem = Problem.of(code, message, object=self.ref, project=path, severity=severity).caused_by(cause)
        return replace(self, problems=(*self.problems, replace(problem, actual_path=self.actual_path)))


def ref_of(item: Mapping[str, Any], kind: str) -> Ref:
    """The object's name as a Ref."""
    return Ref(kind, item["metadata"]["namespace"], item["metadata"]["name"])


def is_gone(item: Mapping[str, Any]) -> bool:
    """Whether the object is being deleted: Flux's finalizer may keep it listed for a while."""
    return bool(item["metadata"].get("deletionTimestamp"))


@dataclass(frozen=True, slots=True)
class KnownProjects:
    """What GitLab's listing shows: the hosts of this GitLab, and the lower-case paths of the tenants' projects."""

    hosts: frozenset[str]
    paths: Set[str] = frozenset()


def repository_requests_from(
    items: Iterable[Mapping[str, Any]], rules: Rules, known: KnownProjects
) -> tuple[RepositoryRequest, ...]:
    """The repositories of all GitRepositories that are not being deleted, as far as they go without GitLab."""
    return tuple(request for item in items if (request := repository_request_from(item, rules, known)))


def repository_request_from(item: Mapping[str, Any], rules: Rules, known: KnownProjects) -> RepositoryRequest | None:
    """The request of one GitRepository, or None where it is being deleted."""
    if is_gone(item):
        return None
    spec, metadata = item.get("spec") or {}, item["metadata"]
    ref = ref_of(item, "GitRepository")
    request = RepositoryRequest(
        ref,
        metadata.get("labels") or NO_LABELS,
        annotations=(annotations := annotations_of(item, "GitRepository")),
        pinned=annotations.pinned,
        spec_changed=spec_changed(metadata),
        secret=_secret(spec, ref),
    )
    broken = item.get("broken")
    if broken:
        request = replace(request, malformed=True).hold(
            Code.URL_UNUSABLE, f"The object is malformed: {broken}. Correct it."
        )
    else:
        request = _with_url(request, str(spec.get("url") or ""), rules, known)
    if request.dropped:
        return request
    if annotations.is_disabled:
        # Its other problems do not count while it is switched off.
        return replace(request, problems=(), held=None).hold(
            Code.DISABLED,
            f"The annotation {SWITCH} says `disabled`: its deploy key and webhooks are left alone until it is removed.",
        )
    return _with_annotations(request)


def _with_annotations(request: RepositoryRequest) -> RepositoryRequest:
    """The request with what is wrong about its annotations; names that nobody knows are reported later."""
    annotations = request.annotations
    if annotations.ignored:
        request = request.warned(Code.ANNOTATION_UNUSABLE, annotations.ignored, severity=Severity.WARNING)
    if annotations.unreadable:
        return request.hold(Code.ANNOTATION_UNUSABLE, f"{annotations.unreadable} Until then what it has stays.")
    return request


def _secret(spec: Mapping[str, Any], ref: Ref) -> Ref | None:
    name = (spec.get("secretRef") or {}).get("name")
    is_generic = (spec.get("provider") or "generic") == "generic"
    # What is neither ssh nor http(s) is unusable, and holds its key until it is corrected.
    needs_key = not str(spec.get("url") or "").startswith(("http://", "https://")) and is_generic
    return Ref("Secret", ref.namespace, name) if name and needs_key else None


def _with_url(request: RepositoryRequest, text: str, rules: Rules, known: KnownProjects) -> RepositoryRequest:
    try:
        url = parse_git_url(text, rules.relative_root)
    except UnusableUrl as error:
        if error.host is not None and error.host not in known.hosts:
            return _foreign(request, error.host)
        return request.hold(
            Code.URL_UNUSABLE,
            f"No project can be read from spec.url: {error}. Write it as ssh://git@HOST/GROUP/PROJECT.git.",
        )
    request = replace(request, url=url)
    if url.host not in known.hosts:
        is_ours = url.path.lower() in known.paths and url.host not in rules.foreign_hosts
        return as_alias(request) if is_ours else _foreign(request, url.host)
    if not rules.tenancy.allows(request.ref.namespace, url.path):
        return request.drop(
            Code.NOT_ALLOWED,
            f"The tenancy rules do not let namespace {request.ref.namespace} name {url.path}; "
            "correct the URL, or the rules in the settings.",
        )
    if not url.fetchable:
        return request.warned(
            Code.URL_NOT_FETCHABLE,
            f"Flux cannot fetch this URL: what follows `{url.host}:` is read as a port. "
            f"Write ssh://git@{url.host}/{url.path}.git instead.",
        )
    return request


def as_alias(request: RepositoryRequest) -> RepositoryRequest:
    """The request on a host nobody knows, held: it is too likely another name of this GitLab to be let go."""
    url = request.url
    if url is None:
        return request
    held = replace(request, url=None, dropped=False, problems=())
    return held.hold(
        Code.URL_UNUSABLE,
        f"{url.host} is not known as a host of this GitLab, yet {url.path} is a path of the tenants' group: list the "
        "host under git_hosts in the settings if it is the same GitLab, else under foreign_hosts.",
    )


def _foreign(request: RepositoryRequest, host: str) -> RepositoryRequest:
    return request.drop(
        Code.FOREIGN_HOST, f"{host} is not a host of this GitLab; list it under git_hosts in the settings if it is."
    )
