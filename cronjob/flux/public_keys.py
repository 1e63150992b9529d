"""
SSH public keys from the numbers of private ones, for the kinds of keys that Flux reads.

Flux reads private keys with golang.org/x/crypto/ssh; the checks are those of that package and of Go's crypto/rsa
(Go 1.26), except that nothing here needs time for crafted numbers.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from math import prod

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cronjob.flux.private_key_limits import MAX_BITS, TooCostly
from reconcile.model import PublicKey

ED25519_SEED_SIZE = 32
CURVES: dict[str, ec.EllipticCurve] = {
    "nistp256": ec.SECP256R1(),
    "nistp384": ec.SECP384R1(),
    "nistp521": ec.SECP521R1(),
}
_MAX_EXPONENT = 2**31 - 1
_DSA_BITS, _DSA_SUBPRIME_BITS = 1024, 160


class UnsupportedKey(Exception):
    """Flux cannot use a key of this kind, or encrypted in this way; the text is a clause for people."""

    def __init__(self, reason: str | None = None) -> None:
        kinds = "use Ed25519, ECDSA (P-256, P-384 or P-521) or RSA"
        super().__init__(reason or f"its kind or its encryption is not supported by Flux; {kinds}")


@dataclass(frozen=True, slots=True, repr=False)
class RsaNumbers:
    """The numbers of an RSA key; *exponents* (of the two primes) and *coefficient* may be missing."""

    modulus: int
    public_exponent: int
    private_exponent: int
    primes: tuple[int, ...]
    exponents: tuple[int, int] | None = None
    coefficient: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class DsaNumbers:
    """The numbers of a DSA key that its public half consists of."""

    p: int
    q: int
    g: int
    y: int


def ed25519_point(seed: bytes) -> bytes:
    """The public bytes of Ed25519. Raises ValueError for a seed of another length."""
    if len(seed) != ED25519_SEED_SIZE:
        raise ValueError("not the length of a seed")
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def ed25519_public_key(seed: bytes) -> PublicKey:
    """The public key of Ed25519. Raises ValueError."""
    return _public_key("ssh-ed25519", ed25519_point(seed))


def ecdsa_point(curve_name: str, private: int) -> bytes:
    """The public point, uncompressed. Raises ValueError for a number that is no private key of the curve."""
    curve = CURVES[curve_name]
    numbers = ec.derive_private_key(private, curve).public_key().public_numbers()
    size = (curve.key_size + 7) // 8
    return b"\4" + numbers.x.to_bytes(size, "big") + numbers.y.to_bytes(size, "big")


def ecdsa_public_key(curve_name: str, private: int) -> PublicKey:
    """The public key of ECDSA. Raises ValueError."""
    return _public_key(f"ecdsa-sha2-{curve_name}", curve_name.encode(), ecdsa_point(curve_name, private))


def rsa_public_key(key: RsaNumbers) -> PublicKey:
    """The public key of RSA. Raises ValueError where the numbers do not fit together, TooCostly for a long modulus."""
    if key.modulus.bit_length() > MAX_BITS:
        raise TooCostly.of_bits()
    if key.modulus % 2 == 0 or key.public_exponent % 2 == 0 or not 2 < key.public_exponent <= _MAX_EXPONENT:
        raise ValueError("no public key of RSA")
    if not 0 < key.private_exponent < key.modulus or min(key.primes) < 2:
        raise ValueError("a number is out of range")
    # Go checks nothing more in a key of three primes or more.
    if len(key.primes) == 2:
        _check_two_primes(key)
    return _public_key("ssh-rsa", _number(key.public_exponent), _number(key.modulus))


def dsa_public_key(key: DsaNumbers) -> PublicKey:
    """The public key of DSA. Raises UnsupportedKey for other lengths than those of SSH, ValueError."""
    if (key.p.bit_length(), key.q.bit_length()) != (_DSA_BITS, _DSA_SUBPRIME_BITS):
        raise UnsupportedKey
    if not 0 < key.g < key.p or key.y <= 0:
        raise ValueError("a number is out of range")
    return _public_key("ssh-dss", *map(_number, (key.p, key.q, key.g, key.y)))


def _check_two_primes(key: RsaNumbers) -> None:
    """Raise ValueError where they are not those of the modulus, or the other numbers do not belong to them."""
    p, q = key.primes
    exponents = key.exponents or (key.private_exponent % (p - 1), key.private_exponent % (q - 1))
    fits = prod(key.primes) == key.modulus and all(
        exponent == key.private_exponent % (prime - 1) and exponent * key.public_exponent % (prime - 1) == 1
        for prime, exponent in zip(key.primes, exponents, strict=True)
    )
    if not fits or (key.coefficient is not None and key.coefficient * q % p != 1):
        raise ValueError("the numbers do not fit together")


def _public_key(algorithm: str, *parts: bytes) -> PublicKey:
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (algorithm.encode(), *parts))
    return PublicKey(algorithm, base64.b64encode(blob).decode())


def _number(value: int) -> bytes:
    """A positive number as SSH writes it: with a zero in front where the first bit would be a sign."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big")
