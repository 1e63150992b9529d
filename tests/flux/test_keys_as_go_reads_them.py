"""Flux reads private keys with Go's package ssh: what it takes is usable here, what it does not take is unusable."""

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cronjob.flux.private_keys import KeyUnusable, public_key_from_private
from tests.worlds.go import ask_go
from tests.worlds.key_samples import (
    DSA_BITS,
    ED25519,
    KEYS,
    OPENSSH,
    PASSPHRASE,
    PKCS8,
    TRADITIONAL,
    number,
    oid,
    pem,
    public_of,
    run,
    sealed,
    string,
    tlv,
    written,
)

SEED = bytes(range(32))
POINT = ED25519.public_key().public_bytes_raw()
DSA_KEY = dsa.generate_private_key(DSA_BITS)
RSA_NUMBERS = KEYS["rsa"].private_numbers()
EC_PRIVATE = KEYS["p256"].private_numbers().private_value
EC_POINT = KEYS["p256"].public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
OTHER_POINT = (
    ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
)
P256_ID, ED25519_ID = oid("2a8648ce3d030107"), oid("2b6570")

# A private key, and the passphrase of its Secret.
Sample = tuple[bytes, bytes]


def der_of(text: bytes) -> bytes:
    return base64.b64decode(b"".join(line for line in text.splitlines() if b"-----" not in line))


def pkcs1(**changes: int) -> bytes:
    """An RSA key with some numbers changed; `version`, `e`, `d`, `n`, `dp`, `qi` or `extra`."""
    public = RSA_NUMBERS.public_numbers
    numbers = {
        "version": 0,
        "n": public.n,
        "e": public.e,
        "d": RSA_NUMBERS.d,
        "p": RSA_NUMBERS.p,
        "q": RSA_NUMBERS.q,
        "dp": RSA_NUMBERS.dmp1,
        "dq": RSA_NUMBERS.dmq1,
        "qi": RSA_NUMBERS.iqmp,
        **changes,
    }
    return tlv(0x30, *map(number, numbers.values()))


def sec1(private: bytes, *parts: bytes) -> bytes:
    return tlv(0x30, number(1), tlv(4, private), *parts)


def pkcs8(algorithm: bytes, private: bytes, *parts: bytes, version: int = 0) -> bytes:
    return pem("PRIVATE KEY", tlv(0x30, number(version), algorithm, tlv(4, private), *parts))


def ed25519_pkcs8(*parts: bytes, version: int = 0, seed: bytes = SEED, parameters: bytes = b"") -> bytes:
    return pkcs8(tlv(0x30, ED25519_ID, parameters), tlv(4, seed), *parts, version=version)


def ec_pkcs8(*parts: bytes, curve: bytes = P256_ID) -> bytes:
    return pkcs8(tlv(0x30, oid("2a8648ce3d0201"), curve), sec1(EC_PRIVATE.to_bytes(32, "big"), *parts))


def openssh_file(kind: bytes, *parts: bytes, padding: bytes | None = None, **header: bytes) -> bytes:
    """A key in OpenSSH's format; *header* changes `outer` (the public key), `kdf`, `options`, `count` or `tail`."""
    outer = header.get("outer", string(kind) + parts[0])
    inner = b"\0\0\0\1" * 2 + string(kind) + b"".join(parts) + string(b"me@host")
    inner += bytes(range(1, 1 + -len(inner) % 8)) if padding is None else padding
    head = string(b"none") + string(header.get("kdf", b"none")) + string(header.get("options", b""))
    body = head + header.get("count", b"\0\0\0\1") + string(outer) + string(inner) + header.get("tail", b"")
    return pem("OPENSSH PRIVATE KEY", b"openssh-key-v1\0" + body)


def ed25519_openssh(inner_point: bytes = POINT, **header: Any) -> bytes:
    return openssh_file(b"ssh-ed25519", string(inner_point), string(SEED + POINT), **header)


def ecdsa_openssh(point: bytes, curve: bytes = b"nistp256", kind: bytes = b"ecdsa-sha2-nistp256") -> bytes:
    return openssh_file(kind, string(curve), string(point), string(b"\0" + EC_PRIVATE.to_bytes(32, "big")))


