"""The versions that `--version` prints, read from the installed packages without importing them."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

# The libraries that a bug report should name.
LIBRARIES = ("kubernetes", "requests", "urllib3", "cryptography")


def versions() -> Iterator[tuple[str, str]]:
    """Yield name and version of this program, of Python and of the libraries that connect to servers."""
    yield "flux-gitlab-syncer", _version("flux-gitlab-syncer")
    yield "Python", platform.python_version()
    yield from ((name, _version(name)) for name in LIBRARIES)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "is not installed"
