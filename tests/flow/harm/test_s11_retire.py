"""S11 (d): `retire` without `--receiver-url` left all webhooks, said `applied` and ended with 0."""

from __future__ import annotations

from cronjob.sandbox.samples import CLUSTER
from tests.worlds.program import a_program


def test_retire_removes_every_marked_webhook_at_any_url_and_names_what_stays() -> None:
    with a_program(3, samples=False) as program:
        program.run()
        moved, *_ = program.gitlab.projects.values()
        for hook in program.gitlab.hooks_of(moved):
            hook.url = hook.url.replace("https://", "https://old-")
        unmarked = program.gitlab.add_hook(moved, "https://ci.example.org/gitlab")

        done = program("retire", "-o", "json", "--confirm", CLUSTER, SYNCER_RECEIVER_URL="")

        assert done.code == 0
        left = [hook for project in program.gitlab.projects.values() for hook in program.gitlab.hooks_of(project)]
        assert left == [unmarked]
        assert [key for project in program.gitlab.projects.values() for key in program.gitlab.keys_of(project)] == []
        assert [problem["code"] for problem in done.report["problems"]] == ["WebhooksOff"]
        assert "--receiver-url" in done.report["problems"][0]["message"]
