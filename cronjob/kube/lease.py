"""
One writer at a time: the Lease that every writing run holds.

The protocol is client-go's leader election, over the plain API. The kubernetes package (37) has a LeaseLock of its own,
which is not used: its calls have no timeout, so an API server that accepts and does not answer would hold the run for
ever; it swallows errors, so that a missing right looks like a lost race; it knows neither annotations nor a release,
its LeaderElection never gives up waiting, and it loads the typed API classes.
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
from cronjob.kube.errors import NoAnswer
from cronjob.kube.lease_claim import LeaseClaim, LeaseConflict
from cronjob.kube.lease_record import Record
from cronjob.transport.answer import Answer
from reconcile.errors import LEASE_HELD, ReadError

_NO_LEASE = NoAnswer("its answer is no Lease")
# In seconds: who wrote at the same moment as another looks again, so that many shards may begin at once.
_AGAIN = 0.02
# And so often does one that renews it or gives it back, before it leaves that to the next time.
_TRIES = 5


@contextmanager
def alone(claims: Sequence[LeaseClaim], make: Callable[[LeaseClaim], Lease]) -> Iterator[None]:
    """All *claims* hold, taken one after the other; the time for which they wait is that of the first, for all."""
    end = time.monotonic() + claims[0].wait
    with ExitStack() as held:
        for claim in claims:
            held.enter_context(make(replace(claim, wait=max(end - time.monotonic(), 0.0))))
        yield


class Lease:
    """
    A context in which this run, or this run with its like, is the only one that writes.

    *stop_control* hears when that ends before the run does, *warn* (a sentence and its cause) of a release that failed.

    Entering it raises SettingsError where the Lease is another cluster's, ReadError where it cannot be had: with the
    code LeaseHeld where another run holds it, LeaseUnavailable where Kubernetes stands in the way, Stopped after a
    signal. Clocks of other nodes do not matter: a holder's life is judged by what changes while we watch.
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
        self._record = Record()
        self._seen: tuple[object, float] = (None, 0.0)
        self._good_until = 0.0
        self._asked = False
        self._lost = ""
        self._trouble = "it was not renewed"
        self._over = threading.Event()
        self._renewer = threading.Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> Lease:
        try:
            self._take()
        except ReadError as error:
            if self._asked and error.code != LEASE_HELD:
                # A write that nobody answered may have made us the holder.
                self._release()
            raise
        self._stop_control.watch(self.lost)
        self._renewer.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        self._renewer.join()
        self._release()

    def lost(self) -> str:
        """Why this run may not write any more, as a clause; empty while it may. Answers at once, in any thread."""
        if not self._lost and time.monotonic() > self._good_until:
            self._lost = (
                f"the {self._claim} could not be renewed for {self._times.good_for:g} s ({self._trouble}), "
                "so another run may have it"
            )
        return self._lost

    # taking it

    def _take(self) -> None:
        end = time.monotonic() + self._claim.wait
        while True:
            if why := self._stop_control.reason():
                raise ReadError(f"Nothing was read, while waiting for the {self._claim}: {why}.", code="Stopped")
            refusal = self._look()
            if refusal is None:
                return
            if time.monotonic() >= end:
                raise refusal
            self._stop_control.sleep(min(self._times.look_every, max(end - time.monotonic(), 0.0)))

    def _look(self) -> ReadError | None:
        """Take the Lease if it is free; why it is not to be had now. Raises what waiting will not change."""
        end = time.monotonic() + self._times.answer_within
        while True:
            try:
                refusal = self._tried()
            except NoAnswer as none:
                # If a write was done all the same, the next look finds our own name in it.
                return self._claim.unanswered(none)
            if not isinstance(refusal, LeaseConflict) or time.monotonic() >= end:
                return refusal
            self._stop_control.sleep(_AGAIN)

    def _tried(self) -> ReadError | None:
        began = time.monotonic()
        answer = self._send("GET", self._path)
        if answer.status == HTTPStatus.NOT_FOUND:
            return self._sent("POST", self._collection, Record({"name": self._claim.name}), began)
        if answer.status != HTTPStatus.OK:
            return self._claim.refused("get", answer)
        record = Record.of(answer.parsed() or {})
        if not record.metadata:
            return self._claim.unanswered(_NO_LEASE)
        self._claim.check_cluster(record)
        if not self._is_free(record):
            return self._claim.held(record)
        return self._sent("PUT", self._path, record, began)

    def _sent(self, method: str, path: str, record: Record, began: float) -> ReadError | None:
        """Make us the holder, where nobody else was quicker."""
        self._asked = True
        answer = self._send(method, path, record)
        if answer.status in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return None if self._is_ours_in(answer, began) else self._claim.unanswered(_NO_LEASE)
        if answer.status == HTTPStatus.CONFLICT:
            return self._claim.outrun()
        return self._claim.refused("create" if method == "POST" else "update", answer)

    def _is_free(self, record: Record) -> bool:
        """Whether nobody holds it, or our like, or whoever does has shown no sign of life for long enough."""
        if record.holder in {"", self._claim.holder.name}:
            return True
        pulse, since = self._seen
        if pulse != record.pulse:
            self._seen = (record.pulse, time.monotonic())
            return False
        return time.monotonic() - since >= (record.duration or self._times.duration)

    # keeping it

    def _keep(self) -> None:
        while not self._over.wait(self._times.renew_every):
            if self.lost():
                return
            try:
                self._renew()
            except NoAnswer as none:
                self._trouble = str(none)

    def _renew(self) -> None:
        began = time.monotonic()
        answer = self._send("PUT", self._path, self._record)
        for _ in range(_TRIES):
            if answer.status != HTTPStatus.CONFLICT:
                break
            # Somebody changed it: Flux its labels, another shard its time, or another run its holder.
            answer = self._send("GET", self._path)
            self._look_after(answer)
            if answer.status == HTTPStatus.OK and not self._lost:
                answer = self._send("PUT", self._path, self._record)
        if answer.status == HTTPStatus.OK and not self._lost:
            if not self._is_ours_in(answer, began):
                self._trouble = str(_NO_LEASE)
        elif answer.status == HTTPStatus.NOT_FOUND:
            self._lost = f"the {self._claim} was deleted"
        else:
            self._trouble = f"Kubernetes answered {answer.title}"

    def _look_after(self, answer: Answer) -> None:
        if answer.status != HTTPStatus.OK:
            return
        record = Record.of(answer.parsed() or {})
        if successor := record.successor_of(self._claim.holder):
            self._lost = f"the {self._claim} was taken over by {successor}"
        else:
            self._record = record

    def _is_ours_in(self, answer: Answer, began: float) -> bool:
        """Whether the answer to a write says that we hold it; then that is good for a while."""
        record = Record.of(answer.parsed() or {})
        if not record.is_of(self._claim.holder):
            return False
        self._record = record
        self._good_until = began + self._times.good_for
        return True

    def _release(self) -> None:
        """Best effort: who comes next would wait for a holder that is gone, and no longer than for a dead one."""
        end = time.monotonic() + self._times.answer_within
        while trouble := self._trouble_with_releasing():
            if time.monotonic() >= end:
                self._warn(f"the {self._claim} was not released", trouble)
                return
            self._stop_control.sleep(min(self._times.look_every, 1.0))

    def _trouble_with_releasing(self) -> str:
        """Why it may still be ours; empty once it is not, by what Kubernetes itself says and not a proxy's page."""
        try:
            answer = self._let_go()
        except NoAnswer as none:
            return str(none)
        if answer.status == HTTPStatus.OK:
            record = Record.of(answer.parsed() or {})
            return "" if record.metadata and not record.is_of(self._claim.holder) else str(_NO_LEASE)
        is_gone = answer.status == HTTPStatus.NOT_FOUND and (answer.parsed() or {}).get("reason") == "NotFound"
        return "" if is_gone else answer.title

    def _let_go(self) -> Answer:
        """What Kubernetes said last of it; of shards that end together each writes it."""
        for _ in range(_TRIES):
            answer = self._send("GET", self._path)
            record = Record.of(answer.parsed() or {})
            if answer.status != HTTPStatus.OK or not record.is_of(self._claim.holder):
                break
            body = record.released_by(self._claim.holder)
            answer = self._api.send("PUT", self._path, body=body, timeout=self._times.answer_within)
            if answer.status != HTTPStatus.CONFLICT:
                break
        return answer

    def _send(self, method: str, path: str, record: Record | None = None) -> Answer:
        claim = self._claim
        body = record.held_by(claim.holder, claim.cluster, self._times.duration) if record else None
        return self._api.send(method, path, body=body, timeout=self._times.answer_within)
