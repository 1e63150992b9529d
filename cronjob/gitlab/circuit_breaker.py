"""Circuit breaker: stop asking a GitLab that gives no answer about one project after another."""

from __future__ import annotations

import threading

from cronjob.gitlab import routes
from cronjob.gitlab.errors import NoAnswer, Refused
from cronjob.gitlab.identity import raise_if_token_is_over
from cronjob.gitlab.session import Session
from reconcile.causes import CauseCode
from reconcile.errors import ReadError, SyncerError

IN_A_ROW = 20


class CircuitBreaker:
    """
    Counts the projects that end without an answer, in the order in which they end; safe to share between threads.

    After 20 in a row GitLab's version is asked for. Where that gets no answer either, the breaker is open for good.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._failure: ReadError | None = None

    def raise_if_open(self) -> None:
        """Raise ReadError where no more projects are to be asked for."""
        if self._failure:
            raise self._failure

    def record(self, error: SyncerError | None) -> None:
        """Take note of a project that was read, or why not. Raises ReadError where that opens the breaker."""
        # Who else is done waits here meanwhile, so that nothing new is asked.
        with self._lock:
            self._in_a_row = self._in_a_row + 1 if error and not _is_answer(error) else 0
            if self._in_a_row >= IN_A_ROW and not self._failure:
                self._ask_for_version()
        self.raise_if_open()

    def _ask_for_version(self) -> None:
        try:
            self._session.get(routes.VERSION)
        except (Refused, NoAnswer) as error:
            raise_if_token_is_over(error)
            if not _is_answer(error):
                self._failure = ReadError(
                    f"GitLab gave no answer about {IN_A_ROW} projects in a row, nor about its version ({error}); "
                    "nothing was changed.",
                    code="GitLabUnreadable",
                    cause=error.cause,
                )
        self._in_a_row = 0


def _is_answer(error: SyncerError) -> bool:
    """Whether GitLab itself answered, and did not fail at it."""
    if isinstance(error, Refused):
        return error.status < 500 and error.cause.code is not CauseCode.NOT_GITLAB
    return not isinstance(error, NoAnswer)
