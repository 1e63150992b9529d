"""The embedded GitLab's reading of public keys, against keys that a real library made."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cronjob.sandbox.fake_gitlab.ssh_keys import clean_text, key_errors, read_key
from cronjob.sandbox.fake_gitlab.world import GitLabWorld
from tests.worlds.gitlab_client import ONE, a_public_key


def made(private_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return private_key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def put_together(algorithm: str, *fields: bytes) -> str:
    """A key of a kind that the library does not make, or warns about."""
    every = [algorithm.encode(), *fields]
    blob = b"".join(len(field).to_bytes(4, "big") + field for field in every)
    return f"{algorithm} {base64.b64encode(blob).decode()}"


MADE = {
    ("rsa", 2048): made(rsa.generate_private_key(65537, 2048)),
    ("dsa", 1024): put_together("ssh-dss", (1 << 1023).to_bytes(129), b"q" * 20, b"g", b"y"),
    ("ecdsa", 256): made(ec.generate_private_key(ec.SECP256R1())),
    ("ecdsa", 384): made(ec.generate_private_key(ec.SECP384R1())),
    ("ecdsa", 521): made(ec.generate_private_key(ec.SECP521R1())),
    ("ed25519", 256): made(ed25519.Ed25519PrivateKey.generate()),
    ("ed25519_sk", 256): put_together("sk-ssh-ed25519@openssh.com", b"k" * 32, b"ssh:"),
    ("ecdsa_sk", 256): put_together("sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", b"k" * 65, b"ssh:"),
}


@pytest.mark.parametrize(("kind", "bits"), MADE)
def test_every_kind_of_key_is_read(kind: str, bits: int) -> None:
    text = MADE[kind, bits]
    key = read_key(f"{text} comment")
    assert key is not None
    assert (key.kind, key.bits) == (kind, bits)
    digest = hashlib.sha256(base64.b64decode(text.split()[1])).digest()
    assert key.sha256 == "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-unknown AAAA",
        "ssh-ed25519 !!!!",
        "ssh-ed25519 " + MADE["rsa", 2048].split()[1],
        ONE + "AAAA",
        ONE[:-8],
    ],
)
def test_what_is_no_key_is_not_read(text: str) -> None:
    assert read_key(text) is None
    assert clean_text(text) == text


def test_a_key_of_too_few_bits_is_complained_about() -> None:
    text = MADE["rsa", 2048]
    assert key_errors(text, read_key(text), {"rsa": 3072}) == {"key": ["must be at least 3072 bits"]}
    assert key_errors(text, read_key(text), {"rsa": 2048}) == {}


def test_the_world_takes_no_malformed_key_and_no_key_twice() -> None:
    world = GitLabWorld()
    world.new_key(ONE, "first")
    with pytest.raises(ValueError, match="taken"):
        world.new_key(f"{ONE} other", "second")
    with pytest.raises(ValueError, match="no public key"):
        world.new_key("nonsense", "third")
    assert world.new_key(a_public_key("two"), "fourth").title == "fourth"


def test_a_key_that_the_world_has_is_joined_whatever_its_comment() -> None:
    world = GitLabWorld()
    world.add_group("tenants")
    app, shop = world.add_project("tenants/app"), world.add_project("tenants/shop")
    first = world.add_deploy_key(app, f"{ONE} ops", title="first")
    assert world.add_deploy_key(shop, ONE, title="second", can_push=True) is first
    assert (world.keys_of(app), world.keys_of(shop)) == ([(first, False)], [(first, True)])
