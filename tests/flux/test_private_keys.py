import base64
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import (
    PrivateFormat,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cronjob.flux.private_keys import KeyUnusable, public_key_from_line, public_key_from_private
from reconcile.model import PublicKey
from tests.worlds.key_samples import (
    DSA_BITS,
    ED25519,
    KEYS,
    OPENSSH,
    PASSPHRASE,
    PKCS8,
    TRADITIONAL,
    number,
    openssh,
    pem,
    public_of,
    reason_of,
    run,
    sealed,
    string,
    tlv,
    written,
)


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("form", [OPENSSH, PKCS8])
def test_every_kind_of_key_gives_its_public_half(name: str, form: PrivateFormat) -> None:
    assert public_key_from_private(written(KEYS[name], form), None) == public_of(KEYS[name])


@pytest.mark.parametrize("name", ["rsa", "p256", "p384", "p521"])
def test_openssls_traditional_format_is_read(name: str) -> None:
    assert public_key_from_private(written(KEYS[name], TRADITIONAL), None) == public_of(KEYS[name])


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_what_ssh_keygen_writes_is_read(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "identity"
    run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "me@host", "-f", str(file))

    key = public_key_from_private(file.read_bytes(), None)

    assert key == public_key_from_line(file.with_suffix(".pub").read_bytes())
    assert "me@host" not in key.text


def test_dsa_is_read_in_the_format_in_which_flux_reads_it() -> None:
    key = dsa.generate_private_key(DSA_BITS)

    public = base64.b64decode(public_key_from_private(written(key, TRADITIONAL), None).material)

    numbers = key.public_key().public_numbers()
    assert public.startswith(string(b"ssh-dss"))
    assert public.endswith(numbers.y.to_bytes(DSA_BITS // 8, "big"))


def test_windows_line_ends_and_blank_lines_around_do_no_harm() -> None:
    identity = b"\r\n" + written(ED25519).replace(b"\n", b"\r\n") + b"\r\n\r\n"

    assert public_key_from_private(identity, None) == public_of(ED25519)


@pytest.mark.parametrize(
    "identity",
    [
        pytest.param(lambda: sealed(OPENSSH), id="openssh"),
        pytest.param(lambda: sealed(TRADITIONAL, KEYS["p256"]), id="traditional"),
    ],
)
class TestAnEncryptedKey:
    def test_opens_with_its_passphrase(self, identity: Any) -> None:
        assert public_key_from_private(identity(), PASSPHRASE) in {public_of(ED25519), public_of(KEYS["p256"])}

    def test_stays_shut_with_another_one(self, identity: Any) -> None:
        assert reason_of(identity(), b"wrong").startswith("the passphrase in `password` does not open it")

    @pytest.mark.parametrize("passphrase", [None, b""])
    def test_needs_one(self, identity: Any, passphrase: bytes | None) -> None:
        assert reason_of(identity(), passphrase) == "it is encrypted, and the Secret has no passphrase in `password`"


def test_what_ssh_keygen_encrypts_is_read(tmp_path: Path) -> None:
    file = tmp_path / "identity"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", PASSPHRASE.decode(), "-a", "24", "-f", str(file))

    public_line = file.with_suffix(".pub").read_bytes()
    assert public_key_from_private(file.read_bytes(), PASSPHRASE) == public_key_from_line(public_line)


@pytest.mark.parametrize("digits", [30, 16, 2])
def test_a_short_initialisation_vector_is_damage(digits: int) -> None:
    identity = sealed(TRADITIONAL, KEYS["p256"])
    cut = re.sub(rb"(DEK-Info: [A-Z0-9-]+,[0-9A-F]{%d})[0-9A-F]+" % digits, rb"\1", identity)

    assert cut != identity
    assert "it is damaged" in reason_of(cut, PASSPHRASE)


@pytest.mark.parametrize("form", [OPENSSH, PKCS8])
def test_a_passphrase_that_is_not_needed_is_ignored_as_by_flux(form: PrivateFormat) -> None:
    assert public_key_from_private(written(ED25519, form), PASSPHRASE) == public_of(ED25519)


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (b"", "it is empty"),
        (b" \n\t", "it is empty"),
        (b"hello", "it is no private key in OpenSSH's or PEM format"),
        (public_of(ED25519).text.encode(), "it is a public key, not the private one"),
        (public_of(KEYS["p256"]).text.encode(), "it is a public key, not the private one"),
        (pem("PUBLIC KEY", b"x"), "it is a public key, not the private one"),
        (b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n", "it is a public key, not the private one"),
        (b"PuTTY-User-Key-File-3: ssh-ed25519\n", "puttygen KEY -O private-openssh"),
        (base64.b64encode(written(ED25519)), "it is in base64 twice"),
        (b"SSH PRIVATE KEY FILE FORMAT 1.1\n", "version 1 of SSH"),
        (written(ED25519)[:100], "its END line is missing"),
        (pem("CERTIFICATE", b"x"), "its first PEM block is `CERTIFICATE`, not a private key"),
        (pem("EC PARAMETERS", b"x") + written(KEYS["p256"], TRADITIONAL), "its first PEM block is `EC PARAMETERS`"),
        (pem("OPENSSH PRIVATE KEY", b"x"), "it is damaged"),
        (pem("PRIVATE KEY", b"x"), "it is damaged"),
        (pem("RSA PRIVATE KEY", tlv(0x30, number(0))), "it is damaged"),
        (pem("RSA PRIVATE KEY", tlv(0x30, number(0), tlv(0x30, b"\2\\9"))), "it is damaged"),
        (pem("PRIVATE KEY", b""), "it is damaged"),
        (pem("CERTIFICATE\x1b", b"x"), "its first PEM block is something else, not a private key"),
    ],
    # The keys are new in every process; pytest-xdist wants the same names everywhere.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_reason_says_what_it_is_instead(identity: bytes, reason: str) -> None:
    assert reason in reason_of(identity)


def test_two_keys_in_one_block_are_unusable() -> None:
    raw = base64.b64decode(b"".join(written(ED25519).splitlines()[1:-1]))
    two = raw.replace(string(b"none") * 2 + string(b"") + b"\0\0\0\1", string(b"none") * 2 + string(b"") + b"\0\0\0\2")
    assert raw != two

    assert reason_of(pem("OPENSSH PRIVATE KEY", two)) == "it is damaged"


def test_the_reason_holds_nothing_of_the_key() -> None:
    broken = written(KEYS["rsa"], TRADITIONAL).replace(b"A", b"B")
    words = set(re.findall(rb"[A-Za-z0-9+/]{8,}", broken)) - {b"damaged"}

    with pytest.raises(KeyUnusable) as caught:
        public_key_from_private(broken, PASSPHRASE)

    assert caught.value.__cause__ is caught.value.__context__ is None
    assert not any(word in repr(caught.value).encode() for word in words)


def identities() -> st.SearchStrategy[bytes]:
    """Bytes, and keys of every format with a few bytes changed, cut off or put in."""
    real = [written(ED25519), written(ED25519, PKCS8), sealed(PKCS8), written(KEYS["rsa"], TRADITIONAL)]
    real += [sealed(TRADITIONAL, KEYS["p256"]), openssh(string(b"ssh-rsa") + string(b"\1") + string(b"\7"), rounds=1)]

    @st.composite
    def damaged(draw: st.DrawFn) -> bytes:
        identity = bytearray(draw(st.sampled_from(real)))
        for _ in range(draw(st.integers(1, 4))):
            start = draw(st.integers(0, len(identity)))
            identity[start : start + draw(st.integers(0, 9))] = draw(st.binary(max_size=9))
        return bytes(identity)

    labels = ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"]
    blocks = st.builds(pem, st.sampled_from(labels), st.binary(max_size=200))
    opened = st.binary(max_size=200).map(lambda tail: pem(labels[-1], b"openssh-key-v1\0" + tail))
    return st.one_of(st.binary(max_size=400), damaged(), blocks, opened)


@settings(max_examples=max(500, settings().max_examples))
@given(identities(), st.none() | st.binary(max_size=20))
@example(b"-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----", None)
@example(b"-----BEGIN \xff PRIVATE KEY-----", None)
def test_any_bytes_give_a_public_key_or_a_reason(identity: bytes, passphrase: bytes | None) -> None:
    try:
        outcome: PublicKey | str = public_key_from_private(identity, passphrase)
    except KeyUnusable as unusable:
        outcome = unusable.reason

    assert outcome == PublicKey.parse(outcome.text) if isinstance(outcome, PublicKey) else outcome


TEXT = public_of(ED25519).text.encode()


@pytest.mark.parametrize(
    "text",
    [TEXT, TEXT + b"\n", TEXT + b" me@host with words\n", b"\n# a comment\n" + TEXT, TEXT + b"\r\n", TEXT + b"\nmore"],
)
def test_a_public_key_is_read_without_its_comment(text: bytes) -> None:
    assert public_key_from_line(text) == public_of(ED25519)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"garbage",
        b"\xff\xfe" + TEXT,
        b"ssh-ed25519 !!!!",
        b"ssh-rsa " + TEXT.split()[1],
        b"ssh-ed25519 " + base64.b64encode(b"short"),
        b"no-pty " + TEXT,
        written(ED25519),
    ],
)
def test_garbage_is_no_public_key(text: bytes) -> None:
    assert public_key_from_line(text) is None


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda tail: b"ssh-rsa " + base64.b64encode(tail)))
def test_any_bytes_give_a_public_key_or_none(text: bytes) -> None:
    key = public_key_from_line(text)

    assert key is None or key == PublicKey.parse(key.text)


@pytest.mark.parametrize("name", ["rsa", "p384"])
@pytest.mark.parametrize("form", [OPENSSH, PKCS8, TRADITIONAL])
def test_both_halves_of_a_pair_agree(name: str, form: PrivateFormat) -> None:
    public_line = public_of(KEYS[name]).text.encode()
    assert public_key_from_private(written(KEYS[name], form), None) == public_key_from_line(public_line)
