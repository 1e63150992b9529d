"""
What each GitRepository asks for: which project, and whose key.

A claim is followed step by step (URL, host, tenancy, project) until a step fails, which is then the problem it
reports. What is not allowed or lies outside is settled before a Secret is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

from reconcile.causes import Cause
from reconcile.desired.git_url import GitUrl, UnusableUrl, parse_git_url
from reconcile.model import LookUpFailed, LookUpResult, Project, ProjectAbsent, ProjectLocation, Ref
from reconcile.problems import Code, Problem
from reconcile.rules import Rules

# Shared by all that have none.
NO_LABELS: Mapping[str, str] = {}
SWITCH = "flux-gitlab-syncer/reconcile"
PIN = "flux-gitlab-syncer/project-id"


@dataclass(frozen=True, slots=True)
class RepositoryRequest:
    """
    One GitRepository as far as it could be followed.

    *dropped*: not allowed, or not ours to serve; it has no project, gets nothing and holds nothing. *held* names the
    problem that keeps what it already has. *secret* is None where the URL needs no key. *vague*: the object is
    malformed, so neither its project nor its Secret is certain.
    """

    ref: Ref
    labels: Mapping[str, str]
    url: GitUrl | None = None
    pin: str | None = None
    secret: Ref | None = None
    project: Project | None = None
    dropped: bool = False
    vague: bool = False
    held: Code | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def path(self) -> str | None:
        """The lower-case path to look up, or None where no project is asked for, or no longer."""
        return None if self.dropped or self.url is None else self.url.path.lower()

    @property
    def target(self) -> Project | None:
        """The project that may get webhooks through this claim; a problem with its key does not hinder them."""
        return None if self.held in {Code.DISABLED, Code.PROJECT_REPLACED} else self.project

    @property
    def pinned(self) -> int | None:
        """The project id that the annotation names, or None where it names none."""
        text = (self.pin or "").strip()
        return int(text) if re.fullmatch("[0-9]{1,18}", text) else None

    def drop(self, code: Code, message: str) -> RepositoryRequest:
        """This claim, not wanted, because of the one problem that counts then; it holds nothing."""
        return replace(self, problems=(), held=None, project=None, dropped=True).warned(code, message)

    def hold(self, code: Code, message: str, cause: Cause | None = None) -> RepositoryRequest:
        """This claim with a problem that keeps what it has."""
        return replace(self.warned(code, message, cause), held=self.held or code)

    def at(self, project: Project) -> RepositoryRequest:
        """This claim with its project, its problems filed there."""
        filed = tuple(replace(problem, project=project.path) for problem in self.problems)
        return replace(self, project=project, problems=filed)

    def brief(self) -> RepositoryRequest:
        """This claim without the URL, once that has led to a project: thousands of them are kept."""
        return replace(self, url=None) if self.project else self

    def warned(self, code: Code, message: str, cause: Cause | None = None) -> RepositoryRequest:
        """This claim with a problem that changes nothing else."""
        path = self.project.path if self.project else None
        problem = Problem.of(code, message, object=self.ref, project=path).caused_by(cause)
        return replace(self, problems=(*self.problems, problem))


def ref_of(item: Mapping[str, Any], kind: str) -> Ref:
    """The object's name as a Ref."""
    return Ref(kind, item["metadata"]["namespace"], item["metadata"]["name"])


def is_disabled(item: Mapping[str, Any]) -> bool:
    """Whether the object's annotation tells this program to leave it alone."""
    return (item["metadata"].get("annotations") or {}).get(SWITCH) == "disabled"


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
    """The claims of all GitRepositories that are not being deleted, as far as they go without GitLab."""
    return tuple(claim for item in items if (claim := repository_request_from(item, rules, known)))


def repository_request_from(item: Mapping[str, Any], rules: Rules, known: KnownProjects) -> RepositoryRequest | None:
    """The claim of one GitRepository, or None where it is being deleted."""
    if is_gone(item):
        return None
    spec, metadata = item.get("spec") or {}, item["metadata"]
    ref = ref_of(item, "GitRepository")
    claim = RepositoryRequest(
        ref,
        metadata.get("labels") or NO_LABELS,
        pin=(metadata.get("annotations") or {}).get(PIN),
        secret=_secret(spec, ref),
    )
    broken = item.get("broken")
    if broken:
        claim = replace(claim, vague=True).hold(Code.URL_UNUSABLE, f"The object is malformed: {broken}. Correct it.")
    else:
        claim = _with_url(claim, str(spec.get("url") or ""), rules, known)
    if is_disabled(item) and not claim.dropped:
        # Its other problems are nobody's concern while it is switched off.
        return replace(claim, problems=(), held=None).hold(
            Code.DISABLED,
            f"The annotation {SWITCH} says `disabled`: its deploy key and webhooks are left alone until it is removed.",
        )
    return claim


