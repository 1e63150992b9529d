"""Private keys of every format: real ones, and crafted ones that no tool would write."""

from __future__ import annotations

import base64
import shutil
import subprocess
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from cronjob.flux.private_keys import KeyUnusable, public_key_from_private
from reconcile.model import PublicKey

PASSPHRASE = b"correct horse"
OPENSSH, PKCS8, TRADITIONAL = PrivateFormat.OpenSSH, PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL

ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS: dict[str, Any] = {
    "ed25519": ED25519,
    "rsa": rsa.generate_private_key(65537, 2048),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
}
# Too short to be safe, and quickly made.
DSA_BITS = 1024


def run(program: str, *arguments: str, stdin: bytes = b"") -> bytes:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return subprocess.run([path, *arguments], check=True, capture_output=True, input=stdin).stdout


def written(
    key: PrivateKeyTypes,
    form: PrivateFormat = OPENSSH,
    encryption: KeySerializationEncryption | None = None,
) -> bytes:
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption())


def public_of(key: Any) -> PublicKey:
    return PublicKey.parse(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


def sealed(form: PrivateFormat, key: PrivateKeyTypes = ED25519) -> bytes:
    return written(key, form, BestAvailableEncryption(PASSPHRASE))


def reason_of(identity: bytes, passphrase: bytes | None = None) -> str:
    with pytest.raises(KeyUnusable) as caught:
        public_key_from_private(identity, passphrase)
    assert not caught.value.reason.endswith(".")
    return caught.value.reason


def pem(label: str, der: bytes, headers: str = "") -> bytes:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{headers}{text}-----END {label}-----\n".encode()


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def openssh(public: bytes, *, rounds: int | None = None, cipher: bytes = b"aes256-ctr", private: bytes = b"") -> bytes:
    """A key in OpenSSH's format with any header; what is encrypted in it is zeros."""
    head = [string(b"none"), string(b"none"), string(b"")]
    if rounds is not None:
        head = [string(cipher), string(b"bcrypt"), string(string(b"s" * 16) + rounds.to_bytes(4, "big"))]
    body = b"".join([*head, (1).to_bytes(4, "big"), string(public), string(private or bytes(64))])
    return pem("OPENSSH PRIVATE KEY", b"openssh-key-v1\0" + body)


def tlv(tag: int, *parts: bytes) -> bytes:
    inside = b"".join(parts)
    size = len(inside)
    if size < 128:
        return bytes([tag, size]) + inside
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 + len(length)]) + length + inside


def number(value: int) -> bytes:
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(hexadecimal: str) -> bytes:
    return tlv(6, bytes.fromhex(hexadecimal))