def rsa_openssh(**changes: int) -> bytes:
    public = RSA_NUMBERS.public_numbers
    numbers = {"n": public.n, "e": public.e, "d": RSA_NUMBERS.d, "qi": RSA_NUMBERS.iqmp, **changes}
    primes = (RSA_NUMBERS.p, RSA_NUMBERS.q)
    return openssh_file(b"ssh-rsa", *map(ssh_number, (*numbers.values(), *primes)))


def ssh_number(value: int) -> bytes:
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def dsa_openssh() -> bytes:
    private = DSA_KEY.private_numbers()
    public = private.public_numbers
    numbers = (public.parameter_numbers.p, public.parameter_numbers.q, public.parameter_numbers.g, public.y, private.x)
    return openssh_file(b"ssh-dss", *map(ssh_number, numbers))


def security_key() -> bytes:
    tail = string(b"ssh:") + b"\1" + string(b"handle") + string(b"")
    return openssh_file(b"sk-ssh-ed25519@openssh.com", string(POINT), tail)


def with_header(text: bytes, *lines: bytes) -> bytes:
    return text.replace(b"-----\n", b"-----\n" + b"\n".join(lines) + b"\n\n", 1)


def edited(old: bytes, new: bytes) -> bytes:
    """A key that is encrypted in the traditional way, with its header changed."""
    text = sealed(TRADITIONAL, KEYS["p256"])
    assert re.search(old, text)
    return re.sub(old, new, text)


def traditional(cipher: str, key: str = "p256") -> bytes:
    command = ("rsa", "-traditional") if key == "rsa" else ("ec",)
    passphrase = f"pass:{PASSPHRASE.decode()}"
    providers = ("-provider", "legacy", "-provider", "default")
    plain = written(KEYS[key], TRADITIONAL)
    return run("openssl", *command, f"-{cipher}", "-passout", passphrase, *providers, stdin=plain)


def by_ssh_keygen(folder: Path, kind: str, form: str, *options: str) -> bytes:
    file = folder / "identity"
    file.unlink(missing_ok=True)
    run("ssh-keygen", "-q", "-t", kind, "-m", form, "-N", PASSPHRASE.decode(), *options, "-f", str(file))
    return file.read_bytes()


