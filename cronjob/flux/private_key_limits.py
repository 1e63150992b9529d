"""Limits on the work that a private key may cause; what is over is refused before that work starts."""

from __future__ import annotations

MAX_BYTES = 16 * 1024
MAX_BITS = 16_384
# Of bcrypt, from the unencrypted header.
MAX_ROUNDS = 128


class TooCostly(Exception):
    """The key would take too long; the text is a clause that says why."""

    @classmethod
    def of_bits(cls) -> TooCostly:
        """A modulus with too many bits."""
        return cls(f"it has more than {MAX_BITS:,} bits; use Ed25519, ECDSA or a smaller RSA key")
