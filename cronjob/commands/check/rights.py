"""What Kubernetes lets us do, by its own word (SelfSubjectAccessReview, authorization.k8s.io/v1)."""

from __future__ import annotations

from dataclasses import dataclass

from cronjob.kube.client import KubeApi
from cronjob.kube.errors import NoAnswer

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
LEASES = ("coordination.k8s.io", "leases")


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one kind of object; *namespace* is empty for all of them, *name* for every name."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str = ""

    def __str__(self) -> str:
        what = f"{self.resource}.{self.group}" if self.group else self.resource
        named = f" {self.name}" if self.name else ""
        return f"{self.verb} {what}{named} in {f'namespace {self.namespace}' if self.namespace else 'all namespaces'}"

    @property
    def rule(self) -> str:
        """The rule of a Role that gives it."""
        names = f", resourceNames: [{self.name}]" if self.name else ""
        return f'{{apiGroups: ["{self.group}"], resources: [{self.resource}]{names}, verbs: [{self.verb}]}}'


def is_allowed(api: KubeApi, right: Right) -> bool:
    """Whether we may. Raises NoAnswer where Kubernetes does not say."""
    attributes = {"verb": right.verb, "group": right.group, "resource": right.resource, "namespace": right.namespace}
    if right.name:
        attributes["name"] = right.name
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    match api.send("POST", _REVIEWS, body=review).parsed():
        case {"status": {"allowed": bool(allowed)}}:
            return allowed
    raise NoAnswer("it does not say what is allowed")
