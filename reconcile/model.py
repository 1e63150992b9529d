"""The nouns both sides share: projects, keys, webhooks, Kubernetes objects, and the settings that judge them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from reconcile.causes import UNKNOWN, Cause


class Kind(StrEnum):
    """The two kinds of item this program owns on a project."""

    DEPLOY_KEY = "deploy_key"
    WEBHOOK = "webhook"

    @property
    def plural(self) -> str:
        """For sentences."""
        return f"{self.value.replace('_', ' ')}s"


class Ref(NamedTuple):
    """A Kubernetes object; its text is `Kind/namespace/name`, as reports name it."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


class Project(NamedTuple):
    """A GitLab project: the numeric id that writes go to, and its full path for people."""

    id: int
    path: str


class PublicKey(NamedTuple):
    """
    What makes two SSH keys the same: algorithm and base64 material, never the comment.

    GitLab keeps at most one word of a comment (lib/gitlab/ssh_public_key.rb), so comments cannot be compared.
    """

    algorithm: str
    material: str

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read one line in OpenSSH's format. Raises ValueError for anything else."""
        words = text.split()
        if len(words) < 2:
            raise ValueError("not a public key in OpenSSH's format")
        try:
            base64.b64decode(words[1], validate=True)
        except binascii.Error as error:
            raise ValueError("the key's material is not base64") from error
        return cls(words[0], words[1])

    @property
    def text(self) -> str:
        """Algorithm and material, without a comment: what is sent to GitLab."""
        return f"{self.algorithm} {self.material}"

    @property
    def fingerprint(self) -> str:
        """`SHA256:` and unpadded base64, as OpenSSH and GitLab (15.2+) show it."""
        digest = hashlib.sha256(base64.b64decode(self.material)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Secret:
    """
    What a run takes from one Kubernetes Secret; the private key itself never gets this far.

    *key_problem* says why `identity` gives no public key; *declared* is `identity.pub` where it is readable.
    *is_over_budget*: the passphrase of `identity` was not tried, since its namespace's keys make too much work.
    *changed* is when somebody last changed the Secret, None where that is unknown.
    """

    has_identity: bool = False
    public_key: PublicKey | None = None
    key_problem: str | None = None
    declared: PublicKey | None = None
    has_declared: bool = False
    token: bytes | None = field(default=None, repr=False)
    is_service_account_token: bool = False
    is_over_budget: bool = False
    changed: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SecretMissing:
    """Kubernetes answered 404 for the Secret."""


@dataclass(frozen=True, slots=True)
class SecretUnreadable:
    """Kubernetes answered neither 200 nor 404 for the Secret."""

    reason: str
    cause: Cause = UNKNOWN


@dataclass(frozen=True, slots=True)
class SecretOfOtherShard:
    """The Secret was not read: what it is for is another shard's."""


SecretAnswer = Secret | SecretMissing | SecretUnreadable | SecretOfOtherShard


@dataclass(frozen=True, slots=True)
class ProjectLocation:
    """
    Where a wanted path leads: *project* is the one it names now, *moved* where its path is another one.

    *marked_on* is the day on which it was scheduled for deletion, None where GitLab does not say so.
    """

    project: Project
    moved: bool = False
    inside: bool = True
    marked_on: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectAbsent:
    """GitLab has no project at that path, as far as this token can see."""


@dataclass(frozen=True, slots=True)
class LookUpFailed:
    """GitLab could not say whether there is a project at that path."""

    reason: str
    cause: Cause = UNKNOWN


LookUpResult = ProjectLocation | ProjectAbsent | LookUpFailed

# A slash as it is, or as URLs, JSON and HTML write it.
_SLASH = r"(?:\\*/|%(?:25)*2f|\\+u002f|&#x2f;|&#47;)"
_DIGEST = re.compile(rf"({_SLASH}hook{_SLASH}[0-9a-f]{{8}})[0-9a-f]+", re.IGNORECASE)
# A digest alone, as a title may have it; not in the name of an object, of an image or of a commit.
_BARE_DIGEST = re.compile(r"(?:(?<=hook/)|(?<![0-9A-Za-z:/@._-]))([0-9a-f]{8})[0-9a-f]{56}(?![0-9A-Za-z])")
_USER_INFO = re.compile(r"^([a-z]+://)[^/?#]*@", re.IGNORECASE)
_QUERY = re.compile(r"[?#].*", re.DOTALL)


def without_digests(text: str) -> str:
    """The text with every receiver's digest, which may be its only secret, cut after eight characters."""
    return _BARE_DIGEST.sub(r"\1…", _DIGEST.sub(r"\1…", text))


def cut_digests(data: Any) -> Any:
    """The same plain data (mappings, lists, values) with every text, and every mapping's key, `without_digests`."""
    if isinstance(data, str):
        return without_digests(data)
    if isinstance(data, Mapping):
        return {without_digests(name): cut_digests(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [cut_digests(value) for value in data]
    return data


def shown_url(url: str) -> str:
    """The URL without what may be secret: a receiver's digest after eight characters, user info, query, fragment."""
    return _QUERY.sub("?…", _USER_INFO.sub(r"\1…@", without_digests(url)))


_LONG_PATH = re.compile(r"^([a-z]+://[^/]*/[^?#…]{8})[^?#…]+")


def shown_foreign_url(url: str) -> str:
    """Another's webhook: its path may be its secret (chat services do that), so it is cut after eight characters."""
    short = shown_url(url)
    return short if _DIGEST.search(url) else _LONG_PATH.sub(r"\1…", short)
