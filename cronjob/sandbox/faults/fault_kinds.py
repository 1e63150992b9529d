"""
The kinds of faults between a client and GitLab or Kubernetes, as they look on the wire.

Users of these servers have reported each kind. A proxy in front of GitLab answers 502, 504 and 520 with an HTML page;
GitLab itself answers JSON (lib/api/api.rb), and a static page during maintenance.
"""

from cronjob.sandbox.fake_kubernetes.status import StatusError
from cronjob.sandbox.faults.fault import Fault, FaultFields
from cronjob.sandbox.faults.random_faults import FaultKind


def _page(status: int, title: str, *, server: str = "nginx", after: bool = False) -> Fault:
    """An HTML page that a proxy sends instead of JSON."""
    headers = {"Content-Type": "text/html; charset=utf-8", "Server": server}
    return Fault(status=status, body=_html(title), headers=headers, after=after)


def _html(title: str) -> str:
    return f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"


def _json(status: int, message: str, *, after: bool = False) -> Fault:
    return Fault(status=status, body={"message": message}, after=after)


def _status(status: int, message: str, *, retry_after: int = 0, after: bool = False) -> Fault:
    """An error of the Kubernetes API as a Status object; *retry_after* is in seconds."""
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return Fault(status=status, body=StatusError(status, message).as_status(), headers=headers, after=after)


# HTML pages in front of GitLab, as arguments of `fail`: of a single sign-on, and of a web application firewall.
SSO_PAGE: FaultFields = {
    "status": 200,
    "body": _html("Sign in to continue"),
    "headers": {"Content-Type": "text/html; charset=utf-8"},
}
WAF_PAGE: FaultFields = {
    "status": 403,
    "body": _html("Request blocked"),
    "headers": {"Content-Type": "text/html; charset=utf-8", "Server": "waf"},
}

RESET = FaultKind("reset", Fault(drop=True))
RESET_AFTERWARDS = FaultKind("reset after it was handled", Fault(drop=True, after=True))
CUT = FaultKind("cut answer", Fault(cut=True))
BAD_GATEWAY = FaultKind("502 page", _page(502, "GitLab is not responding (502)"))
# During an upgrade a static page is served in GitLab's place.
MAINTENANCE = FaultKind("503 page", _page(503, "Deploy in progress"))
GITLAB_STORM = (
    RESET,
    RESET_AFTERWARDS,
    CUT,
    BAD_GATEWAY,
    MAINTENANCE,
    FaultKind("500", _json(500, "500 Internal Server Error")),
    FaultKind("504 page", _page(504, "504 Gateway Time-out")),
    # Cloudflare, when the server behind it sends an answer that is no HTTP.
    FaultKind("520 page", _page(520, "520: Web server is returning an unknown error", server="cloudflare")),
    # The write was certainly not done: another request holds the lock.
    FaultKind("409 Resource lock", _json(409, "409 Conflict: Resource lock"), writes_only=True),
    # The write was done all the same: a second POST finds the object.
    FaultKind("500 after it was done", _json(500, "500 Internal Server Error", after=True), writes_only=True),
    FaultKind("504 after it was done", _page(504, "504 Gateway Time-out", after=True), writes_only=True),
)

# etcd has elected another leader while the request was under way.
LEADER_CHANGED = FaultKind("500", _status(500, "etcdserver: leader changed"))
# An API server that is starting, or the aggregation layer in front of one.
UNAVAILABLE = FaultKind("503", _status(503, "the server is currently unable to handle the request", retry_after=1))
# Too many requests in flight: the one error that is no Status object; Retry-After is always one second.
OVERLOADED = FaultKind(
    "429",
    Fault(status=429, body="Too many requests, please try again later.\n", headers={"Retry-After": "1"}),
)
# The snapshot is compacted. A real answer may have a token for the rest; without one the list must start again.
GONE = FaultKind("410 Gone", _status(410, "The provided continue parameter is too old."), query="continue=")
FLAPPING = (RESET, LEADER_CHANGED, UNAVAILABLE, OVERLOADED, GONE)
KUBERNETES_STORM = (
    *FLAPPING,
    RESET_AFTERWARDS,
    CUT,
    FaultKind("502 page", _page(502, "502 Bad Gateway")),
    FaultKind("504", _status(504, "Timeout: request did not complete within the allotted timeout")),
    # The client cannot know whether etcd did it; here it did.
    FaultKind("500 after it was done", _status(500, "etcdserver: request timed out", after=True), writes_only=True),
)
