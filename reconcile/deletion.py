"""
Scheduled deletion: what GitLab is about to delete still answers, under another path.

GitLab 18 renames a project or group to `PATH-deletion_scheduled-ID` and redirects the former path
(namespaces/mark_for_deletion_base_service.rb); GitLab before that wrote `-deleted-ID`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconcile.model import Project

_SCHEDULED = re.compile(r"-deletion_scheduled-\d+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ScheduledDeletion:
    """
    A project that GitLab is about to delete. *path* is its former path, and the one it has again once it is restored.

    *group* is the former path of the group that is deleted with it, None where the project itself is scheduled.
    *marked_on* is the day on which that was done, None where GitLab does not say.
    """

    path: str
    group: str | None = None
    marked_on: str | None = None

    @property
    def message(self) -> str:
        """What happened and how to restore it; never with the new path, which is no address to use."""
        since = f" since {self.marked_on}" if self.marked_on else ""
        what = f"the group {self.group}" if self.group else "the project"
        return (
            f"{self.path} is scheduled for deletion{since}: GitLab deletes {what} "
            "some days after that. Restore it there (Settings > General > Advanced), or remove the GitRepository; "
            "until then nothing is created on it."
        )


def scheduled_deletion(project: Project, marked_on: str | None = None) -> ScheduledDeletion | None:
    """Return what is known of the project's deletion, from its path and from GitLab's mark; None where it stays."""
    *groups, name = project.path.split("/")
    former_groups = [_SCHEDULED.sub("", group) for group in groups]
    former_name = _SCHEDULED.sub("", name).removesuffix(f"-deleted-{project.id}")
    path = "/".join([*former_groups, former_name])
    if marked_on or former_name != name:
        return ScheduledDeletion(path, None, marked_on)
    changed = [number for number, group in enumerate(groups) if former_groups[number] != group]
    return ScheduledDeletion(path, "/".join(former_groups[: changed[0] + 1])) if changed else None
