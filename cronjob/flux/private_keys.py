"""
The public key from an SSH private key, in any format that Flux reads.

Everybody who may write a Secret can choose the bytes, so a costly key is refused before the work starts: large input,
passphrases that take long to check, numbers of many bits. RSA keys are not validated, which takes minutes for two
crafted primes: only the public key is needed, and Flux reports a wrong private one.
"""

from __future__ import annotations

import base64
import re
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    load_ssh_private_key,
)

from cronjob.flux.pem import PemBlock, first_pem_block, why_no_pem_block
from cronjob.flux.private_key_limits import (
    MAX_BITS,
    MAX_BYTES,
    TooCostly,
    check_numbers,
    check_openssh,
    check_password_work,
    openssh_cipher,
)
from reconcile.model import PublicKey

_TRADITIONAL = frozenset({"RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"})
_PKCS8 = "PRIVATE KEY"
_ENCRYPTED_PKCS8 = "ENCRYPTED PRIVATE KEY"
_OPENSSH = "OPENSSH PRIVATE KEY"
_LABEL = re.compile(r"[A-Z0-9 ]{1,40}")
_KEY_LABELS = _TRADITIONAL | {_PKCS8, _ENCRYPTED_PKCS8, _OPENSSH}
# What the library raises for damaged keys; its texts are not shown, since they may hold parts of the key.
_LIBRARY_ERRORS = (ValueError, TypeError, KeyError, IndexError, OverflowError, InvalidTag)

# How other formats begin, and what to say about them.
_OTHER_FORMATS = (
    (re.compile(rb"PuTTY-User-Key-File"), "it is in PuTTY's format; convert it: `puttygen KEY -O private-openssh`"),
    (
        re.compile(rb"(ssh|ecdsa|sk)-[a-z0-9@.-]+ AAAA|---- BEGIN SSH2 PUBLIC"),
        "it is a public key, not the private one",
    ),
    (
        re.compile(rb"LS0tLS1CRUdJTi"),
        "it is in base64 twice; encode it once under `data`, not at all under `stringData`",
    ),
    (re.compile(rb"SSH PRIVATE KEY FILE FORMAT 1"), "it is a key for version 1 of SSH; make an Ed25519 key"),
)
_NO_KEY = "it is no private key in OpenSSH's or PEM format"
_ENCRYPTED = "it is encrypted, and the Secret has no passphrase in `password`"
_NOT_DECRYPTED = "the passphrase in `password` does not open it, or it is damaged"
_DAMAGED = "it is damaged"
_UNSUPPORTED = "its kind or its encryption is not supported; use Ed25519, ECDSA (a NIST curve) or RSA"
_NO_BCRYPT = "it is encrypted, and this installation cannot decrypt OpenSSH's format (the package bcrypt is missing)"


