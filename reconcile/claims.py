"""
What each GitRepository asks for: which project, and whose key.

A claim is followed step by step (URL, host, tenancy, project, Secret) until a step fails or all are done; the step
that failed is the one problem it reports. What is not allowed or lies outside is settled before a Secret is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

from reconcile.git_url import GitUrl, UnusableUrl, parse_git_url
from reconcile.model import LookUpFailed, NoPlace, Place, PlaceAnswer, Project, Ref
from reconcile.problems import Code, Problem
from reconcile.rules import Rules

SWITCH = "flux-gitlab-syncer/reconcile"
PIN = "flux-gitlab-syncer/project-id"


@dataclass(frozen=True, slots=True)
class Claim:
    """
    One GitRepository as far as it could be followed.

    *dropped*: not allowed, or not ours to serve; it gets nothing and holds nothing. *held* names the problem that
    keeps what it already has. *secret* is None where the URL needs no key.
    """

    ref: Ref
    labels: Mapping[str, str]
    url: GitUrl | None = None
    pin: str | None = None
    secret: Ref | None = None
    project: Project | None = None
    dropped: bool = False
    held: Code | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def path(self) -> str | None:
        """The lower-case path to look up, or None where no project is asked for."""
        return None if self.dropped or self.url is None else self.url.path.lower()

    @property
    def target(self) -> Project | None:
        """The project that may get webhooks through this claim; a problem with its key does not hinder them."""
        closed = self.dropped or self.held in {Code.DISABLED, Code.PROJECT_REPLACED}
        return None if closed else self.project

    def drop(self, code: Code, message: str) -> Claim:
        """This claim, not wanted, because of a problem that holds nothing."""
        return replace(self.warned(code, message), dropped=True)

    def hold(self, code: Code, message: str) -> Claim:
        """This claim with a problem that keeps what it has."""
        return replace(self.warned(code, message), held=self.held or code)

    def warned(self, code: Code, message: str) -> Claim:
        """This claim with a problem that changes nothing else."""
        path = self.project.path if self.project else None
        problem = Problem.of(code, message, object=self.ref, project=path)
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


def claims_from(items: Iterable[Mapping[str, Any]], rules: Rules, hosts: frozenset[str]) -> tuple[Claim, ...]:
    """The claims of all GitRepositories that are not being deleted, as far as they go without GitLab."""
    return tuple(_claim(item, rules, hosts) for item in items if not is_gone(item))


def _claim(item: Mapping[str, Any], rules: Rules, hosts: frozenset[str]) -> Claim:
    spec, metadata = item.get("spec") or {}, item["metadata"]
    ref = ref_of(item, "GitRepository")
    claim = Claim(
        ref,
        metadata.get("labels") or {},
        pin=(metadata.get("annotations") or {}).get(PIN),
        secret=_secret(spec, ref),
    )
    claim = _with_url(claim, str(spec.get("url") or ""), rules, hosts)
    if is_disabled(item) and not claim.dropped:
        # Its other problems are nobody's concern while it is switched off.
        claim = replace(claim, problems=())
        return claim.hold(
            Code.DISABLED,
            f"The annotation {SWITCH} says `disabled`: its deploy key and webhooks are left alone.",
        )
    return claim


def _secret(spec: Mapping[str, Any], ref: Ref) -> Ref | None:
    name = (spec.get("secretRef") or {}).get("name")
    is_generic = (spec.get("provider") or "generic") == "generic"
    needs_key = str(spec.get("url") or "").startswith("ssh://") and is_generic
    return Ref("Secret", ref.namespace, name) if name and needs_key else None


def _with_url(claim: Claim, text: str, rules: Rules, hosts: frozenset[str]) -> Claim:
    try:
        url = parse_git_url(text, rules.relative_root)
    except UnusableUrl as error:
        return claim.hold(
            Code.URL_UNUSABLE,
            f"No project can be read from spec.url: {error}. Write it as ssh://git@HOST/GROUP/PROJECT.git.",
        )
    claim = replace(claim, url=url)
    if url.host not in hosts:
        return claim.drop(
            Code.FOREIGN_HOST,
            f"{url.host} is not a host of this GitLab; list it under git_hosts in the settings if it is.",
        )
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


def placed(claim: Claim, places: Mapping[str, PlaceAnswer], rules: Rules) -> Claim:
    """The claim with its project, from GitLab's answers by lower-case path."""
    if claim.path is None or claim.url is None:
        return claim
    place = places.get(claim.path, NoPlace())
    if claim.held is Code.DISABLED:
        return replace(claim, project=place.project) if isinstance(place, Place) else claim
    match place:
        case Place():
            return _at(claim, claim.url.path, place, rules)
        case LookUpFailed(reason):
            return claim.hold(
                Code.PROJECT_UNREADABLE,
                f"GitLab did not say whether {claim.url.path} exists: {reason}. The next run tries again.",
            )
        case NoPlace():
            return claim.hold(
                Code.PROJECT_NOT_FOUND,
                f"GitLab has no project {claim.url.path} that this token can see; "
                "correct the URL, or make the bot account a Maintainer there.",
            )


def beside_unreadable(claim: Claim, unreadable: Set[int]) -> Claim:
    """The claim, held where its project's lists could not be read; that is reported once, with the project."""
    if claim.project and claim.project.id in unreadable and not claim.dropped:
        return replace(claim, held=claim.held or Code.PROJECT_UNREADABLE)
    return claim


def _at(claim: Claim, path: str, place: Place, rules: Rules) -> Claim:
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
    claim = replace(claim, project=project)
    if claim.pin is not None and claim.pin.strip() != str(project.id):
        return claim.hold(
            Code.PROJECT_REPLACED,
            f"The annotation {PIN} says {claim.pin.strip()}, but {project.path} has id {project.id}: "
            "another project took the path. Check whose it is, then correct the annotation.",
        )
    if place.moved:
        return claim.warned(
            Code.PROJECT_MOVED,
            f"{path} has moved to {project.path}; correct the URL, since anybody may take the old path.",
        )
    return claim
