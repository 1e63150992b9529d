"""
Authorization: everything is allowed unless a rule denies it.

Real clusters grant permissions instead. A denial reads better in a test: it names the one missing permission.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NotRequired, TypedDict


@dataclass(frozen=True)
class Attempt:
    """The attributes of a request, as Kubernetes' authorizer sees them."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""


class DenialFields(TypedDict):
    verb: str
    resource: str
    namespace: NotRequired[str | None]
    name: NotRequired[str | None]
    user: NotRequired[str | None]


@dataclass(frozen=True)
class Denial:
    """A missing permission; `*` stands for every verb or resource, None for every namespace, name or user."""

    verb: str
    resource: str
    namespace: str | None = None
    name: str | None = None
    user: str | None = None

    def covers(self, attempt: Attempt, user: str) -> bool:
        """
        Whether this rule denies *attempt* of *user*.

        A permission that is missing in one namespace is also missing for a request to all namespaces.
        """
        return (
            self.verb in {"*", attempt.verb}
            and self.resource in {"*", attempt.resource, f"{attempt.resource}.{attempt.group}"}
            and (self.namespace is None or attempt.namespace in {"", self.namespace})
            and (self.name is None or attempt.name == self.name)
            and self.user in {None, user}
        )


def complaint(attempt: Attempt, user: str) -> str:
    """The reason in the server's 403: who may not do what."""
    scope = f'in the namespace "{attempt.namespace}"' if attempt.namespace else "at the cluster scope"
    return f'User "{user}" cannot {attempt.verb} resource "{attempt.resource}" in API group "{attempt.group}" {scope}'
