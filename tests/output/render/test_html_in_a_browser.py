"""The report as a page, in a real browser: it works, with and without its script, and lets nothing in or out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.output.render.test_html import html, pruning
from tests.worlds.browsing import NEEDS_CHROMIUM, Opened, opened
from tests.worlds.report_samples import REPORTS, a_document, a_report, hostile_document

pytest_plugins = ["tests.worlds.browser_fixtures"]
pytestmark = NEEDS_CHROMIUM


@pytest.fixture
def report(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    with opened(browser, tmp_path, html(a_document(a_report()))) as ready:
        yield ready


# the page and its filter


def test_the_page_loads_without_a_word_on_the_console_and_asks_for_nothing_but_itself(report: Opened) -> None:
    expect(report.page).to_have_title("flux-gitlab-syncer 1.2.3: dry run for cluster prod")
    expect(report.page.locator("#shown")).to_have_text("8 of 8 rows shown")
    assert report.said == []
    assert [url for url in report.asked if not url.endswith("/report.html")] == []


def test_it_is_filtered_by_kind_by_action_and_back(report: Opened) -> None:
    page = report.page
    page.get_by_role("checkbox", name="webhooks").uncheck()
    expect(page.locator("#shown")).to_have_text("6 of 8 rows shown")
    page.get_by_role("checkbox", name="- delete").uncheck()
    expect(page.locator("#shown")).to_have_text("5 of 8 rows shown")
    assert [row.split(" ")[1] for row in report.rows()[:2]] == ["create", "create"]
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("#shown")).to_have_text("8 of 8 rows shown")
    assert len(report.rows()) == 8


def test_it_is_filtered_by_severity(browser: Browser, tmp_path: Path) -> None:
    document = a_document(a_report())
    document["problems"] = [{**document["problems"][0], "severity": name} for name in ("error", "warning", "notice")]
    with opened(browser, tmp_path, html(document)) as report:
        expect(report.page.locator("#problems tbody tr")).to_have_count(3)
        report.page.get_by_role("checkbox", name="warning").uncheck()
        report.page.get_by_role("checkbox", name="notice").uncheck()
        expect(report.page.locator("#problems tbody tr:visible")).to_have_count(1)
        expect(report.page.locator("#changes tbody tr:visible")).to_have_count(4)


def test_it_is_filtered_by_project_and_says_where_nothing_is_left(report: Opened) -> None:
    page = report.page
    page.get_by_label("Project, object").fill("TENANTS/Shop")
    expect(page.locator("#shown")).to_have_text("3 of 8 rows shown")
    expect(page.locator("details.project:visible")).to_have_count(1)
    expect(page.locator("#problems .nothing")).to_be_visible()
    expect(page.get_by_role("table", name="Problems")).to_be_hidden()
    expect(page.locator("#changes .nothing")).to_be_hidden()
    page.get_by_label("Project, object").fill("nowhere")
    expect(page.locator("#changes .nothing")).to_be_visible()


def test_several_words_must_all_be_found_in_any_order(report: Opened) -> None:
    report.page.get_by_label("Project, object").fill("webhook shop differs")
    expect(report.page.locator("#shown")).to_have_text("1 of 8 rows shown")


def test_everything_works_from_the_keyboard(report: Opened) -> None:
    page = report.page
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the report")).to_be_focused()
    expect(page.get_by_text("Skip to the report")).to_be_in_viewport()
    focused = page.locator(":focus")
    for _ in range(30):
        page.keyboard.press("Tab")
        if focused.get_attribute("id") == "find":
            break
    page.keyboard.type("tenants/shop")
    expect(page.locator("details.project:visible")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="deploy keys")).not_to_be_checked()
    expect(page.locator("#changes tbody tr:visible")).to_have_count(1)
    assert focused.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"


def test_projects_are_folded_and_unfolded_one_by_one_and_all_at_once(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path, html(pruning(31))) as report:
        page, rows = report.page, report.page.locator("#changes tbody tr:visible")
        expect(rows).to_have_count(0)
        page.locator("summary").first.focus()
        page.keyboard.press("Enter")
        expect(rows).to_have_count(1)
        page.get_by_role("button", name="Open all").click()
        expect(rows).to_have_count(31)
        page.get_by_role("button", name="Close all").click()
        expect(rows).to_have_count(0)


def test_a_page_without_changes_can_be_filtered_too(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path, html(a_document(REPORTS["failed"]()), items={})) as report:
        report.page.get_by_label("Project, object").fill("nowhere")
        expect(report.page.locator("#problems .nothing")).to_be_visible()
        assert report.said == []


def test_what_was_searched_for_is_unfolded(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path, html(pruning(31))) as report:
        report.page.get_by_label("Project, object").fill("t00017")
        expect(report.page.locator("#changes tbody tr:visible")).to_have_count(1)


def test_without_script_everything_is_shown_and_there_is_no_filter(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path, html(a_document(a_report())), java_script_enabled=False) as report:
        expect(report.page.locator("#filter")).to_be_hidden()
        assert len(report.rows()) == 8


def test_the_parts_have_roles_and_names(report: Opened) -> None:
    page = report.page
    for role in ("banner", "navigation", "main", "search", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("table", name="Changes on tenants/shop")).to_be_visible()
    expect(page.get_by_role("img", name="deploy keys: 4 ours before, 2 create")).to_be_visible()
    expect(page.get_by_role("region", name="Problems")).to_be_visible()
    expect(page.get_by_role("group", name="What happens")).to_be_visible()


# other screens, and paper


def test_on_a_narrow_screen_nothing_is_cut_off_and_tables_are_still_tables(browser: Browser, tmp_path: Path) -> None:
    document = hostile_document("tenants/" + "a-very-long-name" * 20)
    with opened(browser, tmp_path, html(document), viewport={"width": 320, "height": 800}) as report:
        assert report.page.evaluate("document.documentElement.scrollWidth") == 320
        expect(report.page.get_by_role("table", name="Problems")).to_be_visible()


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(17, 22, 28)")])
def test_it_is_light_or_dark_as_the_reader_has_it(browser: Browser, tmp_path: Path, scheme: Any, ground: str) -> None:
    with opened(browser, tmp_path, html(a_document(a_report())), color_scheme=scheme) as report:
        assert report.page.evaluate("getComputedStyle(document.body).backgroundColor") == ground


def test_on_paper_everything_is_unfolded_and_what_is_only_for_screens_is_gone(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path, html(pruning(31)), color_scheme="dark") as report:
        page = report.page
        expect(page.locator("nav")).to_be_visible()
        expect(page.locator("#changes tbody tr").last).to_be_hidden()
        page.emulate_media(media="print")
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        expect(page.locator("nav")).to_be_hidden()
        expect(page.locator("#filter")).to_be_hidden()
        expect(page.locator("#changes tbody tr").last).to_be_visible()
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
        expect(page.locator("#changes tbody tr").last).to_be_hidden()
