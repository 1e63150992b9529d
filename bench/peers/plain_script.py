"""
What one would write with python-gitlab in an afternoon: the same job as ours, from a file, one project after the other.

    GITLAB_URL=... GITLAB_TOKEN=... python plain_script.py GROUP WANTED.json

What it makes is titled `flux`, and described so; what is titled so and not wanted any more is deleted. A project that
fails is named, and the others are done all the same; the exit code is then 1.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import gitlab

OURS = "flux"


def main(group: str, wanted_file: str) -> int:
    """Go through the group's projects once; the exit code."""
    wanted = {one["project"]: one for one in json.loads(Path(wanted_file).read_text())}
    server = gitlab.Gitlab(os.environ["GITLAB_URL"], private_token=os.environ["GITLAB_TOKEN"], per_page=100)
    failed = 0
    for listed in server.groups.get(group, with_projects=False).projects.list(include_subgroups=True, iterator=True):
        # Lazy: the list has all that is needed to ask for its keys and webhooks.
        project = server.projects.get(listed.id, lazy=True)
        try:
            sync(project, wanted.get(listed.path_with_namespace))
        except gitlab.GitlabError as error:
            sys.stderr.write(f"{listed.path_with_namespace}: {error}\n")
            failed += 1
    return 1 if failed else 0


def sync(project: Any, wanted: dict[str, str] | None) -> None:
    """Give *project* its key and its webhook if it lacks them, and take off what is ours and no longer wanted."""
    keys = project.keys.list(get_all=True)
    hooks = project.hooks.list(get_all=True)
    if wanted and not any(key.key == wanted["key"] for key in keys):
        project.keys.create({"title": OURS, "key": wanted["key"], "can_push": False})
    if wanted and not any(hook.url == wanted["url"] for hook in hooks):
        project.hooks.create(
            {
                "url": wanted["url"],
                "token": wanted["token"],
                "description": OURS,
                "push_events": True,
                "tag_push_events": True,
                "enable_ssl_verification": True,
            }
        )
    for key in keys:
        if key.title == OURS and not (wanted and key.key == wanted["key"]):
            key.delete()
    for hook in hooks:
        if hook.description == OURS and not (wanted and hook.url == wanted["url"]):
            hook.delete()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
