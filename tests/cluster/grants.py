"""Rights as RBAC gives them, for the embedded API server: it denies what no role grants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cronjob.sandbox.fake_kubernetes.authorization import Attempt
from tests.cluster.manifests import Manifest

Role = tuple[Manifest, str | None]


@dataclass(frozen=True)
class Grants:
    """Denies whatever these roles do not grant: each a Role's rules and its namespace, or None for a ClusterRole's."""

    roles: tuple[Role, ...]

    def covers(self, attempt: Attempt, _user: str) -> bool:
        return not any(
            namespace in {None, attempt.namespace} and _grants(rule, attempt)
            for role, namespace in self.roles
            for rule in role["rules"]
        )


def _grants(rule: dict[str, Any], attempt: Attempt) -> bool:
    return (
        attempt.group in rule["apiGroups"]
        and attempt.resource in rule["resources"]
        and attempt.verb in rule["verbs"]
        and (not rule.get("resourceNames") or attempt.name in rule["resourceNames"])
    )


def bound_to(namespace: str, account: str, manifests: Iterable[Manifest]) -> Grants:
    """What the bindings among *manifests* give to a service account."""
    return Grants(tuple(_bound(namespace, account, list(manifests))))


def _bound(namespace: str, account: str, manifests: list[Manifest]) -> Iterator[Role]:
    roles = {(one["kind"], *_place(one)): one for one in manifests if one["kind"] in {"Role", "ClusterRole"}}
    for binding in manifests:
        if not binding["kind"].endswith("RoleBinding"):
            continue
        home, _ = _place(binding)
        subjects = {(one.get("namespace", home), one["name"]) for one in binding["subjects"]}
        if (namespace, account) in subjects:
            reference = binding["roleRef"]
            of = home if reference["kind"] == "Role" else ""
            yield roles[reference["kind"], of, reference["name"]], home or None


def _place(manifest: Manifest) -> tuple[str, str]:
    return manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"]
