"""
Leader election: a Lease (coordination.k8s.io) that every writing run holds, so that one run writes at a time.

The protocol is that of client-go's leader election, over the plain API. The LeaseLock of the kubernetes package (37) is
not used: its calls have no timeout, it takes a missing right for a lost race, it knows neither annotations nor a
release, its LeaderElection never gives up waiting, and it loads the typed API classes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http import HTTPStatus
from types import TracebackType
from urllib.parse import quote

from cronjob.concurrency.stop import StopControl
from cronjob.kube.client import KubeApi
from cronjob.kube.errors import CredentialsError, NoAnswer
from cronjob.kube.lease_claim import LeaseClaim, LeaseConflict
from cronjob.kube.lease_record import LeaseRecord
from cronjob.transport.answer import Answer
from reconcile.causes import MALFORMED
from reconcile.errors import LEASE_HELD, ReadError

_NOT_A_LEASE = NoAnswer("its answer is no Lease", cause=MALFORMED)
# In seconds, before another try after a conflict: many shards may start at once.
_CONFLICT_WAIT = 0.02
# How often a renewal or a release is tried after conflicts, before it is left to the next time.
_CONFLICT_TRIES = 5


@contextmanager
def hold_leases(claims: Sequence[LeaseClaim], make_lease: Callable[[LeaseClaim], Lease]) -> Iterator[None]:
    """Hold the Leases of all *claims*, acquired one after the other; the first claim's `wait` is for all of them."""
    deadline = time.monotonic() + claims[0].wait
    with ExitStack() as held:
        for claim in claims:
            held.enter_context(make_lease(replace(claim, wait=max(deadline - time.monotonic(), 0.0))))
        yield


