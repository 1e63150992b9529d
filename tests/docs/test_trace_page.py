"""docs/trace.md says what `trace` says: its tables, and what it prints of the sample tenants."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from cronjob.sandbox.samples import reconcile_flux
from reconcile.chain import deliveries, fetch, fetch_messages, kustomization_messages, kustomizations
from reconcile.chain.flux_messages import MessageCause
from reconcile.chain.links import LINKS, Verdict
from reconcile.findings import Level
from tests.worlds.program import a_program

PAGE = Path(__file__).parents[2] / "docs" / "trace.md"
TEXT = PAGE.read_text(encoding="utf-8")
# Keys are new in every sandbox, and several writes at a time get their ids as they come.
CHANGING = re.compile(r"SHA256:\S+|(?<=deploy key )\d+|(?<=webhook )\d+")


def _table(head: str, rows: Mapping[str, str]) -> str:
    return "\n".join(
        [f"| {head} | what it usually means |", "|---|---|", *(f"| `{one}` | {text} |" for one, text in rows.items())]
    )


def _messages(causes: Iterable[MessageCause]) -> str:
    rows = [f"| {cause.meaning} | {cause.next_step} |" for cause in causes]
    return "\n".join(["| what the message means | what to do |", "|---|---|", *rows])


GENERATED: dict[str, Callable[[], str]] = {
    "fetch-messages": lambda: _messages(fetch_messages.CAUSES),
    "kustomization-messages": lambda: _messages(kustomization_messages.CAUSES),
    "fetch": lambda: _table("reason", fetch.REASONS),
    "kustomization": lambda: _table("reason", kustomizations.REASONS),
    "deliveries": lambda: _table("answer", deliveries.ANSWERS),
}


def between(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", TEXT, re.DOTALL)
    assert found
    return found[1]


def test_the_tables_are_up_to_date(request: pytest.FixtureRequest) -> None:
    wanted = TEXT
    for name, made in GENERATED.items():
        (before, rest), end = wanted.split(f"<!-- {name} -->\n"), f"<!-- /{name} -->"
        wanted = f"{before}<!-- {name} -->\n{made()}\n{end}{rest.split(end)[1]}"
    if request.config.getoption("--rewrite-golden"):
        PAGE.write_text(wanted, encoding="utf-8")
        return
    assert wanted == TEXT


def test_every_link_and_every_level_is_explained() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", TEXT, re.MULTILINE)
    assert [row for row in rows if row in list(LINKS)] == [str(link) for link in LINKS]
    assert {row for row in rows if row in list(Level)} == {str(level) for level in Level}
    assert {row for row in rows if row in list(Verdict)} == {str(verdict) for verdict in Verdict}


def test_the_captures_are_what_is_printed() -> None:
    with a_program() as program:
        broken = program("trace", "sample-tenant").out
        program.run()
        reconcile_flux(program.sandbox)
        healthy = program("trace", "sample-tenant").out
    for name, printed in (("broken", broken), ("healthy", healthy)):
        shown = between(name).removeprefix("```text\n$ flux-gitlab-syncer trace sample-tenant\n").removesuffix("```")
        assert _words(shown) == _words(printed)


def _words(text: str) -> list[str]:
    return CHANGING.sub("…", text).split()
