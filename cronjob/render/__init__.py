"""The report in the formats that people and programs read. Every format renders the same document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cronjob.render.page import Page


def rendered(document: Mapping[str, Any], output: str, page: Page) -> str:
    """
    The document in one of the report's formats; for `none` nothing. All of them are safe in any terminal.

    CSV shows the page's inventory instead.
    """
    match output:
        case "text":
            from cronjob.render.text import TextReport

            return str(TextReport(document, page))
        case "json":
            return json.dumps(document, indent=2) + "\n"
        case "yaml":
            import yaml

            return str(yaml.safe_dump(document, sort_keys=False, width=120))
        case "markdown":
            from cronjob.render.markdown import MarkdownReport

            return str(MarkdownReport(document, page))
        case "csv":
            from cronjob.render.spreadsheet import as_csv

            return as_csv(page.inventory)
    return ""
