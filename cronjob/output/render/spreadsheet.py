"""The CSV report: an inventory with one row for each deploy key and webhook."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from cronjob.output.render.escaping import for_spreadsheet

COLUMNS: Mapping[str, str] = {
    "project": "its full path",
    "project_id": "its id",
    "kind": "`deploy_key` or `webhook`; empty where the project could not be read",
    "id": "GitLab's id; empty for what is not there yet",
    "owner": "`ours`, `another cluster`, `another instance of this cluster` or `unmarked`",
    "mark": "the mark, if it carries one",
    "title": "the key's title, the webhook's description",
    "fingerprint_or_url": "the key's SHA-256 fingerprint, or the webhook's URL, cut as in every report",
    "writable": "whether the key may push",
    "expires": "when the key expires; empty is never",
    "expired": "whether it has",
    "last_used": "when GitLab last saw the key used; empty is never, or GitLab does not say",
    "duplicates": "other projects with the same key; other webhooks of the project at the same URL",
    "disabled": "what GitLab says of a webhook that it has switched off",
    "plan": "`unchanged`, `create`, `update`, `delete`, `kept`, `foreign` or `unreadable`",
    "status": "how the change went, as in the other reports",
    "reason": "why it is changed, or kept",
    "error": "why the change was not made",
    "next": "what to do about that",
}


def as_csv(rows: Iterable[Mapping[str, str]]) -> str:
    """Return a header and the rows, with cells that no spreadsheet takes for a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([for_spreadsheet(row[name]) for name in COLUMNS] for row in rows)
    return text.getvalue()
