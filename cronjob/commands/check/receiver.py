"""Check the address of Flux's receiver: the only request of `check` that goes to another host."""

from __future__ import annotations

from collections.abc import Iterator

from urllib3 import PoolManager, Timeout
from urllib3 import exceptions as urllib3_errors

from cronjob.commands.findings import ok, warn
from cronjob.concurrency.run_with_timeout import run_with_timeout
from reconcile.desired.settings_problems import plain_http_receiver
from reconcile.findings import Finding

# No Receiver has this path. Flux logs it, so it should look like a test.
UNKNOWN = "/hook/" + "0" * 64
_TIMEOUT = 10.0


def check_receiver(url: str | None) -> Iterator[Finding]:
    """
    Request a path that no Receiver has: Flux answers 404 (notification-controller, receiver_server.go).

    The request has no token and follows no redirect. GitLab may reach the address even where this host does not.
    """
    if url is None:
        yield ok("receiver", "no --receiver-url: webhooks are off, deploy keys only")
        return
    yield from (warn("receiver", problem.message) for problem in plain_http_receiver(url))
    answer = run_with_timeout(_TIMEOUT, lambda: _answer(url))
    if isinstance(answer, int):
        yield _finding(url, answer)
        return
    why = answer or "it does not answer in time"
    yield warn("receiver", f"{url} cannot be reached from here ({why}). GitLab must reach it; try it from there.")


def _answer(url: str) -> int | str:
    """Return the status, or the reason why there is none."""
    try:
        with (
            PoolManager(retries=False, timeout=Timeout(total=_TIMEOUT)) as pool,
            pool.request("GET", url + UNKNOWN, redirect=False, preload_content=False) as answer,
        ):
            return answer.status
    except urllib3_errors.HTTPError as error:
        return type(error).__name__


def _finding(url: str, status: int) -> Finding:
    if status == 404:
        return ok("receiver", f"{url} answers an unknown path with 404, as Flux does")
    if 300 <= status < 400:
        return warn(
            "receiver",
            f"{url} redirects ({status}), which GitLab does not follow: give the final address.",
        )
    if status in {401, 403}:
        return warn("receiver", f"{url} asks for credentials ({status}) that GitLab does not send: open /hook/.")
    if status >= 500:
        return warn("receiver", f"{url} answers {status}: the proxy in front of Flux does not reach it.")
    return warn("receiver", f"{url} answers an unknown path with {status}, but Flux answers 404: is the address right?")
