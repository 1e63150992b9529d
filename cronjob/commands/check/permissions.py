"""Ask Kubernetes for the job's permissions (SelfSubjectAccessReview, authorization.k8s.io/v1)."""

from __future__ import annotations

from dataclasses import dataclass

from cronjob.kube.client import KubeApi
from cronjob.kube.errors import NoAnswer

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
LEASES = ("coordination.k8s.io", "leases")


@dataclass(frozen=True, slots=True)
class Permission:
    """One verb on one kind of object. An empty *namespace* means all namespaces, an empty *name* every name."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str = ""

    def __str__(self) -> str:
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        name = f" {self.name}" if self.name else ""
        scope = f"namespace {self.namespace}" if self.namespace else "all namespaces"
        return f"{self.verb} {resource}{name} in {scope}"

    @property
    def rule(self) -> str:
        """The Role's rule that grants it."""
        names = f", resourceNames: [{self.name}]" if self.name else ""
        return f'{{apiGroups: ["{self.group}"], resources: [{self.resource}]{names}, verbs: [{self.verb}]}}'


def is_allowed(api: KubeApi, permission: Permission) -> bool:
    """Tell whether the job has a permission. Raises NoAnswer where Kubernetes does not say."""
    attributes = {
        "verb": permission.verb,
        "group": permission.group,
        "resource": permission.resource,
        "namespace": permission.namespace,
    }
    if permission.name:
        attributes["name"] = permission.name
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    match api.send("POST", _REVIEWS, body=review).parsed():
        case {"status": {"allowed": bool(allowed)}}:
            return allowed
    raise NoAnswer("it does not say what is allowed")
