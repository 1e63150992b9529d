"""A page in a real browser, headless: what it shows, what its console says, and whom it asks."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# .ci/run installs one: there its absence is a failure.
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ, reason="no Chromium is installed here")

# These machines are shared: what is right at last is right.
expect.set_options(timeout=30_000)

# As root there is no sandbox; the other flags keep Chromium from calling home.
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


class Opened:
    """A page in the browser, what its console said, and what it asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def rows(self) -> list[str]:
        """The project or object of each row that is shown, in order."""
        lists = self.page.locator(".list tbody tr:visible")
        return [re.sub(r"\s+", " ", text).strip() for text in lists.all_inner_texts()]


@contextmanager
def opened(browser: Browser, tmp_path: Path, page: str, **context: Any) -> Iterator[Opened]:
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    made = browser.new_context(**context)
    try:
        ready = Opened(made.new_page())
        ready.page.goto(file.as_uri())
        yield ready
    finally:
        made.close()
