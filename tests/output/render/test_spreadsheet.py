"""The inventory as CSV: every item with what becomes of it, and nothing in it that a spreadsheet would execute."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cronjob.output.inventory_rows import Rows
from cronjob.output.render import rendered
from cronjob.output.render.escaping import for_spreadsheet
from cronjob.output.render.page import Page
from cronjob.output.render.spreadsheet import COLUMNS
from reconcile.actual import Found, FoundKey, Items, Unreadable
from reconcile.desired.desired import Desired
from reconcile.desired.holds import Holder, Holds
from reconcile.marks import Owner
from reconcile.problems import Code
from reconcile.report import Report, Status, entries_of
from reconcile.run import RunOptions, plan_for
from tests.worlds.builders import (
    LEFT_MARK,
    NEIGHBOURS_MARK,
    OTHERS_MARK,
    a_key,
    a_mark,
    a_project,
    a_public_key,
    a_url,
    a_wanted_key,
    a_wanted_webhook,
    a_webhook,
    some_actual,
    some_desired,
    some_items,
    some_rules,
)

SHOP, TILL, VAULT = a_project(1, "tenants/shop"), a_project(2, "tenants/till"), a_project(3, "tenants/vault")
DAY = datetime(2026, 9, 20, 4, 10, tzinfo=UTC)


def the_rows(desired: Desired, *states: Found | Items | Unreadable, prune: bool = True) -> list[dict[str, str]]:
    plan = plan_for(desired, some_actual(*states), some_rules(), RunOptions(inventory=True, prune=prune))
    report = Report(plan, tuple(entries_of(plan.changes, Status.PLANNED)), dry_run=True)
    return parsed(rendered({}, "csv", Page(inventory=Rows(report))))


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), strict=True))


def fates(rows: list[dict[str, str]]) -> list[tuple[str, ...]]:
    return [(row["kind"], row["id"], row["plan"], row["status"], row["reason"]) for row in rows]


# what is in a row


def test_a_key_has_everything_that_is_known_of_it() -> None:
    key = FoundKey(
        7, str(a_mark()), a_public_key(1), a_mark(), Owner.OURS, can_push=True, expired=True, expires=DAY, last_used=DAY
    )
    [row] = the_rows(some_desired(a_wanted_key(1)), key)
    assert row == {
        "project": "tenants/shop",
        "project_id": "1",
        "kind": "deploy_key",
        "id": "7",
        "owner": "ours",
        "mark": "flux-gitlab-syncer prod flux-config/shop",
        "title": "flux-gitlab-syncer prod flux-config/shop",
        "fingerprint_or_url": a_public_key(1).fingerprint,
        "writable": "true",
        "expires": "2026-09-20T04:10:00Z",
        "expired": "true",
        "last_used": "2026-09-20T04:10:00Z",
        "duplicates": "0",
        "disabled": "",
        "plan": "unchanged",
        "status": "",
        "reason": "",
        "error": "",
        "next": "",
    }


def test_a_webhook_has_what_keys_have_not() -> None:
    webhook = a_webhook(1, id_=8, description="by hand", alert_status="temporarily_disabled")
    [row] = the_rows(some_desired(), webhook)
    assert {name: value for name, value in row.items() if value} == {
        "project": "tenants/shop",
        "project_id": "1",
        "kind": "webhook",
        "id": "8",
        "owner": "unmarked",
        "title": "by hand",
        "fingerprint_or_url": a_url(1)[: len("https://flux.example.net/hook/") + 8] + "…",
        "duplicates": "0",
        "disabled": "temporarily_disabled",
        "plan": "foreign",
    }


def test_what_is_not_known_of_a_key_is_empty() -> None:
    [row] = the_rows(some_desired(), a_key(1, title="by hand"))
    empty = ("mark", "expires", "last_used", "disabled", "status", "reason")
    assert [row[name] for name in (*empty, "writable", "expired")] == [*[""] * len(empty), "false", "false"]


@pytest.mark.parametrize(
    ("mark", "owner"),
    [
        (LEFT_MARK, "ours"),
        (OTHERS_MARK, "another cluster"),
        (NEIGHBOURS_MARK, "another instance of this cluster"),
        ("by hand", "unmarked"),
    ],
)
def test_a_row_says_whose_it_is(mark: str, owner: str) -> None:
    rows = the_rows(some_desired(), a_key(1, title=mark), a_webhook(2, description=mark))
    assert [row["owner"] for row in rows] == [owner, owner]
    assert [row["mark"] for row in rows] == [mark if "syncer" in mark else ""] * 2


def test_nothing_secret_is_in_a_row() -> None:
    chat = a_webhook(3, url="https://chat.example/services/T0/SECRETPATH", description=f"see {a_url(4)}")
    text = str(the_rows(some_desired(a_wanted_webhook(2)), a_webhook(1), chat, a_key(1, title=a_url(5))))
    assert all(a_url(number).rpartition("/")[2] not in text for number in (1, 2, 4, 5))
    assert all(a_url(number).rpartition("/")[2][:8] in text for number in (1, 2, 4, 5))
    assert "SECRETPATH" not in text
    assert "token-2" not in text


# what becomes of it


def test_each_item_says_what_the_plan_does_with_it() -> None:
    holds = Holds()
    holds.hold_keys(Holder(Code.SECRET_NOT_FOUND), projects=[TILL.id])
    desired = some_desired(
        a_wanted_key(1, project=SHOP), a_wanted_key(9, project=SHOP), a_wanted_webhook(1, project=SHOP), holds=holds
    )
    shop = some_items(
        a_key(1), a_key(2, title=LEFT_MARK), a_key(3, title=OTHERS_MARK), a_webhook(1, tls=False), project=SHOP
    )
    till = some_items(a_key(4, title=LEFT_MARK), project=TILL)
    assert fates(the_rows(desired, shop, till)) == [
        ("deploy_key", "101", "unchanged", "", ""),
        (
            "deploy_key",
            "102",
            "delete",
            "planned",
            "ours, and no GitRepository wants it on this project any more",
        ),
        ("deploy_key", "103", "foreign", "", ""),
        ("deploy_key", "", "create", "planned", "missing"),
        ("webhook", "201", "update", "planned", "differs from what is wanted"),
        ("deploy_key", "104", "kept", "", "SecretNotFound"),
    ]


def test_what_no_prune_spares_is_kept_and_what_it_would_not_remove_is_as_before() -> None:
    left, right = a_key(2, title=LEFT_MARK), a_key(1)
    desired = some_desired(a_wanted_key(1))
    assert fates(the_rows(desired, left, right, prune=False)) == [
        ("deploy_key", "101", "unchanged", "", ""),
        ("deploy_key", "102", "kept", "", "spared by --no-prune"),
    ]
    assert [row["plan"] for row in the_rows(desired, left, right)] == ["unchanged", "delete"]


def test_a_key_that_is_joined_is_shown_as_the_group_has_it() -> None:
    existing = FoundKey(7, "by hand", a_public_key(1), None, Owner.UNMARKED, can_push=True, expires=DAY)
    joined, there = the_rows(
        some_desired(a_wanted_key(1, project=SHOP)), some_items(existing, project=TILL), some_items()
    )
    assert (joined["id"], joined["title"], joined["owner"], joined["plan"]) == ("7", "by hand", "unmarked", "create")
    assert (joined["writable"], joined["expires"]) == ("false", "2026-09-20T04:10:00Z")
    assert (there["writable"], there["plan"], there["owner"]) == ("true", "foreign", "unmarked")


def test_a_project_that_could_not_be_read_is_a_row_rather_than_an_absence() -> None:
    rows = the_rows(some_desired(), some_items(a_key(1), project=SHOP), Unreadable(VAULT, "403"))
    assert [(row["project"], row["kind"], row["plan"]) for row in rows] == [
        ("tenants/shop", "deploy_key", "delete"),
        ("tenants/vault", "", "unreadable"),
    ]


def test_rows_are_by_project_whatever_the_order_of_the_ids() -> None:
    rows = the_rows(some_desired(), some_items(a_key(1), project=a_project(5, "a/a")), some_items(project=SHOP))
    rows += the_rows(
        some_desired(), some_items(a_key(1), project=a_project(5, "A/a")), some_items(a_key(2), project=SHOP)
    )
    assert [row["project"] for row in rows] == ["a/a", "A/a", "tenants/shop"]


def test_a_report_without_an_inventory_is_its_header_alone() -> None:
    report = Report(plan_for(some_desired(), some_actual(a_key(1)), some_rules(), RunOptions()), (), dry_run=True)
    assert rendered({}, "csv", Page(inventory=Rows(report))) == ",".join(COLUMNS) + "\n"


def test_the_page_about_reports_explains_every_column(request: pytest.FixtureRequest) -> None:
    page = Path(__file__).parents[3] / "docs" / "reports.md"
    before, rest = page.read_text(encoding="utf-8").split("<!-- columns -->\n")
    old, after = rest.split("<!-- /columns -->")
    lines = [f"| `{name}` | {meaning} |" for name, meaning in COLUMNS.items()]
    new = "\n".join(["| column | meaning |", "|---|---|", *lines, ""])
    if request.config.getoption("--rewrite-golden"):
        page.write_text(f"{before}<!-- columns -->\n{new}<!-- /columns -->{after}", encoding="utf-8")
    else:
        assert old == new


# cells


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(1)", "\tx", "\rx", '=HYPERLINK("https://x","y")', " =1", "＝1", "＠x", "－2"],
)
def test_what_a_spreadsheet_might_take_for_a_formula_begins_with_an_apostrophe(text: str) -> None:
    assert for_spreadsheet(text).startswith("'")
    [row] = the_rows(some_desired(), a_key(1, title=text))
    assert row["title"] == for_spreadsheet(text)


@pytest.mark.parametrize("text", ["", "tenants/a-b", "a=1", "SHA256:+x", "größe", "'"])
def test_all_other_text_is_as_it_was(text: str) -> None:
    assert for_spreadsheet(text) == text


def test_quotes_commas_and_line_breaks_stay_in_their_cell() -> None:
    title = 'a","b\nc,=1,"\r\n\x1b[31m\u202e'
    [row] = the_rows(some_desired(), a_key(1, title=title))
    assert row["title"] == 'a","b\\nc,=1,"\\r\\n\\x1b[31m\\u202e'
    assert list(row) == list(COLUMNS)
