"""Validation of webhooks: URL, branch filter, token, headers and variables, and the limit per project."""

import base64
import binascii
import ipaddress
import re
from urllib.parse import urlsplit

from cronjob.sandbox.fake_gitlab.records import Hook, Project
from cronjob.sandbox.fake_gitlab.ssh_keys import Errors
from cronjob.sandbox.fake_gitlab.world import GitLabWorld

MOST_PAIRS = 20
LONGEST_VALUE = 2048
LENGTHS = {"name": 255, "description": 2048, "custom_webhook_template": 4096}

# A name in url_variables or custom_headers: begins with a letter, no two separators in a row.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._-][A-Za-z0-9]+)*")
REFERENCE = re.compile(r"\{(" + NAME.pattern + r")\}")

# Git refuses these in the name of a ref; an asterisk is GitLab's wildcard.
ILLEGAL_REF = re.compile(r"[\s~^:?\[\\\x7f]|\.\.|//|@\{|^[/-]|[/.]$|\.lock$")

# RE2 has neither look-around nor back references.
NOT_RE2 = re.compile(r"\(\?[=!<]|\\[1-9]")


def effective_url(hook: Hook) -> str:
    """The URL with its variables replaced by their values; unknown variables stay."""
    return REFERENCE.sub(lambda found: hook.url_variables.get(found[1], found[0]), hook.url)


def reset_secrets(hook: Hook, before: Hook, *, token_sent: bool) -> None:
    """
    Reset the secrets of *hook* if its URL has changed since *before*.

    The secret token is erased unless it was sent along, so that a new address never gets an old secret. Custom
    headers are always erased, and variables if an old name or value is among them.
    """
    if hook.url != before.url and not token_sent:
        hook.token = None
    if effective_url(hook) != effective_url(before):
        hook.custom_headers = {}
        old = before.url_variables
        if old.keys() & hook.url_variables.keys() or set(old.values()) & set(hook.url_variables.values()):
            hook.url_variables = {}


def webhook_errors(world: GitLabWorld, project: Project, hook: Hook) -> Errors:
    """The validation errors of *hook* by field; *base* is the limit of webhooks per project."""
    errors: Errors = {}
    url_error = _url_error(world, hook)
    if url_error:
        errors["url"] = [url_error]
    if not _good_branch_filter(hook):
        errors["push_events_branch_filter"] = ["is not a valid branch filter"]
    for name in ("custom_headers", "url_variables"):
        if not _good_pairs(getattr(hook, name)):
            errors[name] = ["must be a valid json schema"]
    errors |= _text_errors(hook)
    if hook.id not in project.hooks and len(project.hooks) >= world.max_hooks:
        errors["base"] = [f"Maximum number of project hooks ({world.max_hooks}) exceeded"]
    return errors


def _url_error(world: GitLabWorld, hook: Hook) -> str:
    unknown = [name for name in REFERENCE.findall(hook.url) if name not in hook.url_variables]
    if unknown and world.release >= (15, 0):
        return f"Invalid URL template. Undefined keys: {unknown}"
    url = effective_url(hook)
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 443) > 0
    except ValueError:
        good = False
    if not good or re.search(r"[\s\x00-\x1f]", url):
        return "is blocked: Only allowed schemes are http, https"
    local = not world.allow_local_requests and _is_local(str(parts.hostname))
    return "is blocked: Requests to the local network are not allowed" if local else ""


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # GitLab resolves host names at delivery, not here.
        return False
    return address.is_private or address.is_loopback or address.is_link_local or address.is_unspecified


def _good_branch_filter(hook: Hook) -> bool:
    pattern = hook.push_events_branch_filter
    if not pattern or hook.branch_filter_strategy == "all_branches":
        return True
    if hook.branch_filter_strategy == "wildcard":
        return not ILLEGAL_REF.search(pattern)
    try:
        re.compile(pattern)
    except re.error:
        return False
    return not NOT_RE2.search(pattern)


def _good_pairs(pairs: dict[str, str]) -> bool:
    return len(pairs) <= MOST_PAIRS and all(
        NAME.fullmatch(key) and 0 < len(value) <= LONGEST_VALUE for key, value in pairs.items()
    )


def _text_errors(hook: Hook) -> Errors:
    errors: Errors = {}
    if hook.token and "\n" in hook.token:
        errors["token"] = ["is invalid"]
    if hook.signing_token and not _good_signing_token(hook.signing_token):
        errors["signing_token"] = ["is invalid"]
    for name, longest in LENGTHS.items():
        if len(getattr(hook, name) or "") > longest:
            errors[name] = [f"is too long (maximum is {longest} characters)"]
    return errors


def _good_signing_token(token: str) -> bool:
    try:
        return len(base64.b64decode(token.removeprefix("whsec_"), validate=True)) == 32 and token[:6] == "whsec_"
    except binascii.Error:
        return False
