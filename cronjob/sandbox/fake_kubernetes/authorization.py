"""
Who may do what: everything, except for what a rule denies.

Real clusters grant instead. Denying reads better in a test: it names the one right that is missing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Attempt:
    """One thing that somebody wants to do, in the words of Kubernetes' authorizer."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True)
class Denial:
    """A right that is missing; `*` stands for every verb or resource, None for every namespace or name."""

    verb: str
    resource: str
    namespace: str | None = None
    name: str | None = None

    def covers(self, attempt: Attempt) -> bool:
        """
        Whether this rule forbids *attempt*.

        Without the right in one namespace nobody has it in all of them.
        """
        return (
            self.verb in {"*", attempt.verb}
            and self.resource in {"*", attempt.resource, f"{attempt.resource}.{attempt.group}"}
            and (self.namespace is None or attempt.namespace in {"", self.namespace})
            and (self.name is None or attempt.name == self.name)
        )


def complaint(attempt: Attempt, user: str) -> str:
    """Who cannot do what, as the server says it."""
    where = f'in the namespace "{attempt.namespace}"' if attempt.namespace else "at the cluster scope"
    return f'User "{user}" cannot {attempt.verb} resource "{attempt.resource}" in API group "{attempt.group}" {where}'
