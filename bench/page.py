"""Where the benchmarks' tables stand: on stdout, and between markers of a page."""

from __future__ import annotations

import os
import platform
import re
import sys
from datetime import UTC, datetime
from pathlib import Path


def publish(name: str, text: str, page: Path | None) -> None:
    """Print *text*; with a *page*, also replace what is between its markers `<!-- name -->` and `<!-- /name -->`."""
    sys.stdout.write(text)
    if page:
        marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        whole = page.read_text(encoding="utf-8")
        page.write_text(marked.sub(lambda found: found[1] + text + found[2], whole), encoding="utf-8")


def where_and_when() -> str:
    """Today, and the machine."""
    return f"{datetime.now(UTC):%-d %B %Y}; {os.cpu_count()} cores, {platform.machine()}, {platform.system()}"


def say(text: str) -> None:
    """Tell whoever waits."""
    sys.stderr.write(f"{text} ...\n")
