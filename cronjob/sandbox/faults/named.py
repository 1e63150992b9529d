"""Named weathers for both embedded servers: start at `begin`."""

from collections import Counter
from dataclasses import dataclass

from cronjob.sandbox.fake_gitlab import weather as gitlab_weather
from cronjob.sandbox.fake_kubernetes import weather as kubernetes_weather
from cronjob.sandbox.faults.fault_kinds import BAD_GATEWAY, FLAPPING, GITLAB_STORM, KUBERNETES_STORM, MAINTENANCE, RESET
from cronjob.sandbox.faults.random_faults import Climate

# GitLab's throttle, as so many requests in so many seconds.
ALLOWED, WINDOW = 15, 3.0


@dataclass(frozen=True)
class ActiveFaults:
    """A weather that is in force over both servers until its `end`."""

    name: str
    seed: int
    gitlab: gitlab_weather.Weather
    kubernetes: kubernetes_weather.Weather

    @property
    def injected(self) -> Counter[str]:
        """By kind and server, how often each kind of trouble befell a request so far."""
        by_server = {"GitLab": self.gitlab.injected, "Kubernetes": self.kubernetes.injected}
        return Counter({f"{kind} at {name}": n for name, kinds in by_server.items() for kind, n in kinds.items()})

    def end(self) -> None:
        """Good weather: no climate and no throttle. Faults that were announced by themselves stay."""
        self.gitlab.climate = self.kubernetes.climate = self.gitlab.throttle = None


def begin(
    name: str, gitlab: gitlab_weather.Weather, kubernetes: kubernetes_weather.Weather, *, seed: int = 1
) -> ActiveFaults:
    """
    Put the weather of that name, a key of `forecast.WEATHERS`, in force. A `KeyError` where there is none.

    `ratelimit` is GitLab's throttle (rack-attack): plain text 429 with Retry-After, and RateLimit headers on every
    answer, in windows short enough to watch. The others are climates, made by the functions below.
    """
    spell = ActiveFaults(name, seed, gitlab, kubernetes)
    match name:
        case "rain":
            gitlab.climate = rain(seed)
        case "storm":
            gitlab.climate, kubernetes.climate = gitlab_storm(seed), kubernetes_storm(seed)
        case "ratelimit":
            gitlab.rate_limit(per_minute=round(ALLOWED * 60 / WINDOW), period=WINDOW)
        case "maintenance":
            gitlab.climate = maintenance()
        case "flapping-kubernetes":
            kubernetes.climate = flapping_kubernetes(seed)
        case _:
            raise KeyError(name)
    return spell


def rain(seed: int = 1) -> Climate:
    """
    5 %: connections that are reset, and the HTML page of a proxy whose GitLab does not answer, also between the pages
    of a list (python-gitlab issue 970).
    """
    return Climate((RESET, BAD_GATEWAY), percent=5, seed=seed)


def gitlab_storm(seed: int = 1) -> Climate:
    """
    20 %: everything met in the wild.

    Resets and cut answers; GitLab's own 500 as JSON, also although the object was created (terraform-provider-gitlab
    issue 470); a proxy's 502, 503 and 504 and Cloudflare's 520 as HTML (python-gitlab issue 2026); time-outs after
    which GitLab went on; and 409 for writes while another one holds the lock (renovate issue 29006, lib/api/api.rb),
    which were certainly not done.
    """
    return Climate(GITLAB_STORM, percent=20, seed=seed)


def kubernetes_storm(seed: int = 1) -> Climate:
    """
    20 %: resets, cut answers, etcd's troubles, an API server that starts or is overloaded, and a proxy's 502.

    Writes are carried out in some cases: when etcd times out nobody knows whether they were.
    """
    return Climate(KUBERNETES_STORM, percent=20, seed=seed)


def maintenance(refusals: int = 2) -> Climate:
    """
    503 with the page that stands in for GitLab during an upgrade.

    Each request is refused the first *refusals* times it is made, then all is well.
    """
    return Climate((MAINTENANCE,), in_a_row=refusals, only_first=refusals)


def flapping_kubernetes(seed: int = 1) -> Climate:
    """20 %: an API server that restarts or is overloaded, and forgets what continue tokens stood for (410)."""
    return Climate(FLAPPING, percent=20, seed=seed)