# The samples' verdicts were compared with golang.org/x/crypto 0.54 and 0.58 and Go 1.26.
TAKEN: dict[str, Callable[[], bytes]] = {
    "Ed25519, OpenSSH": lambda: written(ED25519),
    "RSA, OpenSSH": rsa_openssh,
    "RSA, OpenSSH, wrong coefficient": lambda: rsa_openssh(qi=7),
    "ECDSA, OpenSSH": lambda: ecdsa_openssh(EC_POINT),
    "OpenSSH, encrypted": lambda: sealed(OPENSSH),
    "OpenSSH, encrypted, with a header line": lambda: with_header(sealed(OPENSSH), b"Proc-Type: 4,ENCRYPTED"),
    "OpenSSH, another outer public key": lambda: ed25519_openssh(outer=string(b"ssh-ed25519") + string(bytes(32))),
    "OpenSSH, another inner public key": lambda: ed25519_openssh(bytes(32)),
    "OpenSSH, without padding": lambda: ed25519_openssh(padding=b""),
    "OpenSSH, more padding": lambda: ed25519_openssh(padding=bytes(range(1, 40))),
    "OpenSSH, more after the key": lambda: ed25519_openssh(tail=b"more"),
    **{f"{name}, PKCS#8": lambda key=key: written(key, PKCS8) for name, key in KEYS.items()},
    **{f"{name}, traditional": lambda key=KEYS[name]: written(key, TRADITIONAL) for name in ("rsa", "p256", "p521")},
    "DSA, traditional": lambda: written(DSA_KEY, TRADITIONAL),
    "DSA, traditional, encrypted": lambda: sealed(TRADITIONAL, DSA_KEY),
    "PKCS#8 with the public key (RFC 5958)": lambda: ed25519_pkcs8(tlv(0x81, b"\0" + POINT), version=1),
    "PKCS#8 with attributes": lambda: ed25519_pkcs8(tlv(0xA0)),
    "PKCS#8, more after the key": lambda: pem("PRIVATE KEY", der_of(written(ED25519, PKCS8)) + b"\0"),
    "PKCS#8, ECDSA, the curve named outside only": ec_pkcs8,
    "PKCS#8, ECDSA, another curve named inside": lambda: ec_pkcs8(tlv(0xA0, oid("2b81040022"))),
    "PKCS#8, ECDSA, another public key": lambda: ec_pkcs8(tlv(0xA1, tlv(3, b"\0" + OTHER_POINT))),
    "PKCS#8, RSA, no parameters": lambda: pkcs8(tlv(0x30, oid("2a864886f70d010101")), pkcs1()),
    "ECDSA, a short number": lambda: pem("EC PRIVATE KEY", sec1(b"\7" * 31, tlv(0xA0, P256_ID))),
    "ECDSA, a number with zeros in front": lambda: pem("EC PRIVATE KEY", sec1(b"\0" + SEED, tlv(0xA0, P256_ID))),
    "PKCS#1, version 1": lambda: pem("RSA PRIVATE KEY", pkcs1(version=1)),
    "PKCS#1, one more number": lambda: pem("RSA PRIVATE KEY", pkcs1(extra=5)),
    "RSA with three primes": lambda: run("openssl", "genrsa", "-primes", "3", "2048"),
    "RSA, exponent 3": lambda: written(rsa.generate_private_key(3, 2048), PKCS8),
    **{
        f"{name}, traditional {cipher}": lambda cipher=cipher, name=name: traditional(cipher, name)
        for name, cipher in [("p256", "des3"), ("rsa", "aes128"), ("p256", "aes192"), ("rsa", "aes256")]
    },
    "traditional, blanks in the header": lambda: edited(b"DEK-Info: ", b"DEK-Info:   "),
    "traditional, another number in the header": lambda: edited(b"4,ENCRYPTED", b"ENCRYPTED"),
    "a header that says nothing": lambda: with_header(written(KEYS["rsa"], TRADITIONAL), b"DEK-Info: AES-128-CBC,00"),
}
NOT_TAKEN: dict[str, Callable[[], bytes]] = {
    "PKCS#8, encrypted": lambda: sealed(PKCS8),
    "RSA, PKCS#8, encrypted": lambda: sealed(PKCS8, KEYS["rsa"]),
    "DSA, OpenSSH": dsa_openssh,
    "DSA, PKCS#8": lambda: written(DSA_KEY, PKCS8),
    "DSA, 2048 bits": lambda: pem("DSA PRIVATE KEY", tlv(0x30, *map(number, (0, 2**2047 + 1, 2**159 + 1, 3, 5, 7)))),
    "Ed448": lambda: written(ed448.Ed448PrivateKey.generate(), PKCS8),
    "X25519": lambda: written(x25519.X25519PrivateKey.generate(), PKCS8),
    "RSA-PSS": lambda: run("openssl", "genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
    **{
        f"{curve.name}, {name}": lambda curve=curve, form=form: written(ec.generate_private_key(curve), form)
        for curve in (ec.SECP224R1(), ec.SECP256K1(), ec.BrainpoolP256R1())
        for name, form in {"PKCS#8": PKCS8, "traditional": TRADITIONAL}.items()
    },
    "P-256 with its parameters written out": lambda: run(
        "openssl", "ec", "-param_enc", "explicit", stdin=written(KEYS["p256"], TRADITIONAL)
    ),
    "ECDSA without a curve": lambda: pem("EC PRIVATE KEY", sec1(SEED)),
    "ECDSA, zero": lambda: pem("EC PRIVATE KEY", sec1(bytes(32), tlv(0xA0, P256_ID))),
    "a security key": security_key,
    "ECDSA, OpenSSH, compressed point": lambda: ecdsa_openssh(b"\3" + EC_POINT[1:33]),
    "ECDSA, OpenSSH, another point": lambda: ecdsa_openssh(OTHER_POINT),
    "ECDSA, OpenSSH, another curve": lambda: ecdsa_openssh(EC_POINT, b"nistp384"),
    "ECDSA, OpenSSH, P-224": lambda: ecdsa_openssh(EC_POINT, b"nistp224", b"ecdsa-sha2-nistp224"),
    "OpenSSH, two keys": lambda: ed25519_openssh(count=b"\0\0\0\2"),
    "OpenSSH, wrong padding": lambda: ed25519_openssh(padding=b"\1\2\4"),
    "OpenSSH, options without encryption": lambda: ed25519_openssh(options=b"x"),
    "OpenSSH, a derivation without a cipher": lambda: ed25519_openssh(kdf=b"bcrypt", options=string(b"s") + bytes(4)),
    "OpenSSH, not encrypted, with a header line": lambda: with_header(written(ED25519), b"Proc-Type: 4,ENCRYPTED"),
    "PKCS#8 with a header of encryption": lambda: with_header(written(ED25519, PKCS8), b"Proc-Type: 4,ENCRYPTED"),
    "Ed25519, a short seed": lambda: ed25519_pkcs8(seed=SEED[:31]),
    "Ed25519, seed and public key": lambda: ed25519_pkcs8(seed=SEED + POINT),
    "Ed25519 with parameters": lambda: ed25519_pkcs8(parameters=tlv(5)),
    "PKCS#1, version 2": lambda: pem("RSA PRIVATE KEY", pkcs1(version=2)),
    "PKCS#1, more after the key": lambda: pem("RSA PRIVATE KEY", pkcs1() + b"\0"),
    **{
        f"PKCS#1, wrong {name}": lambda name=name, value=value: pem("RSA PRIVATE KEY", pkcs1(**{name: value}))
        for name, value in [("d", 5), ("e", 17), ("e", 1), ("e", 65536), ("dp", 5), ("qi", 7), ("n", 2**2047 + 1)]
    },
    "PKCS#1, a large exponent": lambda: pem("RSA PRIVATE KEY", pkcs1(e=2**31 + 11)),
    **{
        f"RSA, OpenSSH, wrong {name}": lambda name=name, value=value: rsa_openssh(**{name: value})
        for name, value in [("d", 5), ("e", 17), ("e", 1), ("n", 2**2047 + 1), ("e", 2**24 + 43)]
    },
    "traditional camellia256": lambda: traditional("camellia256"),
    "traditional, the cipher in lower case": lambda: edited(b"AES-256-CBC|DES-EDE3-CBC|AES-128-CBC", b"aes-256-cbc"),
    "traditional, a blank in the vector": lambda: edited(rb"(DEK-Info: [^,]+,)", rb"\1 "),
    "traditional, no vector": lambda: with_header(written(KEYS["rsa"], TRADITIONAL), b"Proc-Type: 4,ENCRYPTED"),
    **{
        f"a {label} that says {other}": lambda label=label, other=other: pem(other, CONTENTS[label])
        for label in ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY")
        for other in ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "OPENSSH PRIVATE KEY")
        if label != other
    },
    "another label": lambda: pem("ED25519 PRIVATE KEY", der_of(written(ED25519, PKCS8))),
}
CONTENTS = {
    "PRIVATE KEY": der_of(written(ED25519, PKCS8)),
    "RSA PRIVATE KEY": der_of(written(KEYS["rsa"], TRADITIONAL)),
    "EC PRIVATE KEY": der_of(written(KEYS["p256"], TRADITIONAL)),
    "DSA PRIVATE KEY": der_of(written(DSA_KEY, TRADITIONAL)),
}


