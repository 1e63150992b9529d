"""Flux's receiver, from where we are: the one request of a preflight that goes to another host."""

from __future__ import annotations

from collections.abc import Iterator

from urllib3 import PoolManager, Timeout
from urllib3 import exceptions as urllib3_errors

from cronjob.commands.findings import ok, warn
from cronjob.concurrency.run_with_timeout import run_with_timeout
from reconcile.findings import Finding

# No Receiver has it. Flux writes what it is asked for into its log, so it should look like what it is.
UNKNOWN = "/hook/" + "0" * 64
_ANSWER_WITHIN = 10.0


def look_at_receiver(url: str | None) -> Iterator[Finding]:
    """
    Ask for a path that no Receiver has: Flux answers 404 (notification-controller, receiver_server.go).

    The request carries nothing and follows no redirect. That we cannot get there need not mean that GitLab cannot.
    """
    if url is None:
        yield ok("receiver", "no --receiver-url: webhooks are off, deploy keys only")
        return
    if url.startswith("http://"):
        yield warn("receiver", f"{url} is plain http: tokens would cross the network in the clear. Use https.")
    answer = run_with_timeout(_ANSWER_WITHIN, lambda: _answer(url))
    if isinstance(answer, int):
        yield _finding(url, answer)
        return
    why = answer or "it does not answer in time"
    yield warn("receiver", f"{url} cannot be reached from here ({why}). GitLab must reach it; try it from there.")


def _answer(url: str) -> int | str:
    """The status, or why there is none."""
    waits = Timeout(total=_ANSWER_WITHIN)
    try:
        with (
            PoolManager(retries=False, timeout=waits) as pool,
            pool.request("GET", url + UNKNOWN, redirect=False, preload_content=False) as answer,
        ):
            return answer.status
    except urllib3_errors.HTTPError as error:
        return type(error).__name__


def _finding(url: str, status: int) -> Finding:
    if status == 404:
        return ok("receiver", f"{url} answers an unknown path with 404, as Flux does")
    if 300 <= status < 400:
        return warn("receiver", f"{url} redirects ({status}), which a webhook should not: name the address behind it.")
    if status in {401, 403}:
        return warn("receiver", f"{url} wants to know who asks ({status}): GitLab cannot say; let /hook/ through.")
    if status >= 500:
        return warn("receiver", f"{url} answers {status}: what stands before Flux does not reach it.")
    return warn("receiver", f"{url} answers an unknown path with {status}, which Flux would not: is it the right one?")
