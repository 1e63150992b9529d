"""The report as a comment: what a reader of the rendered Markdown sees, and what tenants cannot make of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cronjob.output.render import rendered
from cronjob.output.render.markdown import LONGEST
from cronjob.output.render.markup import code, fenced, prose, prose_in_html
from cronjob.output.render.page import Page
from reconcile.actual import Items
from reconcile.plan.plan import make_plan
from reconcile.report import Report, Status, entries_of
from tests.worlds.builders import (
    LEFT_MARK,
    a_key,
    a_project,
    some_actual,
    some_desired,
    some_items,
    some_rules,
)
from tests.worlds.report_samples import a_document, a_refused_report, a_report, hostile_document

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
TAGS = {
    "h2",
    "h3",
    "p",
    "strong",
    "em",
    "ul",
    "li",
    "code",
    "pre",
    "blockquote",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
    "b",
}
# Each would do something if it were anything but text.
HOSTILE = [
    "@all",
    "look @root",
    "#1 !2 $3 &4 ~bug %1 ^alert#5 GL-1 ABC-123 [issue:1]",
    "0123456789abcdef0123456789abcdef01234567",
    "`@all`",
    "``` @all",
    "a`b @all `c",
    "<script>alert(1)</script>",
    "</code></summary></details><img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "https://evil.example www.evil.example a@evil.example",
    "\n/close\n",
    "\n# heading\n\n---\n",
    "| a | b |\n|---|---|",
    "\\@all",
    "&#64;all &commat;all",
    ":smile:",
    "\u202e\x1b[31m\u200b",
    "**bold** __x__ ~~y~~ $`z`$",
    "[[_TOC_]]",
    "=====",
]


class Seen(HTMLParser):
    """What a browser would make of it: the tags, and the text outside of code, which is where references are found."""

    def __init__(self, markdown: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.code: list[str] = []
        self._depth = 0
        self.feed(GITHUB.render(markdown))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [one for one in attrs if tag not in {"th", "td", "code"}]
        if tag == "code":
            self._depth += 1
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "code"

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.code[-1] += data
        else:
            self.text += data


def markdown(report: Report, **page: Any) -> str:
    return rendered(a_document(report), "markdown", Page(**page))


def pruning(*states: Items) -> Report:
    plan = make_plan(some_desired(), some_actual(*states), some_rules())
    entries = tuple(entries_of(plan.changes, Status.PLANNED))
    return Report(plan, entries, dry_run=True, checksum=plan.checksum("gitlab", some_rules()))


def left_on(*numbers: int) -> list[Items]:
    return [some_items(a_key(one, title=LEFT_MARK), project=a_project(one, f"tenants/t{one:05}")) for one in numbers]


# what it shows


def test_the_counts_come_first_and_the_next_command_and_the_exit_code_last() -> None:
    text = markdown(a_report(), flags=frozenset({"dry_run", "project"}))
    lines = text.splitlines()
    assert lines[0] == "## flux-gitlab-syncer 1.2.3: dry run for cluster prod"
    assert lines[2] == "**Drift: 2 to create, 1 to update, 1 to delete, 0 unchanged, 1 kept, 1 error.**"
    plan = a_report().checksum
    command = f"flux-gitlab-syncer run --project 'tenants/**' --expect-plan {plan}"
    assert text.endswith(
        f"Plan `{plan}`\n\nNext:\n\n```sh\n{command}\n```\n\nExit code 1: 1 error of tenants; `--fail-on`\n"
    )


def test_an_objection_stands_above_the_changes_with_what_lifts_it() -> None:
    text = markdown(a_refused_report())
    assert text.index("Refused: `TooManyPrunes`") < text.index("### Changes")
    assert "`--max-prune`" in text
    assert "Refused: `" not in markdown(a_report())


def test_a_few_changes_are_open_and_many_on_their_projects_are_folded() -> None:
    different = [
        some_items(a_key(one, title=f"flux-gitlab-syncer prod flux-config/{one}"), project=a_project(one, f"t/p{one}"))
        for one in range(1, 12)
    ]
    assert "<details>" not in markdown(pruning(*different[:10]))
    folded = markdown(pruning(*different))
    assert folded.count("<details>") == 11
    assert "<details><summary><code>t/p1</code> <code>-</code> 1</summary>" in folded


def test_more_than_twenty_of_the_same_are_one_folded_list_of_twenty() -> None:
    text = markdown(pruning(*left_on(*range(1, 31))))
    assert text.count("<details>") == 1
    assert text.count("SHA256:") == 20
    assert "and 10 more, left out here; `-o json` lists all, and so does the HTML report" in text
    assert "left out" not in markdown(pruning(*left_on(*range(1, 21))))


def test_a_list_of_more_than_ten_problems_of_a_kind_is_folded() -> None:
    document = a_document(a_report())
    one = document["problems"][0]
    few = rendered({**document, "problems": [one] * 10}, "markdown", Page())
    many = rendered({**document, "problems": [one] * 11}, "markdown", Page())
    assert "**error** `SecretNotFound`\n\n- " in few
    assert "<details><summary><b>error</b> SecretNotFound: 11 objects</summary>" in many


# how long it may be


def test_it_is_never_too_long_for_a_comment_and_says_what_is_left_out() -> None:
    long = "x" * 3000
    document = hostile_document(long)
    for name in ("changes", "kept", "foreign", "problems"):
        document[name] = document[name] * 500
    document["objections"] *= 3
    document["groups"] = [long] * 9
    document["options"] = {"project": [long] * 99}
    document["result"] = "refused"
    text = rendered(document, "markdown", Page(flags=frozenset({"project"})))
    assert len(text) < LONGEST
    assert text.count("left out here") >= 4
    assert "Not ours" in text
    assert f"the same command with `--expect-plan {document['plan']}`" in text


def test_ten_thousand_projects_fit_as_well() -> None:
    text = markdown(pruning(*left_on(*range(1, 10_001))))
    assert len(text) < LONGEST
    assert "10000 deploy keys" in text


def test_what_fits_is_left_out_nowhere() -> None:
    assert "left out" not in markdown(a_report())


# what tenants wrote


@pytest.mark.parametrize("text", HOSTILE)
def test_what_tenants_wrote_is_code_and_nothing_else(text: str) -> None:
    quiet, loud = (Seen(rendered(hostile_document(one), "markdown", Page())) for one in ("quiet", text))
    assert loud.tags - quiet.tags <= {"code"}
    assert loud.tags <= TAGS
    assert loud.attributes == []
    assert re.search(r"[@#!$&~^<>\[\]{}|\\*_`]|[0-9a-f]{7}|www\.|\w@\w|://|:\w+:|[A-Z]-\d", loud.text) is None


def test_references_outside_of_code_would_be_found() -> None:
    assert "@all" in Seen("hello @all").text
    assert "@all" not in Seen("hello `@all`").text
    assert Seen("hello `@all`").code == ["@all"]
    assert "script" in Seen("<script>alert(1)</script>").tags


@pytest.mark.parametrize("text", HOSTILE)
def test_no_line_begins_with_what_a_tenant_wrote(text: str) -> None:
    lines = rendered(hostile_document(text), "markdown", Page()).splitlines()
    quiet = rendered(hostile_document("quiet"), "markdown", Page()).splitlines()
    assert {line.lstrip()[:1] for line in lines} <= {line.lstrip()[:1] for line in quiet}
    assert len(lines) == len(quiet)


@given(st.text(max_size=60))
def test_any_text_in_a_code_span_is_there_word_for_word_or_escaped(text: str) -> None:
    seen = Seen(f"a {code(text)} b")
    assert seen.text.split() == (["a", "b"] if seen.code else ["a", "(empty)", "b"])
    assert seen.tags <= {"p", "code"}
    assert all(char.isprintable() or char == "\n" for char in code(text))


@given(st.text(alphabet=st.sampled_from("ab1 `'\"()<>@#!:/\\&*_[]|~$.,-\n\u202e"), max_size=60))
def test_any_sentence_has_only_ordinary_words_outside_of_code(text: str) -> None:
    for shown in (f"a {prose(text)} b", f"<details><summary>{prose_in_html(text)}</summary>\n\nx\n\n</details>"):
        seen = Seen(shown)
        assert re.search(r"[@#$&~^<>\[\]{}|\\*_`/]", seen.text) is None
        assert seen.tags <= {"p", "code", "details", "summary"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Two words, and (a third).", "Two words, and (a third)."),
        ("make a new key in Secret/a/b.", "make a new key in `Secret/a/b`."),
        ("run `flux create secret git` first", "run `flux create secret git` first"),
        ("pass --max-prune=40 or --no-prune", "pass `--max-prune=40` or `--no-prune`"),
        ("12 of 30 (40%), in 1.5 s", "12 of 30 (40%), in 1.5 s"),
        ("one @all #2 two", "one `@all #2` two"),
        ("a`b", "``a`b``"),
        ("", ""),
    ],
)
def test_a_sentence_stays_readable(text: str, shown: str) -> None:
    assert prose(text) == shown


def test_a_command_is_copied_as_it_is_even_with_backticks() -> None:
    assert fenced("run --project '```'") == "````sh\nrun --project '```'\n````"
    assert Seen(fenced("a\n```\n@all")).code == ["a\\n```\\n@all\n"]
