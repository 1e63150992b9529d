"""Public SSH keys: parsing, cleaning and fingerprints as in GitLab."""

import base64
import binascii
import hashlib
from dataclasses import dataclass

# The number of length-prefixed fields after the algorithm's name in the base64 part.
FIELDS = {
    "ssh-rsa": 2,
    "ssh-dss": 4,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "ssh-ed25519": 1,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
    "sk-ssh-ed25519@openssh.com": 2,
}
KIND = {
    "ssh-rsa": "rsa",
    "ssh-dss": "dsa",
    "ssh-ed25519": "ed25519",
    "sk-ecdsa-sha2-nistp256@openssh.com": "ecdsa_sk",
    "sk-ssh-ed25519@openssh.com": "ed25519_sk",
}
KINDS = ("rsa", "dsa", "ecdsa", "ed25519", "ecdsa_sk", "ed25519_sk")
MAX_TEXT = 5000

Errors = dict[str, list[str]]


@dataclass(frozen=True)
class PublicKey:
    """One public key: its algorithm and its material, without any comment."""

    algorithm: str
    blob: bytes

    @property
    def md5(self) -> str:
        digest = hashlib.md5(self.blob, usedforsecurity=False).hexdigest()
        return ":".join(digest[start : start + 2] for start in range(0, len(digest), 2))

    @property
    def sha256(self) -> str:
        digest = base64.b64encode(hashlib.sha256(self.blob).digest())
        return "SHA256:" + digest.decode().rstrip("=")

    @property
    def kind(self) -> str:
        return KIND.get(self.algorithm, "ecdsa")

    @property
    def bits(self) -> int:
        if self.algorithm in {"ssh-rsa", "ssh-dss"}:
            fields = _fields_of(self.blob)
            number = fields[2] if self.algorithm == "ssh-rsa" else fields[1]
            return int.from_bytes(number, "big").bit_length()
        return int(self.algorithm[-3:]) if self.kind == "ecdsa" else 256


def read_key(text: str) -> PublicKey | None:
    """Parse the key at the beginning of *text*; None if GitLab considers it invalid."""
    words = text.split()
    if len(words) < 2 or words[0] not in FIELDS:
        return None
    try:
        blob = base64.b64decode(words[1], validate=True)
        fields = _fields_of(blob)
    except (binascii.Error, ValueError):
        return None
    if fields[:1] != [words[0].encode()] or len(fields) != FIELDS[words[0]] + 1:
        return None
    return PublicKey(words[0], blob)


def clean_text(text: str) -> str:
    """
    The text that GitLab stores of a posted key: algorithm, material and one word of comment.

    White space inside the material is repaired; text without a valid key stays as it is.
    """
    words = text.split()
    for end in range(2, len(words) + 1):
        candidate = " ".join([words[0], "".join(words[1:end])])
        if read_key(candidate):
            return " ".join([candidate, *words[end : end + 1]])
    return text.strip()


def key_errors(text: str, key: PublicKey | None, minimum_bits: dict[str, int]) -> Errors:
    """The validation errors of a key by field; empty if it is valid."""
    errors: list[str] = []
    if len(text) > MAX_TEXT:
        errors.append(f"is too long (maximum is {MAX_TEXT} characters)")
    if key is None:
        return {"key": [_forbidden(minimum_bits), *errors, "is invalid"]}
    errors += _restriction(key, minimum_bits)
    return {"key": errors} if errors else {}


def _restriction(key: PublicKey, minimum_bits: dict[str, int]) -> list[str]:
    minimum = minimum_bits.get(key.kind, 0)
    if minimum < 0:
        return [_forbidden(minimum_bits)]
    return [f"must be at least {minimum} bits"] if key.bits < minimum else []


def _forbidden(minimum_bits: dict[str, int]) -> str:
    """The message about a forbidden type, with the allowed types (app/validators/key_restriction_validator.rb)."""
    allowed = [kind.upper() for kind in KINDS if minimum_bits.get(kind, 0) >= 0]
    if len(allowed) < 3:
        return f"type is forbidden. Must be {' or '.join(allowed)}"
    return f"type is forbidden. Must be {', '.join(allowed[:-1])}, or {allowed[-1]}"


def _fields_of(blob: bytes) -> list[bytes]:
    fields: list[bytes] = []
    position = 0
    while position < len(blob):
        size = int.from_bytes(blob[position : position + 4], "big")
        field = blob[position + 4 : position + 4 + size]
        if len(blob) - position < 4 or len(field) != size:
            raise ValueError("the material ends inside a field")
        fields.append(field)
        position += 4 + size
    return fields
