"""A request from the throttle through identity and scope to its handler, without any network."""

from collections.abc import Mapping
from dataclasses import dataclass

from cronjob.sandbox.fake_gitlab import answers
from cronjob.sandbox.fake_gitlab.answers import Answer, RefusedError
from cronjob.sandbox.fake_gitlab.call import Call
from cronjob.sandbox.fake_gitlab.deploy_key_routes import ROUTES as KEY_ROUTES
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
class Requests:
    """What a request brings besides its entry in the log: its *headers*, and the *url* it reached."""

    request: Request
    headers: Mapping[str, str]
    url: str


def handled(world: GitLabWorld, asked: Requests) -> Answer:
    """Answer a request, and do what it asks for, as GitLab would. Who listens to writes hears of it."""
    with world.lock:
        answer = _admitted(world, asked)
        if asked.request.method not in READING:
            for hear in world.after_write:
                hear(asked.request)
        return answer


def _admitted(world: GitLabWorld, asked: Requests) -> Answer:
    """The answer to a request that the throttle lets through, or its refusal."""
    shown = _shown_token(asked.headers)
    refused, headers = world.rate_limits.throttled(_asker(world, shown))
    if refused:
        return Answer(429, "Retry later\n", headers)
    try:
        answer = _routed(world, asked, shown)
    except RefusedError as refusal:
        answer = refusal.answer
    return Answer(answer.status, answer.body, {**answer.headers, **headers}) if headers else answer


def _routed(world: GitLabWorld, asked: Requests, shown: str | None) -> Answer:
    request = asked.request
    root = f"{world.url_root}/api/v4/"
    found = ROUTER.find(request.method, request.path.removeprefix(root), world.release)
    if found is None or not request.path.startswith(root):
        answers.no_route()
    route, names = found
    token = _token(world, shown, asked.headers)
    _refuse_scope(route, token)
    if world.rate_limits.is_endpoint_exceeded(_asker(world, shown), request.path):
        answers.refuse(429, message={"error": TOO_MANY})
    call = Call(
        world=world,
        method=request.method,
        path=request.path,
        external_url=world.external_url or asked.url + world.url_root,
        query=request.query,
        params={**request.query, **_sent(request)},
        headers=asked.headers,
        names=names,
        token=token,
    )
    return route.answer(call)


def _sent(request: Request) -> answers.Json:
    if request.body is None:
        return {}
    return request.body if isinstance(request.body, dict) else answers.refuse(400, error="the body is no object")


def _shown_token(headers: Mapping[str, str]) -> str | None:
    scheme, _, bearer = headers.get("Authorization", "").partition(" ")
    return headers.get("PRIVATE-TOKEN") or (bearer if scheme.lower() == "bearer" else None)


def _asker(world: GitLabWorld, shown: str | None) -> str:
    """Whose requests are counted together: a user's, whatever the token, or those of all strangers."""
    token = world.tokens.get(shown or "")
    return token.user.username if token else ""


def _token(world: GitLabWorld, shown: str | None, headers: Mapping[str, str]) -> Token | None:
    """The token that was shown, if it is good; no token is no error, since some reads need none."""
    if not shown:
        return None
    token = world.tokens.get(shown)
    # An OAuth token is a bearer token and nothing else.
    if token is None or (token.kind == "oauth" and "PRIVATE-TOKEN" in headers):
        answers.unauthorized()
    if token.revoked:
        answers.invalid_token(REVOKED)
    if token.expired_on(world.now().date()):
        answers.invalid_token(EXPIRED)
    return token


def _refuse_scope(route: Route, token: Token | None) -> None:
    if token and route.scopes and not set(route.scopes) & set(token.scopes):
        answers.insufficient_scope(route.scopes)
