"""The ids of the documents that this program writes; each has its JSON Schema beside this file."""

from __future__ import annotations

from pathlib import Path

REPORT = "flux-gitlab-syncer/report/v1"
CHECK = "flux-gitlab-syncer/check/v1"
TRACE = "flux-gitlab-syncer/trace/v1"

_FILES = {REPORT: "report.schema.json", CHECK: "check.schema.json", TRACE: "trace.schema.json"}


def schema_file(document_id: str) -> Path:
    """Return the path of the JSON Schema (draft 2020-12) of documents with this id."""
    return Path(__file__).with_name(_FILES[document_id])
