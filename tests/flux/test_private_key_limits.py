import time
from pathlib import Path
from typing import Any

import pytest

from cronjob.flux.private_keys import public_key_from_private
from tests.worlds.key_samples import (
    ED25519,
    PASSPHRASE,
    number,
    oid,
    openssh,
    pbkdf2,
    pem,
    public_of,
    reason_of,
    run,
    scrypt,
    string,
    tlv,
    written,
)


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

    @pytest.mark.parametrize("iterations", [1_000_001, 2**31 - 1, 2**63])
    def test_more_than_a_million_iterations_are_refused(self, iterations: int) -> None:
        assert "over 1,000,000 iterations" in reason_of(pbkdf2(iterations), PASSPHRASE)
        assert "does not open it" in reason_of(pbkdf2(1000), PASSPHRASE)
        assert "no passphrase" in reason_of(pbkdf2(1_000_000))

    def test_the_older_encryptions_of_pkcs8_are_counted_too(self) -> None:
        def pbe(iterations: int) -> bytes:
            sequence = tlv(0x30, tlv(4, bytes(8)), number(iterations))
            algorithm = tlv(0x30, oid("2a864886f70d010c0103"), sequence)
            return pem("ENCRYPTED PRIVATE KEY", tlv(0x30, algorithm, tlv(4, bytes(64))))

        assert "iterations" in reason_of(pbe(1_000_001), PASSPHRASE)
        assert "iterations" not in reason_of(pbe(2048), PASSPHRASE)

    @pytest.mark.parametrize(("n", "r", "p"), [(2**20, 8, 1), (2**14, 2**10, 1), (2**14, 8, 2**10)])
    def test_absurd_parameters_of_scrypt_are_refused(self, n: int, r: int, p: int) -> None:
        assert "scrypt" in reason_of(scrypt(n, r, p), PASSPHRASE)
        assert "does not open it" in reason_of(scrypt(2**14, 8, 1), PASSPHRASE)

    def test_headers_cannot_hide_the_iterations(self) -> None:
        hidden = pbkdf2(2**31 - 1).replace(b"-----\n", b"-----\nX-Key: AAAA\n\n", 1)

        assert "over 1,000,000 iterations" in reason_of(hidden, PASSPHRASE)

    @pytest.mark.parametrize("rounds", [16, None])
    def test_an_rsa_modulus_over_16384_bits_is_refused_in_openssh_format(self, rounds: int | None) -> None:
        def key(bits: int) -> bytes:
            modulus = ((1 << bits) - 1).to_bytes(bits // 8 + 1, "big")
            return openssh(string(b"ssh-rsa") + string(b"\1\0\1") + string(modulus), rounds=rounds)

        assert "more than 16,384 bits" in reason_of(key(16_385))
        assert "more than 16,384 bits" not in reason_of(key(16_384))

    @pytest.mark.parametrize("label", ["PRIVATE KEY", "RSA PRIVATE KEY"])
    def test_an_rsa_modulus_over_16384_bits_is_refused_in_pem(self, label: str) -> None:
        def key(bits: int) -> bytes:
            # Two Mersenne primes: validating them alone would take longer than this test may.
            p, q = 2**9941 - 1, 2 ** (bits - 9941) - 1
            numbers = tlv(0x30, *map(number, (0, p * q, 65537, 3, p, q, 3, 3, 3)))
            info = tlv(0x30, number(0), tlv(0x30, oid("2a864886f70d010101"), tlv(5)), tlv(4, numbers))
            return pem(label, info if label == "PRIVATE KEY" else numbers)

        assert "more than 16,384 bits" in reason_of(key(16_385))
        assert public_key_from_private(key(16_384), None).algorithm == "ssh-rsa"

    def test_an_rsa_modulus_over_16384_bits_is_refused_after_decryption(self, tmp_path: Path) -> None:
        def key(bits: int) -> bytes:
            p, q = 2**9941 - 1, 2 ** (bits - 9941) - 1
            (tmp_path / "key").write_bytes(
                pem("RSA PRIVATE KEY", tlv(0x30, *map(number, (0, p * q, 3, 3, p, q, 3, 3, 3))))
            )
            return run("openssl", "pkcs8", "-topk8", "-in", str(tmp_path / "key"), "-passout", "pass:x")

        assert "more than 16,384 bits" in reason_of(key(20_000), b"x")
        assert public_key_from_private(key(16_384), b"x").algorithm == "ssh-rsa"

    def test_a_dsa_number_over_16384_bits_is_refused(self) -> None:
        parameters = tlv(0x30, number(2**40_000 - 1), number(2**160 + 1), number(3))
        info = tlv(0x30, number(0), tlv(0x30, oid("2a8648ce380401"), parameters), tlv(4, number(2**159)))

        assert "more than 16,384 bits" in reason_of(pem("PRIVATE KEY", info))

    def test_deep_nesting_is_damage_and_no_crash(self) -> None:
        der = b""
        while len(der) < 11_000:
            der = tlv(0x30, der)

        assert reason_of(pem("PRIVATE KEY", der)) == "it is damaged"
