"""A whole GitLab in memory. Start here: make a world, put things in it, serve ``gitlab_app(world)``."""

from collections.abc import Callable
from typing import Unpack

from cronjob.sandbox.fake_gitlab.hooks import Hooks
from cronjob.sandbox.fake_gitlab.records import Request
from cronjob.sandbox.fake_gitlab.weather import Fault, FaultFields, Weather


class GitLabWorld(Hooks):
    """
    The state behind the embedded GitLab, to be filled and read directly, also while it is served.

    *version* decides which fields and rules there are; ``-ee`` at its end makes an Enterprise Edition.
    *url_root* is the relative URL root, such as ``/gitlab``.
    """

    def __init__(self, *, version: str = "18.4.0", url_root: str = "") -> None:
        super().__init__()
        self.version = version
        self.url_root = url_root.rstrip("/")
        # What the instance believes to be its URL; by default the one under which it is reached.
        self.external_url: str | None = None
        self.ssh_host = "gitlab.sandbox.example"
        self.ssh_port: int | None = None
        # Seconds that every request takes.
        self.latency = 0.0
        # A FIPS server has no MD5 fingerprints.
        self.fips = False
        # Smallest number of bits by kind of key (rsa, dsa, ecdsa, ed25519 ...); -1 forbids the kind.
        self.minimum_key_bits: dict[str, int] = {}
        self.requests: list[Request] = []
        self.weather = Weather(self.seconds)
        # Called under the lock after every handled request that is no GET, and before its answer is sent.
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
        """The requests of the log that were meant to change something."""
        return [request for request in self.requests if request.method not in {"GET", "HEAD"}]

    @property
    def faults(self) -> list[Fault]:
        """The faults that were announced; clear it for good weather."""
        return self.weather.faults

    def ssh_url(self, path_with_namespace: str) -> str:
        if self.ssh_port:
            return f"ssh://git@{self.ssh_host}:{self.ssh_port}/{path_with_namespace}.git"
        return f"git@{self.ssh_host}:{path_with_namespace}.git"

    def fail(self, **fields: Unpack[FaultFields]) -> Fault:
        """Announce a fault: what goes wrong is in ``Fault``. The first one that matches a request strikes."""
        return self.weather.fail(**fields)

    def rate_limit(self, *, per_minute: int, period: float = 60) -> None:
        """Throttle every user, in windows of *period* seconds: plain text 429 that says when to return."""
        self.weather.rate_limit(per_minute=per_minute, period=period)

    def endpoint_limit(self, path: str, *, per_minute: int, period: float = 60) -> None:
        """Limit each user's requests to paths that match *path*: JSON 429 that gives no time."""
        self.weather.endpoint_limit(path, per_minute=per_minute, period=period)
