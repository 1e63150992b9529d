"""Named faults: the fault profiles of `--faults`, for both embedded servers. Start with `start_faults`."""

from collections import Counter
from dataclasses import dataclass

from cronjob.sandbox.fake_gitlab.world import GitLabWorld
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.faults.fault_kinds import BAD_GATEWAY, FLAPPING, GITLAB_STORM, KUBERNETES_STORM, MAINTENANCE, RESET
from cronjob.sandbox.faults.random_faults import FaultProfile

# GitLab's rate limit: so many requests in so many seconds.
ALLOWED, WINDOW = 15, 3.0


@dataclass(frozen=True)
class ActiveFaults:
    """A fault profile that is in force at both servers until `stop` is called."""

    name: str
    seed: int
    gitlab: GitLabWorld
    kubernetes: KubernetesWorld

    @property
    def injected(self) -> Counter[str]:
        """The number of injected faults so far, by kind and server."""
        by_server = {"GitLab": self.gitlab.faults.injected, "Kubernetes": self.kubernetes.faults.injected}
        return Counter({f"{kind} at {name}": n for name, kinds in by_server.items() for kind, n in kinds.items()})

    def stop(self) -> None:
        """Stop the random faults and GitLab's rate limit. Planned faults stay."""
        self.gitlab.faults.profile = self.kubernetes.faults.profile = None
        self.gitlab.rate_limits.throttle = None


def start_faults(name: str, gitlab: GitLabWorld, kubernetes: KubernetesWorld, *, seed: int = 1) -> ActiveFaults:
    """
    Start the fault profile *name*, a key of `names.FAULT_PROFILES`; another name raises `KeyError`.

    `ratelimit` is GitLab's rate limit (rack-attack): 429 in plain text with Retry-After, and RateLimit headers on
    every answer, in windows short enough to watch. The functions below make the profiles of random faults.
    """
    match name:
        case "rain":
            gitlab.faults.profile = rain(seed)
        case "storm":
            gitlab.faults.profile, kubernetes.faults.profile = gitlab_storm(seed), kubernetes_storm(seed)
        case "ratelimit":
            gitlab.rate_limit(per_minute=round(ALLOWED * 60 / WINDOW), period=WINDOW)
        case "maintenance":
            gitlab.faults.profile = maintenance()
        case "flapping-kubernetes":
            kubernetes.faults.profile = flapping_kubernetes(seed)
        case _:
            raise KeyError(name)
    return ActiveFaults(name, seed, gitlab, kubernetes)


def rain(seed: int = 1) -> FaultProfile:
    """
    Fail 5 % of the requests: resets, and the HTML page of a proxy whose GitLab does not answer.

    Requests for later pages of a list fail, too (python-gitlab issue 970).
    """
    return FaultProfile((RESET, BAD_GATEWAY), percent=5, seed=seed)


def gitlab_storm(seed: int = 1) -> FaultProfile:
    """
    Fail 20 % of the requests in every way that users of GitLab have reported.

    Resets and cut answers; GitLab's own 500 as JSON, also although the object was created (terraform-provider-gitlab
    issue 470); a proxy's 502, 503 and 504 and Cloudflare's 520 as HTML (python-gitlab issue 2026); timeouts after
    which GitLab went on; and 409 for writes while another one holds the lock (renovate issue 29006, lib/api/api.rb),
    which were certainly not done.
    """
    return FaultProfile(GITLAB_STORM, percent=20, seed=seed)


def kubernetes_storm(seed: int = 1) -> FaultProfile:
    """
    Fail 20 % of the requests: resets, cut answers, failures of etcd, an API server that starts or is overloaded, 502.

    Some writes are carried out although they failed: after a timeout of etcd the client cannot know.
    """
    return FaultProfile(KUBERNETES_STORM, percent=20, seed=seed)


def maintenance(refusals: int = 2) -> FaultProfile:
    """Answer the first *refusals* attempts of each request with 503 and the page of a GitLab that is upgraded."""
    return FaultProfile((MAINTENANCE,), in_a_row=refusals, only_first=refusals)


def flapping_kubernetes(seed: int = 1) -> FaultProfile:
    """Fail 20 % of the requests: an API server that restarts or is overloaded, and loses continue tokens (410)."""
    return FaultProfile(FLAPPING, percent=20, seed=seed)
