"""Every test has a clean environment, no network but loopback, and children with default signal handlers."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from cronjob.output.logs import LIBRARIES
from tests.worlds.golden import Golden

settings.register_profile("default", deadline=None)  # no timed tests: these machines are shared
settings.register_profile("deep", deadline=None, max_examples=1000, suppress_health_check=list(HealthCheck))
settings.load_profile("default")

# A child inherits an ignored signal, as SIGINT is in a script's background job and SIGHUP under nohup; no handler.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)

_OURS = ("SYNCER_", "GITLAB_", "KUBE", "POD_", "NO_COLOR", "HTTP_PROXY", "HTTPS_PROXY", "REQUESTS_CA", "SSL_CERT")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write the reports that tests compare with")
    parser.addoption("--chaos-steps", type=int, default=400, help="how many steps the state machine takes in all")
    parser.addoption("--chaos-all", action="store_true", help="every request fails in every way, not in one of them")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set on the developer's machine changes no test."""
    for name in list(os.environ):
        if name.upper().startswith(_OURS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/nonexistent")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A run silences the libraries in its process; the next test begins anew."""
    yield
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anywhere else is an error, not a hang."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else "local"
        if host not in {"127.0.0.1", "::1", "localhost", "local"}:
            raise AssertionError(f"a test connects to {host}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Golden files of the test's own folder."""
    rewrite = bool(request.config.getoption("--rewrite-golden"))
    return Golden(Path(request.path).parent / "golden", rewrite=rewrite)
