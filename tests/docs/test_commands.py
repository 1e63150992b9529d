"""The pages' commands do what the pages say: each is run in its order, in a world with the pages' names."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.worlds.docs_running import MEANWHILE, PAGES, Block, a_reader, blocks_of

# How many blocks of each page are not run; each says why, and one more is a visible change.
NOT_RUN = {
    "README.md": 4,
    "docs/adopting.md": 2,
    "docs/audit.md": 1,
    "docs/cluster.md": 6,
    "docs/first-run.md": 1,
    "docs/incident.md": 11,
    "docs/moving.md": 2,
    "docs/peers.md": 1,
    "docs/performance.md": 1,
    "docs/release.md": 3,
    "docs/reports.md": 2,
    "docs/rotation.md": 5,
    "docs/trace.md": 2,
}
REASONS = {
    "needs kubectl",
    "needs flux",
    "needs jq",
    "needs Miller",
    "needs the pages' own GitLab",
    "needs a registry",
    "needs the source",
    "needs another shell",
}


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_run_or_says_why_it_is_not(page: str) -> None:
    silent = [block.text for block in blocks_of(page) if block.kind == "sh" and not (block.is_run or block.reason)]
    assert silent == []


@pytest.mark.parametrize("page", PAGES)
def test_what_is_not_run_has_one_of_a_few_reasons(page: str) -> None:
    given = [block.reason.split("; meanwhile ") for block in blocks_of(page) if block.reason]
    assert {reason for reason, *_ in given} <= REASONS
    assert {event for _, *events in given for event in events} <= set(MEANWHILE)


def test_what_is_not_run_is_counted() -> None:
    counted = Counter(page for page in PAGES for block in blocks_of(page) if block.reason)
    assert dict(counted) == NOT_RUN


@pytest.mark.parametrize("page", [page for page in PAGES if any(block.is_run for block in blocks_of(page))])
def test_the_commands_of_a_page_end_as_it_says(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_reader(tmp_path, monkeypatch) as reader:
        assert reader.follows(page) == sum(block.is_run for block in blocks_of(page))


def test_a_command_that_ends_otherwise_than_its_page_says_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_reader(tmp_path, monkeypatch) as reader:
        reader.runs("flux-gitlab-syncer run --dry-run --drift-exit-code 7   # exit code 7\n")
        with pytest.raises(AssertionError, match="exit code 7"):
            reader.runs("flux-gitlab-syncer run --dry-run --drift-exit-code 7   # exit code 0\n")
        with pytest.raises(AssertionError):
            reader.runs("flux-gitlab-syncer run --dry-run --drift-exit-code 7\n")


def test_a_block_that_is_neither_ours_nor_marked_would_be_found() -> None:
    assert not Block("sh", "", "kubectl get pods\n").is_run
    assert Block("sh", "run this", "export A=b\n").is_run
    assert not Block("sh", "not run: needs jq", "flux-gitlab-syncer run | jq\n").is_run
