"""
The public half of an SSH private key, in any format that a Secret for Flux may hold.

Everybody who may write a Secret can choose the bytes, so what would cost much work is refused before the work begins:
big inputs, passphrases that take long to check, numbers of many bits. RSA keys are not validated, which for two
crafted primes takes minutes: only the public half is wanted, and Flux will say if the rest is wrong.
"""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
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

_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_PLAIN = frozenset({"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"})
_ENCRYPTED = "ENCRYPTED PRIVATE KEY"
_OPENSSH = "OPENSSH PRIVATE KEY"
# What the library raises for bytes that it does not like; the texts are not shown, they may hold parts of the key.
_LIBRARY = (ValueError, TypeError, KeyError, IndexError, OverflowError, InvalidTag)

_SIGNS = (
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
_LOCKED = "it is encrypted, and the Secret has no passphrase in `password`"
_STAYS_SHUT = "the passphrase in `password` does not open it, or it is damaged"
_DAMAGED = "it is damaged"
_UNSUPPORTED = "its kind or its encryption is not supported; use Ed25519, ECDSA (a NIST curve) or RSA"
_NO_BCRYPT = "it is encrypted, and this installation cannot decrypt OpenSSH's format (the package bcrypt is missing)"


class KeyUnusable(Exception):
    """No public key can be derived; *reason* is a clause for people and holds nothing of the key."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, repr=False)
class _Block:
    """One PEM block; what is in it may be a private key, so it has no repr."""

    label: str
    inside: bytes
    text: bytes

    @property
    def is_sealed(self) -> bool:
        """Whether the block is encrypted in OpenSSL's old way, which its headers say."""
        return b"Proc-Type:" in self.inside and b"ENCRYPTED" in self.inside

    def decoded(self) -> bytes:
        """The bytes inside. Raises binascii.Error."""
        return binascii.a2b_base64(self.inside)


def public_key_from_private(identity: bytes, passphrase: bytes | None) -> PublicKey:
    """
    The public key that belongs to *identity*. Raises KeyUnusable.

    Like Flux, it tries *passphrase* only where the key is encrypted, and reads the first PEM block only.
    """
    if len(identity) > MAX_BYTES:
        raise KeyUnusable(f"it is larger than {MAX_BYTES // 1024} KiB")
    block = _first_block(identity)
    opener, reason = None, _UNSUPPORTED
    try:
        if _checked(block):
            opener = passphrase or None
            if opener is None:
                raise _Locked
        # DSA still works, with a warning that would land on stderr.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _public(_without_panic(lambda: _loaded(block, opener)))
    except (TooCostly, _Locked) as known:
        reason = str(known)
    except UnsupportedAlgorithm:
        if opener and block.label == _OPENSSH and find_spec("bcrypt") is None:
            reason = _NO_BCRYPT
    except _LIBRARY:
        reason = _STAYS_SHUT if opener else _DAMAGED
    # Outside the handlers: the library's exceptions refer to what they failed on.
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


class _Locked(Exception):
    """The key is encrypted, and nothing is there to open it."""

    def __init__(self) -> None:
        super().__init__(_LOCKED)


def _first_block(identity: bytes) -> _Block:
    begin = _BEGIN.search(identity)
    if begin is None:
        stripped = identity.lstrip()
        known = (reason for sign, reason in _SIGNS if sign.match(stripped))
        raise KeyUnusable(next(known, _NO_KEY) if stripped else "it is empty")
    label = begin[1].decode()
    end = identity.find(b"-----END " + begin[1] + b"-----", begin.end())
    if end < 0:
        raise KeyUnusable("its END line is missing, as if it had been cut off")
    if "PUBLIC KEY" in label:
        raise KeyUnusable("it is a public key, not the private one")
    if label not in {*_PLAIN, _ENCRYPTED, _OPENSSH}:
        raise KeyUnusable(f"its first PEM block is `{label}`, not a private key, and Flux reads the first one only")
    text = identity[begin.start() : end] + b"-----END " + begin[1] + b"-----\n"
    return _Block(label, identity[begin.end() : end], text)


def _checked(block: _Block) -> bool:
    """Whether the key is encrypted; what would take too long has raised TooCostly before."""
    if block.label == _OPENSSH:
        raw = block.decoded()
        check_openssh(raw)
        return openssh_cipher(raw) != b"none"
    if block.label == _ENCRYPTED:
        check_password_work(block.decoded())
        return True
    if not block.is_sealed:
        check_numbers(block.decoded())
    return block.is_sealed


def _without_panic(load: Callable[[], Any]) -> Any:
    """
    What *load* makes; ValueError for a panic in the library's Rust part, which is no Exception and cannot be imported.

    One is known: at a PEM header whose initialisation vector is too short (cryptography 50).
    """
    try:
        return load()
    except BaseException as panic:
        if type(panic).__module__ != "pyo3_runtime":
            raise
    raise ValueError("the library panicked")


def _loaded(block: _Block, opener: bytes | None) -> Any:
    """The private key. What was checked is what is loaded: the library never sees more than this block."""
    if block.label == _OPENSSH:
        return load_ssh_private_key(block.text, opener, unsafe_skip_rsa_key_validation=True)
    if block.is_sealed:
        return load_pem_private_key(block.text, opener, unsafe_skip_rsa_key_validation=True)
    return load_der_private_key(block.decoded(), opener, unsafe_skip_rsa_key_validation=True)


def _public(private: Any) -> PublicKey:
    public = private.public_key()
    if isinstance(public, RSAPublicKey) and public.key_size > MAX_BITS:
        raise TooCostly.of_bits()
    try:
        line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    except ValueError:
        # X25519, Ed448 and other curves are keys, but none of SSH's.
        raise UnsupportedAlgorithm(_UNSUPPORTED) from None
    return PublicKey.parse(line.decode())
