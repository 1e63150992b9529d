"""The parameters of a webhook: assigned to a copy, validated, and refused in one of GitLab's two formats."""

from copy import copy
from typing import NoReturn

from cronjob.sandbox.fake_gitlab.answers import refuse
from cronjob.sandbox.fake_gitlab.call import Call
from cronjob.sandbox.fake_gitlab.records import Hook, Project
from cronjob.sandbox.fake_gitlab.ssh_keys import Errors
from cronjob.sandbox.fake_gitlab.translations import translated
from cronjob.sandbox.fake_gitlab.webhook_fields import FLAGS, has_field
from cronjob.sandbox.fake_gitlab.webhook_validation import reset_secrets, webhook_errors

TEXTS = ("name", "description", "token", "signing_token", "custom_webhook_template", "push_events_branch_filter")
PAIRS = ("url_variables", "custom_headers")
PAIR = frozenset({"key", "value"})
STRATEGIES = ("wildcard", "regex", "all_branches")
SWITCHES = (*FLAGS, "enable_ssl_verification", "duo_flow_callback_enabled")
PARAMETERS = frozenset({"url", "branch_filter_strategy", *TEXTS, *PAIRS, *SWITCHES})
NULLABLE = frozenset({"confidential_note_events", "confidential_issues_events"})


def sent_parameters(call: Call) -> set[str]:
    """The webhook parameters that were sent and that this release knows. Others are ignored."""
    return {name for name in PARAMETERS & call.params.keys() if has_field(call.world, name)}


def changed(call: Call, project: Project, hook: Hook) -> Hook:
    """A validated copy of *hook* with the parameters of *call*; a refusal leaves *hook* unchanged."""
    draft = copy(hook)
    sent = sent_parameters(call)
    for name in sent:
        _assign(call, draft, name)
    if draft.branch_filter_strategy == "all_branches":
        draft.push_events_branch_filter = None
    return checked(call, project, draft, before=hook)


def checked(call: Call, project: Project, draft: Hook, *, before: Hook) -> Hook:
    """*draft*, if GitLab accepts it in place of *before*; otherwise the request is refused."""
    if draft.id:
        reset_secrets(draft, before, token_sent="token" in sent_parameters(call))
    errors = webhook_errors(call.world, project, draft)
    if errors:
        _refuse(call, translated(errors, call.user))
    draft.updated_at = call.world.now()
    return draft


def _assign(call: Call, hook: Hook, name: str) -> None:
    """Set one parameter on *hook*; an empty text and null are stored as GitLab stores them."""
    value = call.params[name]
    if name in SWITCHES:
        flag = call.flag(name)
        _refuse_duo_flow(name, flag=bool(flag))
        setattr(hook, name, flag if flag is not None or name in NULLABLE else False)
    elif name in PAIRS:
        setattr(hook, name, getattr(hook, name) | _pairs(name, value))
    elif name == "branch_filter_strategy":
        hook.branch_filter_strategy = call.choice(name, STRATEGIES, "wildcard")
    elif name == "url":
        hook.url = str(value or "").strip()
    elif name == "push_events_branch_filter":
        hook.push_events_branch_filter = None if value is None else str(value).strip()
    else:
        setattr(hook, name, None if value is None else str(value))


def _pairs(name: str, value: object) -> dict[str, str]:
    """Parse a list of key and value pairs."""
    if not isinstance(value, list) or not all(isinstance(pair, dict) and pair.keys() >= PAIR for pair in value):
        refuse(400, error=f"{name} is invalid")
    return {str(pair["key"]): str(pair["value"]) for pair in value}


def _refuse_duo_flow(name: str, *, flag: bool) -> None:
    # Its feature flag is off by default; false is accepted all the same.
    if name == "duo_flow_callback_enabled" and flag:
        refuse(400, message="400 Bad request - duo_flow_callback_enabled is not available")


def _refuse(call: Call, errors: Errors) -> NoReturn:
    """Refuse with 422 in the format of the release and the method: ``error`` for POST, ``message`` for PUT."""
    if "url" in errors:
        refuse(422, error="Invalid url given")
    if "push_events_branch_filter" in errors:
        refuse(422, error="Invalid branch filter given")
    if call.world.release < (15, 0):
        listed = ", ".join(f':{name}=>["{messages[0]}"]' for name, messages in errors.items())
        refuse(404, message=f"404 Project hook {{{listed}}} Not Found")
    if call.method == "POST":
        refuse(422, error=_sentence(errors))
    if "custom_headers" in errors:
        refuse(422, error=f"Custom headers validation failed: {errors['custom_headers'][0]}")
    refuse(422, message=errors)


def _sentence(errors: Errors) -> str:
    parts = []
    for name, messages in errors.items():
        subject = "" if name == "base" else name.replace("_", " ").capitalize() + " "
        parts += [subject + message for message in messages]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