def _secret(spec: Mapping[str, Any], ref: Ref) -> Ref | None:
    name = (spec.get("secretRef") or {}).get("name")
    is_generic = (spec.get("provider") or "generic") == "generic"
    # What is neither ssh nor http(s) is unusable, and holds its key until it is corrected.
    needs_key = not str(spec.get("url") or "").startswith(("http://", "https://")) and is_generic
    return Ref("Secret", ref.namespace, name) if name and needs_key else None


def _with_url(claim: RepositoryRequest, text: str, rules: Rules, known: KnownProjects) -> RepositoryRequest:
    try:
        url = parse_git_url(text, rules.relative_root)
    except UnusableUrl as error:
        if error.host is not None and error.host not in known.hosts:
            return _foreign(claim, error.host)
        return claim.hold(
            Code.URL_UNUSABLE,
            f"No project can be read from spec.url: {error}. Write it as ssh://git@HOST/GROUP/PROJECT.git.",
        )
    claim = replace(claim, url=url)
    if url.host not in known.hosts:
        return _alias(claim, url.host) if url.path.lower() in known.paths else _foreign(claim, url.host)
    if not rules.tenancy.allows(claim.ref.namespace, url.path):
        return claim.drop(
            Code.NOT_ALLOWED,
            f"The tenancy rules do not let namespace {claim.ref.namespace} name {url.path}; "
            "correct the URL, or the rules in the settings.",
        )
    if not url.fetchable:
        return claim.warned(
            Code.URL_NOT_FETCHABLE,
            f"Flux cannot fetch this URL: what follows `{url.host}:` is read as a port. "
            f"Write ssh://git@{url.host}/{url.path}.git instead.",
        )
    return claim


def _alias(claim: RepositoryRequest, host: str) -> RepositoryRequest:
    """A host nobody knows, with a path of the group: too likely another name of this GitLab to be taken as foreign."""
    return replace(claim, url=None).hold(
        Code.URL_UNUSABLE,
        f"{host} is not known as a host of this GitLab, which has a project at this very path; list it under git_hosts "
        "in the settings if it is the same GitLab, else give the Secret another name.",
    )


def _foreign(claim: RepositoryRequest, host: str) -> RepositoryRequest:
    return claim.drop(
        Code.FOREIGN_HOST, f"{host} is not a host of this GitLab; list it under git_hosts in the settings if it is."
    )


def with_project(claim: RepositoryRequest, places: Mapping[str, LookUpResult], rules: Rules) -> RepositoryRequest:
    """The claim with its project, from GitLab's answers by lower-case path."""
    if claim.dropped or claim.url is None:
        return claim
    match places.get(claim.url.path.lower(), ProjectAbsent()):
        case ProjectLocation() as place:
            return _at(claim, claim.url.path, place, rules)
        case _ if claim.held is Code.DISABLED:
            return claim
        case LookUpFailed(reason, cause):
            return claim.hold(
                Code.PROJECT_UNREADABLE,
                f"GitLab did not say whether {claim.url.path} exists: {reason}. {cause.next_step}",
                cause,
            )
        case _:
            return claim.hold(
                Code.PROJECT_NOT_FOUND,
                f"GitLab has no project {claim.url.path} that this token can see; "
                "correct the URL, or make the bot account a Maintainer there.",
            )


def held_if_unreadable(claim: RepositoryRequest, unreadable: Set[int]) -> RepositoryRequest:
    """The claim, held where its project's lists could not be read; that is reported once, with the project."""
    if claim.project and claim.project.id in unreadable:
        return replace(claim, held=claim.held or Code.PROJECT_UNREADABLE)
    return claim


def _at(claim: RepositoryRequest, path: str, place: ProjectLocation, rules: Rules) -> RepositoryRequest:
    project = place.project
    if not rules.tenancy.allows(claim.ref.namespace, project.path):
        return claim.drop(
            Code.NOT_ALLOWED,
            f"The URL's project is now {project.path}, which the tenancy rules do not let namespace "
            f"{claim.ref.namespace} name; correct the URL.",
        )
    if not place.inside:
        return claim.drop(
            Code.PROJECT_OUTSIDE_GROUP,
            f"{project.path} lies outside the group and is never touched; "
            f"add it with --extra-project {project.path} if it should be.",
        )
    claim = claim.at(project)
    if claim.held is Code.DISABLED:
        return claim
    if claim.pin is not None and claim.pinned != project.id:
        named = "no project id" if claim.pinned is None else f"project {claim.pinned}"
        return claim.hold(
            Code.PROJECT_REPLACED,
            f"The annotation {PIN} names {named}, but {project.path} has id {project.id}: "
            "another project may have taken the path. Check whose it is, then correct the annotation.",
        )
    if place.moved:
        return claim.warned(
            Code.PROJECT_MOVED,
            f"{path} has moved to {project.path}; correct the URL, since anybody may take the old path.",
        )
    return claim
