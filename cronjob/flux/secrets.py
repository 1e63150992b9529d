"""
Secrets: the public key of a private key, and a Receiver's token.

Each Secret is fetched by its name, so that the job's Role needs no `list` on Secrets.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Mapping, Set
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import itemgetter
from typing import Any, Protocol

from cronjob.concurrency.stop import StopControl, raise_if_stopped
from cronjob.concurrency.worker_pool import WorkerPool
from cronjob.flux.key_budget import FREE_KEYS, FREE_ROUNDS, over_budget
from cronjob.flux.private_keys import KeyUnusable, passphrase_rounds, public_key_from_line, public_key_from_private
from cronjob.kube.client import CONCURRENCY, KubeApi
from cronjob.kube.errors import NoAnswer, cause_of_answer
from cronjob.transport.answer import Answer
from reconcile.causes import MALFORMED, Cause, CauseCode
from reconcile.desired.change_times import object_changed
from reconcile.model import PublicKey, Ref, Secret, SecretAnswer, SecretMissing, SecretUnreadable

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_KEY_FIELDS = ("identity", "password", "identity.pub")
_TOKEN_FIELDS = ("token",)
# Kubernetes writes a service account's credentials into Secrets of this type.
_SERVICE_ACCOUNT_TYPE = "kubernetes.io/service-account-token"

_NOT_KUBERNETES = Cause(CauseCode.NOT_KUBERNETES)

# The fields of `data` that are wanted of a Secret.
_Fields = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _SecretData:
    """The wanted fields of a Secret, decoded, and its type; *version* changes with every change of the Secret."""

    version: str
    data: Mapping[str, bytes] = field(repr=False)
    type: str = ""
    changed: datetime | None = None


_Fetched = _SecretData | SecretMissing | SecretUnreadable


class _MakeAnswer(Protocol):
    """Makes the answer about a Secret from what was fetched of it."""

    def __call__(self, ref: Ref, fields: _Fields, fetched: _Fetched, *, over_budget: bool) -> SecretAnswer:
        """Return the answer; *over_budget*: the passphrase of its key is not to be tried."""


class SecretReader:
    """Fetches Secrets, several at a time, and remembers public keys that were costly to derive."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._derived: dict[tuple[Ref, str], PublicKey | KeyUnusable] = {}
        self._prefetched: _Batch | None = None

    def prefetch(self, keys: Set[Ref], tokens: Set[Ref]) -> None:
        """Start to fetch what the next `read` will return, as far as it asks for the same."""
        self.close()
        self._prefetched = self._batch()
        self._prefetched.request(_wanted_fields(keys, tokens))

    def close(self) -> None:
        """Cancel what was prefetched and not read."""
        if self._prefetched:
            self._prefetched.close()
            self._prefetched = None

    def read(self, keys: Set[Ref], tokens: Set[Ref]) -> Mapping[Ref, SecretAnswer]:
        """The answers for *keys* and *tokens*; a Secret that is in both is fetched once."""
        batch, self._prefetched = self._prefetched or self._batch(), None
        with closing(batch):
            batch.request(_wanted_fields(keys, tokens))
            return batch.answers()

    def _batch(self) -> _Batch:
        return _Batch(self._fetch, self._answer, self._api.stop_control)

    def _fetch(self, ref: Ref, fields: _Fields) -> _Fetched:
        if not (_NAME.fullmatch(ref.name) and _NAME.fullmatch(ref.namespace)):
            # No Secret can have this name, and `..` in a path would name something else.
            return SecretMissing()
        raise_if_stopped(self._api.stop_control)
        try:
            answer = self._api.get(f"/api/v1/namespaces/{ref.namespace}/secrets/{ref.name}")
        except NoAnswer as no_answer:
            return SecretUnreadable(f"Kubernetes at {self._api.server} gave no answer ({no_answer})", no_answer.cause)
        match answer.status:
            case 200:
                return _secret_data(answer.parsed(), fields)
            case 404:
                return SecretMissing()
        return SecretUnreadable(_refusal(answer, ref), cause_of_answer(answer))

    def _answer(self, ref: Ref, fields: _Fields, fetched: _Fetched, *, over_budget: bool) -> SecretAnswer:
        if not isinstance(fetched, _SecretData):
            return fetched
        token, line = fetched.data.get("token"), fetched.data.get("identity.pub")
        is_account = fetched.type == _SERVICE_ACCOUNT_TYPE
        if "identity" not in fields:
            return Secret(token=token, is_service_account_token=is_account, changed=fetched.changed)
        if over_budget:
            known = Secret(token=token, is_service_account_token=is_account, changed=fetched.changed)
            return replace(known, has_identity=True, is_over_budget=True)
        key = self._public_key(ref, fetched) if "identity" in fetched.data else None
        public = key if isinstance(key, PublicKey) else None
        declared = None if line is None else public_key_from_line(line)
        return Secret(
            has_identity=key is not None,
            public_key=public,
            key_problem=key.reason if isinstance(key, KeyUnusable) else None,
            # Nearly always they are equal; then one of them is kept.
            declared=public if declared == public else declared,
            has_declared=line is not None,
            token=token,
            is_service_account_token=is_account,
            changed=fetched.changed,
        )

    def _public_key(self, ref: Ref, secret: _SecretData) -> PublicKey | KeyUnusable:
        # Only a passphrase takes long enough for the key to be remembered for the second reading.
        is_costly = "password" in secret.data and bool(secret.version)
        known = self._derived.get((ref, secret.version)) if is_costly else None
        if known is not None:
            return known
        try:
            key: PublicKey | KeyUnusable = public_key_from_private(secret.data["identity"], secret.data.get("password"))
        except KeyUnusable as unusable:
            # A new exception: the traceback of this one refers to the private key.
            key = KeyUnusable(unusable.reason)
        if is_costly:
            self._derived[ref, secret.version] = key
        return key


