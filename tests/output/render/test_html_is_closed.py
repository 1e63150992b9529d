"""The report as a page, in a real browser: whatever tenants wrote, nothing comes in and nothing goes out."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.output.render.test_html import HOSTILE, html
from tests.worlds.browsing import NEEDS_CHROMIUM, opened
from tests.worlds.report_samples import a_document, a_refused_report, a_report, hostile_document

pytest_plugins = ["tests.worlds.browser_fixtures"]
pytestmark = NEEDS_CHROMIUM


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_tenant_wrote_runs(browser: Browser, tmp_path: Path, text: str) -> None:
    with opened(browser, tmp_path, html(hostile_document(text))) as report:
        report.page.mouse.move(200, 400)
        assert report.page.evaluate("window.owned === undefined")
        assert report.page.locator("body :is(img, b)").count() == 0
        expect(report.page.locator("#shown")).to_have_text("8 of 8 rows shown")
        assert report.said == []


INJECTED = "<script>window.owned = 1</script><img src=x onerror='window.owned = 1'>"
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def test_even_what_was_not_escaped_would_not_run(browser: Browser, tmp_path: Path) -> None:
    page = html(a_document(a_report())).replace("<main", f"{INJECTED}<main", 1)
    with opened(browser, tmp_path, page) as report:
        assert report.page.evaluate("window.owned === undefined")
        assert any("Content Security Policy" in one for one in report.said)
    with opened(browser, tmp_path, POLICY.sub("", page)) as report:
        assert report.page.evaluate("window.owned") == 1


class Counting(BaseHTTPRequestHandler):
    """Answers everything, and knows how often it was asked."""

    count = 0

    def do_GET(self) -> None:
        type(self).count += 1
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    Counting.count = 0
    with HTTPServer(("127.0.0.1", 0), Counting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_even_what_was_not_escaped_could_ask_nobody(browser: Browser, tmp_path: Path, elsewhere: str) -> None:
    asking = f"<img src='{elsewhere}/i'><link rel=stylesheet href='{elsewhere}/s'><script src='{elsewhere}/j'></script>"
    page = html(a_document(a_refused_report())).replace("<main", f"{asking}<main", 1)
    with opened(browser, tmp_path, page) as report:
        report.page.wait_for_load_state("networkidle")
        assert Counting.count == 0
    with opened(browser, tmp_path, POLICY.sub("", page)) as report:
        report.page.wait_for_load_state("networkidle")
        assert Counting.count == 3
