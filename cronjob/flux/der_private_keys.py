"""Private keys in DER, by the label of their PEM block, as Go's crypto/x509 reads them (Go 1.26)."""

from __future__ import annotations

from contextlib import suppress

from cronjob.flux.der import INTEGER, OBJECT_ID, OCTETS, SEQUENCE, DerReader
from cronjob.flux.private_key_limits import TooCostly
from cronjob.flux.public_keys import (
    DsaNumbers,
    RsaNumbers,
    UnsupportedKey,
    dsa_public_key,
    ecdsa_public_key,
    ed25519_public_key,
    rsa_public_key,
)
from reconcile.model import PublicKey

PKCS1, SEC1, DSA, PKCS8 = "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "PRIVATE KEY"
_FIRST_TAG = 0xA0

_RSA = bytes.fromhex("2a864886f70d010101")
_ECDSA = bytes.fromhex("2a8648ce3d0201")
_ED25519 = bytes.fromhex("2b6570")
_CURVES = {
    bytes.fromhex("2a8648ce3d030107"): "nistp256",
    bytes.fromhex("2b81040022"): "nistp384",
    bytes.fromhex("2b81040023"): "nistp521",
}


def public_key_from_der(label: str, der: bytes) -> PublicKey:
    """The public key of the private key *der*. Raises UnsupportedKey, TooCostly and ValueError."""
    try:
        return _READERS[label](der)
    except ValueError:
        other = next((other for other in _READERS if _is_readable(other, der)), None)
        if other is None:
            raise
    raise UnsupportedKey(
        f"its BEGIN and END lines say `{label}`, but its content is a `{other}`, so Flux cannot read it; correct them"
    )


def _is_readable(label: str, der: bytes) -> bool:
    with suppress(ValueError, UnsupportedKey, TooCostly):
        return bool(_READERS[label](der))
    return False


def _pkcs1(der: bytes) -> PublicKey:
    reader = DerReader(der)
    key = reader.sequence()
    if reader.rest or key.integer() not in (0, 1):
        raise ValueError("no key of PKCS#1")
    modulus, public_exponent, private_exponent, p, q = (key.integer() for _ in range(5))
    further = [key.integer() for _ in range(3) if key.rest[:1] == bytes([INTEGER])]
    if min(modulus, p, q, *further) <= 0:
        raise ValueError("a number is not positive")
    primes = [p, q]
    additional = DerReader(key.optional(SEQUENCE) or b"")
    while additional.rest:
        primes.append(additional.sequence().integer())
    crt = (further[0], further[1]) if len(further) == 3 else None
    return rsa_public_key(
        RsaNumbers(modulus, public_exponent, private_exponent, tuple(primes), crt, further[2] if crt else None)
    )


def _sec1(der: bytes, curve_id: bytes | None = None) -> PublicKey:
    key = DerReader(der).sequence()
    if key.integer() != 1:
        raise ValueError("no key of SEC 1")
    private = int.from_bytes(key.value(OCTETS), "big")
    parameters = key.optional(_FIRST_TAG)
    if curve_id is None and parameters is not None:
        curve_id = DerReader(parameters).optional(OBJECT_ID)
    if curve_id is None:
        raise UnsupportedKey("it does not name its curve, so Flux cannot read it; make an Ed25519 key")
    if curve_id not in _CURVES:
        raise UnsupportedKey
    return ecdsa_public_key(_CURVES[curve_id], private)


def _dsa(der: bytes) -> PublicKey:
    reader = DerReader(der)
    key = reader.sequence()
    if reader.rest:
        raise ValueError("more than a key")
    _version, p, q, g, y, _x = (key.integer() for _ in range(6))
    return dsa_public_key(DsaNumbers(p, q, g, y))


def _pkcs8(der: bytes) -> PublicKey:
    key = DerReader(der).sequence()
    key.integer()
    algorithm = key.sequence()
    name = algorithm.value(OBJECT_ID)
    private = key.value(OCTETS)
    if name == _RSA:
        return _pkcs1(private)
    if name == _ECDSA:
        return _sec1(private, algorithm.optional(OBJECT_ID))
    if name != _ED25519:
        raise UnsupportedKey
    if algorithm.rest:
        raise ValueError("Ed25519 has no parameters")
    return ed25519_public_key(DerReader(private).value(OCTETS))


_READERS = {PKCS1: _pkcs1, SEC1: _sec1, DSA: _dsa, PKCS8: _pkcs8}
