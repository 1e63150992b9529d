"""
The kubernetes package: kubeconfig files, the pod's service account and the HTTP client. Only this module imports it.

Its typed API classes are never touched: CoreV1Api alone costs half a second and 21 MB at every start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import ApiClient, ApiException, Configuration
from kubernetes.config import ConfigException, incluster_config
from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger
from urllib3 import HTTPHeaderDict
from urllib3 import exceptions as urllib3_errors

from cronjob.kube.credentials import ConfiguredUser, check_key_pair, proxy_headers
from cronjob.kube.errors import TLS_FAILED, CredentialsProblem, KubeconfigProblem, NoAnswer
from cronjob.kube.target import JSON, Headers, KubeOptions, KubeRequest
from cronjob.transport.answer import Answer
from cronjob.transport.deadline import with_total_timeout
from cronjob.transport.failures import cause_of
from cronjob.transport.retry import Outcome
from cronjob.transport.single_pool import use_single_pool

# Requests at a time, and so the most connections.
CONCURRENCY = 16
_FAILURES = (ApiException, urllib3_errors.HTTPError, ConfigException, OSError, ValueError)


def new_configuration(server: str) -> Any:
    """A configuration of the package for *server*, with the environment's proxy. Retries are ours."""
    configuration = Configuration(host=server)
    configuration.retries = False
    configuration.connection_pool_maxsize = CONCURRENCY
    return configuration


class ApiConnection:
    """Connections to one API server with one set of credentials, safe to share between threads."""

    def __init__(self, configuration: Any, headers: Headers, user_agent: str) -> None:
        if configuration.proxy:
            configuration.proxy_headers = proxy_headers(configuration.proxy)
        self._configuration = configuration
        self._headers = headers
        self._client = ApiClient(configuration)
        self._client.user_agent = user_agent
        rest: Any = self._client.rest_client
        rest.pool_manager = use_single_pool(with_total_timeout(rest.pool_manager), configuration.host)

    @property
    def credentials(self) -> tuple[Any, ...]:
        """What the API server is shown; to compare, never to print."""
        bearer = self._bearer()
        return bearer and bearer["value"], self._configuration.cert_file, self._configuration.key_file

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._client.close()

    def send(self, request: KubeRequest) -> Outcome:
        """Send one request, once: the answer, or the error for which none came."""
        try:
            return self._send(request)
        except _FAILURES as error:
            return error

    def _send(self, request: KubeRequest) -> Answer:
        types = {"Accept": JSON} if request.body is None else {"Accept": JSON, "Content-Type": request.content_type}
        bearer = self._bearer()
        method, url, headers, *rest = self._client.param_serialize(
            request.method,
            request.path,
            query_params=dict(request.query),
            header_params=types,
            body=request.body,
            auth_settings=["BearerToken"] if bearer else [],
            _request_auth=bearer,
        )
        if self._headers:
            # Groups are several headers of one name, which a dict cannot hold.
            headers = HTTPHeaderDict(headers)
            for name, value in self._headers:
                headers.add(name, value)
        timeouts = (min(10.0, request.seconds), request.seconds)
        response = self._client.call_api(method, url, headers, *rest, _request_timeout=timeouts)
        return _answer(response, request.max_bytes)

    def _bearer(self) -> Any:
        """The bearer token as the package sends it, without blanks around it; None where there is none."""
        bearer = self._configuration.auth_settings().get("BearerToken")
        return {**bearer, "value": bearer["value"].strip()} if bearer else None


def _answer(response: Any, max_bytes: int | None) -> Answer:
    """The answer, whose body is read as far as *max_bytes*."""
    if max_bytes is None:
        return Answer(response.status, response.getheaders(), response.read())
    body = response.response.read(max_bytes + 1)
    if len(body) <= max_bytes:
        return Answer(response.status, response.getheaders(), body)
    # The rest is not read, so the connection cannot be used again.
    response.response.close()
    return Answer(response.status, response.getheaders(), b"", is_too_large=True)


