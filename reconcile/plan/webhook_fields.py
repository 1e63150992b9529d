"""Which fields of a webhook differ from what is wanted."""

from __future__ import annotations

from reconcile.actual import FoundWebhook
from reconcile.desired.desired import WantedWebhook
from reconcile.plan.changes import Field
from reconcile.rules import Rules

# Strategies that let every branch through when the filter is empty.
_ALL_BRANCHES = frozenset({None, "wildcard", "all_branches"})


def differences(wanted: WantedWebhook, found: FoundWebhook, rules: Rules) -> dict[str, Field]:
    """Return the old and the new value of each field that an update must correct, by GitLab's name for it."""
    fields: dict[str, Field] = {
        flag: (value, flag in wanted.flags) for flag, value in found.flags.items() if value != (flag in wanted.flags)
    }
    if found.tls != rules.tls_verification:
        fields["enable_ssl_verification"] = (found.tls, rules.tls_verification)
    if found.branch_filter:
        fields["push_events_branch_filter"] = (found.branch_filter, "")
    if found.strategy not in _ALL_BRANCHES:
        fields["branch_filter_strategy"] = (found.strategy, "wildcard")
    if found.has_description and found.description != str(wanted.mark):
        fields["description"] = (found.description, str(wanted.mark))
    if found.token_present is False:
        fields["token_present"] = (False, True)
    if rules.refresh_tokens:
        fields["token"] = ("(unknown)", "(set again)")
    return fields
