"""Which namespace may name which project."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


def glob_pattern(glob: str) -> str:
    """A regular expression for *glob*: `*` stays within one segment, `**` crosses slashes, the rest is literal."""
    parts = re.split(r"(\*\*|\*)", glob)
    return "".join({"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts)


def matches(glob: str, text: str) -> bool:
    """Whether the whole of *text* matches *glob*, without regard to case."""
    return re.fullmatch(glob_pattern(glob.lower()), text.lower(), re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class Rule:
    """Namespaces that match *namespace* may name projects that match *projects* (`{namespace}` is filled in)."""

    namespace: str
    projects: str

    def allows(self, namespace: str, path: str) -> bool:
        """Whether this rule lets *namespace* name the project at *path*."""
        return matches(self.namespace, namespace) and matches(self.projects.replace("{namespace}", namespace), path)


@dataclass(frozen=True, slots=True)
class Tenancy:
    """The rules of the settings; without any, every namespace may name every project."""

    rules: tuple[Rule, ...] = ()

    @classmethod
    def from_settings(cls, rules: Iterable[Mapping[str, str]]) -> Tenancy:
        """Rules as the settings file has them: a list of `{namespace: GLOB, projects: GLOB}`."""
        return cls(tuple(Rule(rule["namespace"], rule["projects"]) for rule in rules))

    def allows(self, namespace: str, path: str) -> bool:
        """Whether some rule lets *namespace* name the project at *path*."""
        return not self.rules or any(rule.allows(namespace, path) for rule in self.rules)