def ours(identity: bytes, passphrase: bytes) -> str | None:
    try:
        return public_key_from_private(identity, passphrase).text
    except KeyUnusable:
        return None


def test_two_halves_of_an_ed25519_key_that_do_not_belong_together_are_unusable_though_go_takes_them() -> None:
    identity = openssh_file(b"ssh-ed25519", string(bytes(32)), string(SEED + bytes(32)))

    assert ours(identity, PASSPHRASE) is None


@pytest.mark.parametrize("name", TAKEN)
def test_a_key_that_go_takes_is_usable(name: str) -> None:
    assert ours(TAKEN[name](), PASSPHRASE) is not None


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_a_key_that_go_does_not_take_is_unusable(name: str) -> None:
    assert ours(NOT_TAKEN[name](), PASSPHRASE) is None


@pytest.mark.parametrize("cipher", ["aes256-ctr", "aes256-cbc", "aes128-ctr", "aes256-gcm@openssh.com"])
def test_of_openssh_s_ciphers_two_are_read(cipher: str, tmp_path: Path) -> None:
    identity = by_ssh_keygen(tmp_path, "ed25519", "RFC4716", "-Z", cipher)

    assert (ours(identity, PASSPHRASE) is not None) == (cipher in {"aes256-ctr", "aes256-cbc"})