class KeyUnusable(Exception):
    """No public key can be derived; *reason* is a clause for people and holds nothing of the key."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def public_key_from_private(identity: bytes, passphrase: bytes | None) -> PublicKey:
    """
    The public key that belongs to the private key *identity*. Raises KeyUnusable.

    Like Flux, it reads the first PEM block, and uses *passphrase* only where the key is encrypted.
    """
    if len(identity) > MAX_BYTES:
        raise KeyUnusable(f"it is larger than {MAX_BYTES // 1024} KiB")
    block = _private_key_block(identity)
    used_passphrase, reason = None, _UNSUPPORTED
    try:
        if _is_encrypted(block):
            used_passphrase = passphrase or None
            if used_passphrase is None:
                raise _PassphraseMissing
        # DSA still works, with a warning that would land on stderr.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _public_key_of(_without_panic(lambda: _load(block, used_passphrase)))
    except (TooCostly, _PassphraseMissing) as refusal:
        reason = str(refusal)
    except UnsupportedAlgorithm:
        if used_passphrase and block.label == _OPENSSH and find_spec("bcrypt") is None:
            reason = _NO_BCRYPT
    except _LIBRARY_ERRORS:
        reason = _NOT_DECRYPTED if used_passphrase else _DAMAGED
    # Outside the handlers: the library's exceptions refer to the key.
    raise KeyUnusable(reason)


def public_key_from_line(text: bytes) -> PublicKey | None:
    """The first public key in *text*, as `identity.pub` has it; None where there is none."""
    try:
        line = next(line for line in text[:MAX_BYTES].decode().splitlines() if line.strip() and line[0] != "#")
        key = PublicKey.parse(line)
    except (ValueError, StopIteration):
        return None
    raw = base64.b64decode(key.material)
    name = key.algorithm.encode()
    # The material begins with the algorithm's name once more; where it does not, the line is something else.
    if not raw.startswith(len(name).to_bytes(4, "big") + name):
        return None
    return PublicKey(key.algorithm, base64.b64encode(raw).decode())


class _PassphraseMissing(Exception):
    """The key is encrypted, and the Secret has no passphrase."""

    def __init__(self) -> None:
        super().__init__(_ENCRYPTED)


def _private_key_block(identity: bytes) -> PemBlock:
    block = first_pem_block(identity)
    if block is None:
        raise KeyUnusable(_why_no_key(identity))
    if "PUBLIC KEY" in block.label:
        raise KeyUnusable("it is a public key, not the private one")
    if block.label not in _KEY_LABELS:
        label = f"`{block.label}`" if _LABEL.fullmatch(block.label) else "something else"
        raise KeyUnusable(f"its first PEM block is {label}, not a private key, and Flux reads the first one only")
    if _has_encryption_header(block) and block.label not in _TRADITIONAL:
        raise KeyUnusable(_UNSUPPORTED)
    return block


def _why_no_key(identity: bytes) -> str:
    text = identity.strip()
    if not text:
        return "it is empty"
    if b"-----BEGIN " in text:
        return f"Flux finds no key in it: {why_no_pem_block(identity)}"
    return next((reason for beginning, reason in _OTHER_FORMATS if beginning.match(text)), _NO_KEY)


def _is_encrypted(block: PemBlock) -> bool:
    """Whether the key is encrypted. Raises TooCostly for a key that would take too long."""
    if block.label == _OPENSSH:
        check_openssh(block.content)
        return openssh_cipher(block.content) != b"none"
    if block.label == _ENCRYPTED_PKCS8:
        check_password_work(block.content)
        return True
    if _has_encryption_header(block):
        return True
    check_numbers(block.content)
    return False


def _has_encryption_header(block: PemBlock) -> bool:
    """Whether the block is encrypted in OpenSSL's traditional format, as its header line says (RFC 1421)."""
    return "ENCRYPTED" in block.headers.get("Proc-Type", "")


def _without_panic(load: Callable[[], Any]) -> Any:
    """
    The result of *load*. Raises ValueError for a panic in the library's Rust code, whose class cannot be imported.

    One is known: at a PEM header whose initialisation vector is too short (cryptography 50).
    """
    try:
        return load()
    except BaseException as panic:
        if type(panic).__module__ != "pyo3_runtime":
            raise
    raise ValueError("the library panicked")


def _load(block: PemBlock, passphrase: bytes | None) -> Any:
    """The private key. The library gets only the block that was checked, in its canonical form."""
    if block.label == _OPENSSH:
        return load_ssh_private_key(block.text(), passphrase, unsafe_skip_rsa_key_validation=True)
    if _has_encryption_header(block):
        return load_pem_private_key(block.text(), passphrase, unsafe_skip_rsa_key_validation=True)
    return load_der_private_key(block.content, passphrase, unsafe_skip_rsa_key_validation=True)


def _public_key_of(private: Any) -> PublicKey:
    public = private.public_key()
    if isinstance(public, RSAPublicKey) and public.key_size > MAX_BITS:
        raise TooCostly.of_bits()
    try:
        line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    except ValueError:
        # X25519, Ed448 and other curves are no keys of SSH.
        raise UnsupportedAlgorithm(_UNSUPPORTED) from None
    return PublicKey.parse(line.decode())