def no_answer_for(error: Exception) -> NoAnswer:
    """The NoAnswer for an error that `ApiConnection.send` gave."""
    if isinstance(error, ApiException):
        # The package raises it while it handles an SSLError of urllib3, and for nothing else here.
        cause = cause_of(error.__context__) if error.__context__ else TLS_FAILED
        return NoAnswer(cause.clause, cause=cause)
    return NoAnswer.because_of(error)


def pod_configuration() -> Any:
    """The configuration of the pod's service account. Raises KubeconfigProblem where this is no pod."""
    configuration = new_configuration("")
    try:
        incluster_config.load_incluster_config(configuration)
    except ConfigException as error:
        raise KubeconfigProblem(str(error).rstrip(".")) from None
    except (OSError, ValueError):
        raise KubeconfigProblem("its files cannot be read") from None
    return configuration


def pod_namespace() -> str | None:
    """The namespace of the pod, where its files say it."""
    file = Path(incluster_config.SERVICE_TOKEN_FILENAME).with_name("namespace")
    return (file.read_text(encoding="utf-8").strip() or None) if file.is_file() else None


class KubeconfigContext:
    """One context of merged kubeconfig files: its cluster and its user."""

    def __init__(self, merged: Any, context: str | None) -> None:
        self._merged = merged
        self._context = context
        # Raises where the context, or the cluster that it names, is not there.
        chosen = KubeConfigLoader(merged, active_context=context, config_base_path=None).current_context["context"]
        self.user_name = str(chosen.get("user") or "")
        self.namespace = str(chosen.get("namespace") or "") or None
        cluster = merged["clusters"].get_with_name(chosen["cluster"])
        self.cluster: dict[str, Any] = dict(cluster["cluster"].value) if cluster.safe_get("cluster") else {}
        if authority := self.cluster.get("certificate-authority"):
            self.cluster["certificate-authority"] = str(_folder_of(cluster) / str(authority))
        self._user_node = merged["users"].get_with_name(self.user_name, safe=True) if self.user_name else None
        fields = dict(self._user_node["user"].value) if self._user_node and self._user_node.safe_get("user") else {}
        self.user = ConfiguredUser(fields, _folder_of(self._user_node))

    @property
    def server(self) -> str:
        """The address of the API server; empty where there is none."""
        return str(self.cluster.get("server") or "").rstrip("/")

    def configuration(self, options: KubeOptions) -> Any:
        """The package's configuration, logged in. Raises CredentialsProblem."""
        fields = self.user.logged_in(self.cluster, options)
        if self._user_node:
            self._user_node.value["user"] = fields
        configuration = new_configuration(self.server)
        loader = KubeConfigLoader(self._merged, active_context=self._context, config_base_path=None)
        try:
            loader.load_and_set(configuration)
        except (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError):
            pass
        else:
            if configuration.cert_file and configuration.key_file:
                check_key_pair(configuration.cert_file, configuration.key_file)
            return configuration
        # Outside the handler: the package's messages may hold the user's token.
        raise CredentialsProblem("a file that it or its cluster names is missing or damaged; see `kubectl config view`")


def _folder_of(node: Any) -> Path:
    """The folder of the file that a part of the merged kubeconfig comes from."""
    return Path(node.path).absolute().parent if node is not None and node.path else Path()


def open_kubeconfig(files: str, context: str | None) -> KubeconfigContext | None:
    """The context of the merged *files*; None where none of them exists. Raises KubeconfigProblem."""
    try:
        merger = KubeConfigMerger(files)
        if merger.config is None:
            return None
        # The first file that names a current context counts, as for kubectl; to the package it is the last one.
        named = (config.get("current-context") for config in merger.config_files.values())
        return KubeconfigContext(merger.config, context or next(filter(None, named), None))
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    except (yaml.YAMLError, UnicodeDecodeError):
        problem = "is not YAML"
    except (ConfigException, ValueError, TypeError, KeyError, AttributeError):
        problem = f"has no complete {f'context {context}' if context else 'current context'}"
    # Outside the handlers: the package's messages may hold the user's token.
    raise KubeconfigProblem(problem)
