"""
Which cluster, as whom, and one request to it: the one module that imports `kubernetes`.

Its typed API classes are never touched: CoreV1Api alone costs half a second and 21 MB at every start.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import ApiClient, ApiException, Configuration
from kubernetes.config import ConfigException, incluster_config
from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger
from urllib3 import exceptions as urllib3_errors

from cronjob.kube.errors import TLS_FAILED, NoAnswer
from cronjob.kube.target import JSON, ClusterTarget, KubeOptions, KubeRequest
from cronjob.transport import retry
from cronjob.transport.answer import Answer
from cronjob.transport.deadline import with_total_timeout
from cronjob.transport.failures import cause_of
from cronjob.transport.retry import Outcome, RetryPolicy
from cronjob.transport.single_pool import use_single_pool
from reconcile.errors import SettingsError
from reconcile.model import shown_url

CONCURRENCY = 16
HOME_FILE = "~/.kube/config"
IN_CLUSTER = "in-cluster"

_REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


class KubeApi:
    """
    Requests to one API server, safe to share between threads; a context manager that closes its connections.

    *server* and *source* say for the report where that is; *default_namespace* is the pod's or the context's.
    *requests* counts what was sent by verb, retries included.
    """

    def __init__(self, configuration: Any, place: ClusterTarget, options: KubeOptions) -> None:
        self.server = shown_url(configuration.host)
        self.source = place.source
        self.default_namespace = place.namespace
        self.requests: Counter[str] = Counter()
        self.stop_control = options.stop_control
        self._options = options
        self._lock = threading.Lock()
        self._renewing = threading.Lock()
        self._refused: str | None = None
        self._is_silent = False
        self._configured_user = place.user
        self._retry_policy = RetryPolicy(self.stop_control, retry.BACKOFF)
        self._client = ApiClient(configuration)
        rest: Any = self._client.rest_client
        rest.pool_manager = use_single_pool(with_total_timeout(rest.pool_manager), configuration.host)
        self._client.user_agent = f"flux-gitlab-syncer/{options.version}"

    def __enter__(self) -> KubeApi:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    @cached_property
    def user(self) -> str:
        """As whom: what the server says (from Kubernetes 1.28), else the kubeconfig's name. Never raises."""
        if self._is_silent:
            return self._configured_user
        try:
            answer = self.send("POST", _REVIEWS, body={"kind": "SelfSubjectReview", "metadata": {}})
        except NoAnswer:
            return self._configured_user
        match answer.parsed():
            case {"status": {"userInfo": {"username": str(name)}}} if answer.status == HTTPStatus.CREATED:
                return name
        return self._configured_user

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """The answer to a GET, whatever its status. Raises NoAnswer."""
        return self.send("GET", path, query=query)

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
        The answer, whatever its status. Raises NoAnswer: whether a write was done is then unknown.

        With *timeout*, in seconds, it is asked for once; without, again for as long as that is safe and may help.
        """
        request = KubeRequest(method, path, query or {}, body, timeout or self._options.timeout)

        def attempt() -> Outcome:
            return self._send_authorised(request)

        outcome = attempt() if timeout else self._retry_policy.repeat(method, attempt)
        if isinstance(outcome, Answer):
            return outcome
        self._is_silent = True
        # Not `from outcome`: the library's messages may hold the token.
        if isinstance(outcome, ApiException):
            # The library raises it while it handles an SSLError of urllib3, and for nothing else here.
            cause = cause_of(outcome.__context__) if outcome.__context__ else TLS_FAILED
            raise NoAnswer(cause.clause, cause=cause) from None
        raise NoAnswer.because_of(outcome) from None

    def _send_authorised(self, request: KubeRequest) -> Outcome:
        """Send one request. After a 401 the token is read again, once: the kubelet or a plugin may have renewed it."""
        try:
            bearer = self._bearer()
            outcome = self._send_once(request, bearer)
            if outcome.status == HTTPStatus.UNAUTHORIZED and self._has_renewed(bearer):
                outcome = self._send_once(request, self._bearer())
        except (ApiException, urllib3_errors.HTTPError, ConfigException, OSError, ValueError) as error:
            return error
        return outcome

    def _send_once(self, request: KubeRequest, bearer: dict[str, Any] | None) -> Answer:
        """One answer, read to its end."""
        types = {"Accept": JSON} if request.body is None else {"Accept": JSON, "Content-Type": request.content_type}
        serialized = self._client.param_serialize(
            request.method,
            request.path,
            query_params=dict(request.query),
            header_params=types,
            body=request.body,
            auth_settings=["BearerToken"] if bearer else [],
            _request_auth=bearer,
        )
        with self._lock:
            self.requests[request.method] += 1
        response = self._client.call_api(*serialized, _request_timeout=(min(10.0, request.seconds), request.seconds))
        return Answer(response.status, response.getheaders(), response.read())

    def _has_renewed(self, refused: dict[str, Any] | None) -> bool:
        """Whether there is another token now than the *refused* one; each is asked about once."""
        value = refused["value"] if refused else None
        with self._renewing:
            if value == self._token() != self._refused:
                self._refused = value
                with suppress(SettingsError):
                    _place(self._client.configuration, self._options)
            return bool(self._token() != value)

    def _token(self) -> Any:
        return (self._bearer() or {}).get("value")

    def _bearer(self) -> dict[str, Any] | None:
        """The token without blanks: a `tokenFile` that ends in a line break would fit no header."""
        found = self._client.configuration.auth_settings().get("BearerToken")
        return {**found, "value": found["value"].strip()} if found else None


def connect(options: KubeOptions) -> KubeApi:
    """Find the cluster: the kubeconfig given, else the pod's own, else ~/.kube/config. Asks nothing yet."""
    configuration = Configuration(host="")
    place = _place(configuration, options)
    if not re.match(r"https?://[^/]", configuration.host):
        raise SettingsError(
            f"The kubeconfig {place.source} names no `server` that can be used: write it as https://HOST:PORT."
        )
    # Repeating is ours: urllib3's would neither hear a stop nor know what a write may do.
    configuration.retries = False
    configuration.connection_pool_maxsize = CONCURRENCY
    try:
        return KubeApi(configuration, place, options)
    except (urllib3_errors.HTTPError, ImportError):
        pass
    raise SettingsError(
        f"The proxy on the way to {shown_url(configuration.host)} cannot be used: correct HTTPS_PROXY or proxy-url."
    )


