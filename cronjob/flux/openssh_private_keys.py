"""Private keys in OpenSSH's own format (its PROTOCOL.key), as golang.org/x/crypto/ssh reads them (0.58)."""

from __future__ import annotations

from dataclasses import dataclass

import bcrypt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR

from cronjob.flux.private_key_limits import MAX_ROUNDS, TooCostly
from cronjob.flux.public_keys import (
    CURVES,
    ED25519_SEED_SIZE,
    RsaNumbers,
    UnsupportedKey,
    ecdsa_point,
    ecdsa_public_key,
    ed25519_point,
    ed25519_public_key,
    rsa_public_key,
)
from reconcile.model import PublicKey

_MAGIC = b"openssh-key-v1\0"
_NONE = b"none"
_KEY_SIZE, _VECTOR_SIZE = 32, 16
_MODES: dict[bytes, type[CTR] | type[CBC]] = {b"aes256-ctr": CTR, b"aes256-cbc": CBC}
_MAX_EXPONENT_BITS = 24
_ECDSA_PREFIX = "ecdsa-sha2-"
_CIPHER = (
    "Flux reads OpenSSH's format only with the ciphers aes256-ctr and aes256-cbc; "
    "encrypt it anew: `ssh-keygen -p -Z aes256-ctr -f KEY`"
)
_DSA = "it is a DSA key, which Flux does not read in this format; make an Ed25519 key: `ssh-keygen -t ed25519`"


class WireReader:
    """Reads numbers and strings as SSH writes them (RFC 4251). Every method raises ValueError where the data ends."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def take(self, size: int) -> bytes:
        """The next *size* bytes."""
        if len(self.rest) < size:
            raise ValueError("too short")
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def uint32(self) -> int:
        """A number of four bytes."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """A string with its length in front."""
        return self.take(self.uint32())

    def number(self) -> int:
        """A number of any length, with a sign."""
        return int.from_bytes(self.string(), "big", signed=True)


@dataclass(frozen=True, slots=True, repr=False)
class OpensshKey:
    """A key in OpenSSH's format with its header read; *private* may be encrypted."""

    cipher: bytes
    derivation: bytes
    derivation_options: bytes
    private: bytes

    @property
    def is_encrypted(self) -> bool:
        """Whether a passphrase is needed, or claimed to be."""
        return self.cipher != _NONE or self.derivation != _NONE

    @property
    def rounds(self) -> int:
        """The rounds of bcrypt that its passphrase takes, 0 without one. Raises ValueError."""
        return self._salt_and_rounds()[1] if self.derivation == b"bcrypt" else 0

    def decrypted(self, passphrase: bytes) -> bytes:
        """The private part. Raises ValueError for damage, and UnsupportedKey."""
        if _NONE in (self.cipher, self.derivation) or self.derivation != b"bcrypt":
            raise UnsupportedKey
        if self.cipher not in _MODES:
            raise UnsupportedKey(_CIPHER)
        salt, rounds = self._salt_and_rounds()
        secret = bcrypt.kdf(passphrase, salt, _KEY_SIZE + _VECTOR_SIZE, rounds, ignore_few_rounds=True)
        mode = _MODES[self.cipher](secret[_KEY_SIZE:])
        decryptor = Cipher(AES(secret[:_KEY_SIZE]), mode).decryptor()
        return decryptor.update(self.private) + decryptor.finalize()

    def _salt_and_rounds(self) -> tuple[bytes, int]:
        options = WireReader(self.derivation_options)
        return options.string(), options.uint32()


def read_openssh_key(data: bytes) -> OpensshKey:
    """The key with its header. Raises ValueError for other data, TooCostly for a passphrase that takes too long."""
    if not data.startswith(_MAGIC):
        raise ValueError("not OpenSSH's format")
    reader = WireReader(data[len(_MAGIC) :])
    cipher, derivation, options = reader.string(), reader.string(), reader.string()
    if reader.uint32() != 1:
        raise ValueError("not one key")
    _public = reader.string()
    key = OpensshKey(cipher, derivation, options, reader.string())
    if key.rounds > MAX_ROUNDS:
        raise TooCostly(
            f"its passphrase takes {key.rounds:,} rounds of bcrypt, over {MAX_ROUNDS}; "
            "lower them: `ssh-keygen -p -a 24 -f KEY`"
        )
    if not key.is_encrypted and options:
        raise ValueError("options without encryption")
    return key


def public_key_from_openssh(private: bytes) -> PublicKey:
    """The public key of a decrypted private part. Raises ValueError, UnsupportedKey and TooCostly."""
    reader = WireReader(private)
    if reader.uint32() != reader.uint32():
        raise ValueError("wrong passphrase")
    kind = reader.string().decode("latin-1")
    curve_name = kind.removeprefix(_ECDSA_PREFIX)
    if kind == "ssh-rsa":
        key = _rsa(reader)
    elif kind == "ssh-ed25519":
        key = _ed25519(reader)
    elif kind.startswith(_ECDSA_PREFIX) and curve_name in CURVES:
        key = _ecdsa(reader, curve_name)
    else:
        raise UnsupportedKey(_DSA if kind == "ssh-dss" else None)
    _comment, padding = reader.string(), reader.rest
    if padding != bytes(range(1, len(padding) + 1)):
        raise ValueError("wrong padding")
    return key


def _rsa(reader: WireReader) -> PublicKey:
    # The coefficient is not checked: Go computes it anew.
    modulus, public_exponent, private_exponent, _coefficient, p, q = (reader.number() for _ in range(6))
    if public_exponent.bit_length() > _MAX_EXPONENT_BITS:
        raise UnsupportedKey("its public exponent is too large for Flux; make an Ed25519 key")
    return rsa_public_key(RsaNumbers(modulus, public_exponent, private_exponent, (p, q)))


def _ed25519(reader: WireReader) -> PublicKey:
    _public, private = reader.string(), reader.string()
    seed = private[:ED25519_SEED_SIZE]
    # Where the second half is another key's, no signature fits.
    if private != seed + ed25519_point(seed):
        raise ValueError("the halves do not belong together")
    return ed25519_public_key(seed)


def _ecdsa(reader: WireReader, curve_name: str) -> PublicKey:
    named, public, private = reader.string(), reader.string(), reader.number()
    if named.decode("latin-1") != curve_name or public != ecdsa_point(curve_name, private):
        raise ValueError("the halves do not belong together")
    return ecdsa_public_key(curve_name, private)
