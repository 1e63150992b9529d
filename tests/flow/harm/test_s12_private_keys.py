"""S12: a private key that Flux cannot read gives no deploy key."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_ssh_private_key,
)

from cronjob.sandbox.samples import CLUSTER, add_secret, ssh_key
from tests.worlds.program import a_program

TENANT = f"{CLUSTER}/tenant-0001"

# What Go's pem.Decode finds no block in (encoding/pem, Go 1.24).
UNREADABLE: dict[str, Callable[[str], str]] = {
    "in one line": lambda pem: pem.replace("\n", " "),
    "indented": lambda pem: "".join(f"  {line}" for line in pem.splitlines(keepends=True)),
    "after a byte order mark": lambda pem: "\ufeff" + pem,
    "with old Mac line ends": lambda pem: pem.replace("\n", "\r"),
    "quoted": lambda pem: f'"{pem}"',
}


@pytest.mark.parametrize("spelling", UNREADABLE)
def test_a_private_key_that_flux_cannot_read_is_not_added(spelling: str) -> None:
    with a_program(1, samples=False) as program:
        pair = ssh_key()
        add_secret(program.sandbox, "tenant-0001-ssh", {**pair, "identity": UNREADABLE[spelling](pair["identity"])})

        done = program.run()

        assert program.titles(TENANT) == []
        assert [problem["code"] for problem in done.report["problems"]] == ["KeyUnusable"]
        assert done.code == 1


def test_a_private_key_that_flux_reads_is_added() -> None:
    with a_program(1, samples=False) as program:
        add_secret(program.sandbox, "tenant-0001-ssh", ssh_key())

        assert program.run().code == 0
        assert len(program.titles(TENANT)) == 1


def test_an_encrypted_key_in_a_format_that_flux_does_not_decrypt_is_not_added() -> None:
    with a_program(1, samples=False) as program:
        pair = ssh_key()
        private = load_ssh_private_key(pair["identity"].encode(), None)
        encrypted = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a passphrase"))
        secret = {**pair, "identity": encrypted.decode(), "password": "a passphrase"}
        add_secret(program.sandbox, "tenant-0001-ssh", secret)

        done = program.run()

        assert program.titles(TENANT) == []
        [problem] = done.report["problems"]
        assert problem["code"] == "KeyUnusable"
        assert "encrypted PKCS#8" in problem["message"]
