"""The decision of a run, made for one GitRepository and its one project: the same rules on less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconcile.actual import Actual, Items, Unreadable, actual_from
from reconcile.desired.desired import Desired, desired_from
from reconcile.desired.receiver_targets import RepositoryIndex, targets_of
from reconcile.desired.receivers import ReceiverRequest
from reconcile.desired.repositories import RepositoryRequest, ref_of
from reconcile.desired.requests import Requests as AllRequests
from reconcile.model import Project, PublicKey, Ref, Secret, SecretAnswer
from reconcile.plan.plan import Plan, make_plan
from reconcile.problems import Problem
from reconcile.rules import Rules


@dataclass(frozen=True, slots=True)
class ProjectState:
    """What one project has at GitLab; *archived* is False where GitLab does not say."""

    items: Items | Unreadable
    archived: bool = False

    @property
    def project(self) -> Project:
        """The project."""
        return self.items.project


@dataclass(frozen=True, slots=True)
class Requests:
    """
    What the cluster's objects ask for.

    *repository* is the GitRepository that is traced, *repositories* are all, with it; *receivers* are all Receivers.
    """

    repository: RepositoryRequest
    repositories: tuple[RepositoryRequest, ...]
    receivers: tuple[ReceiverRequest, ...]

    @property
    def of_all(self) -> AllRequests:
        """The requests without the choice of the traced one."""
        return AllRequests(self.repositories, self.receivers)


@dataclass(frozen=True, slots=True)
class TenantTrace:
    """
    One GitRepository and all that a run would know of it.

    *item* is the object as Kubernetes has it. *request* is None where it is being deleted. *receivers* are those that
    name it, *others* all that do not. *plan* is what a run would do on its project, with the problems that it would
    report.
    """

    item: Mapping[str, Any]
    rules: Rules
    request: RepositoryRequest | None = None
    receivers: tuple[ReceiverRequest, ...] = ()
    others: tuple[ReceiverRequest, ...] = ()
    secrets: Mapping[Ref, SecretAnswer] = field(default_factory=dict)
    state: ProjectState | None = None
    desired: Desired = field(default_factory=Desired)
    plan: Plan = field(default_factory=Plan)

    @property
    def ref(self) -> Ref:
        """The GitRepository."""
        return ref_of(self.item, "GitRepository")

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its spec; fields that no run reads may have any shape."""
        return self.item.get("spec") or {}

    @property
    def provider(self) -> str:
        """Its spec.provider; only `generic` uses SSH keys at a GitLab."""
        return str(self.spec.get("provider") or "generic")

    @property
    def needs_key(self) -> bool:
        """Whether Flux clones it with an SSH key."""
        is_http = str(self.spec.get("url") or "").startswith(("http://", "https://"))
        return not is_http and self.provider == "generic"

    @property
    def project(self) -> Project | None:
        """The project that its URL leads to, if a run may serve that project."""
        return self.request.project if self.request else None

    @property
    def items(self) -> Items | None:
        """The project's deploy keys and webhooks, where they could be read."""
        return self.state.items if self.state and isinstance(self.state.items, Items) else None

    @property
    def key(self) -> PublicKey | None:
        """The public half of the Secret's private key."""
        secret = self.secrets.get(self.request.secret) if self.request and self.request.secret else None
        return secret.public_key if isinstance(secret, Secret) else None

    def problems(self, ref: Ref | None) -> list[Problem]:
        """Return what a run would report of that object, or, for None, of the project itself."""
        name = str(ref) if ref else None
        return [problem for problem in self.plan.problems if problem.object == name]


def receivers_naming(requests: Requests, rules: Rules) -> tuple[ReceiverRequest, ...]:
    """Return the Receivers that name the GitRepository, also where the settings do not let them reach that far."""
    index = RepositoryIndex(requests.repositories)
    return tuple(receiver for receiver in requests.receivers if _names(receiver, requests.repository, index, rules))


def trace_of(
    item: Mapping[str, Any],
    requests: Requests,
    rules: Rules,
    *,
    secrets: Mapping[Ref, SecretAnswer],
    state: ProjectState | None,
) -> TenantTrace:
    """Decide as a run would, from the answers of both servers about one GitRepository."""
    named = receivers_naming(requests, rules)
    actual = actual_from([state.items]) if state else Actual()
    desired = desired_from(requests.of_all, secrets, rules, actual)
    return TenantTrace(
        item,
        rules,
        requests.repository,
        named,
        tuple(receiver for receiver in requests.receivers if receiver not in named),
        secrets,
        state,
        desired,
        make_plan(desired, actual, rules),
    )


def _names(receiver: ReceiverRequest, request: RepositoryRequest, index: RepositoryIndex, rules: Rules) -> bool:
    _, named = targets_of(receiver, index, rules)
    return any(target.ref == request.ref for target in named) or any(
        resource.name == request.ref.name and (resource.namespace or receiver.ref.namespace) == request.ref.namespace
        for resource in receiver.resources
    )
