"""Request handling without the network: rate limit, authentication, scope, and the route's handler."""

from collections.abc import Mapping
from dataclasses import dataclass

from cronjob.sandbox.fake_gitlab import answers
from cronjob.sandbox.fake_gitlab.account_access import refuse_denied_account
from cronjob.sandbox.fake_gitlab.answers import Answer, RefusedError
from cronjob.sandbox.fake_gitlab.call import Call
from cronjob.sandbox.fake_gitlab.deploy_key_routes import ROUTES as KEY_ROUTES
from cronjob.sandbox.fake_gitlab.fine_grained_tokens import refuse_missing_permission
from cronjob.sandbox.fake_gitlab.maintenance_mode import read_only_answer
from cronjob.sandbox.fake_gitlab.project_routes import ROUTES as PROJECT_ROUTES
from cronjob.sandbox.fake_gitlab.records import Request, Token
from cronjob.sandbox.fake_gitlab.routes import Route, Router
from cronjob.sandbox.fake_gitlab.webhook_routes import ROUTES as HOOK_ROUTES
from cronjob.sandbox.fake_gitlab.world import GitLabWorld
from cronjob.sandbox.faults.random_faults import READING

ROUTER = Router([*PROJECT_ROUTES, *KEY_ROUTES, *HOOK_ROUTES])

EXPIRED = "Token is expired. You can either do re-authorization or token refresh."
REVOKED = "Token was revoked. You have to re-authorize from the user."
TOO_MANY = "This endpoint has been requested too many times. Try again later."


@dataclass(frozen=True)
class IncomingRequest:
    """A request with its log entry, its *headers*, and the base *url* that it was sent to."""

    request: Request
    headers: Mapping[str, str]
    url: str


def handled(world: GitLabWorld, incoming: IncomingRequest) -> Answer:
    """Handle a request as GitLab would. The functions in `after_write` are called after each write."""
    with world.lock:
        answer = _rate_limited(world, incoming)
        if incoming.request.method not in READING:
            for callback in world.after_write:
                callback(incoming.request)
        return answer


def _rate_limited(world: GitLabWorld, incoming: IncomingRequest) -> Answer:
    """The answer, or the refusal of the rate limit, with the RateLimit headers."""
    secret = _sent_token(incoming.headers)
    refused, headers = world.rate_limits.throttled(_rate_limit_key(world, secret))
    if refused:
        return Answer(429, "Retry later\n", headers)
    try:
        answer = _writable(world, incoming) or _routed(world, incoming, secret)
    except RefusedError as refusal:
        answer = refusal.answer
    return Answer(answer.status, answer.body, {**answer.headers, **headers}) if headers else answer


def _writable(world: GitLabWorld, incoming: IncomingRequest) -> Answer | None:
    """The refusal of a write in maintenance mode, if it is one."""
    if not world.maintenance_mode:
        return None
    external_url = world.external_url or incoming.url + world.url_root
    return read_only_answer(incoming.request.method, incoming.headers, external_url)


def _routed(world: GitLabWorld, incoming: IncomingRequest, secret: str | None) -> Answer:
    request = incoming.request
    root = f"{world.url_root}/api/v4/"
    found = ROUTER.find(request.method, request.path.removeprefix(root), world.release)
    if found is None or not request.path.startswith(root):
        answers.no_route()
    route, names = found
    token = _token(world, secret, incoming.headers)
    external_url = world.external_url or incoming.url + world.url_root
    if token:
        _authorize(world, route, token)
        refuse_denied_account(token.user, external_url)
    if world.rate_limits.is_endpoint_exceeded(_rate_limit_key(world, secret), request.path):
        answers.refuse(429, message={"error": TOO_MANY})
    call = Call(
        world=world,
        method=request.method,
        path=request.path,
        external_url=external_url,
        query=request.query,
        params={**request.query, **_sent(request)},
        headers=incoming.headers,
        names=names,
        token=token,
    )
    return route.answer(call)


def _sent(request: Request) -> answers.Json:
    if request.body is None:
        return {}
    return request.body if isinstance(request.body, dict) else answers.refuse(400, error="the body is no object")


def _sent_token(headers: Mapping[str, str]) -> str | None:
    scheme, _, bearer = headers.get("Authorization", "").partition(" ")
    return headers.get("PRIVATE-TOKEN") or (bearer if scheme.lower() == "bearer" else None)


def _rate_limit_key(world: GitLabWorld, secret: str | None) -> str:
    """The user whose requests are counted together, whatever the token; empty for all requests without a user."""
    token = world.tokens.get(secret or "")
    return token.user.username if token else ""


def _token(world: GitLabWorld, secret: str | None, headers: Mapping[str, str]) -> Token | None:
    """The valid token that was sent, or None; some reads need no token."""
    if not secret:
        return None
    token = world.tokens.get(secret)
    # GitLab accepts an OAuth token as a bearer token only.
    if token is None or (token.kind == "oauth" and "PRIVATE-TOKEN" in headers):
        answers.unauthorized()
    if token.revoked:
        answers.invalid_token(REVOKED)
    if token.expired_on(world.now().date()):
        answers.invalid_token(EXPIRED)
    return token


def _authorize(world: GitLabWorld, route: Route, token: Token) -> None:
    """Refuse a token without a scope of the route, or a fine-grained token without its permission."""
    refuse_missing_permission(route.permission, token, enforced=world.enforces_fine_grained_tokens)
    if token.permissions is None and route.scopes and not set(route.scopes) & set(token.scopes):
        answers.insufficient_scope(route.scopes)
