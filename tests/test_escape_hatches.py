"""Every place where a check is switched off is counted: one more is a visible change, with its reason beside it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
HATCH = re.compile(r"#.*(?:type: ignore|noqa|no cover)")
SKIP = re.compile(r"\bpytest\.(?:mark\.)?(?:skip|xfail)")


def files_with(pattern: re.Pattern[str], folder: str) -> list[str]:
    """The files below *folder* that match, once for each line."""
    return [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if pattern.search(line) and path != Path(__file__)
    ]


def test_the_program_switches_off_no_check_but_these() -> None:
    assert files_with(HATCH, "reconcile") == ["reconcile/problems.py"]  # an argument `object`, the report's own word
    assert files_with(HATCH, "cronjob") == []


def test_tests_are_skipped_only_where_a_program_is_missing_that_ci_installs_or_an_api_server() -> None:
    assert files_with(SKIP, "tests") == [
        "tests/cluster/conftest.py",  # a real API server, which CI need not have
        "tests/cluster/test_answers.py",  # one whose lists can be ended: those of others, and newer ones, cannot
        "tests/cluster/test_applied.py",  # kubectl 1.27 or newer
        "tests/cluster/test_applied.py",  # a real one of the other age: all fields of CronJobs, or not
        "tests/cluster/test_applied.py",
        "tests/cluster/test_builds.py",  # kubectl 1.27 or newer
        "tests/cluster/test_enforced.py",  # a real one with ValidatingAdmissionPolicies
        "tests/cluster/test_enforced.py",  # and with Pod Security
        "tests/real/conftest.py",  # sshd
        "tests/real/conftest.py",  # the real programs, which `make real` builds
        "tests/sandbox/fake_kubernetes/test_kubectl.py",  # kubectl
        "tests/worlds/browsing.py",  # Chromium; where CI is set its absence is a failure
        "tests/worlds/go.py",  # go, to ask it how it reads a private key
        "tests/worlds/key_samples.py",  # ssh-keygen, openssl
    ]


def test_the_searches_find_what_they_look_for() -> None:
    assert HATCH.search("x = 1  # noqa: S105 - a reason")
    assert SKIP.search("@pytest.mark.skipif(KUBECTL is None)")
