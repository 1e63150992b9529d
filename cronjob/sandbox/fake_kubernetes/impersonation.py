"""
User impersonation: the Impersonate headers, and who may send them.

Source: k8s.io/apiserver, pkg/endpoints/filters/impersonation.go; "User impersonation" in the documentation of
authentication (Kubernetes 1.32).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from multidict import CIMultiDictProxy

from cronjob.sandbox.fake_kubernetes.authorization import Attempt, complaint
from cronjob.sandbox.fake_kubernetes.kinds import Kind
from cronjob.sandbox.fake_kubernetes.status import StatusError, forbidden
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld

AUTHENTICATION = "authentication.k8s.io"
EXTRA = "impersonate-extra-"


@dataclass(frozen=True)
class Identity:
    """The user of a request, as authorization and SelfSubjectReview see it."""

    user: str
    groups: tuple[str, ...]
    uid: str = ""
    extra: Mapping[str, list[str]] = field(default_factory=dict)


def identity_of(world: KubernetesWorld, headers: CIMultiDictProxy[str]) -> Identity:
    """The impersonated user of a request, or the world's own user. Impersonating needs the verb impersonate."""
    user = headers.get("Impersonate-User", "")
    groups = tuple(headers.getall("Impersonate-Group", []))
    uid = headers.get("Impersonate-Uid", "")
    extra = {
        unquote(name[len(EXTRA) :]).lower(): headers.getall(name) for name in headers if name.lower().startswith(EXTRA)
    }
    if not user:
        if groups or uid or extra:
            raise StatusError(500, "Internal error occurred: requested attributes without impersonating a user")
        return Identity(world.user, _groups_of(world.user))
    impersonated = Identity(user, _groups_of(user, groups), uid, extra)
    for attempt, kind in _attempts(user, groups, impersonated):
        if not world.allows(attempt):
            raise forbidden(kind, attempt.name, complaint(attempt, world.user))
    return impersonated


def _attempts(user: str, groups: tuple[str, ...], identity: Identity) -> Iterator[tuple[Attempt, Kind]]:
    """Everything that must be allowed to impersonate this identity, each with the kind that a refusal names."""
    if user.startswith("system:serviceaccount:"):
        namespace, name = user.split(":")[2:4]
        yield _attempt("", "serviceaccounts", name, namespace)
    else:
        yield _attempt("", "users", user)
    for group in groups:
        yield _attempt("", "groups", group)
    if identity.uid:
        yield _attempt(AUTHENTICATION, "uids", identity.uid)
    for key, values in identity.extra.items():
        for value in values:
            yield _attempt(AUTHENTICATION, f"userextras/{key}", value)


def _attempt(group: str, resource: str, name: str, namespace: str = "") -> tuple[Attempt, Kind]:
    return Attempt("impersonate", group, resource, namespace, name), Kind(group, "", resource.partition("/")[0])


def _groups_of(user: str, groups: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The groups of a user. A service account has those of its namespace unless others are given."""
    if not groups and user.startswith("system:serviceaccount:"):
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{user.split(':')[2]}")
    return groups if "system:authenticated" in groups else (*groups, "system:authenticated")
