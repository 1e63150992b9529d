"""
What goes wrong between a client and GitLab or Kubernetes, as it looks on the wire.

Each kind is one that users of these servers have met: what answers 502, 504 or 520 is a proxy before GitLab, and its
page is HTML; GitLab itself answers JSON (lib/api/api.rb), and static pages where it is down on purpose.
"""

from cronjob.sandbox.fake_kubernetes.status import StatusError
from cronjob.sandbox.faults.fault import Trouble
from cronjob.sandbox.faults.random_faults import Kind


def _page(status: int, title: str, *, server: str = "nginx", after: bool = False) -> Trouble:
    """A page for people, sent to programs as well."""
    body = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    headers = {"Content-Type": "text/html; charset=utf-8", "Server": server}
    return Trouble(status=status, body=body, headers=headers, after=after)


def _json(status: int, message: str, *, after: bool = False) -> Trouble:
    return Trouble(status=status, body={"message": message}, after=after)


def _status(status: int, message: str, *, retry_after: int = 0, after: bool = False) -> Trouble:
    """A refusal of the Kubernetes API; *retry_after* is in seconds."""
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return Trouble(status=status, body=StatusError(status, message).as_status(), headers=headers, after=after)


RESET = Kind("reset", Trouble(drop=True))
RESET_AFTERWARDS = Kind("reset after it was handled", Trouble(drop=True, after=True))
CUT = Kind("cut answer", Trouble(cut=True))
BAD_GATEWAY = Kind("502 page", _page(502, "GitLab is not responding (502)"))
# GitLab's upgrades show a static page in its place.
MAINTENANCE = Kind("503 page", _page(503, "Deploy in progress"))
GITLAB_STORM = (
    RESET,
    RESET_AFTERWARDS,
    CUT,
    BAD_GATEWAY,
    MAINTENANCE,
    Kind("500", _json(500, "500 Internal Server Error")),
    Kind("504 page", _page(504, "504 Gateway Time-out")),
    # Cloudflare, where what is behind it answers nothing it understands.
    Kind("520 page", _page(520, "520: Web server is returning an unknown error", server="cloudflare")),
    # Not done for certain: a stale object, or somebody else's lease.
    Kind("409 Resource lock", _json(409, "409 Conflict: Resource lock"), writes_only=True),
    # Done all the same: the object is there, and a second POST would meet it.
    Kind("500 after it was done", _json(500, "500 Internal Server Error", after=True), writes_only=True),
    Kind("504 after it was done", _page(504, "504 Gateway Time-out", after=True), writes_only=True),
)

# etcd has elected another leader; what asked the old one gets this.
LEADER_CHANGED = Kind("500", _status(500, "etcdserver: leader changed"))
# An API server that starts, or the aggregation layer before one.
UNAVAILABLE = Kind("503", _status(503, "the server is currently unable to handle the request", retry_after=1))
# More requests in flight than it takes: the one refusal that is no Status object, and always with one second.
OVERLOADED = Kind(
    "429",
    Trouble(status=429, body="Too many requests, please try again later.\n", headers={"Retry-After": "1"}),
)
# The snapshot is compacted. A real answer may bring a token for the rest; without one the list must begin anew.
GONE = Kind("410 Gone", _status(410, "The provided continue parameter is too old."), query="continue=")
FLAPPING = (RESET, LEADER_CHANGED, UNAVAILABLE, OVERLOADED, GONE)
KUBERNETES_STORM = (
    *FLAPPING,
    RESET_AFTERWARDS,
    CUT,
    Kind("502 page", _page(502, "502 Bad Gateway")),
    Kind("504", _status(504, "Timeout: request did not complete within the allotted timeout")),
    # Whether etcd did it nobody knows; here it did.
    Kind("500 after it was done", _status(500, "etcdserver: request timed out", after=True), writes_only=True),
)
