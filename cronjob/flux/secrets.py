"""
What a run takes from Secrets: the public half of a private key, and a Receiver's token.

Each Secret is fetched by its name, since `list` on Secrets is a right that nobody should have to give.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Set
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from cronjob.concurrency.stop import raise_if_stopped
from cronjob.concurrency.worker_pool import WorkerPool
from cronjob.flux.private_keys import KeyUnusable, read_private_key, read_public_key
from cronjob.flux.secret_store import SecretAnswers
from cronjob.kube.client import WIDTH, KubeApi
from cronjob.kube.errors import NoAnswer
from cronjob.transport.answer import Answer
from reconcile.model import PublicKey, Ref, Secret, SecretAnswer, SecretMissing, SecretUnreadable

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_KEY = ("identity", "password", "identity.pub")
_TOKEN = ("token",)
# By whether a Secret is wanted for its key, and for its token.
_PARTS: Mapping[tuple[bool, bool], tuple[str, ...]] = {
    (False, False): (),
    (True, False): _KEY,
    (False, True): _TOKEN,
    (True, True): _KEY + _TOKEN,
}


@dataclass(frozen=True, slots=True)
class _Opened:
    """A Secret's decoded data, as far as it is needed; *version* changes with every change of the Secret."""

    version: str
    data: Mapping[str, bytes] = field(repr=False)


# Those wanted for their key, and those wanted for their token.
_Wanted = tuple[Set[Ref], Set[Ref]]
# A Secret, and which parts of it are wanted.
_Order = tuple[Ref, tuple[str, ...]]
_Fetched = _Opened | SecretMissing | SecretUnreadable


