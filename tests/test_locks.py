"""What the image installs is what is tested, each package by its hash."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "image").glob("*.lock"))


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(path: Path) -> dict[str, str]:
    """The versions that a file names, by package."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {normal(name): version for name, version in found}


def test_the_image_has_the_versions_that_are_tested() -> None:
    tested = pins(ROOT / "constraints.txt")

    assert {name: tested.get(name) for name in pins(ROOT / "image/run.lock")} == pins(ROOT / "image/run.lock")


def test_the_image_has_everything_that_the_package_needs() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    needed = re.findall(r"^([A-Za-z0-9._-]+)", setup["options"]["install_requires"], re.MULTILINE)

    assert len(needed) > 5
    assert {normal(name) for name in needed} <= pins(ROOT / "image/run.lock").keys()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_each_package_has_hashes_and_no_place_of_its_own(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    packages = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"^\s*(#.*)?\n", "", text, flags=re.MULTILINE).strip())

    assert len(packages) == len(pins(lock)) > 0
    assert [one for one in packages if not re.fullmatch(r"\S+ \\(\n +--hash=sha256:[0-9a-f]{64}( \\)?)+", one)] == []


def test_the_dockerfile_and_ci_install_by_the_same_script() -> None:
    assert "RUN image/install " in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "\nimage/install " in (ROOT / ".ci/run").read_text(encoding="utf-8")
