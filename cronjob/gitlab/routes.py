"""GitLab's REST API routes (v4): the one place that spells them, relative to `/api/v4`."""

from __future__ import annotations

import re
from urllib.parse import quote

VERSION = "/version"
SELF = "/personal_access_tokens/self"
USER = "/user"

_PROJECTS = "/projects/"
_MOVED_PROJECT = re.compile(r"/api/v4/projects/(\d+)(?:[/?]|$)")


def group(id_or_path: int | str) -> str:
    """One group."""
    return f"/groups/{_segment(id_or_path)}"


def group_projects(id_or_path: int | str) -> str:
    """The list of a group's projects."""
    return f"{group(id_or_path)}/projects"


def project(id_or_path: int | str) -> str:
    """One project."""
    return f"{_PROJECTS}{_segment(id_or_path)}"


def deploy_keys(holder: str) -> str:
    """The list of the deploy keys of *holder*: the route of a project."""
    return f"{holder}/deploy_keys"


def hooks(holder: str) -> str:
    """The list of the webhooks of *holder*: the route of a project, or of anything else that has webhooks."""
    return f"{holder}/hooks"


def item(items: str, id_: int) -> str:
    """One element of the list at the route *items*."""
    return f"{items}/{id_}"


def enable(deploy_key: str) -> str:
    """Attach an existing deploy key to the project in the route *deploy_key*."""
    return f"{deploy_key}/enable"


def test_push(hook: str) -> str:
    """Send a test push to the webhook at the route *hook* (since 16.11)."""
    return f"{hook}/test/push_events"


def deliveries(hook: str) -> str:
    """The list of the last deliveries of the webhook at the route *hook* (since 17.3)."""
    return f"{hook}/events"


def is_about_a_project(route: str) -> bool:
    """Whether the route is a project's, or of something that a project has."""
    return route.startswith(_PROJECTS)


def is_a_list_of_hooks(route: str) -> bool:
    """Whether the route is a list of webhooks, to which one is added."""
    return route.endswith("/hooks")


def moved_project(location: str) -> int | None:
    """The id in the target of a redirect to a project's new path; None for any other target."""
    found = _MOVED_PROJECT.search(location)
    return int(found[1]) if found else None


def _segment(id_or_path: int | str) -> str:
    return str(id_or_path) if isinstance(id_or_path, int) else quote(id_or_path, safe="")
