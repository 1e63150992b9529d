"""
URL paths of the Kubernetes API: group, version, namespace, resource, name and subresource.
"""

from __future__ import annotations

from dataclasses import dataclass

from cronjob.sandbox.fake_kubernetes.authorization import Attempt
from cronjob.sandbox.fake_kubernetes.kinds import BY_RESOURCE, FLUX_GROUPS, FLUX_OPERATOR, Kind
from cronjob.sandbox.fake_kubernetes.status import unserved


class PageNotFoundError(Exception):
    """A path that is not served; the answer is plain text, not a Status."""


@dataclass(frozen=True)
class Target:
    """A kind in one version, and the namespace, object and subresource where the URL has them (else "")."""

    kind: Kind
    version: str
    namespace: str
    name: str
    subresource: str

    def attempt(self, verb: str) -> Attempt:
        """The attributes of *verb* on this target for the authorizer."""
        resource = f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural
        # The authorizer treats a read of a namespace as one in that namespace, though namespaces are cluster-scoped.
        namespace = self.name if self.kind.kind == "Namespace" else self.namespace
        return Attempt(verb, self.kind.group, resource, namespace, self.name)


def target_of(path: str, served: dict[str, list[str]]) -> Target:
    """The target that *path* names, as far as its group and version are *served*."""
    group, version, rest = _split(path)
    if version not in served.get(group, ()):
        raise PageNotFoundError
    namespace, resource, rest = _namespace_and_resource(rest)
    kind = BY_RESOURCE.get((group, resource))
    name, subresource = [*rest, "", ""][:2]
    if kind is None or not _exists(kind, namespace, rest):
        raise PageNotFoundError if group in (*FLUX_GROUPS, FLUX_OPERATOR) else unserved()
    return Target(kind, version, namespace, name, subresource)


def _split(path: str) -> tuple[str, str, list[str]]:
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        return "", parts[1], parts[2:]
    if parts[:1] == ["apis"] and len(parts) > 3:
        return parts[1], parts[2], parts[3:]
    raise PageNotFoundError


def _namespace_and_resource(parts: list[str]) -> tuple[str, str, list[str]]:
    """`namespaces/x/secrets` is about secrets, `namespaces/x` and `namespaces/x/status` about a namespace."""
    if parts[0] == "namespaces" and len(parts) > 2 and parts[2] != "status":
        return parts[1], parts[2], parts[3:]
    return "", parts[0], parts[1:]


def _exists(kind: Kind, namespace: str, rest: list[str]) -> bool:
    if len(rest) > 1 and not (kind.has_status and rest[1:] == ["status"]):
        return False
    if not kind.namespaced:
        return not namespace
    return bool(namespace) or not rest
