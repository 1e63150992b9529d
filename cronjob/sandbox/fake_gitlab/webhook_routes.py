"""The API of project webhooks: list, read, create, update, delete, test, deliveries."""

from copy import copy

from cronjob.sandbox.fake_gitlab.answers import Answer, Json, not_found, refuse
from cronjob.sandbox.fake_gitlab.call import Call
from cronjob.sandbox.fake_gitlab.fine_grained_tokens import Permission
from cronjob.sandbox.fake_gitlab.pagination import paged
from cronjob.sandbox.fake_gitlab.records import MAINTAINER, Delivery, Hook, Project
from cronjob.sandbox.fake_gitlab.routes import Route, reading
from cronjob.sandbox.fake_gitlab.webhook_fields import FLAGS, delivery_json, has_field, hook_json, shown_fields
from cronjob.sandbox.fake_gitlab.webhook_parameters import changed, checked, sent_parameters

# Valid triggers that GitLab cannot test.
UNTESTABLE = frozenset({"confidential_note_events", "deployment_events", "feature_flag_events"})
LARGEST_PAGE_OF_DELIVERIES = 20
OUTCOMES = {"successful": range(200, 300), "client_failure": range(400, 500), "server_failure": range(500, 600)}


def list_hooks(call: Call) -> Answer:
    project = _project(call)
    fields = shown_fields(call.world, listed=True)
    return paged(call, list(project.hooks.values()), lambda hook: hook_json(call.world, hook, fields))


def read_hook(call: Call) -> Answer:
    return Answer(200, _json(call, _hook(call, _project(call))))


def create_hook(call: Call) -> Answer:
    """Add a webhook; a second one with the same URL is accepted."""
    project = _project(call)
    call.require("url")
    hook = changed(call, project, call.world.new_hook(project, ""))
    return Answer(201, _json(call, call.world.keep_hook(project, hook)))


def update_hook(call: Call) -> Answer:
    """Change the parameters that were sent. A new URL resets secrets, too."""
    project = _project(call)
    if call.world.release < (15, 0):
        call.require("url")
    hook = _hook(call, project)
    if not sent_parameters(call):
        refuse(400, error="No parameters provided")
    return Answer(200, _json(call, _kept(hook, changed(call, project, hook))))


def delete_hook(call: Call) -> Answer:
    project = _project(call)
    hook = _hook(call, project)
    call.refuse_if_modified(hook.updated_at)
    call.world.remove_hook(project, hook)
    return Answer(204)


def put_pair(call: Call) -> Answer:
    """Set one custom header or URL variable."""
    project = _project(call)
    hook = _hook(call, project)
    call.require("value")
    name = _pairs_name(call)
    draft = copy(hook)
    setattr(draft, name, getattr(hook, name) | {call.names["key"]: str(call.params["value"])})
    _kept(hook, checked(call, project, draft, before=hook))
    return Answer(204)


def delete_pair(call: Call) -> Answer:
    hook = _hook(call, _project(call))
    name = _pairs_name(call)
    pairs: dict[str, str] = getattr(hook, name)
    if call.names["key"] not in pairs:
        not_found()
    setattr(hook, name, {key: value for key, value in pairs.items() if key != call.names["key"]})
    return Answer(204)


def trigger_hook(call: Call) -> Answer:
    """Deliver a test event: 201 if the receiver answered 2xx, which also enables the webhook again."""
    project = _project(call)
    hook = _hook(call, project)
    trigger = call.names["trigger"]
    if trigger not in FLAGS or not has_field(call.world, trigger):
        refuse(400, error="trigger does not have a valid value")
    _refuse_too_many_tests(call, project, hook)
    if trigger in UNTESTABLE:
        refuse(422, message="Testing not available for this hook")
    if project.empty_repo and trigger in {"push_events", "tag_push_events"}:
        refuse(422, message="Ensure the project has at least one commit.")
    status = call.world.deliver(hook, trigger.replace("_events", "_hooks")).status
    if isinstance(status, int) and 200 <= status < 300:
        return Answer(201, {"message": "201 Created"})
    return refuse(422, message=str(status))