class _Batch:
    """
    Secrets that are being read: several threads fetch them, and one thread makes the answers.

    It is one thread, since passphrases that take long to check must not occupy all of them. Which keys are over the
    budget of their namespace is known when all are fetched; until then only keys are opened that cannot be.
    """

    def __init__(
        self, fetch: Callable[[Ref, _Fields], _Fetched], answer: _MakeAnswer, stop_control: StopControl
    ) -> None:
        self._answer = answer
        self._stop_control = stop_control
        self._requested: Mapping[Ref, _Fields] = {}
        self._in_namespace: Counter[str] = Counter()
        self._answers: dict[Ref, SecretAnswer] = {}
        self._rounds: dict[Ref, int] = {}
        self._waiting: dict[Ref, tuple[_Fields, _Fetched]] = {}
        self._answering: WorkerPool[tuple[Ref, _Fields, _Fetched], None] = WorkerPool(self._keep_answer, 1, "keys")
        self._fetching: WorkerPool[tuple[Ref, _Fields], None] = WorkerPool(
            lambda request: self._answering.add((*request, fetch(*request))), CONCURRENCY, "secrets"
        )

    def request(self, wanted: Mapping[Ref, _Fields]) -> None:
        """Fetch exactly these; what an earlier call asked for in the same way is not fetched again."""
        earlier, self._requested = self._requested, wanted
        self._in_namespace = Counter(ref.namespace for ref in wanted)
        for ref, fields in sorted(wanted.items()):
            if fields != earlier.get(ref):
                self._fetching.add((ref, fields))

    def answers(self) -> Mapping[Ref, SecretAnswer]:
        """The answers to the last request, once all are there. To be called once."""
        self._fetching.answers()
        self._answering.answers()
        over = over_budget({ref: rounds for ref, rounds in self._rounds.items() if ref in self._requested})
        for ref, (fields, fetched) in sorted(self._waiting.items(), key=itemgetter(0)):
            raise_if_stopped(self._stop_control)
            if fields == self._requested.get(ref):
                self._answers[ref] = self._answer(ref, fields, fetched, over_budget=ref in over)
        return {ref: self._answers[ref] for ref in self._requested}

    def close(self) -> None:
        """Cancel what was not begun."""
        self._fetching.close()
        self._answering.close()

    def _keep_answer(self, asked: tuple[Ref, _Fields, _Fetched]) -> None:
        ref, fields, fetched = asked
        self._waiting.pop(ref, None)
        if fields != self._requested.get(ref):
            return
        self._rounds[ref] = rounds = _rounds(fetched) if "identity" in fields else 0
        is_free = rounds <= FREE_ROUNDS and self._in_namespace[ref.namespace] <= FREE_KEYS
        if rounds == 0 or is_free:
            raise_if_stopped(self._stop_control)
            self._answers[ref] = self._answer(ref, fields, fetched, over_budget=False)
        else:
            self._waiting[ref] = (fields, fetched)


def _rounds(fetched: _Fetched) -> int:
    """Return the work that a Secret's private key makes; without a passphrase none is tried."""
    if not isinstance(fetched, _SecretData) or not fetched.data.get("password"):
        return 0
    return passphrase_rounds(fetched.data.get("identity", b""))


def _wanted_fields(keys: Set[Ref], tokens: Set[Ref]) -> dict[Ref, _Fields]:
    wanted = dict.fromkeys(keys, _KEY_FIELDS)
    return wanted | {ref: wanted.get(ref, ()) + _TOKEN_FIELDS for ref in tokens}


def _refusal(answer: Answer, ref: Ref) -> str:
    match answer.status:
        case 401:
            return f"{answer.title}: the job's token is not valid, or no longer"
        case 403:
            return f"{answer.title}: the job's Role lacks `get` on secrets in namespace {ref.namespace}"
    return answer.title


def _secret_data(body: Mapping[str, Any] | None, fields: _Fields) -> _SecretData | SecretUnreadable:
    match body:
        case {"metadata": {"name": str()} as metadata, **rest}:
            data = {} if rest.get("data") is None else rest["data"]
        case _:
            return SecretUnreadable("the API server's answer is no Secret", _NOT_KUBERNETES)
    if not isinstance(data, dict):
        return SecretUnreadable("the API server's answer is no Secret", _NOT_KUBERNETES)
    decoded = {}
    for name in fields:
        if name not in data:
            continue
        try:
            decoded[name] = base64.b64decode(data[name], validate=True)
        except (binascii.Error, ValueError, TypeError):
            return SecretUnreadable(f"its `{name}` is not base64", MALFORMED)
    version = metadata.get("resourceVersion")
    return _SecretData(
        version if isinstance(version, str) else "", decoded, str(rest.get("type") or ""), object_changed(metadata)
    )
