"""The two tenants that `trace` is asked about; a plugin for pytest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.worlds.program import Program
from tests.worlds.tracing import two_tenants


@pytest.fixture
def program() -> Iterator[Program]:
    with two_tenants() as ready:
        yield ready
