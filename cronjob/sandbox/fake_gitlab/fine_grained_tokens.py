"""
Permissions of fine-grained personal access tokens (GitLab 19.2, doc/auth/tokens/fine_grained_access_tokens.md).

The format of the refusal is the documentation's. The names of the permissions of deploy keys and webhooks are not
in it; they are formed like the names that are.
"""

from typing import NamedTuple

from cronjob.sandbox.fake_gitlab.answers import Answer, RefusedError
from cronjob.sandbox.fake_gitlab.records import Token


class Permission(NamedTuple):
    """A permission that a route requires. *boundary* is project, group, user or instance."""

    boundary: str
    name: str


def refuse_missing_permission(permission: Permission, token: Token, *, enforced: bool) -> None:
    """
    Refuse a fine-grained token without *permission*, with 403.

    With *enforced* the instance accepts fine-grained tokens only, and refuses other tokens in the same way.
    """
    if token.permissions is None and not enforced:
        return
    if token.permissions is not None and permission.name in token.permissions:
        return
    description = (
        "Access denied: This operation requires a fine-grained personal access token with the following "
        f"{permission.boundary} permissions: [{permission.name}]."
    )
    raise RefusedError(Answer(403, {"error": "insufficient_granular_scope", "error_description": description}))
