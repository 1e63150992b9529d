"""Two tenants, `a` and `b`, each with a GitRepository and a Receiver, and the runs over them."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from reconcile.actual import Actual, actual_from
from reconcile.model import LookUpResult, Project
from reconcile.plan.limits import NO_LIMITS
from reconcile.report import Report
from reconcile.rules import Rules
from reconcile.run import RunOptions, reconcile, retire
from reconcile.undo.removed import Removed, removed_from
from reconcile.undo.undo import undo
from tests.worlds.builders import a_public_key, some_rules
from tests.worlds.ports import HOST, GitLabInMemory, Kubernetes

A, B, OUTSIDE = Project(1, "tenants/a"), Project(2, "tenants/b"), Project(9, "elsewhere/a")


@dataclass
class GitLabWithLookUps(GitLabInMemory):
    """The same with answers for paths that its listing lacks."""

    places: dict[str, LookUpResult] = field(default_factory=dict)

    def find(self, paths: Any) -> dict[str, LookUpResult]:
        return {**super().find(paths), **{path: self.places[path] for path in paths if path in self.places}}


@dataclass
class TwoTenants:
    """Flux's objects and the GitLab group of both; *removed* is what the report says of a tenant that left."""

    flux: Kubernetes = field(default_factory=Kubernetes)
    gitlab: GitLabWithLookUps = field(default_factory=GitLabWithLookUps)
    rules: Rules = field(default_factory=some_rules)
    removed: tuple[Removed, ...] = ()

    def run(self, **options: object) -> Report:
        self._begin(self.rules)
        return reconcile(self.flux, self.gitlab, self.rules, RunOptions(**{"gitlab_host": HOST, **options}))

    def retire(self, **options: object) -> Report:
        rules = replace(self.rules, identity=replace(self.rules.identity, every_namespace=True))
        self._begin(rules)
        return retire(self.gitlab, rules, RunOptions(**{"gitlab_host": HOST, **options}))

    def undo(self, **options: object) -> Report:
        self._begin(self.rules)
        unlimited = {"gitlab_host": HOST, "limits": NO_LIMITS}
        return undo(self.flux, self.gitlab, self.rules, RunOptions(**{**unlimited, **options}), removed=self.removed)

    def _begin(self, rules: Rules) -> None:
        self.flux.readings = 0
        self.gitlab.written.clear()
        self.gitlab.rules = rules

    def leave(self, name: str = "a") -> None:
        """The tenant leaves and is pruned; its token's Secret stays."""
        self.flux.remove(name)
        self.removed = removed_from(json.loads(json.dumps(self.run().as_dict())))
        assert self.removed != ()

    def name_its_secret(self) -> None:
        """A GitRepository at the other project names the Secret of the tenant that left."""
        self.flux.add_repository("other", B.path, a_public_key(1), secret="a")

    def come_back(self, *, seed: str = "token-a") -> None:
        self.flux.add_repository("a", A.path, a_public_key(1))
        self.flux.add_receiver("a", ["a"], seed)

    @property
    def state(self) -> Actual:
        return deepcopy(actual_from(self.gitlab.state_of(project) for project in self.gitlab.projects.values()))

    @property
    def items(self) -> tuple[list[str], list[str]]:
        """What project `a` has."""
        return self.gitlab.titles(A), self.gitlab.urls(A)


def messages(report: Report, code: str = "CannotPutBack") -> list[str]:
    return [one.message for one in report.plan.problems if one.code == code]


def codes(report: Report) -> list[str]:
    return [one.code for one in report.plan.problems]
