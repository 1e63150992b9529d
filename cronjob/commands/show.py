"""`show`: print a saved JSON report in any format, with nothing grouped or cut. It needs no settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from cronjob.output.render import rendered
from cronjob.output.render.page import Page
from cronjob.output.render.spreadsheet import COLUMNS
from cronjob.output.render.wording import label_of, name_of
from cronjob.reports.saved_report import report_in, text_of
from cronjob.settings.values import reason_of
from reconcile.errors import SettingsError
from reconcile.model import cut_digests
from reconcile.tenancy import matches

Document = Mapping[str, Any]
_FILTERED = ("changes", "problems", "kept", "foreign")


def show(path: str, output: str, globs: Sequence[str]) -> str:
    """
    Return the saved report at *path* (`-`: standard input) in the format *output*.

    *globs* keep only what concerns these projects; counts and the exit code stay as they were saved. Raises
    SettingsError where there is no such report, or the format needs a package that is not installed.
    """
    if output == "html" and not find_spec("jinja2"):
        raise SettingsError("The report as html needs the package jinja2: `pip install jinja2` installs it.")
    document = _filtered(_saved(path), globs)
    command = "run" if not document.get("options", {}).get("undo") else "undo"
    page = Page(command, complete=True, inventory=list(_rows(document)))
    try:
        return rendered(document, output, page)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise SettingsError(
            f"{path!r} is a report that was edited or is of another version; give it unedited."
        ) from None


def _saved(path: str) -> Document:
    try:
        report = report_in(text_of(path))
    except OSError as error:
        reason = reason_of(error)
        raise SettingsError(f"The report {path!r} cannot be read ({reason}); give the path of one.") from None
    except ValueError as error:
        raise SettingsError(f"The argument names {path!r}, which {error}.") from None
    if report is None:
        raise SettingsError(f"{path!r} is not JSON; give a file that --report json=PATH wrote.")
    # An older version may have written it, which did not cut every text.
    document: Document = cut_digests(report)
    return document


def _filtered(document: Document, globs: Sequence[str]) -> Document:
    if not globs:
        return document

    def is_chosen(record: Mapping[str, Any]) -> bool:
        return any(matches(glob, str(record.get("project") or "")) for glob in globs)

    chosen = {name: list(filter(is_chosen, document[name])) for name in _FILTERED if name in document}
    return {**document, **chosen}


def _rows(document: Document) -> Iterator[dict[str, str]]:
    """Yield the rows that CSV can show of a saved report: it knows no unchanged items."""
    for kind_of_row in ("changes", "kept", "foreign"):
        for record in document.get(kind_of_row) or ():
            known = {
                "project": record["project"],
                "project_id": str(record.get("project_id") or ""),
                "kind": record["kind"],
                "title": label_of(record),
                "fingerprint_or_url": name_of(record),
                "plan": record.get("action") or kind_of_row,
                "status": record.get("status") or "",
                "owner": record.get("owner") or "",
                "reason": record.get("reason") or record.get("because") or "",
                "error": record.get("error") or "",
                "next": (record.get("cause") or {}).get("next") or "",
            }
            yield {**dict.fromkeys(COLUMNS, ""), **known}
