"""
Each request of a run fails once, in each way: this run or the next one reaches the state of an undisturbed run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.expectations import Platform
from tests.chaos.twelve_tenants import OPTIONS, Request, a_platform, fail_once, remove_faults, requests_of
from tests.worlds.hurry import in_a_hurry
from tests.worlds.program import Done, a_program
from tests.worlds.secrets_shown import secrets_of, shown

PAGE = "<html><body><h1>Something went wrong</h1></body></html>"

# As `fail` takes them. A retry succeeds.
KINDS: dict[str, dict[str, Any]] = {
    "reset": {"drop": True},
    "reset afterwards": {"drop": True, "after": True},
    "cut": {"cut": True},
    "500": {"status": 500, "body": {"message": "500 Internal Server Error"}},
    "500 afterwards": {"status": 500, "body": {"message": "500 Internal Server Error"}, "after": True},
    "502 page": {"status": 502, "body": PAGE},
    "503 page": {"status": 503, "body": PAGE},
    "504 page afterwards": {"status": 504, "body": PAGE, "after": True},
    "520 page": {"status": 520, "body": PAGE},
    "429": {"status": 429, "body": "Retry later\n", "headers": {"Retry-After": "1"}},
    "429 without a time": {"status": 429, "body": {"message": {"error": "Too many."}}},
    "409 lock": {"status": 409, "body": {"message": "409 Conflict: Resource lock"}},
    "401": {"status": 401, "body": {"message": "401 Unauthorized"}},
    "403": {"status": 403, "body": {"message": "403 Forbidden"}},
    "404 of the project": {"status": 404, "body": {"message": "404 Project Not Found"}},
    "404 of the item": {"status": 404, "body": {"message": "404 Not found"}},
    "400": {"status": 400, "body": {"error": "what is this?"}},
    "301": {"status": 301, "body": "", "headers": {"Location": "https://elsewhere.example/api/v4/projects/1"}},
    "200 page": {"status": 200, "body": PAGE},
    "200 with nothing": {"status": 200, "body": ""},
    "200 null": {"status": 200, "body": "null"},
    "200 empty list": {"status": 200, "body": []},
    "200 empty object": {"status": 200, "body": {}},
    "201 null": {"status": 201, "body": "null"},
}
# Well-formed answers that are false. The program may report a key as gone that is there, or create a second webhook,
# but no wanted or foreign item may be removed, and the next run must converge.
LIES = {"200 empty list", "404 of the item"}


@pytest.fixture(scope="module")
def every_request() -> list[Request]:
    return requests_of("run", *OPTIONS)


@pytest.fixture
def share(request: pytest.FixtureRequest) -> int:
    """Each request fails in one of the kinds, the next one in the next kind; with `--chaos-all` in every one."""
    return 1 if request.config.getoption("--chaos-all") else len(KINDS)


def test_the_run_has_a_bit_of_everything(every_request: list[Request]) -> None:
    methods = Counter((request.server, request.method) for request in every_request)

    assert methods["gitlab", "POST"] == 8
    assert methods["gitlab", "PUT"] == 2
    assert methods["gitlab", "DELETE"] == 8
    assert methods["gitlab", "GET"] > 30
    assert methods["kubernetes", "GET"] > 30


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("server", ["gitlab", "kubernetes"])
def test_each_request_fails_once_and_nothing_is_lost_doubled_or_touched(
    every_request: list[Request],
    server: str,
    kind: str,
    share: int,
    record_property: Callable[[str, object], None],
) -> None:
    figures: Counter[str] = Counter()
    these = [request for request in every_request if request.server == server]
    for request in these[list(KINDS).index(kind) % share :: share]:
        figures["requests failed once"] += 1
        figures.update(_survived(request, kind))
    for name, value in figures.items():
        record_property(name, value)
    assert figures["runs"] == 2 * figures["requests failed once"] > 0


def _survived(request: Request, kind: str) -> Counter[str]:
    """Run once with a failing *request* and once without; returns the figures."""
    with a_program(0, samples=False) as program, in_a_hurry():
        platform = a_platform(program)
        before, monitor = platform.everything(), platform.monitor()
        fail_once(program, request, **KINDS[kind])

        first = program.run(*OPTIONS)
        context = f"{kind} for {request}"
        _check(platform, first, context)
        if kind not in LIES:
            assert list(platform.false_statements(first.report["changes"], before)) == [], context
        middle = platform.everything()
        remove_faults(program)
        second = program.run(*OPTIONS)

        assert second.code == 0, (context, second.report["problems"])
        seen = [text for text in monitor.violations if kind not in LIES or "there are now 2 webhooks" not in text]
        assert seen == [], context
        assert list(platform.differences(middle)) == [], context
        requests = len(program.gitlab.requests) + len(program.kubernetes.requests)
        return Counter({"runs": 2, "requests": requests, "writes watched": monitor.writes})


def _check(platform: Platform, done: Done, context: str) -> None:
    assert done.code in {0, 1, 5}, (context, done.err)
    assert "Traceback" not in done.err, context
    assert shown(secrets_of(platform.program.sandbox), done.out, done.err) == [], context
