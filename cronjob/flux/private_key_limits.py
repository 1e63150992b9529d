"""
Limits on the work that a private key may cause, read from its unencrypted header before decryption.

OpenSSH's format names cipher, bcrypt rounds and public key there; an encrypted PKCS#8 names the cost of its passphrase.
"""

from __future__ import annotations

from collections.abc import Collection

MAX_BYTES = 16 * 1024
MAX_BITS = 16_384
MAX_ROUNDS = 128
MAX_ITERATIONS = 1_000_000
# The product of N, r and p. Times 128 it is the memory that scrypt needs in bytes: 64 MiB.
MAX_SCRYPT = 2**19

_OPENSSH_MAGIC = b"openssh-key-v1\0"
_SCRYPT = bytes.fromhex("2b06010401da47040b")
_INTEGER, _OCTETS, _SEQUENCE = 0x02, 0x04, 0x30


class TooCostly(Exception):
    """The key would take too long; the text is a clause that says why."""

    @classmethod
    def of_bits(cls) -> TooCostly:
        """A modulus, or another number, with too many bits."""
        return cls(f"it has numbers of more than {MAX_BITS:,} bits; use Ed25519, ECDSA or a smaller RSA key")


def openssh_cipher(raw: bytes) -> bytes:
    """The cipher of a key in OpenSSH's format, `none` if it is not encrypted. Raises ValueError."""
    return _openssh_strings(raw)[0]


def check_openssh(raw: bytes) -> None:
    """Raise TooCostly if bcrypt has too many rounds or the key too many bits, ValueError if this is no such key."""
    _, kdf, options, public = _openssh_strings(raw)
    if kdf == b"bcrypt":
        _, rest = _string(options)
        rounds = int.from_bytes(rest[:4], "big")
        if rounds > MAX_ROUNDS:
            raise TooCostly(
                f"its passphrase takes {rounds:,} rounds of bcrypt, over {MAX_ROUNDS}; "
                "lower them: `ssh-keygen -p -a 24 -f KEY`"
            )
    while public:
        number, public = _string(public)
        _check_size(number)


def check_password_work(der: bytes) -> None:
    """Raise TooCostly if the passphrase of an encrypted PKCS#8 takes too long, ValueError if this is none."""
    [(_, info)] = _elements(der)
    (_, algorithm), *_ = _elements(info)
    numbers = [int.from_bytes(number, "big") for number in _integers(algorithm, {_SEQUENCE})]
    if _SCRYPT in algorithm:
        n, r, p = (*numbers, 1, 1, 1)[:3]
        if n * r * p > MAX_SCRYPT:
            raise TooCostly("its passphrase takes too much memory (scrypt); encrypt it anew with smaller parameters")
    # Also where scrypt is named: the bytes of its name may stand anywhere.
    if max(numbers, default=0) > MAX_ITERATIONS:
        raise TooCostly(f"its passphrase takes over {MAX_ITERATIONS:,} iterations; encrypt it anew with fewer")


def check_numbers(der: bytes) -> None:
    """Raise TooCostly if an unencrypted key holds a number of too many bits, ValueError if this is no DER."""
    for number in _integers(der, {_SEQUENCE, _OCTETS}):
        _check_size(number)


def _check_size(number: bytes) -> None:
    if int.from_bytes(number, "big").bit_length() > MAX_BITS:
        raise TooCostly.of_bits()


def _openssh_strings(raw: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Cipher, key derivation, its options, and the public key."""
    if not raw.startswith(_OPENSSH_MAGIC):
        raise ValueError("not OpenSSH's format")
    cipher, rest = _string(raw[len(_OPENSSH_MAGIC) :])
    kdf, rest = _string(rest)
    options, rest = _string(rest)
    # Four bytes say how many keys follow; the library takes one only.
    public, _ = _string(rest[4:])
    return cipher, kdf, options, public


def _string(data: bytes) -> tuple[bytes, bytes]:
    """A string with its length in front, and what comes after it."""
    end = 4 + int.from_bytes(data[:4], "big")
    if len(data) < 4 or end > len(data):
        raise ValueError("too short")
    return data[4:end], data[end:]


def _integers(der: bytes, into: Collection[int]) -> list[bytes]:
    """The INTEGERs of a DER value in their order, looking *into* values with these tags."""
    found: list[bytes] = []
    # A list and no recursion: the nesting is the attacker's choice too.
    left = _elements(der)[::-1]
    while left:
        tag, inside = left.pop()
        if tag == _INTEGER:
            found.append(inside)
        elif tag in into:
            try:
                left += _elements(inside)[::-1]
            except ValueError:
                # Octets may be anything; a broken sequence is broken DER.
                if tag == _SEQUENCE:
                    raise
    return found


def _elements(der: bytes) -> list[tuple[int, bytes]]:
    """Tags and contents of the values that follow each other in *der*."""
    found = []
    while der:
        size, start = der[1:2], 2
        if size > b"\x80":
            start += size[0] - 0x80
            size = der[2:start]
        end = start + int.from_bytes(size, "big")
        if len(der) < start or end > len(der):
            raise ValueError("not DER")
        found.append((der[0], der[start:end]))
        der = der[end:]
    return found
