"""Fixtures around a small GitLab over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worlds.gitlab_builders import Authority, GitLab, a_gitlab, an_authority


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy the developer's machine needs, loopback needs none."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def gitlab(no_proxies: None) -> Iterator[GitLab]:
    """GitLab 18.4, with the group `tenants`, which is empty."""
    del no_proxies
    with a_gitlab() as served:
        yield served


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A CA that nobody knows."""
    return an_authority(tmp_path)