def _place(configuration: Any, options: KubeOptions) -> ClusterTarget:
    if options.kubeconfig:
        place = _from_files(configuration, options.kubeconfig, options.context)
        if place is None:
            raise SettingsError(
                f"The kubeconfig {options.kubeconfig} does not exist: correct --kubeconfig or KUBECONFIG."
            )
        return place
    outside = "a context was asked for" if options.context else _from_pod(configuration)
    if isinstance(outside, ClusterTarget):
        return outside
    place = _from_files(configuration, HOME_FILE, options.context)
    if place is None:
        raise SettingsError(
            f"There is no cluster to talk to: the pod's own cannot be used ({outside}) and {HOME_FILE} does not "
            "exist; give --kubeconfig."
        )
    return place


def _from_pod(configuration: Any) -> ClusterTarget | str:
    """The pod's service account, or why there is none."""
    try:
        incluster_config.load_incluster_config(configuration)
    except (ConfigException, OSError, ValueError) as error:
        return str(error).rstrip(".") if isinstance(error, ConfigException) else "its files cannot be read"
    file = Path(incluster_config.SERVICE_TOKEN_FILENAME).with_name("namespace")
    namespace = file.read_text(encoding="utf-8").strip() if file.is_file() else ""
    return ClusterTarget(IN_CLUSTER, "the pod's service account", namespace or None)


def _from_files(configuration: Any, files: str, context: str | None) -> ClusterTarget | None:
    """What the kubeconfig says; None where none of *files* exists."""
    try:
        merged = KubeConfigMerger(files).config
        if merged is None:
            return None
        loader = KubeConfigLoader(merged, active_context=context, config_base_path=None)
        loader.load_and_set(configuration)
        chosen = loader.current_context["context"]
        return ClusterTarget(files, str(chosen.get("user") or ""), str(chosen.get("namespace") or "") or None)
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
    except (yaml.YAMLError, UnicodeDecodeError):
        why = "is not YAML"
    except (ConfigException, ValueError, TypeError, KeyError, AttributeError):
        wanted = f"context {context}" if context else "current context"
        why = f"has no complete {wanted}, or a file that it names is missing (`kubectl config view` shows it)"
    # Outside the handlers: the library's messages may hold the user's token.
    raise SettingsError(f"The kubeconfig {files} {why}: correct it, or give another --kubeconfig or --context.")
