"""
The public key from an SSH private key, in any format that Flux reads, and in no other.

Flux reads it with golang.org/x/crypto/ssh, and only a key that this package takes is of use (0.54 to 0.58 and Go 1.26
were compared). Everybody who may write a Secret can choose the bytes, so a costly key is refused before the work
starts: large input, passphrases that take long to check, numbers of many bits.
"""

from __future__ import annotations

import base64
import re

from cryptography.exceptions import InternalError

from cronjob.flux.der_private_keys import DSA, PKCS1, PKCS8, SEC1, public_key_from_der
from cronjob.flux.openssh_private_keys import public_key_from_openssh, read_openssh_key
from cronjob.flux.pem import PemBlock, first_pem_block, why_no_pem_block
from cronjob.flux.pem_encryption import decrypt, has_encryption_header
from cronjob.flux.private_key_limits import MAX_BYTES, TooCostly
from cronjob.flux.public_keys import UnsupportedKey
from reconcile.model import PublicKey

_OPENSSH = "OPENSSH PRIVATE KEY"
_ENCRYPTED_PKCS8 = "ENCRYPTED PRIVATE KEY"
_LABEL = re.compile(r"[A-Z0-9 ]{1,40}")
_KEY_LABELS = frozenset({PKCS1, SEC1, DSA, PKCS8, _OPENSSH})

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
_IS_ENCRYPTED_PKCS8 = (
    "it is an encrypted PKCS#8 key, which Flux cannot read; convert it to OpenSSH's format: `ssh-keygen -p -f KEY` "
    "(for Ed25519 with OpenSSH 9.6 or newer)"
)


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
    is_encrypted, reason = False, _DAMAGED
    try:
        is_encrypted = _is_encrypted(block)
        if is_encrypted and not passphrase:
            raise _PassphraseMissing
        return _public_key_of(block, passphrase if is_encrypted else None)
    except (TooCostly, UnsupportedKey, _PassphraseMissing) as refusal:
        reason = str(refusal)
    except (ValueError, InternalError):
        reason = _NOT_DECRYPTED if is_encrypted else _DAMAGED
    # Outside the handlers: the library's exceptions refer to the key.
    raise KeyUnusable(reason)


def passphrase_rounds(identity: bytes) -> int:
    """
    Return the rounds of bcrypt that the passphrase of *identity* takes, from what is not encrypted of the key.

    It is 0 where `public_key_from_private` refuses the key before it tries the passphrase.
    """
    try:
        block = _private_key_block(identity) if len(identity) <= MAX_BYTES else None
        return read_openssh_key(block.content).rounds if block and block.label == _OPENSSH else 0
    except (KeyUnusable, TooCostly, ValueError):
        return 0


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
    if block.label == _ENCRYPTED_PKCS8:
        raise KeyUnusable(_IS_ENCRYPTED_PKCS8)
    if block.label not in _KEY_LABELS:
        label = f"`{block.label}`" if _LABEL.fullmatch(block.label) else "something else"
        raise KeyUnusable(f"its first PEM block is {label}, not a private key, and Flux reads the first one only")
    return block


def _why_no_key(identity: bytes) -> str:
    text = identity.strip()
    if not text:
        return "it is empty"
    if b"-----BEGIN " in text:
        return f"Flux finds no key in it: {why_no_pem_block(identity)}"
    return next((reason for beginning, reason in _OTHER_FORMATS if beginning.match(text)), _NO_KEY)


def _is_encrypted(block: PemBlock) -> bool:
    """Whether a passphrase is needed. Raises TooCostly, UnsupportedKey and ValueError."""
    has_header = has_encryption_header(block)
    if block.label == _OPENSSH:
        is_encrypted = read_openssh_key(block.content).is_encrypted
        if has_header and not is_encrypted:
            raise UnsupportedKey
        return is_encrypted
    if has_header and block.label == PKCS8:
        raise UnsupportedKey
    return has_header


def _public_key_of(block: PemBlock, passphrase: bytes | None) -> PublicKey:
    if block.label == _OPENSSH:
        key = read_openssh_key(block.content)
        return public_key_from_openssh(key.private if passphrase is None else key.decrypted(passphrase))
    content = block.content if passphrase is None else decrypt(block, passphrase)
    return public_key_from_der(block.label, content)
