"""Required reads from Kubernetes: an answer that is not a 200 becomes one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cronjob.concurrency.stop import raise_if_stopped
from cronjob.kube.client import KubeApi
from cronjob.kube.errors import KubeReadError, NoAnswer, cause_of_answer, reason_in
from cronjob.kube.pagination import RESTARTS, ListFailed, list_all
from cronjob.transport.answer import Answer
from reconcile.causes import Cause, CauseCode

Kept = TypeVar("Kept")
# A page of objects has the largest JSON of the whole run.
PAGE_SIZE = 250
_NOT_KUBERNETES = Cause(CauseCode.NOT_KUBERNETES)
_DISCOVERY = "the ClusterRole system:discovery"


class Queries:
    """
    Sends reads; every method raises KubeReadError, whose one sentence names verb, resource and namespace.

    *action* completes the sentence "asked to ...", as in `list receivers in namespace a`.
    """

    def __init__(self, api: KubeApi) -> None:
        self._api = api

    def ask(
        self, path: str, action: str, query: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> Answer:
        """Send a GET; the answer may have any status."""
        raise_if_stopped(self._api.stop_control)
        try:
            return self._api.get(path, query, max_bytes=max_bytes)
        except NoAnswer as failure:
            message = (
                f"Kubernetes at {self._api.server} gave no answer when asked to {action}: {failure}. "
                f"{failure.cause.next_step}"
            )
            raise KubeReadError(
                message, server=self._api.server, status=None, reason=failure.cause.code, cause=failure.cause
            ) from None

    def list_all(self, path: str, action: str, convert: Callable[[Any], Kept]) -> list[Kept]:
        """List all pages of a collection, each object as *convert* gives it."""
        try:
            return list_all(lambda query, max_bytes: self.ask(path, action, query, max_bytes), convert, PAGE_SIZE)
        except ListFailed as failure:
            raise self._list_error(failure.answer, action) from None

    def require_200(self, answer: Answer, action: str, right: str = _DISCOVERY) -> dict[str, Any]:
        """The body of a 200; *right* is what the service account needs."""
        if answer.status != 200:
            raise self.refused(answer, action, right)
        return self.body_of(answer, action)

    def body_of(self, answer: Answer, action: str) -> dict[str, Any]:
        """The answer's JSON object."""
        body = answer.parsed()
        if body is None:
            raise self.malformed(action)
        return body

    def refused(self, answer: Answer, action: str, right: str) -> KubeReadError:
        """The error for an answer that is not a 200; *right* is what the service account needs."""
        cause = cause_of_answer(answer)
        match answer.status:
            case 401:
                message = (
                    f"Kubernetes does not know who asks to {action} ({answer.title}), with the credentials of "
                    f"{self._api.source}. {cause.next_step}"
                )
            case 403:
                message = (
                    f"Kubernetes refuses to {action} ({answer.title}): the service account lacks {right}. "
                    f"{cause.next_step}"
                )
            case 404:
                message = (
                    f"Kubernetes has no way to {action} ({answer.title}), though discovery shows it: "
                    "see whether Flux is being upgraded."
                )
            case _:
                message = f"Kubernetes at {self._api.server} failed to {action} ({answer.title}). {cause.next_step}"
        return self._error(message, answer.status, reason_in(answer), None if answer.status == 404 else cause)

    def malformed(self, action: str) -> KubeReadError:
        """The error for a 200 that does not come from Kubernetes."""
        message = (
            f"{self._api.server} gave an answer that makes no sense when asked to {action}. {_NOT_KUBERNETES.next_step}"
        )
        return self._error(message, 200, "Malformed", _NOT_KUBERNETES)

    def _list_error(self, answer: Answer, action: str) -> KubeReadError:
        match answer.status:
            case 200:
                return self.malformed(action)
            case 410:
                message = (
                    f"Kubernetes could not {action} to its end (410 Gone, {1 + RESTARTS} times): the list took longer "
                    "than its continue token lives; see whether the API server is overloaded."
                )
                return self._error(message, 410, reason_in(answer), None)
        return self.refused(answer, action, "`get,list` on it")

    def _error(self, message: str, status: int, reason: str, cause: Cause | None) -> KubeReadError:
        return KubeReadError(message, server=self._api.server, status=status, reason=reason, cause=cause)
