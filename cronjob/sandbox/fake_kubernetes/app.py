"""
The embedded Kubernetes over HTTP: for the official Python client, and for kubectl.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import yaml
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from cronjob.sandbox.fake_kubernetes.authorization import complaint
from cronjob.sandbox.fake_kubernetes.discovery import discovery
from cronjob.sandbox.fake_kubernetes.impersonation import identity_of
from cronjob.sandbox.fake_kubernetes.paths import PageNotFoundError, Target, target_of
from cronjob.sandbox.fake_kubernetes.reading import read
from cronjob.sandbox.fake_kubernetes.request_log import Request
from cronjob.sandbox.fake_kubernetes.reviews import review
from cronjob.sandbox.fake_kubernetes.schema import api_version
from cronjob.sandbox.fake_kubernetes.status import StatusError, forbidden, unauthorized
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld
from cronjob.sandbox.fake_kubernetes.writing import write
from cronjob.sandbox.faults.fault import Fault
from cronjob.sandbox.faults.inject import inject, is_connected

Answer = dict[str, Any]

HEALTH = ("/healthz", "/livez", "/readyz")
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
BODY_LIMIT = 8 * 1024 * 1024


def kubernetes_app(world: KubernetesWorld) -> web.Application:
    """The API of *world*, ready to be served."""

    async def answer(request: web.Request) -> web.StreamResponse:
        # client-go's typed clients (kubectl create secret, kubectl auth) may send protobuf.
        if request.content_type == "application/vnd.kubernetes.protobuf":
            raise StatusError(415, "this server reads JSON only; with kubectl, use create -f or apply -f")
        return _answer(world, request, await request.text())

    middlewares = [_logging(world), _fault_injection(world), _refusing, _authenticating(world)]
    app = web.Application(middlewares=middlewares, client_max_size=BODY_LIMIT)
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def kubeconfig(url: str, *, namespace: str = "platform-flux-tenant-config", token: str | None = None) -> str:
    """
    A kubeconfig for the server at *url*, as YAML text; its one context is called `sandbox`.

    kubectl sends no *token* over plain HTTP, the Python client does; a world for kubectl has no token.
    """
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sandbox",
        "clusters": [{"name": "sandbox", "cluster": {"server": url}}],
        "users": [{"name": "sandbox", "user": {"token": token} if token else {}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox", "namespace": namespace}}],
    }
    return yaml.safe_dump(config, sort_keys=False)


def _answer(world: KubernetesWorld, request: web.Request, body: str) -> web.Response:
    if request.path in HEALTH:
        return web.Response(text="ok")
    discovered = discovery(request.path, world.served) if request.method == "GET" else None
    if discovered is not None:
        return _json(discovered)
    identity = identity_of(world, request.headers)
    target = target_of(request.path, world.served)
    verb = _verb(request, target)
    attempt = target.attempt(verb)
    if target.kind.is_review and verb == "create":
        return _json(review(world, target, body, identity), status=201)
    if not world.allows(attempt, identity.user):
        raise forbidden(target.kind, target.name, complaint(attempt, identity.user))
    if verb in {"get", "list"}:
        answer = read(world, target, request.query, accept=request.headers.get("Accept", ""))
        return _json(answer, warning=_deprecation(world, target))
    status, answer = write(world, target, request, body)
    return _json(answer, status=status, warning=_deprecation(world, target))


def _verb(request: web.Request, target: Target) -> str:
    """The verb of the request, if the target supports it; otherwise the request is refused."""
    reading = "get" if target.name else "list"
    verb = VERBS.get(request.method, "") if request.method != "GET" else reading
    if verb not in target.kind.verbs or (verb == "create") != (request.method == "POST" and not target.name):
        raise StatusError(405, "the server does not allow this method on the requested resource")
    if verb in {"update", "patch", "delete"} and not target.name:
        raise StatusError(405, "the server does not allow this method on the requested resource")
    return verb


def _deprecation(world: KubernetesWorld, target: Target) -> str:
    """Served betas beside a v1 are deprecated; kubectl shows the warning."""
    versions = world.served[target.kind.group]
    if "v1" not in versions or target.version == "v1":
        return ""
    return f"{api_version(target.kind.group, target.version)} {target.kind.kind} is deprecated, upgrade to v1"


def _json(answer: Answer, *, status: int = 200, warning: str = "") -> web.Response:
    headers = {"Warning": f'299 - "{warning}"'} if warning else {}
    body = json.dumps(answer, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def _logging(world: KubernetesWorld) -> Middleware:
    @web.middleware
    async def log(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        status = response.status if is_connected(request) else 0
        names = {name.lower() for name in request.headers if name.lower().startswith("impersonate-")}
        impersonation = {name: request.headers.getall(name) for name in names}
        world.requests.append(Request(request.method, request.path, dict(request.query), status, impersonation))
        return response

    return log


def _fault_injection(world: KubernetesWorld) -> Middleware:
    @web.middleware
    async def inject_fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        path, _, query = request.path_qs.partition("?")
        fault = world.faults.fault_for(request.method, path, query)
        await asyncio.sleep(world.latency)
        return await inject(fault, request, lambda: handler(request), _answer_of)

    return inject_fault


def _answer_of(fault: Fault) -> web.Response:
    status = fault.status or 500
    body = fault.body if fault.body is not None else StatusError(status, "a fault was injected").as_status()
    if isinstance(body, str):
        return web.Response(text=body, status=status, headers=fault.headers)
    response = _json(body, status=status)
    response.headers.update(fault.headers)
    return response


@web.middleware
async def _refusing(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except StatusError as refusal:
        return _json(refusal.as_status(), status=refusal.code)
    except PageNotFoundError:
        return web.Response(text="404 page not found\n", status=404)


def _authenticating(world: KubernetesWorld) -> Middleware:
    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if world.token is not None and request.headers.get("Authorization") != f"Bearer {world.token}":
            raise unauthorized()
        return await handler(request)

    return authenticate
