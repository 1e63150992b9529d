"""The state of the embedded GitLab. Start here: make a world, add to it, serve `gitlab_app(world)`."""

from collections.abc import Callable
from typing import Unpack

from cronjob.sandbox.fake_gitlab.rate_limits import RateLimits
from cronjob.sandbox.fake_gitlab.read_cache import ReadCache
from cronjob.sandbox.fake_gitlab.records import Request
from cronjob.sandbox.fake_gitlab.webhooks import Webhooks
from cronjob.sandbox.faults.fault import PlannedFault, PlannedFaultFields
from cronjob.sandbox.faults.injector import FaultInjector


class GitLabWorld(Webhooks):
    """
    The state of the embedded GitLab; tests may write and read it directly, also while it is served.

    *version* decides which fields and rules there are; ``-ee`` at its end makes an Enterprise Edition.
    *url_root* is the relative URL root, such as ``/gitlab``.
    """

    def __init__(self, *, version: str = "18.4.0", url_root: str = "") -> None:
        super().__init__()
        self.version = version
        self.url_root = url_root.rstrip("/")
        # The external URL in GitLab's settings; by default the URL under which it is reached.
        self.external_url: str | None = None
        self.ssh_host = "gitlab.sandbox.example"
        self.ssh_port: int | None = None
        # Seconds by which every answer is delayed.
        self.latency = 0.0
        # A read-only instance: writes are refused.
        self.maintenance_mode = False
        # The instance accepts fine-grained tokens only.
        self.enforces_fine_grained_tokens = False
        # A caching proxy in front of GitLab.
        self.read_cache = ReadCache()
        # A FIPS server has no MD5 fingerprints.
        self.fips = False
        # Smallest number of bits by kind of key (rsa, dsa, ecdsa, ed25519 ...); -1 forbids the kind.
        self.minimum_key_bits: dict[str, int] = {}
        # The longest lifetime of SSH keys (Ultimate); with it every key needs an expiry date.
        self.max_key_lifetime_days: int | None = None
        self.max_hooks = 100
        self.requests: list[Request] = []
        self.faults = FaultInjector()
        self.rate_limits = RateLimits(self.seconds, self.faults.count)
        # Called under the lock after each handled request that is not a GET, before its answer is sent.
        self.after_write: list[Callable[[Request], None]] = []

    @property
    def version(self) -> str:
        return self._version

    @version.setter
    def version(self, version: str) -> None:
        major, minor = version.split("-", 1)[0].split(".")[:2]
        self._version = version
        self.release = (int(major), int(minor))

    @property
    def enterprise(self) -> bool:
        return self._version.endswith("-ee")

    @property
    def writes(self) -> list[Request]:
        """The logged requests that are not reads."""
        return [request for request in self.requests if request.method not in {"GET", "HEAD"}]

    def ssh_url(self, path_with_namespace: str) -> str:
        if self.ssh_port:
            return f"ssh://git@{self.ssh_host}:{self.ssh_port}/{path_with_namespace}.git"
        return f"git@{self.ssh_host}:{path_with_namespace}.git"

    def fail(self, **fields: Unpack[PlannedFaultFields]) -> PlannedFault:
        """Plan a fault for coming requests; `PlannedFault` describes the *fields*."""
        return self.faults.plan(**fields)

    def rate_limit(self, *, per_minute: int, period: float = 60) -> None:
        """Throttle every user, in windows of *period* seconds: plain text 429 with Retry-After."""
        self.rate_limits.limit_users(per_minute=per_minute, period=period)

    def endpoint_limit(self, path: str, *, per_minute: int, period: float = 60) -> None:
        """Limit each user's requests to paths that match *path*: JSON 429 without Retry-After."""
        self.rate_limits.limit_endpoint(path, per_minute=per_minute, period=period)
