"""
What a run takes from Secrets: the public half of a private key, and a Receiver's token.

Each Secret is fetched by its name, since `list` on Secrets is a right that nobody should have to give.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from cronjob.answers import Answer
from cronjob.halt import go_on
from cronjob.kube_access import WIDTH, KubeApi
from cronjob.kube_answers import NoAnswer
from cronjob.private_keys import KeyUnusable, read_private_key, read_public_key
from reconcile.model import PublicKey, Ref, Secret, SecretAnswer, SecretMissing, SecretUnreadable

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_KEY_PARTS = ("identity", "password", "identity.pub")


@dataclass(frozen=True, slots=True)
class _Opened:
    """A Secret's decoded data, as far as it is needed; *version* changes with every change of the Secret."""

    version: str
    data: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """Secrets that are being fetched, each with the parts that are wanted of it."""

    pool: ThreadPoolExecutor
    fetched: Mapping[tuple[Ref, tuple[str, ...]], Future[_Opened | SecretMissing | SecretUnreadable]]


class SecretReader:
    """Fetches Secrets, several at a time, and remembers what their private keys came to."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._derived: dict[tuple[Ref, str], PublicKey | KeyUnusable] = {}
        self._ahead: _UnderWay | None = None

    def begin(self, keys: Set[Ref], tokens: Set[Ref]) -> None:
        """Start to fetch what the next `read` will answer, as far as it asks for the same."""
        self.close()
        self._ahead = self._begun(_parts(keys, tokens))

    def close(self) -> None:
        """Give up what was begun and not read."""
        if self._ahead:
            self._ahead.pool.shutdown(wait=False, cancel_futures=True)
            self._ahead = None

    def read(self, keys: Set[Ref], tokens: Set[Ref]) -> dict[Ref, SecretAnswer]:
        """An answer for each of *keys* and *tokens*; a Secret that is in both is fetched once."""
        ahead, self._ahead = self._ahead or self._begun({}), None
        with ahead.pool as pool:
            fetched = {
                ref: ahead.fetched.get((ref, parts)) or pool.submit(self._fetched, ref, parts)
                for ref, parts in _parts(keys, tokens).items()
            }
            # Keys are derived here, one after the other: a costly passphrase must not take every worker.
            return {ref: self._taken(ref, one.result(), has_key=ref in keys) for ref, one in fetched.items()}

    def _begun(self, wanted: Mapping[Ref, tuple[str, ...]]) -> _UnderWay:
        pool = ThreadPoolExecutor(WIDTH, thread_name_prefix="secrets")
        return _UnderWay(pool, {(ref, parts): pool.submit(self._fetched, ref, parts) for ref, parts in wanted.items()})

    def _fetched(self, ref: Ref, parts: tuple[str, ...]) -> _Opened | SecretMissing | SecretUnreadable:
        if not (_NAME.fullmatch(ref.name) and _NAME.fullmatch(ref.namespace)):
            # No Secret can be called that, and `..` in a path would name something else.
            return SecretMissing()
        go_on(self._api.halt)
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

    def _taken(self, ref: Ref, opened: _Opened | SecretMissing | SecretUnreadable, *, has_key: bool) -> SecretAnswer:
        if not isinstance(opened, _Opened):
            return opened
        secret = Secret(token=opened.data.get("token"))
        if not has_key:
            return secret
        declared = opened.data.get("identity.pub")
        secret = replace(
            secret,
            has_declared=declared is not None,
            declared=None if declared is None else read_public_key(declared),
        )
        if "identity" not in opened.data:
            return secret
        key = self._key(ref, opened)
        if isinstance(key, KeyUnusable):
            return replace(secret, has_identity=True, key_problem=key.reason)
        return replace(secret, has_identity=True, public_key=key)

    def _key(self, ref: Ref, opened: _Opened) -> PublicKey | KeyUnusable:
        known = self._derived.get((ref, opened.version)) if opened.version else None
        if known is not None:
            return known
        try:
            key: PublicKey | KeyUnusable = read_private_key(opened.data["identity"], opened.data.get("password"))
        except KeyUnusable as unusable:
            # A fresh one: the traceback of this one would keep the private key in memory.
            key = KeyUnusable(unusable.reason)
        self._derived[ref, opened.version] = key
        return key


def _parts(keys: Set[Ref], tokens: Set[Ref]) -> dict[Ref, tuple[str, ...]]:
    return {ref: _KEY_PARTS * (ref in keys) + ("token",) * (ref in tokens) for ref in sorted(keys | tokens)}


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
