"""Asking Kubernetes for what a run cannot do without: one sentence where it does not answer, with what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cronjob.concurrency.stop import raise_if_stopped
from cronjob.kube.client import KubeApi
from cronjob.kube.errors import NoAnswer
from cronjob.transport.answer import Answer
from reconcile.errors import ReadError


class Questions:
    """Every method raises ReadError, whose one sentence names verb, resource and namespace."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api

    def ask(self, path: str, question: str, query: Mapping[str, str] | None = None) -> Answer:
        """Any answer; *question* completes `asked to ...`."""
        raise_if_stopped(self._api.stop_control)
        try:
            return self._api.get(path, query)
        except NoAnswer as none:
            raise ReadError(
                f"Kubernetes at {self._api.server} gave no answer when asked to {question}: {none}; "
                "check the address, the network and the API server."
            ) from None

    def wanted(self, answer: Answer, question: str, right: str = "the ClusterRole system:discovery") -> dict[str, Any]:
        """The body of a 200; *right* is what the service account may lack."""
        if answer.status != 200:
            raise self.refused(answer, question, right)
        return self.parsed(answer, question)

    def parsed(self, answer: Answer, question: str) -> dict[str, Any]:
        """The body."""
        body = answer.parsed()
        if body is None:
            raise self.unreadable(question)
        return body

    def refused(self, answer: Answer, question: str, right: str) -> ReadError:
        """What to do about an answer that is none; *right* is what the service account may lack."""
        match answer.status:
            case 401:
                return ReadError(
                    f"Kubernetes does not know who asks to {question} ({answer.title}): "
                    f"renew the token or certificate of {self._api.source}."
                )
            case 403:
                return ReadError(
                    f"Kubernetes refuses to {question} ({answer.title}): give the service account {right}."
                )
            case 404:
                return ReadError(
                    f"Kubernetes has no way to {question} ({answer.title}), though discovery shows it: "
                    "see whether Flux is being upgraded."
                )
        return ReadError(
            f"Kubernetes at {self._api.server} failed to {question} ({answer.title}): the next run tries again; "
            "see the API server's health if this goes on."
        )

    def unreadable(self, question: str) -> ReadError:
        """Something else answers there."""
        return ReadError(
            f"{self._api.server} gave an answer that makes no sense when asked to {question}: "
            "check that this is the address of a Kubernetes API server."
        )
