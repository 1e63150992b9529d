"""The JSON fields of a webhook in each release."""

from cronjob.sandbox.fake_gitlab.answers import Json, timestamp
from cronjob.sandbox.fake_gitlab.records import Delivery, Hook
from cronjob.sandbox.fake_gitlab.world import GitLabWorld

# The release that added each field; before it a parameter of that name is ignored.
SINCE: dict[str, tuple[int, int]] = {
    "id": (0, 0),
    "url": (0, 0),
    "name": (17, 1),
    "description": (17, 1),
    "created_at": (0, 0),
    "push_events": (0, 0),
    "tag_push_events": (0, 0),
    "merge_requests_events": (0, 0),
    "repository_update_events": (0, 0),
    "enable_ssl_verification": (0, 0),
    "alert_status": (15, 0),
    "disabled_until": (15, 0),
    "url_variables": (15, 0),
    "push_events_branch_filter": (0, 0),
    "branch_filter_strategy": (17, 0),
    "custom_webhook_template": (16, 0),
    "custom_headers": (17, 1),
    "token_present": (19, 0),
    "signing_token_present": (19, 0),
    "project_id": (0, 0),
    "issues_events": (0, 0),
    "confidential_issues_events": (0, 0),
    "note_events": (0, 0),
    "confidential_note_events": (0, 0),
    "pipeline_events": (0, 0),
    "wiki_page_events": (0, 0),
    "job_events": (0, 0),
    "deployment_events": (0, 0),
    "feature_flag_events": (16, 0),
    "releases_events": (0, 0),
    "milestone_events": (17, 0),
    "emoji_events": (16, 0),
    "resource_access_token_events": (17, 0),
    "resource_deploy_token_events": (18, 10),
    "vulnerability_events": (17, 0),
    "duo_flow_callback_enabled": (19, 4),
    "token": (0, 0),
    "signing_token": (19, 0),
}
WRITE_ONLY = frozenset({"token", "signing_token"})
ENTERPRISE = frozenset({"vulnerability_events"})
NOT_LISTED = frozenset({"url_variables", "custom_headers"})

# repository_update_events is shown, but no parameter: only system hooks have it.
FLAGS = tuple(name for name in SINCE if name.endswith("_events") and name != "repository_update_events")


def has_field(world: GitLabWorld, name: str) -> bool:
    """Whether the release and edition of *world* have the field *name*."""
    return world.release >= SINCE[name] and (world.enterprise or name not in ENTERPRISE)


def shown_fields(world: GitLabWorld, *, listed: bool) -> list[str]:
    """The names of the fields in a webhook's JSON; a list leaves two of them out."""
    hidden = WRITE_ONLY | NOT_LISTED if listed else WRITE_ONLY
    return [name for name in SINCE if name not in hidden and has_field(world, name)]


def hook_json(world: GitLabWorld, hook: Hook, fields: list[str]) -> Json:
    computed = {
        "created_at": timestamp(hook.created_at),
        "disabled_until": timestamp(hook.disabled_until),
        "alert_status": _alert_status(world, hook),
        "token_present": bool(hook.token),
        "signing_token_present": bool(hook.signing_token),
        "url_variables": [{"key": key} for key in hook.url_variables],
        "custom_headers": [{"key": key} for key in hook.custom_headers],
    }
    return {name: computed[name] if name in computed else getattr(hook, name) for name in fields}


def delivery_json(hook: Hook, delivery: Delivery) -> Json:
    """A logged delivery as JSON; the secret token is redacted."""
    headers = {"Content-Type": "application/json"}
    answered = isinstance(delivery.status, int)
    return {
        "id": delivery.id,
        "url": delivery.url,
        "trigger": delivery.trigger,
        "request_headers": headers | {"X-Gitlab-Token": "[REDACTED]"} if hook.token else headers,
        "request_data": {"object_kind": delivery.trigger.removesuffix("_hooks")},
        "response_headers": headers if answered else {},
        "response_body": "",
        "execution_duration": 0.01,
        "response_status": str(delivery.status) if answered else "internal error",
    }


def _alert_status(world: GitLabWorld, hook: Hook) -> str:
    """The status as shown: a temporarily disabled webhook is executable again after disabled_until."""
    over = hook.disabled_until is not None and hook.disabled_until <= world.now()
    return "executable" if over and hook.alert_status == "temporarily_disabled" else hook.alert_status
