"""Who wants the Lease, for how long, and what is said where it cannot be had."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus

from cronjob.kube.errors import NoAnswer
from cronjob.kube.lease_record import Holder, Record
from cronjob.transport.answer import Answer
from reconcile.errors import LEASE_HELD, ReadError, SettingsError
from reconcile.shares import Share

NAME = "flux-gitlab-syncer"
UNAVAILABLE = "LeaseUnavailable"


class LeaseConflict(ReadError):
    """Somebody wrote the Lease at the same moment; whether it can be had now is not known yet."""


def lease_names(share: Share) -> list[str]:
    """The Leases that a run over *share* holds, in the order in which it takes them."""
    return [NAME] if share.is_all else [f"{NAME}-{share.index}", NAME]


@dataclass(frozen=True, slots=True)
class Times:
    """
    In seconds. A holder that was not seen to renew for *duration* is dead.

    No write begins later than *good_for* after the last renewal that succeeded was begun: what is then under way has
    the rest of *duration* to end.
    """

    duration: int = 30
    renew_every: float = 5.0
    good_for: float = 15.0
    look_every: float = 2.0
    answer_within: float = 5.0


@dataclass(frozen=True, slots=True)
class LeaseClaim:
    """
    Who wants which Lease, for which cluster, and for how many seconds (*wait*) it waits for another to end.

    *name* is the Lease's: `lease_names` says which ones a run needs for its share of the projects.
    """

    namespace: str
    name: str
    holder: Holder
    cluster: str
    former_clusters: tuple[str, ...] = ()
    wait: float = 60.0
    times: Times = field(default_factory=Times)

    def __str__(self) -> str:
        return f"Lease {self.namespace}/{self.name}"

    def check_cluster(self, record: Record) -> None:
        """Raise SettingsError where the Lease says that it is another cluster's."""
        if record.cluster not in {"", self.cluster, *self.former_clusters}:
            raise SettingsError(
                f"The {self} belongs to cluster {record.cluster!r}, and this run is for {self.cluster!r}: its marks "
                "would be another cluster's. Correct --cluster or --context; after a rename, list the former name "
                "under previous_clusters in the settings."
            )

    def outrun(self) -> LeaseConflict:
        """Several want it at once."""
        return LeaseConflict(
            f"The {self} could not be taken: others write it all the time. Nothing was read. Run it again, or see who "
            f"does (`kubectl -n {self.namespace} get lease {self.name} --watch`).",
            code=UNAVAILABLE,
        )

    def held(self, record: Record) -> ReadError:
        """Another run has it."""
        return ReadError(
            f"Another run holds the {self}: {record.holder}. Nothing was read. Wait for it to end, or raise "
            f"--lease-wait; a run that died is given up after {record.duration or self.times.duration} s "
            f"(`kubectl -n {self.namespace} get lease {self.name}`).",
            code=LEASE_HELD,
        )

    def unanswered(self, none: NoAnswer) -> ReadError:
        """Kubernetes says nothing."""
        return ReadError(
            f"The {self} could not be taken: Kubernetes gave no answer ({none}). Nothing was read; see whether the API "
            "server is reachable.",
            code=UNAVAILABLE,
        )

    def refused(self, verb: str, answer: Answer) -> ReadError:
        """Kubernetes says no. Raises the error where waiting will not change that."""
        what = f"The {self} could not be taken: Kubernetes refuses to {verb} it ({answer.title}). Nothing was read."
        if answer.status >= 500 or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            return ReadError(f"{what} See the API server's health.", code=UNAVAILABLE)
        right = f"Give the service account `{verb}` on leases.coordination.k8s.io {self.name}, or pass --no-lease."
        if verb == "create":
            right = f"{right[:-1]}; where the Lease is there already, `get,update` on it will do."
        advice = {
            int(HTTPStatus.UNAUTHORIZED): "Renew the job's token or certificate.",
            int(HTTPStatus.NOT_FOUND): f"See that namespace {self.namespace} exists, and that Leases are served.",
        }
        raise ReadError(f"{what} {advice.get(answer.status, right)}", code=UNAVAILABLE)


def lease_claims_of(share: Share, claim: LeaseClaim) -> tuple[LeaseClaim, ...]:
    """
    What a run over *share* has to hold, in this order; *claim* is its own on the Lease of all runs.

    Nobody divides the projects otherwise meanwhile: those that divide them alike hold that Lease together, by the
    name of their number. And no other run has the same part: a shard holds a Lease of its own too, and takes it first.
    """
    if share.is_all:
        return (claim,)
    own, shared = lease_names(share)
    together = Holder(f"shards-of-{share.of}", str(share.index), claim.holder.name)
    return replace(claim, name=own), replace(claim, name=shared, holder=together)
