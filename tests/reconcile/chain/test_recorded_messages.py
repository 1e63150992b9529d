"""The messages that Flux's real controllers wrote (tests/sandbox/recorded) are understood."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconcile.chain import fetch_messages, kustomization_messages
from reconcile.chain.flux_messages import MessageCause, cause_of

FOLDER = Path(__file__).parents[2] / "sandbox" / "recorded"
# A word of what the program says to each failure. The URL of `colon-for-slash` is judged before Flux's message is read.
FETCH = {
    "no-secret": "does not exist",
    "no-secret-ref": "has no `identity`",
    "no-identity": "has no `identity`",
    "no-known-hosts": "has no `known_hosts`",
    "no-private-key": "no private key that Flux can read",
    "unknown-key": "does not accept the key",
    "key-of-another-project": "no such project",
    "no-commit": "no commit on that branch",
    "another-host-key": "another host key",
    "unknown-host": "no line for this host",
    "no-such-branch": "the branch, tag, commit or directory",
}
APPLY = {"no-source": "its source does not exist", "no-artifact": "has not been fetched yet"}


def message_of(program: str, case: str) -> str:
    status = json.loads((FOLDER / f"{program}.json").read_text(encoding="utf-8"))["status"][case]
    [ready] = [condition for condition in status["conditions"] if condition["type"] == "Ready"]
    assert ready["status"] == "False"
    return str(ready["message"])


@pytest.mark.parametrize(
    ("program", "causes", "case", "meaning"),
    [
        *(("source-controller", fetch_messages.CAUSES, *pair) for pair in FETCH.items()),
        *(("kustomize-controller", kustomization_messages.CAUSES, *pair) for pair in APPLY.items()),
    ],
)
def test_the_cause_of_each_failure_is_found(
    program: str, causes: tuple[MessageCause, ...], case: str, meaning: str
) -> None:
    cause = cause_of(message_of(program, case), causes)

    assert cause is not None
    assert meaning in cause.meaning