class Lease:
    """
    A context in which this run holds the Lease, alone or together with the other shards of its run.

    *stop_control* stops the run when the Lease is lost. *warn* (a sentence and its cause) reports a failed release.

    Entering the context raises SettingsError where the Lease belongs to another cluster, and ReadError where it cannot
    be acquired: code LeaseHeld where another run holds it, LeaseUnavailable where Kubernetes refuses or fails, Stopped
    after a signal. Clocks of other nodes do not matter: a holder is alive while the record changes as we watch it.
    """

    def __init__(
        self, api: KubeApi, claim: LeaseClaim, stop_control: StopControl, warn: Callable[[str, str], None]
    ) -> None:
        self._api = api
        self._claim = claim
        self._times = claim.times
        self._stop_control = stop_control
        self._warn = warn
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{quote(claim.namespace, safe='')}/leases"
        self._path = f"{self._collection}/{claim.name}"
        self._record = LeaseRecord()
        self._observed: tuple[object, float] = (None, 0.0)
        self._valid_until = 0.0
        self._has_written = False
        self._lost_reason = ""
        self._renew_failure = "it was not renewed"
        self._closing = threading.Event()
        self._renewer = threading.Thread(target=self._renew_until_closed, name="lease", daemon=True)

    def __enter__(self) -> Lease:
        try:
            self._acquire()
        except ReadError as error:
            if self._has_written and error.code != LEASE_HELD:
                # A write without an answer may have made us the holder.
                self._release()
            raise
        self._stop_control.watch(self.lost_reason)
        self._renewer.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._closing.set()
        self._renewer.join()
        self._release()

    def lost_reason(self) -> str:
        """Why this run may not write any more, as a clause; empty while it may. Returns at once, in any thread."""
        if not self._lost_reason and self._times.clock() > self._valid_until:
            self._lost_reason = (
                f"the {self._claim} could not be renewed for {self._times.renew_deadline:g} s "
                f"({self._renew_failure}), so another run may have it"
            )
        return self._lost_reason

    # Acquire

    def _acquire(self) -> None:
        deadline = time.monotonic() + self._claim.wait
        while True:
            if reason := self._stop_control.reason():
                raise ReadError(f"Nothing was read, while waiting for the {self._claim}: {reason}.", code="Stopped")
            refusal = self._acquire_unless_held()
            if refusal is None:
                return
            if time.monotonic() >= deadline:
                raise refusal
            self._stop_control.sleep(min(self._times.poll_interval, max(deadline - time.monotonic(), 0.0)))

    def _acquire_unless_held(self) -> ReadError | None:
        """Acquire the Lease if it is free, else say why not. Raises the errors that waiting will not change."""
        deadline = time.monotonic() + self._times.request_timeout
        while True:
            try:
                refusal = self._try_to_acquire()
            except NoAnswer as no_answer:
                # If the write was done all the same, the next try finds our own name in the record.
                return self._claim.unanswered(no_answer)
            if not isinstance(refusal, LeaseConflict) or time.monotonic() >= deadline:
                return refusal
            self._stop_control.sleep(_CONFLICT_WAIT)

    def _try_to_acquire(self) -> ReadError | None:
        started = self._times.clock()
        answer = self._send("GET", self._path)
        if answer.status == HTTPStatus.NOT_FOUND:
            return self._write("POST", self._collection, LeaseRecord({"name": self._claim.name}), started)
        if answer.status != HTTPStatus.OK:
            return self._claim.refused("get", answer)
        record = LeaseRecord.of(answer.parsed() or {})
        if not record.metadata:
            return self._claim.unanswered(_NOT_A_LEASE)
        self._claim.check_cluster(record)
        if not self._is_free(record):
            return self._claim.held(record)
        return self._write("PUT", self._path, record, started)

    def _write(self, method: str, path: str, record: LeaseRecord, started: float) -> ReadError | None:
        """Write us into the record as its holder; the error where that failed."""
        self._has_written = True
        answer = self._send(method, path, record)
        if answer.status in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return None if self._accept(answer, started) else self._claim.unanswered(_NOT_A_LEASE)
        if answer.status == HTTPStatus.CONFLICT:
            return self._claim.conflict()
        return self._claim.refused("create" if method == "POST" else "update", answer)

    def _is_free(self, record: LeaseRecord) -> bool:
        """Whether nobody holds it, or our own holder name, or a holder that has not renewed it for its duration."""
        if record.holder in {"", self._claim.holder.name}:
            return True
        liveness, since = self._observed
        if liveness != record.liveness:
            self._observed = (record.liveness, time.monotonic())
            return False
        return time.monotonic() - since >= (record.duration or self._times.duration)

    # Renew

    def _renew_until_closed(self) -> None:
        while not self._closing.wait(self._times.renew_interval):
            if self.lost_reason():
                return
            try:
                self._renew()
            except (NoAnswer, CredentialsError) as failure:
                self._renew_failure = str(failure)

    def _renew(self) -> None:
        started = self._times.clock()
        answer = self._send("PUT", self._path, self._record)
        for _ in range(_CONFLICT_TRIES):
            if answer.status != HTTPStatus.CONFLICT:
                break
            # Somebody changed it: Flux its labels, another shard its time, or another run its holder.
            self._reread(answer := self._send("GET", self._path))
            if answer.status == HTTPStatus.OK and not self._lost_reason:
                answer = self._send("PUT", self._path, self._record)
        if answer.status == HTTPStatus.OK and not self._lost_reason:
            if not self._accept(answer, started):
                self._renew_failure = str(_NOT_A_LEASE)
        elif answer.status == HTTPStatus.NOT_FOUND:
            self._lost_reason = f"the {self._claim} was deleted"
        else:
            self._renew_failure = f"Kubernetes answered {answer.title}"

    def _reread(self, answer: Answer) -> None:
        if answer.status != HTTPStatus.OK:
            return
        record = LeaseRecord.of(answer.parsed() or {})
        if successor := record.successor_of(self._claim.holder):
            self._lost_reason = f"the {self._claim} was taken over by {successor}"
        else:
            self._record = record

    def _accept(self, answer: Answer, started: float) -> bool:
        """Whether the answer to a write shows us as the holder; then the Lease is valid for a while."""
        record = LeaseRecord.of(answer.parsed() or {})
        if not record.is_held_by(self._claim.holder):
            return False
        self._record = record
        self._valid_until = started + self._times.renew_deadline
        return True

    # Release

    def _release(self) -> None:
        """Release the Lease, best effort: the next run would otherwise wait as long as for a dead holder."""
        deadline = time.monotonic() + self._times.request_timeout
        while failure := self._try_to_release():
            if time.monotonic() >= deadline:
                self._warn(f"the {self._claim} was not released", failure)
                return
            self._stop_control.sleep(min(self._times.poll_interval, 1.0))

    def _try_to_release(self) -> str:
        """Why the Lease may still be ours; empty once Kubernetes itself (not a proxy's page) says that it is not."""
        try:
            answer = self._write_release()
        except (NoAnswer, CredentialsError) as failure:
            return str(failure)
        if answer.status == HTTPStatus.OK:
            record = LeaseRecord.of(answer.parsed() or {})
            return "" if record.metadata and not record.is_held_by(self._claim.holder) else str(_NOT_A_LEASE)
        is_gone = answer.status == HTTPStatus.NOT_FOUND and (answer.parsed() or {}).get("reason") == "NotFound"
        return "" if is_gone else answer.title

    def _write_release(self) -> Answer:
        """Read the record and write it without us: the last answer. Shards that end together may conflict."""
        for _ in range(_CONFLICT_TRIES):
            answer = self._send("GET", self._path)
            record = LeaseRecord.of(answer.parsed() or {})
            if answer.status != HTTPStatus.OK or not record.is_held_by(self._claim.holder):
                break
            body = record.manifest_without(self._claim.holder)
            answer = self._api.send("PUT", self._path, body=body, timeout=self._times.request_timeout)
            if answer.status != HTTPStatus.CONFLICT:
                break
        return answer

    def _send(self, method: str, path: str, record: LeaseRecord | None = None) -> Answer:
        holder, cluster = self._claim.holder, self._claim.cluster
        body = record.manifest_for(holder, cluster, self._times.duration) if record else None
        return self._api.send(method, path, body=body, timeout=self._times.request_timeout)