class SecretReader:
    """Fetches Secrets, several at a time, and remembers what their private keys came to."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._derived: dict[tuple[Ref, str], PublicKey | KeyUnusable] = {}
        self._ahead: _Shift | None = None

    def begin(self, keys: Set[Ref], tokens: Set[Ref]) -> None:
        """Start to fetch what the next `read` will answer, as far as it asks for the same."""
        self.close()
        self._ahead = self._shift()
        self._ahead.begin(keys, tokens)

    def close(self) -> None:
        """Give up what was begun and not read."""
        if self._ahead:
            self._ahead.close()
            self._ahead = None

    def read(self, keys: Set[Ref], tokens: Set[Ref]) -> Mapping[Ref, SecretAnswer]:
        """An answer for each of *keys* and *tokens*; a Secret that is in both is fetched once."""
        ahead, self._ahead = self._ahead or self._shift(), None
        with closing(ahead):
            ahead.begin(keys, tokens)
            return ahead.answers()

    def _shift(self) -> _Shift:
        return _Shift(self._fetched, self._taken)

    def _fetched(self, order: _Order) -> _Fetched:
        ref, parts = order
        if not (_NAME.fullmatch(ref.name) and _NAME.fullmatch(ref.namespace)):
            # No Secret can be called that, and `..` in a path would name something else.
            return SecretMissing()
        raise_if_stopped(self._api.stop_control)
        try:
            answer = self._api.get(f"/api/v1/namespaces/{ref.namespace}/secrets/{ref.name}")
        except NoAnswer as none:
            return SecretUnreadable(f"Kubernetes at {self._api.server} gave no answer ({none})")
        match answer.status:
            case 200:
                return _opened(answer.parsed(), parts)
            case 404:
                return SecretMissing()
        return SecretUnreadable(_refusal(answer, ref))

    def _taken(self, order: _Order, opened: _Fetched) -> SecretAnswer:
        ref, parts = order
        if not isinstance(opened, _Opened):
            return opened
        token, line = opened.data.get("token"), opened.data.get("identity.pub")
        if "identity" not in parts:
            return Secret(token=token)
        key = self._key(ref, opened) if "identity" in opened.data else None
        declared = None if line is None else read_public_key(line)
        return Secret(
            has_identity=key is not None,
            public_key=key if isinstance(key, PublicKey) else None,
            key_problem=key.reason if isinstance(key, KeyUnusable) else None,
            # Nearly always they are the same; one of them is enough to keep.
            declared=key if isinstance(key, PublicKey) and key == declared else declared,
            has_declared=line is not None,
            token=token,
        )

    def _key(self, ref: Ref, opened: _Opened) -> PublicKey | KeyUnusable:
        # Only what is behind a passphrase takes long enough to be remembered for the second reading.
        is_costly = "password" in opened.data and bool(opened.version)
        known = self._derived.get((ref, opened.version)) if is_costly else None
        if known is not None:
            return known
        try:
            key: PublicKey | KeyUnusable = read_private_key(opened.data["identity"], opened.data.get("password"))
        except KeyUnusable as unusable:
            # A fresh one: the traceback of this one would keep the private key in memory.
            key = KeyUnusable(unusable.reason)
        if is_costly:
            self._derived[ref, opened.version] = key
        return key


class _Shift:
    """
    Secrets that are being read: several threads fetch them, and one derives their keys and forgets the rest.

    One, since a costly passphrase must not take every thread.
    """

    def __init__(self, fetch: Callable[[_Order], _Fetched], take: Callable[[_Order, _Fetched], SecretAnswer]) -> None:
        self._take = take
        self._wanted: _Wanted = (frozenset(), frozenset())
        self._answers = SecretAnswers()
        self._taking: WorkerPool[tuple[_Order, _Fetched], None] = WorkerPool(self._taken, 1, "keys")
        self._fetching: WorkerPool[_Order, None] = WorkerPool(
            lambda one: self._taking.add((one, fetch(one))), WIDTH, "secrets"
        )

    def begin(self, keys: Set[Ref], tokens: Set[Ref]) -> None:
        """Fetch these, as far as the same is not being fetched already; from now on these are wanted, and no others."""
        begun, self._wanted = self._wanted, (keys, tokens)
        if begun == self._wanted:
            return
        for ref in sorted(keys | tokens):
            parts = _parts(ref, self._wanted)
            if parts != _parts(ref, begun):
                self._fetching.add((ref, parts))

    def answers(self) -> Mapping[Ref, SecretAnswer]:
        """All that are wanted, once they are there."""
        self._fetching.answers()
        self._taking.answers()
        for ref in [ref for ref in self._answers if not _parts(ref, self._wanted)]:
            self._answers.drop(ref)
        return self._answers

    def close(self) -> None:
        """Give up what was not begun."""
        self._fetching.close()
        self._taking.close()
        # A crew refers to its shift and back, so both may be there for long; what they hold is not to be.
        self._wanted, self._answers = (frozenset(), frozenset()), SecretAnswers()

    def _taken(self, fetched: tuple[_Order, _Fetched]) -> None:
        (ref, parts), opened = fetched
        if parts == _parts(ref, self._wanted):
            self._answers.put(ref, self._take((ref, parts), opened))


def _parts(ref: Ref, wanted: _Wanted) -> tuple[str, ...]:
    keys, tokens = wanted
    return _PARTS[ref in keys, ref in tokens]


def _refusal(answer: Answer, ref: Ref) -> str:
    match answer.status:
        case 401:
            return f"{answer.title}: the job's token is not valid, or no longer"
        case 403:
            return f"{answer.title}: the job's Role lacks `get` on secrets in namespace {ref.namespace}"
    return f"{answer.title}: the API server is in trouble, and the next run tries again"


def _opened(body: Mapping[str, Any] | None, parts: tuple[str, ...]) -> _Opened | SecretUnreadable:
    match body:
        case {"metadata": {"name": str()} as metadata, **rest}:
            data = {} if rest.get("data") is None else rest["data"]
        case _:
            return SecretUnreadable("the API server's answer is no Secret")
    if not isinstance(data, dict):
        return SecretUnreadable("the API server's answer is no Secret")
    decoded = {}
    for part in parts:
        if part not in data:
            continue
        try:
            decoded[part] = base64.b64decode(data[part], validate=True)
        except (binascii.Error, ValueError, TypeError):
            return SecretUnreadable(f"its `{part}` is not base64")
    version = metadata.get("resourceVersion")
    return _Opened(version if isinstance(version, str) else "", decoded)