def list_deliveries(call: Call) -> Answer:
    """List deliveries, newest first, at most 20 a page (lib/api/hooks/events.rb); *status* lists codes and outcomes."""
    hook = _hook(call, _project(call))
    if call.integer("per_page", LARGEST_PAGE_OF_DELIVERIES) > LARGEST_PAGE_OF_DELIVERIES:
        refuse(400, error="per_page does not have a valid value")
    wanted = [text for text in str(call.params.get("status", "")).split(",") if text]
    if not all(text in OUTCOMES or (text.isdecimal() and 100 <= int(text) < 600) for text in wanted):
        refuse(400, error="status does not have a valid value")
    found = [
        each for each in reversed(hook.deliveries) if not wanted or any(_matches(each, status) for status in wanted)
    ]
    return paged(call, found, lambda delivery: delivery_json(hook, delivery))


def _matches(delivery: Delivery, wanted: str) -> bool:
    status = delivery.status
    if not isinstance(status, int):
        # There was no answer; GitLab counts that as a server failure (web_hook_logs_finder.rb).
        return wanted == "server_failure"
    return status in OUTCOMES[wanted] if wanted in OUTCOMES else str(status) == wanted


def _refuse_too_many_tests(call: Call, project: Project, hook: Hook) -> None:
    """Refuse more than three tests a minute and webhook (17.0), or five a minute, user and project (from 17.1)."""
    if call.world.release < (17, 0):
        return
    by_hook = call.world.release == (17, 0)
    key = f"hook {hook.id}" if by_hook else f"project {project.id} user {call.signed_in().id}"
    if call.world.rate_limits.is_webhook_test_exceeded(key, 3 if by_hook else 5):
        refuse(429, message={"error": "This endpoint has been requested too many times. Try again later."})


def _pairs_name(call: Call) -> str:
    return "custom_headers" if "/custom_headers/" in call.path else "url_variables"


def _project(call: Call) -> Project:
    call.signed_in()
    return call.project(MAINTAINER)


def _hook(call: Call, project: Project) -> Hook:
    return project.hooks.get(call.number("hook_id")) or not_found()


def _kept(hook: Hook, draft: Hook) -> Hook:
    """Copy the fields of *draft* to *hook*, the stored object."""
    vars(hook).update(vars(draft))
    return hook


def _json(call: Call, hook: Hook) -> Json:
    return hook_json(call.world, hook, shown_fields(call.world, listed=False))


READ, CREATE, UPDATE, DELETE = (
    Permission("project", f"Webhook: {action}") for action in ("Read", "Create", "Update", "Delete")
)

HOOK = "projects/:id/hooks/:hook_id"
ROUTES = [
    reading("projects/:id/hooks", list_hooks, READ),
    reading(HOOK, read_hook, READ),
    Route("POST", "projects/:id/hooks", create_hook, CREATE),
    Route("PUT", HOOK, update_hook, UPDATE),
    Route("DELETE", HOOK, delete_hook, DELETE),
    Route("PUT", f"{HOOK}/custom_headers/:key", put_pair, UPDATE, since=(17, 1)),
    Route("DELETE", f"{HOOK}/custom_headers/:key", delete_pair, UPDATE, since=(17, 1)),
    Route("PUT", f"{HOOK}/url_variables/:key", put_pair, UPDATE, since=(15, 0)),
    Route("DELETE", f"{HOOK}/url_variables/:key", delete_pair, UPDATE, since=(15, 0)),
    Route("POST", f"{HOOK}/test/:trigger", trigger_hook, UPDATE, since=(16, 11)),
    reading(f"{HOOK}/events", list_deliveries, READ, since=(17, 3)),
]