def generated(folder: Path) -> Iterator[bytes]:
    """What ssh-keygen writes: every kind in every format, and every cipher."""
    for kind in ("rsa", "ecdsa", "ed25519"):
        for form in ("RFC4716", "PKCS8", "PEM"):
            yield by_ssh_keygen(folder, kind, form)
    for cipher in ("aes256-cbc", "aes128-ctr", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "3des-cbc"):
        yield by_ssh_keygen(folder, "ed25519", "RFC4716", "-Z", cipher)


def damaged() -> Iterator[bytes]:
    """Keys with one byte changed, at many places; in an Ed25519 key of OpenSSH's format we check more than Go."""
    for form, key in [(OPENSSH, KEYS["p256"]), (PKCS8, ED25519)]:
        text = written(key, form)
        label, content = text.splitlines()[0][11:-5].decode(), der_of(text)
        for place in range(0, len(content), 3):
            yield pem(label, content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])


def test_go_itself_agrees(tmp_path: Path) -> None:
    folder = tmp_path / "go"
    folder.mkdir()
    named = [(make(), PASSPHRASE) for make in (*TAKEN.values(), *NOT_TAKEN.values())]
    wrong = [(sealed(form, KEYS["p256"]), passphrase) for form in (OPENSSH, TRADITIONAL) for passphrase in (b"x", b"")]
    generated_here = [(identity, PASSPHRASE) for identity in (*generated(tmp_path), *damaged())]
    samples: list[Sample] = [*named, *wrong, *generated_here]
    question = [[base64.b64encode(part).decode() for part in sample] for sample in samples]

    answers = ask_go(folder, GO_PROGRAM, question, "golang.org/x/crypto", "golang.org/x/sys")

    differing = [
        (sample, answer) for sample, answer in zip(samples, answers, strict=True) if ours(*sample) != (answer or None)
    ]
    assert differing == []
    assert [bool(answer) for answer in answers[: len(named)]] == [True] * len(TAKEN) + [False] * len(NOT_TAKEN)


# As go-git does it, with which source-controller clones.
GO_PROGRAM = """
package main

import (
	"encoding/json"
	"errors"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

func publicKey(identity, passphrase []byte) string {
	signer, err := ssh.ParsePrivateKey(identity)
	var missing *ssh.PassphraseMissingError
	if errors.As(err, &missing) {
		signer, err = ssh.ParsePrivateKeyWithPassphrase(identity, passphrase)
	}
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

func main() {
	var samples [][2][]byte
	if err := json.NewDecoder(os.Stdin).Decode(&samples); err != nil {
		panic(err)
	}
	answers := []string{}
	for _, sample := range samples {
		answers = append(answers, publicKey(sample[0], sample[1]))
	}
	json.NewEncoder(os.Stdout).Encode(answers)
}
"""


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (lambda: sealed(PKCS8), "`ssh-keygen -p -f KEY`"),
        (dsa_openssh, "it is a DSA key"),
        (lambda: pem("RSA PRIVATE KEY", CONTENTS["PRIVATE KEY"]), "but its content is a `PRIVATE KEY`"),
        (lambda: traditional("camellia256"), "convert it to OpenSSH's format"),
        (lambda: rsa_openssh(e=2**24 + 43), "its public exponent is too large"),
        (lambda: pem("EC PRIVATE KEY", sec1(SEED)), "it does not name its curve"),
        (security_key, "its kind or its encryption is not supported by Flux"),
    ],
)
def test_the_reason_says_what_to_do(identity: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(KeyUnusable) as caught:
        public_key_from_private(identity(), PASSPHRASE)

    assert reason in caught.value.reason


@pytest.mark.parametrize("key", [KEYS["rsa"], KEYS["p256"]], ids=["rsa", "ecdsa"])
def test_the_advice_for_encrypted_pkcs8_works(key: PrivateKeyTypes, tmp_path: Path) -> None:
    file = tmp_path / "KEY"
    file.write_bytes(sealed(PKCS8, key))
    file.chmod(0o600)
    passphrase = PASSPHRASE.decode()

    run("ssh-keygen", "-p", "-P", passphrase, "-N", passphrase, "-f", str(file))

    assert public_key_from_private(file.read_bytes(), PASSPHRASE) == public_of(key)
