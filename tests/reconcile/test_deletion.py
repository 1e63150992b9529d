"""What GitLab is about to delete: recognised by its path or by GitLab's mark, and never by a name that looks alike."""

from __future__ import annotations

import pytest

from reconcile.deletion import ScheduledDeletion, scheduled_deletion
from reconcile.model import Project


@pytest.mark.parametrize(
    ("path", "former", "group"),
    [
        ("tenants/app-deletion_scheduled-7", "tenants/app", None),
        ("tenants/app-DELETION_SCHEDULED-7", "tenants/app", None),
        ("tenants/app-deleted-7", "tenants/app", None),
        ("tenants/sub-deletion_scheduled-9/app", "tenants/sub/app", "tenants/sub"),
        ("tenants-deletion_scheduled-1/sub/app", "tenants/sub/app", "tenants"),
        ("tenants-deletion_scheduled-1/sub-deletion_scheduled-2/app", "tenants/sub/app", "tenants"),
        ("tenants-deletion_scheduled-1/app-deletion_scheduled-7", "tenants/app", None),
    ],
)
def test_a_path_shows_what_is_scheduled_for_deletion(path: str, former: str, group: str | None) -> None:
    assert scheduled_deletion(Project(7, path)) == ScheduledDeletion(former, group)


@pytest.mark.parametrize(
    "path",
    [
        "tenants/app",
        "tenants/app-deleted-8",
        "tenants/sub-deleted-7/app",
        "tenants/app-deletion_scheduled",
        "tenants/app-deletion_scheduled-7-copy",
        "tenants/deletion_scheduled-7",
    ],
)
def test_a_path_that_only_looks_alike_shows_nothing(path: str) -> None:
    assert scheduled_deletion(Project(7, path)) is None


def test_gitlabs_mark_is_enough_and_says_when() -> None:
    found = scheduled_deletion(Project(7, "tenants/app"), "2026-11-30")

    assert found == ScheduledDeletion("tenants/app", None, "2026-11-30")
    assert "tenants/app is scheduled for deletion since 2026-11-30: GitLab deletes the project" in found.message


def test_the_message_names_the_group_to_restore_and_never_the_new_path() -> None:
    found = scheduled_deletion(Project(7, "tenants-deletion_scheduled-1/app"))

    assert found is not None
    assert "GitLab deletes the group tenants some days" in found.message
    assert "deletion_scheduled" not in found.message
