"""
The kinds of the embedded Kubernetes, and the versions that each Flux release serves.
"""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "source.toolkit.fluxcd.io"
NOTIFICATION = "notification.toolkit.fluxcd.io"
KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
FLUX_GROUPS = (SOURCE, NOTIFICATION, KUSTOMIZE)
# Flux Operator's own group; `KubernetesWorld.install_flux_operator` serves it.
FLUX_OPERATOR = "fluxcd.controlplane.io"

ALL_VERBS = ("create", "delete", "get", "list", "patch", "update")
REVIEW_VERBS = ("create",)


@dataclass(frozen=True)
class Kind:
    """One kind of object, with its names in discovery."""

    group: str
    kind: str
    plural: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    has_status: bool = False
    verbs: tuple[str, ...] = ALL_VERBS

    @property
    def singular(self) -> str:
        """The name that `kubectl get` takes for one of them."""
        return self.kind.lower()

    @property
    def qualified(self) -> str:
        """The name that error messages use: the plural, with the group where there is one."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def is_custom(self) -> bool:
        """Whether it is a custom resource; a few answers differ from those for built-in kinds."""
        return self.group in FLUX_GROUPS or self.group == FLUX_OPERATOR

    @property
    def is_guarded(self) -> bool:
        """Whether an update must have a resourceVersion."""
        return self.is_custom or self.kind == "Lease"

    @property
    def is_review(self) -> bool:
        """Whether it is a review: answered and not stored."""
        return self.verbs == REVIEW_VERBS


KINDS = (
    Kind("", "Namespace", "namespaces", ("ns",), namespaced=False, has_status=True),
    Kind("", "Secret", "secrets"),
    Kind("", "Event", "events", ("ev",)),
    Kind("coordination.k8s.io", "Lease", "leases"),
    Kind(
        "authorization.k8s.io",
        "SelfSubjectAccessReview",
        "selfsubjectaccessreviews",
        namespaced=False,
        verbs=REVIEW_VERBS,
    ),
    Kind(
        "authorization.k8s.io",
        "SelfSubjectRulesReview",
        "selfsubjectrulesreviews",
        namespaced=False,
        verbs=REVIEW_VERBS,
    ),
    Kind(
        "authentication.k8s.io",
        "SelfSubjectReview",
        "selfsubjectreviews",
        namespaced=False,
        verbs=REVIEW_VERBS,
    ),
    Kind(SOURCE, "GitRepository", "gitrepositories", ("gitrepo",), ("all", "fluxcd"), has_status=True),
    Kind(NOTIFICATION, "Receiver", "receivers", (), ("all", "fluxcd"), has_status=True),
    Kind(KUSTOMIZE, "Kustomization", "kustomizations", ("ks",), ("all", "fluxcd"), has_status=True),
    Kind(FLUX_OPERATOR, "ResourceSetInputProvider", "resourcesetinputproviders", ("rsip",), has_status=True),
)

BY_KIND = {kind.kind: kind for kind in KINDS}
BY_RESOURCE = {(kind.group, kind.plural): kind for kind in KINDS}

BUILT_IN = ("", "coordination.k8s.io", "authorization.k8s.io", "authentication.k8s.io")

_V1 = ("v1",)
_V1_V1BETA2 = ("v1", "v1beta2")
_V1_AND_BETAS = ("v1", "v1beta2", "v1beta1")
_BETAS = ("v1beta2", "v1beta1")

# Flux release: versions of GitRepository, Receiver and Kustomization, preferred first.
# v1beta2 left the Receiver one release later than the other two.
SERVED_BY_FLUX = {
    "": None,
    "0.37": (_BETAS, ("v1beta1",), _BETAS),
    "0.41": (_BETAS, _BETAS, _BETAS),
    "2.6": (_V1_AND_BETAS, _V1_AND_BETAS, _V1_AND_BETAS),
    "2.7": (_V1_V1BETA2, _V1_V1BETA2, _V1_V1BETA2),
    "2.8": (_V1, _V1_V1BETA2, _V1),
    "2.9": (_V1, _V1, _V1),
}


def served_versions(flux: str) -> dict[str, list[str]]:
    """Group -> served versions in a cluster with this release of *flux*; empty: Flux is not installed."""
    if flux not in SERVED_BY_FLUX:
        raise ValueError(f"unknown Flux release {flux!r}; known: {', '.join(filter(None, SERVED_BY_FLUX))}")
    served = {group: ["v1"] for group in BUILT_IN}
    for group, versions in zip(FLUX_GROUPS, SERVED_BY_FLUX[flux] or (), strict=False):
        served[group] = list(versions)
    return served
