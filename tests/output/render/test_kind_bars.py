"""The bar chart of the HTML report: one bar for each kind, of existing and changed items."""

from __future__ import annotations

from typing import Any

import pytest

from cronjob.output.render.kind_bars import KindBar, bars_of
from tests.worlds.report_samples import ITEMS, REPORTS, a_document, a_report


def bar(document: dict[str, Any], items: dict[str, dict[str, int]], number: int = 0) -> KindBar:
    return bars_of(document, items)[number]


def test_a_bar_tells_of_what_was_there_and_what_is_done() -> None:
    keys, webhooks = bars_of(a_document(a_report()), ITEMS)
    assert keys.description == "deploy keys: 4 ours before, 2 create, 0 update, 1 delete, 1 kept, 1 not ours"
    assert webhooks.description == "webhooks: 1 ours before, 0 create, 1 update, 0 delete, 0 kept, 1 not ours"
    assert [part.name for part in keys.parts] == ["ours", "delete", "kept", "create", "foreign"]
    assert [part.name for part in webhooks.parts] == ["update", "foreign"]


def test_bars_have_one_scale_and_the_longest_is_whole() -> None:
    keys, webhooks = bars_of(a_document(a_report()), ITEMS)
    assert sum(part.width for part in keys.parts) == pytest.approx(100, abs=0.1)
    assert sum(part.width for part in webhooks.parts) == pytest.approx(100 * 2 / 7, abs=3)


def test_one_change_among_ten_thousand_is_seen() -> None:
    items = {kind: {"ours": 10_000, "foreign": 0} for kind in ITEMS}
    parts = {part.name: part.width for part in bar(a_document(a_report()), items, 1).parts}
    assert parts["update"] > 0.6


def test_what_is_taken_over_was_not_ours_and_makes_no_part_less_than_nothing() -> None:
    items = {kind: {"ours": 0, "foreign": 0} for kind in ITEMS}
    assert [part.name for part in bar(a_document(a_report()), items, 1).parts] == ["update"]


def test_where_there_is_nothing_at_all_bars_are_empty() -> None:
    items = {kind: {"ours": 0, "foreign": 0} for kind in ITEMS}
    assert bar(a_document(REPORTS["in-sync"]()), items).parts == ()
