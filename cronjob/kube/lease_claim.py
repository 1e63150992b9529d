"""The claim to a Lease: holder, cluster and times, and the errors where it cannot be acquired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from cronjob.kube.errors import NoAnswer
from cronjob.kube.lease_clock import sleep_aware_clock
from cronjob.kube.lease_record import Holder, LeaseRecord
from cronjob.transport.answer import Answer
from reconcile.errors import LEASE_HELD, ReadError, SettingsError
from reconcile.shares import Share

NAME = "flux-gitlab-syncer"
UNAVAILABLE = "LeaseUnavailable"


class LeaseConflict(ReadError):
    """Another run wrote the Lease at the same moment; it is to be tried again at once."""


def lease_names(share: Share) -> list[str]:
    """The names of the Leases that a run over *share* holds, in the order in which it acquires them."""
    return [NAME] if share.is_all else [f"{NAME}-{share.index}", NAME]


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """
    The times of leader election, in seconds.

    A holder that was not seen to renew for *duration* is dead. No write starts later than *renew_deadline* after the
    start of the last successful renewal: requests that are then in flight have the rest of *duration* to end. *clock*
    measures that; it goes on while the machine sleeps, so that a run that wakes up late stops.
    """

    duration: int = 30
    renew_interval: float = 5.0
    renew_deadline: float = 15.0
    poll_interval: float = 2.0
    request_timeout: float = 5.0
    clock: Callable[[], float] = sleep_aware_clock


@dataclass(frozen=True, slots=True)
class LeaseClaim:
    """
    Which Lease a run wants to hold, as whom and for which cluster; it waits up to *wait* seconds for another run.

    *name* is the Lease's: `lease_names` says which ones a run needs for its share of the projects.
    """

    namespace: str
    name: str
    holder: Holder
    cluster: str
    former_clusters: tuple[str, ...] = ()
    wait: float = 60.0
    times: LeaseTimes = field(default_factory=LeaseTimes)

    def __str__(self) -> str:
        return f"Lease {self.namespace}/{self.name}"

    def check_cluster(self, record: LeaseRecord) -> None:
        """Raise SettingsError where the Lease belongs to another cluster."""
        if record.cluster not in {"", self.cluster, *self.former_clusters}:
            raise SettingsError(
                f"The {self} belongs to cluster {record.cluster!r}, and this run is for {self.cluster!r}: its marks "
                "would be another cluster's. Correct --cluster or --context; after a rename, list the former name "
                "under previous_clusters in the settings."
            )

    def conflict(self) -> LeaseConflict:
        """The error where other runs write the Lease at the same moment."""
        return LeaseConflict(
            f"The {self} could not be taken: others write it all the time. Nothing was read. Run it again, or see who "
            f"does (`kubectl -n {self.namespace} get lease {self.name} --watch`).",
            code=UNAVAILABLE,
        )

    def held(self, record: LeaseRecord) -> ReadError:
        """The error where another run holds the Lease."""
        return ReadError(
            f"Another run holds the {self}: {record.holder}. Nothing was read. Wait for it to end, or raise "
            f"--lease-wait; a run that died is given up after {record.duration or self.times.duration} s "
            f"(`kubectl -n {self.namespace} get lease {self.name}`).",
            code=LEASE_HELD,
        )

    def unanswered(self, no_answer: NoAnswer) -> ReadError:
        """The error where Kubernetes gives no answer."""
        return ReadError(
            f"The {self} could not be taken: Kubernetes gave no answer ({no_answer}). Nothing was read; see whether "
            "the API server is reachable.",
            code=UNAVAILABLE,
            cause=no_answer.cause,
        )

    def refused(self, verb: str, answer: Answer) -> ReadError:
        """The error where Kubernetes refuses; it is raised here where waiting will not change that."""
        refusal = f"The {self} could not be taken: Kubernetes refuses to {verb} it ({answer.title}). Nothing was read."
        if answer.status >= 500 or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            return ReadError(f"{refusal} See the API server's health.", code=UNAVAILABLE)
        right = f"Give the service account `{verb}` on leases.coordination.k8s.io {self.name}, or pass --no-lease."
        if verb == "create":
            right = f"{right[:-1]}; where the Lease is there already, `get,update` on it will do."
        advice = {
            int(HTTPStatus.UNAUTHORIZED): "Renew the job's token or certificate.",
            int(HTTPStatus.NOT_FOUND): f"See that namespace {self.namespace} exists, and that Leases are served.",
        }
        raise ReadError(f"{refusal} {advice.get(answer.status, right)}", code=UNAVAILABLE)


def lease_claims_of(share: Share, claim: LeaseClaim) -> tuple[LeaseClaim, ...]:
    """
    The claims that a run over *share* needs, in the order in which to acquire them.

    *claim* is the run's own claim to the Lease of all runs. Shards of the same number hold that Lease together, under a
    holder name made from the number, so that nobody divides the projects in another way meanwhile. Each shard first
    acquires a Lease of its own, so that no other run works on the same share.
    """
    if share.is_all:
        return (claim,)
    own, shared = lease_names(share)
    together = Holder(f"shards-of-{share.of}", str(share.index), claim.holder.name)
    return replace(claim, name=own), replace(claim, name=shared, holder=together)
