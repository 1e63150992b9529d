"""The fault injector of one embedded server: which of its requests fail, and how many failed so far."""

from collections import Counter
from threading import Lock
from typing import Unpack

from cronjob.sandbox.faults.fault import Fault, PlannedFault, PlannedFaultFields
from cronjob.sandbox.faults.random_faults import FaultProfile, RequestKey


class FaultInjector:
    """
    Planned faults in the order in which they were planned, then the random faults of a profile.

    A request gets one fault at most. *planned* may be cleared; it is empty at first, and there is no profile.
    """

    def __init__(self) -> None:
        self.planned: list[PlannedFault] = []
        self._profile: FaultProfile | None = None
        self._attempts: Counter[RequestKey] = Counter()
        self._injected: Counter[str] = Counter()
        self._lock = Lock()

    @property
    def profile(self) -> FaultProfile | None:
        """The profile in force, if there is one. Setting it forgets the attempts that were counted."""
        return self._profile

    @profile.setter
    def profile(self, profile: FaultProfile | None) -> None:
        with self._lock:
            self._profile = profile
            self._attempts.clear()

    @property
    def injected(self) -> Counter[str]:
        """The number of random faults and rate limits so far, by kind. Planned faults count for themselves."""
        with self._lock:
            return self._injected.copy()

    def plan(self, **fields: Unpack[PlannedFaultFields]) -> PlannedFault:
        """Plan a fault for coming requests; `PlannedFault` describes the *fields*."""
        fault = PlannedFault(**fields)
        self.planned.append(fault)
        return fault

    def count(self, kind: str) -> None:
        """Count a request that was failed by other means than a fault, such as a rate limit."""
        with self._lock:
            self._injected[kind] += 1

    def fault_for(self, method: str, path: str, query: str) -> Fault | None:
        """The fault for a request that arrives now; it is counted. *path* and *query* are as they were sent."""
        with self._lock:
            planned = next((fault for fault in self.planned if fault.applies_to(method, path, query)), None)
        return planned or self.random_fault(RequestKey(method, path, query))

    def random_fault(self, request: RequestKey) -> Fault | None:
        """The profile's fault for the next attempt of *request*."""
        with self._lock:
            if self._profile is None:
                return None
            self._attempts[request] += 1
            kind = self._profile.kind_for(request, self._attempts[request])
            if kind is None:
                return None
            self._injected[kind.name] += 1
            return kind.fault
