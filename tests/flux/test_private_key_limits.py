import time
from math import gcd, lcm
from typing import Any

import pytest

from cronjob.flux.private_keys import public_key_from_private
from tests.worlds.key_samples import (
    ED25519,
    PASSPHRASE,
    number,
    oid,
    openssh,
    pem,
    public_of,
    reason_of,
    run,
    string,
    tlv,
    written,
)


def rsa_numbers(bits: int) -> tuple[int, ...]:
    """Modulus, exponents, two factors, and what belongs to them; checking that both are primes would take minutes."""
    p, q = 2**9941 - 1, 2 ** (bits - 9941) - 1
    exponent = next(number for number in range(3, 1000, 2) if gcd(number, (p - 1) * (q - 1)) == 1)
    private = pow(exponent, -1, lcm(p - 1, q - 1))
    return p * q, exponent, private, p, q, private % (p - 1), private % (q - 1), pow(q, -1, p)


class TestLimits:
    """What must be refused is refused at once; its twin, just within the limit, is gone into."""

    @pytest.fixture(autouse=True)
    def at_once(self) -> Any:
        started = time.process_time()
        yield
        assert time.process_time() - started < 2

    def test_an_input_over_16_kib_is_refused(self) -> None:
        identity = written(ED25519)
        padded = identity + b"\n" * (16 * 1024 - len(identity))

        assert public_key_from_private(padded, None) == public_of(ED25519)
        assert reason_of(padded + b"\n") == "it is larger than 16 KiB"

    @pytest.mark.parametrize("rounds", [129, 2**32 - 1])
    def test_more_than_128_rounds_of_bcrypt_are_refused(self, rounds: int) -> None:
        public = string(b"ssh-ed25519") + string(bytes(32))

        assert "rounds of bcrypt, over 128" in reason_of(openssh(public, rounds=rounds), PASSPHRASE)
        assert "no passphrase" in reason_of(openssh(public, rounds=128))

    @pytest.mark.parametrize("label", ["PRIVATE KEY", "RSA PRIVATE KEY"])
    def test_an_rsa_modulus_over_16384_bits_is_refused_in_pem(self, label: str) -> None:
        def key(bits: int) -> bytes:
            numbers = tlv(0x30, *map(number, (0, *rsa_numbers(bits))))
            info = tlv(0x30, number(0), tlv(0x30, oid("2a864886f70d010101"), tlv(5)), tlv(4, numbers))
            return pem(label, info if label == "PRIVATE KEY" else numbers)

        assert "more than 16,384 bits" in reason_of(key(16_385))
        assert public_key_from_private(key(16_384), None).algorithm == "ssh-rsa"

    def test_an_rsa_modulus_over_16384_bits_is_refused_in_openssh_format(self) -> None:
        def key(bits: int) -> bytes:
            modulus, exponent, private, p, q, *_ = rsa_numbers(bits)
            values = (modulus, exponent, private, 1, p, q)
            numbers = [string(value.to_bytes(value.bit_length() // 8 + 1, "big")) for value in values]
            private_part = bytes(8) + b"".join([string(b"ssh-rsa"), *numbers, string(b"")])
            return openssh(string(b"ssh-rsa"), private=private_part)

        assert "more than 16,384 bits" in reason_of(key(16_385))
        assert public_key_from_private(key(16_384), None).algorithm == "ssh-rsa"

    def test_an_rsa_modulus_over_16384_bits_is_refused_after_decryption(self) -> None:
        def key(bits: int) -> bytes:
            plain = pem("RSA PRIVATE KEY", tlv(0x30, *map(number, (0, *rsa_numbers(bits)))))
            return run("openssl", "rsa", "-traditional", "-aes128", "-passout", "pass:x", stdin=plain)

        assert "more than 16,384 bits" in reason_of(key(16_385), b"x")
        assert public_key_from_private(key(16_384), b"x").algorithm == "ssh-rsa"

    def test_deep_nesting_is_damage_and_no_crash(self) -> None:
        der = b""
        while len(der) < 11_000:
            der = tlv(0x30, der)

        assert reason_of(pem("PRIVATE KEY", der)) == "it is damaged"
