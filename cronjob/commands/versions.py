"""What runs here: read from what is installed, since importing it would take longer than many a run."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

# What a bug report should name, beside Python.
LIBRARIES = ("kubernetes", "requests", "urllib3", "cryptography")


def versions() -> Iterator[tuple[str, str]]:
    """This program, Python and the libraries that talk to the world, by name, each with its version."""
    yield "flux-gitlab-syncer", _version("flux-gitlab-syncer")
    yield "Python", platform.python_version()
    yield from ((name, _version(name)) for name in LIBRARIES)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "is not installed"
