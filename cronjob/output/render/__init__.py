"""Render the report as text, JSON, YAML, Markdown, HTML or CSV. Every format renders the same document."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from cronjob.output.render.page import Page

Document = Mapping[str, Any]


def rendered(document: Document, output: str, page: Page) -> str:
    """
    Return the document in the format that --output names; an empty text for `none`.

    All formats are safe to print in a terminal. CSV shows the page's inventory instead of the document.
    """
    make = _FORMATS.get(output)
    return make(document, page) if make else ""


# Each format is imported when it is used, so that a run does not import the others.


def _text(document: Document, page: Page) -> str:
    from cronjob.output.render.text import TextReport

    return str(TextReport(document, page))


def _json(document: Document, _: Page) -> str:
    return json.dumps(document, indent=2) + "\n"


def _yaml(document: Document, _: Page) -> str:
    import yaml

    return str(yaml.safe_dump(document, sort_keys=False, width=120))


def _markdown(document: Document, page: Page) -> str:
    from cronjob.output.render.markdown import MarkdownReport

    return str(MarkdownReport(document, page))


def _html(document: Document, page: Page) -> str:
    from cronjob.output.render.html import as_html

    return as_html(document, page)


def _csv(_: Document, page: Page) -> str:
    from cronjob.output.render.spreadsheet import as_csv

    return as_csv(page.inventory)


_FORMATS: Mapping[str, Callable[[Document, Page], str]] = {
    "text": _text,
    "json": _json,
    "yaml": _yaml,
    "markdown": _markdown,
    "html": _html,
    "csv": _csv,
}
