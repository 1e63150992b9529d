"""What desired state is made from: Flux's objects, their Secrets, and where GitLab has the projects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reconcile.actual import Actual
from reconcile.desired.desired import Desired, desired_from
from reconcile.desired.needed_secrets import secrets_to_read
from reconcile.desired.receivers import receiver_requests_from
from reconcile.desired.repositories import KnownProjects, RepositoryRequest, repository_requests_from
from reconcile.desired.repository_projects import held_if_unreadable, with_project
from reconcile.desired.requests import Requests
from reconcile.model import LookUpResult, Project, ProjectLocation, Ref, SecretAnswer, SecretMissing
from reconcile.rules import Rules
from tests.worlds.builders import HOST, NAMESPACE, a_key_secret, a_token_secret, some_rules
from tests.worlds.objects import KEYS, TOKENS, a_git_repository, a_receiver

APP = Project(7, "tenants/app")
WEB = Project(8, "tenants/web")


def _everything() -> dict[str, SecretAnswer]:
    return {f"{NAMESPACE}/{KEYS}": a_key_secret(), f"{NAMESPACE}/{TOKENS}": a_token_secret()}


def _two_projects() -> dict[str, LookUpResult]:
    return {project.path: ProjectLocation(project) for project in (APP, WEB)}


@dataclass
class Inputs:
    """
    What Flux, its Secrets and GitLab's listing show; without arguments one tenant whose key and webhook are in order.

    *secrets* go by `namespace/name`, *places* by lower-case path. Only the Secrets that are asked for are answered.
    """

    repositories: list[dict[str, Any]] = field(default_factory=lambda: [a_git_repository()])
    receivers: list[dict[str, Any]] = field(default_factory=lambda: [a_receiver()])
    secrets: dict[str, SecretAnswer] = field(default_factory=_everything)
    places: dict[str, LookUpResult] = field(default_factory=_two_projects)
    rules: Rules = field(default_factory=some_rules)
    unreadable: frozenset[int] = frozenset()
    actual: Actual = field(default_factory=Actual)

    def requests(self) -> list[RepositoryRequest]:
        """The GitRepositories with their projects."""
        repositories = repository_requests_from(self.repositories, self.rules, KnownProjects(frozenset({HOST})))
        found = [with_project(request, self.places, self.rules) for request in repositories]
        return [held_if_unreadable(request, self.unreadable) for request in found]

    def asked_secrets(self) -> tuple[set[Ref], set[Ref]]:
        """The Secrets to be read, for keys and for tokens."""
        needs = secrets_to_read(self.requests(), receiver_requests_from(self.receivers), self.rules)
        return set(needs.keys), set(needs.tokens)

    def desired(self) -> Desired:
        """What all of it asks for."""
        keys, tokens = self.asked_secrets()
        secrets = {ref: self.secrets.get(f"{ref.namespace}/{ref.name}", SecretMissing()) for ref in keys | tokens}
        requests = Requests(tuple(self.requests()), receiver_requests_from(self.receivers))
        return desired_from(requests, secrets, self.rules, self.actual)
