"""What is sent to GitLab for a webhook, and whether its answer is what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cronjob.gitlab.items import webhook_from
from reconcile.desired.desired import WantedWebhook
from reconcile.errors import WriteFailed
from reconcile.events import FLAGS
from reconcile.marks import LONGEST
from reconcile.rules import Rules


def webhook_body(wanted: WantedWebhook, *, tls: bool) -> dict[str, Any]:
    """Everything at once: a URL sent without its token erases the token (web_hooks/hook.rb)."""
    return {
        "url": wanted.url,
        "token": wanted.token,
        "name": f"Flux {wanted.mark.namespace}/{wanted.mark.name}"[:LONGEST],
        "description": str(wanted.mark),
        "enable_ssl_verification": tls,
        "push_events_branch_filter": "",
        # Flags that are not sent keep their value, and push_events defaults to true.
        **{flag: flag in wanted.flags for flag in FLAGS},
    }


def checked_webhook(wanted: WantedWebhook, answer: Mapping[str, Any], rules: Rules) -> int:
    """
    The webhook's id, where GitLab's answer is what was asked: it drops what it does not know without a word.

    Raises WriteFailed where it is not, MalformedAnswer where the answer is no webhook.
    """
    found = webhook_from(answer, rules)
    differs = {flag: value != (flag in wanted.flags) for flag, value in found.flags.items()} | {
        "url": found.url != wanted.url,
        "token": found.token_present is False,
        "description": found.has_description and found.description != str(wanted.mark),
        "enable_ssl_verification": found.tls != rules.tls_verification,
        "push_events_branch_filter": found.branch_filter != "",
    }
    wrong = sorted(name for name, is_wrong in differs.items() if is_wrong)
    if wrong:
        raise WriteFailed(f"GitLab accepted the webhook and has something else for {', '.join(wrong)}")
    return found.id
