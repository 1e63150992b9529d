"""S11 (a): an item that had changed since it was read was removed all the same."""

from __future__ import annotations

import pytest

from tests.worlds.program import Program, a_program

OTHERS = "flux-gitlab-syncer staging flux-config/shop"


def pruned_after(program: Program, kind: str, change: dict[str, str]) -> tuple[int, dict[str, str]]:
    """A run that prunes one tenant whose item somebody *changes* right after it was read; code and statuses."""
    project = next(iter(program.gitlab.projects.values()))
    ((key, _),), (hook,) = program.gitlab.keys_of(project), program.gitlab.hooks_of(project)
    item = key if kind == "deploy_key" else hook

    def somebody_changes_it() -> None:
        for name, value in change.items():
            setattr(item, name, value)

    program.tenants_leave(range(1, 2))
    # The project is looked at once more before its first write.
    program.gitlab.fail(path=f"/projects/{project.id}$", call=somebody_changes_it)
    done = program.run()
    return done.code, {one["kind"]: one["status"] for one in done.report["changes"]}


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("deploy_key", {"title": "mine"}),
        ("deploy_key", {"title": OTHERS}),
        ("webhook", {"description": ""}),
        ("webhook", {"description": OTHERS}),
        ("webhook", {"url": "https://ci.example.org/gitlab"}),
    ],
)
def test_what_somebody_has_taken_over_since_stays_and_is_no_failure(kind: str, change: dict[str, str]) -> None:
    with a_program(3, samples=False) as program:
        program.run()

        code, statuses = pruned_after(program, kind, change)

        assert code == 0
        assert statuses.pop(kind) == "contradicted"
        assert set(statuses.values()) == {"applied"}


def test_what_nobody_has_changed_goes() -> None:
    with a_program(3, samples=False) as program:
        program.run()

        assert pruned_after(program, "webhook", {}) == (0, {"deploy_key": "applied", "webhook": "applied"})


def test_what_cannot_be_read_again_is_held_and_says_why() -> None:
    with a_program(3, samples=False) as program:
        program.run()
        program.tenants_leave(range(1, 2))
        program.gitlab.fail(path="/hooks/[0-9]+$", status=403, body={"message": "403 Forbidden"})

        done = program.run()

        (held,) = (one for one in done.report["changes"] if one["status"] == "held")
        assert (done.code, held["kind"]) == (1, "webhook")
        assert held["error"] == "it could not be read again before its removal: GitLab answered 403 Forbidden"
        assert program.run().report["result"] == "applied"
