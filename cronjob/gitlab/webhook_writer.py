"""Writing webhooks: GitLab makes a second one for a second POST (lib/api/project_hooks.rb has no uniqueness)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cronjob.gitlab import routes
from cronjob.gitlab.errors import GatewayTimeout, NoAnswer, Refused
from cronjob.gitlab.items import webhook_from
from cronjob.gitlab.listing import pages
from cronjob.gitlab.session import Session
from cronjob.gitlab.verified_write import remove_unchanged, write_and_verify
from cronjob.gitlab.webhook_body import checked_webhook, webhook_body
from reconcile.actual import Actual, FoundWebhook, Items
from reconcile.desired.desired import WantedWebhook
from reconcile.errors import WriteFailed
from reconcile.model import Project
from reconcile.plan.changes import Update, Written
from reconcile.rules import Rules


class WebhookWriter:
    """
    Creates and updates webhooks, safely from several threads.

    *created* holds the project and the id of every webhook that this run created.
    """

    def __init__(self, session: Session, rules: Rules) -> None:
        self.created: set[tuple[int, int]] = set()
        self._session = session
        self._rules = rules
        self._read: Mapping[int, Items] = {}

    def learn(self, actual: Actual) -> None:
        """Remember which webhooks were read: an id that is not among them is new."""
        self._read = {items.project.id: items for items in actual.projects}

    def create(self, wanted: WantedWebhook) -> Written:
        """Create the webhook; one that GitLab made otherwise than asked is removed again, where it surely is new."""
        path = _hooks(wanted.project)
        body = webhook_body(wanted, tls=self._rules.tls_verification)
        posted: list[Any] = []

        def post() -> Any:
            posted.append(self._session.write("POST", path, body, retry_on_limit=False))
            return posted[-1]

        try:
            answer = write_and_verify(self._session, post, lambda: self._listed(path, wanted), idempotent=False)
        except GatewayTimeout as error:
            # A second POST beside one that GitLab may still be working on would make a second webhook.
            raise WriteFailed(
                f"{error}; GitLab may still be working on it, so it is not sent again; the next run looks again",
                cause=error.cause,
            ) from error
        found = webhook_from(answer, self._rules)
        self.created.add((wanted.project.id, found.id))
        try:
            return Written(checked_webhook(wanted, answer, self._rules))
        except WriteFailed as error:
            if posted and self._is_new(wanted.project, found):
                raise WriteFailed(f"{error}; {self._removed(wanted.project, found)}") from error
            raise

    def update(self, change: Update, wanted: WantedWebhook) -> None:
        """Write everything that the webhook should have, the URL and the token always together."""
        path = routes.item(_hooks(change.project), change.id)
        body = webhook_body(wanted, tls=self._rules.tls_verification)
        if "branch_filter_strategy" in change.fields:
            body["branch_filter_strategy"] = "wildcard"

        def nothing_known() -> None:
            # The token cannot be read back, so a PUT is repeated; the GET proves that there is still what to change.
            self._session.get(path)

        answer = write_and_verify(self._session, lambda: self._session.write("PUT", path, body), nothing_known)
        checked_webhook(wanted, answer, self._rules)

    def _is_new(self, project: Project, found: FoundWebhook) -> bool:
        """Whether the webhook of an answer to our own POST was not there before, so that the POST made it."""
        read = self._read.get(project.id)
        return read is not None and found.id not in {webhook.id for webhook in read.webhooks}

    def _removed(self, project: Project, found: FoundWebhook) -> str:
        """Remove the webhook that this run has just created by mistake; how that went, as a clause."""
        try:
            remove_unchanged(
                self._session, routes.item(_hooks(project), found.id), lambda now: self._differs(found, now)
            )
        except (Refused, NoAnswer, WriteFailed) as error:
            return f"webhook {found.id} should be removed, which failed ({error})"
        return f"webhook {found.id}, which was just created, was removed again"

    def _differs(self, found: FoundWebhook, now: object) -> str:
        """What has changed about a webhook since GitLab's answer to its creation, as a clause; empty for nothing."""
        shown = webhook_from(now, self._rules)
        same = (shown.url, shown.description) == (found.url, found.description) and not shown.owner.is_anothers
        return "" if same else "it is not the one that was created"

    def _listed(self, path: str, wanted: WantedWebhook) -> Mapping[str, Any] | None:
        """The webhook at the wanted URL, if the project's list shows one now; there was none before."""
        at_url = [element for element in pages(self._session, path, {}) if element.get("url") == wanted.url]
        ours = (element for element in at_url if not webhook_from(element, self._rules).owner.is_anothers)
        found = next(ours, None)
        if found is None and at_url:
            mark = webhook_from(at_url[0], self._rules).description
            raise WriteFailed(f"by now a webhook at that URL is marked `{mark}`, which is not this instance's")
        return found


def _hooks(project: Project) -> str:
    return routes.hooks(routes.project(project.id))
