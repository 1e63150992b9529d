"""The platform's own manifests, with their mistakes, through the whole program."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cronjob.sandbox.samples import CLUSTER, NAMESPACE, RECEIVER_URL
from tests.worlds.program import Done, Program, a_program

DOCS = f"{CLUSTER}/docs-getting-started"
MARK = f"flux-gitlab-syncer {CLUSTER} {NAMESPACE}"


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program() as ready:
        yield ready


def problem(done: Done, code: str) -> str:
    [found] = [one for one in done.report["problems"] if one["code"] == code]
    return f"{found['object']}: {found['message']}"


def test_a_dry_run_writes_nothing_and_has_the_checksum_of_the_run_after_it(program: Program) -> None:
    dry, wet = program.run("--dry-run"), program.run()

    assert dry.writes == []
    assert len(wet.writes) == 5
    assert dry.report["plan"] == wet.report["plan"]
    assert [one["status"] for one in dry.report["changes"]] == ["planned"] * 5
    assert [one["status"] for one in wet.report["changes"]] == ["applied"] * 5


def test_the_misspelt_url_still_gets_its_key_and_the_warning_says_what_to_write(program: Program) -> None:
    done = program.run()

    assert f"{MARK}/flux-ssh-credentials" in program.titles(DOCS)
    assert (
        "Write ssh://git@code.vt.edu/it-common-platform/tenants/aws-prod/docs-getting-started.git instead."
        in problem(done, "UrlNotFetchable")
    )


def test_the_dangling_receiver_is_named_with_the_nearest_name(program: Program) -> None:
    text = problem(program.run("--dry-run"), "ReceiverTargetNotFound")

    assert text.startswith(f"Receiver/{NAMESPACE}/docs-gettings-started: ")
    assert "Did you mean docs-getting-started?" in text


def test_the_tenant_in_a_personal_namespace_is_served_as_an_extra_project(program: Program) -> None:
    program.run()

    personal = program.gitlab.projects_by_path["hokiebird/sample-tenant"]
    assert [key.title for key, _ in program.gitlab.keys_of(personal)] == [f"{MARK}/sample-tenant-ssh"]
    [hook] = program.gitlab.hooks_of(personal)
    assert hook.url.startswith(f"{RECEIVER_URL}/hook/")
    assert hook.token


def test_without_extra_project_it_lies_outside_and_is_never_touched(program: Program) -> None:
    done = program.run(SYNCER_EXTRA_PROJECT="")

    assert "add it with --extra-project hokiebird/sample-tenant" in problem(done, "ProjectOutsideGroup")
    assert program.gitlab.keys_of(program.gitlab.projects_by_path["hokiebird/sample-tenant"]) == []


def test_a_second_run_is_in_sync_and_writes_nothing(program: Program) -> None:
    program.run()
    again = program.run()

    assert again.report["result"] == "in_sync"
    assert again.writes == []
    assert again.report["summary"]["unchanged"] == 3


def test_what_people_put_there_by_hand_is_untouched(program: Program) -> None:
    program.run()

    assert "laptop of the docs team" in program.titles(DOCS)
    assert "https://ci.example.org/gitlab" in program.urls(DOCS)


def test_the_leftovers_of_a_removed_tenant_are_pruned(program: Program) -> None:
    assert len(program.titles(f"{CLUSTER}/retired-tenant")) == 1

    program.run()

    assert program.titles(f"{CLUSTER}/retired-tenant") == []
    assert program.urls(f"{CLUSTER}/retired-tenant") == []


def test_no_prune_leaves_them_without_objection(program: Program) -> None:
    done = program.run("--no-prune")

    assert done.report["objections"] == []
    assert len(program.titles(f"{CLUSTER}/retired-tenant")) == 1


def test_the_broken_tenants_errors_end_the_run_with_1_and_stop_nobody(program: Program) -> None:
    done = program.run()

    assert done.code == 1
    assert "create it" in problem(done, "SecretNotFound")
    assert done.report["result"] == "applied"


def test_fail_on_never_ends_the_same_run_with_0(program: Program) -> None:
    assert program.run("--fail-on", "never").code == 0


def test_foreign_items_are_listed_on_request_only(program: Program) -> None:
    assert "foreign" not in program.run("--dry-run").report

    titles = [one.get("key", {}).get("title") for one in program.run("--dry-run", "--show-foreign").report["foreign"]]
    assert "laptop of the docs team" in titles
