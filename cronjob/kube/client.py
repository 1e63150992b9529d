"""Requests to one API server: retries, renewal of expired credentials, and the count of what was sent."""

from __future__ import annotations

import threading
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from http import HTTPStatus
from typing import Any

from urllib3 import exceptions as urllib3_errors

from cronjob.kube.api_client import CONCURRENCY, ApiConnection, no_answer_for
from cronjob.kube.errors import CredentialsError, CredentialsProblem, is_anonymous, refused_by_proxy
from cronjob.kube.kubeconfig import IN_CLUSTER, find_cluster
from cronjob.kube.target import ClusterTarget, KubeOptions, KubeRequest
from cronjob.transport import retry
from cronjob.transport.answer import Answer
from cronjob.transport.retry import Outcome, RetryPolicy
from reconcile.errors import SettingsError, SyncerError
from reconcile.model import shown_url

__all__ = ["CONCURRENCY", "IN_CLUSTER", "KubeApi", "connect"]

_SELF_REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


class KubeApi:
    """
    Requests to one API server, safe to share between threads; a context manager that closes its connections.

    *server* and *source* say for the report which server that is; *default_namespace* is the pod's or the context's.
    *requests* counts what was sent by verb, retries included.
    """

    def __init__(self, target: ClusterTarget, log_in: Callable[[], Any], options: KubeOptions) -> None:
        self.server = shown_url(target.server)
        self.source = target.source
        self.default_namespace = target.namespace
        self.requests: Counter[str] = Counter()
        self.stop_control = options.stop_control
        self._target = target
        self._log_in = log_in
        self._options = options
        self._counting = threading.Lock()
        self._connecting = threading.Lock()
        self._connection: ApiConnection | None = None
        self._refused: ApiConnection | None = None
        self._has_failed = False
        self._retry_policy = RetryPolicy(self.stop_control, retry.BACKOFF)

    def __enter__(self) -> KubeApi:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        if self._connection:
            self._connection.close()

    @cached_property
    def user(self) -> str:
        """The user as the server names it (from Kubernetes 1.28), else the kubeconfig's name. Never raises."""
        if self._has_failed:
            return self._target.user
        try:
            answer = self.send("POST", _SELF_REVIEWS, body={"kind": "SelfSubjectReview", "metadata": {}})
        except SyncerError:
            return self._target.user
        match answer.parsed():
            case {"status": {"userInfo": {"username": str(name)}}} if answer.status == HTTPStatus.CREATED:
                return name
        return self._target.user

    def get(self, path: str, query: Mapping[str, str] | None = None, *, max_bytes: int | None = None) -> Answer:
        """
        Send a GET; the answer may have any status. Raises NoAnswer and CredentialsError.

        A body over *max_bytes* is dropped (`is_too_large`).
        """
        return self._repeated(KubeRequest("GET", path, query or {}, None, self._options.timeout, max_bytes))

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        timeout: float | None = None,
    ) -> Answer:
        """
        Send a request; the answer may have any status.

        With *timeout*, in seconds, it is sent once; without, it is retried as the retry policy says. Raises NoAnswer,
        after which nobody knows whether a write was done, and CredentialsError where nobody is logged in.
        """
        request = KubeRequest(method, path, query or {}, body, timeout or self._options.timeout)
        return self._repeated(request, is_sent_once=timeout is not None)

    def _repeated(self, request: KubeRequest, *, is_sent_once: bool = False) -> Answer:
        def attempt() -> Outcome:
            return self._send_logged_in(request)

        try:
            outcome = attempt() if is_sent_once else self._retry_policy.repeat(request.method, attempt)
        except CredentialsError:
            self._has_failed = True
            raise
        if isinstance(outcome, Answer) and outcome.status != HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            self._check_login(outcome)
            return outcome
        self._has_failed = True
        # Not `from outcome`: the messages of the kubernetes package may hold the token.
        raise (refused_by_proxy() if isinstance(outcome, Answer) else no_answer_for(outcome)) from None

    def _send_logged_in(self, request: KubeRequest) -> Outcome:
        """Send a request once; after a 401 once more, if the kubelet or a plugin has new credentials by now."""
        connection = self._connected()
        outcome = self._send_counted(connection, request)
        if isinstance(outcome, Answer) and outcome.status == HTTPStatus.UNAUTHORIZED:
            renewed = self._renewed(connection)
            if renewed:
                return self._send_counted(renewed, request)
        return outcome

    def _send_counted(self, connection: ApiConnection, request: KubeRequest) -> Outcome:
        with self._counting:
            self.requests[request.method] += 1
        return connection.send(request)

    def _connected(self) -> ApiConnection:
        """The connection; the first call logs in. Raises CredentialsError."""
        if self._connection:
            return self._connection
        with self._connecting:
            if not self._connection:
                self._connection = self._new_connection()
            return self._connection

    def _renewed(self, refused: ApiConnection) -> ApiConnection | None:
        """A connection with other credentials than the *refused* one, None where there are none; looked up once."""
        with self._connecting:
            if self._connection is not refused or refused is self._refused:
                return None if self._connection is refused else self._connection
            self._refused = refused
            with suppress(SettingsError):
                renewed = self._new_connection()
                if renewed.credentials != refused.credentials:
                    self._connection = renewed
                    return renewed
        return None

    def _new_connection(self) -> ApiConnection:
        try:
            configuration = self._log_in()
        except CredentialsProblem as problem:
            raise CredentialsError(
                f"Nobody is logged in at {self.server}: {self._user}: {problem}.", str(problem)
            ) from None
        if not configuration.verify_ssl and not self._refused:
            self._warn_of_insecure_tls()
        return ApiConnection(configuration, self._target.headers, f"flux-gitlab-syncer/{self._options.version}")

    def _check_login(self, answer: Answer) -> None:
        """Raise CredentialsError where the server refuses an anonymous user."""
        is_refused = answer.status == HTTPStatus.UNAUTHORIZED and not self._target.has_credentials
        if not is_refused and not is_anonymous(answer):
            return
        problem = "it has no credentials; add them, or log in"
        if self._target.has_credentials:
            problem = "its credentials do not reach the API server; see whether a proxy on the way removes them"
        self._has_failed = True
        raise CredentialsError(
            f"Nobody is logged in at {self.server} ({answer.title}): {self._user}: {problem}.", problem
        )

    @property
    def _user(self) -> str:
        """The user, for a sentence."""
        if self.source == IN_CLUSTER:
            return self._target.user
        return f"user {self._target.user or 'without a name'} of the kubeconfig {self.source}"

    def _warn_of_insecure_tls(self) -> None:
        """Warn once; urllib3 would warn at every request."""
        warnings.simplefilter("ignore", urllib3_errors.InsecureRequestWarning)
        self._options.warn(
            f"The certificate of {self.server} is not verified", "the kubeconfig says insecure-skip-tls-verify"
        )


def connect(options: KubeOptions) -> KubeApi:
    """Find the cluster: the kubeconfig given, else the pod's own, else ~/.kube/config. Sends nothing yet."""
    target, log_in = find_cluster(options)
    return KubeApi(target, log_in, options)
