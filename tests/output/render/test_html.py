"""The report as a page, as text: whole, alone, escaped, and with a policy that lets nothing else run."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cronjob.output.render import rendered
from cronjob.output.render.page import Page
from reconcile.plan.plan import make_plan
from reconcile.report import Report, Status, entries_of
from tests.worlds.builders import LEFT_MARK, a_key, a_project, some_actual, some_desired, some_items, some_rules
from tests.worlds.golden import Golden
from tests.worlds.report_samples import ITEMS, REPORTS, a_document, a_refused_report, a_report, hostile_document

VOID = {"meta", "input", "br", "link", "img"}


class Parsed(HTMLParser):
    """The page's elements in order with their attributes, and all of its text; tags that do not match are errors."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def html(document: dict[str, Any], **page: Any) -> str:
    return rendered(document, "html", Page(**{"items": ITEMS, **page}))


def between(page: str, tag: str) -> str:
    return page.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]


def pruning(projects: int) -> dict[str, Any]:
    states = [
        some_items(a_key(one, title=LEFT_MARK), project=a_project(one, f"tenants/t{one:05}"))
        for one in range(1, projects + 1)
    ]
    plan = make_plan(some_desired(), some_actual(*states), some_rules())
    report = Report(plan, tuple(entries_of(plan.changes, Status.PLANNED)), dry_run=True, checksum="0123456789ab")
    return a_document(report)


# what it shows


@pytest.mark.parametrize("name", ["dry-run", "refused", "in-sync", "failed"])
def test_the_page_reads_as_it_did(name: str, golden: Golden) -> None:
    page = html(a_document(REPORTS[name]()), flags=frozenset({"dry_run"}))
    for tag in ("style", "script"):
        page = page.replace(between(page, tag), "…")
    golden.check(f"{name}.html", re.sub("sha256-[^&]*", "sha256-…", page))


@pytest.mark.parametrize("name", REPORTS)
def test_every_page_is_well_formed_says_its_language_and_has_landmarks(name: str) -> None:
    parsed = Parsed(html(a_document(REPORTS[name]())))
    assert parsed.all("html") == [{"lang": "en"}]
    assert all(len(parsed.all(tag)) == 1 for tag in ("title", "h1", "header", "nav", "main", "footer"))
    assert all(head.get("scope") in {"col", "row"} for head in parsed.all("th"))
    named = {element.get("id") for _, element in parsed.elements}
    links = {str(link["href"]).removeprefix("#") for link in parsed.all("a")}
    links |= {str(one["aria-labelledby"]) for _, one in parsed.elements if "aria-labelledby" in one}
    assert links <= named


def test_it_has_all_changes_where_text_has_three_of_a_kind() -> None:
    assert html(a_document(a_refused_report())).count("SHA256:") == 25
    assert rendered(a_document(a_refused_report()), "text", Page()).count("SHA256:") == 3


def test_a_few_projects_are_open_and_many_folded() -> None:
    assert [one.keys() for one in Parsed(html(pruning(30))).all("details")] == [{"class", "open"}] * 30
    assert [one.keys() for one in Parsed(html(pruning(31))).all("details")] == [{"class"}] * 31


def test_only_what_differs_can_be_chosen() -> None:
    boxes = [(box["name"], box["value"]) for box in Parsed(html(a_document(a_report()))).all("input") if "name" in box]
    assert boxes == [
        ("kind", "deploy_key"),
        ("kind", "webhook"),
        ("action", "create"),
        ("action", "update"),
        ("action", "delete"),
        ("action", "kept"),
        ("action", "foreign"),
    ]
    assert [box["type"] for box in Parsed(html(pruning(1))).all("input")] == ["search"]


def test_without_anything_to_list_there_is_no_filter() -> None:
    assert "<form" not in html(a_document(REPORTS["in-sync"]()))
    assert "<form" in html(a_document(a_report()))


def test_a_failed_run_has_no_picture_since_nothing_was_read() -> None:
    assert "<svg" not in html(a_document(REPORTS["failed"]()), items={})
    assert html(a_document(a_report())).count("<svg") == 2


# nothing else may run, and nobody is asked


def test_the_policy_allows_this_style_and_this_script_and_nothing_more() -> None:
    page = html(a_document(a_report()))
    [policy] = [meta["content"] for meta in Parsed(page).all("meta") if "http-equiv" in meta]
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    assert rules.keys() == {"default-src", "style-src", "script-src", "base-uri", "form-action"}
    assert {rules[name] for name in ("default-src", "base-uri", "form-action")} == {"'none'"}
    for tag in ("style", "script"):
        digest = rules[f"{tag}-src"].removeprefix("'sha256-").removesuffix("'")
        assert b64decode(digest) == hashlib.sha256(between(page, tag).encode()).digest()
    # A policy counts from where it stands.
    assert page.index("Content-Security-Policy") < page.index("<style>")


@pytest.mark.parametrize("name", REPORTS)
def test_the_page_names_no_other_file_and_has_neither_handlers_nor_styles_that_the_policy_would_forbid(
    name: str,
) -> None:
    parsed = Parsed(html(a_document(REPORTS[name]())))
    assert not {tag for tag, _ in parsed.elements} & {"link", "img", "iframe", "object", "embed", "base"}
    for _, attributes in parsed.elements:
        assert not {one for one in attributes if one.startswith("on")} | (attributes.keys() & {"src", "style"})
        assert str(attributes.get("href") or "#").startswith("#")


# what tenants wrote


HOSTILE = [
    "<script>window.owned = 1</script>",
    "</title></style></script><script>window.owned = 1</script>",
    '"><img src=x onerror="window.owned = 1">',
    "' onmouseover='window.owned = 1",
    "{{ 7 * 7 }}{% raw %}",
    "`<b>`",
    "&lt;b&gt; &#60;",
    "\u202eevil\u2066\x00\x1b[31m\n\r\t",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_tenants_wrote_is_text_and_nothing_else(text: str) -> None:
    quiet, loud = (Parsed(html(hostile_document(one))) for one in ("quiet", text))
    assert [tag for tag, _ in loud.elements if tag != "code"] == [tag for tag, _ in quiet.elements if tag != "code"]
    assert [one.keys() for _, one in loud.elements if "aria-label" in one] == [
        one.keys() for _, one in quiet.elements if "aria-label" in one
    ]
    assert not {one for _, attributes in loud.elements for one in attributes if one.startswith("on")}


def test_what_tenants_wrote_is_shown_as_they_wrote_it() -> None:
    text = "<b>\"&amp;' ü ✓"
    assert sum(text in one for one in Parsed(html(hostile_document(text))).texts) > 10


@given(st.text(max_size=30))
def test_any_text_leaves_the_page_well_formed_and_without_what_would_steer_a_terminal(text: str) -> None:
    page = html(hostile_document(text))
    Parsed(page)
    assert all(char.isprintable() or char == "\n" for char in page)


# contrast


def colours(css: str) -> Iterator[dict[str, str]]:
    """The colours of each scheme: light, dark, paper."""
    for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL):
        yield dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_and_pictures_stand_out_enough_in_light_in_dark_and_on_paper() -> None:
    schemes = list(colours(between(html(a_document(a_report())), "style")))
    assert len(schemes) == 3
    for scheme in schemes:
        for ground in ("page", "panel"):
            texts = ("text", "quiet", "link", "create", "update", "delete")
            assert min(contrast(scheme[text], scheme[ground]) for text in texts) >= 4.5
            assert min(contrast(scheme[part], scheme[ground]) for part in ("kept", "ours", "foreign")) >= 3
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
