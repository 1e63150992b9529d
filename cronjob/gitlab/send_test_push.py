"""Bringing back webhooks that GitLab has switched off, since a PUT does not (app/models/concerns/web_hooks)."""

from __future__ import annotations

from cronjob.gitlab import routes
from cronjob.gitlab.errors import Refused
from cronjob.gitlab.items import webhook_from
from cronjob.gitlab.session import Session
from cronjob.gitlab.verified_write import write_and_verify
from cronjob.transport.rate_limit import Allowance
from reconcile.actual import EXECUTABLE
from reconcile.errors import WriteFailed
from reconcile.plan.changes import Update
from reconcile.rules import Rules

# GitLab allows so many a minute, user and project (since 17.1; in 17.0 three for each webhook).
PER_MINUTE = 5


class WebhookReenabler:
    """Sends GitLab's test push, which revives a webhook whose receiver answers 2xx; safe to share between threads."""

    def __init__(self, session: Session, rules: Rules) -> None:
        self._session = session
        self._rules = rules
        self._allowance = Allowance(PER_MINUTE, session.stop_control)

    def heal(self, change: Update) -> None:
        """Bring one back and be sure of it. Raises WriteFailed, Refused, NoAnswer or MalformedAnswer."""
        path = routes.item(routes.hooks(routes.project(change.project.id)), change.id)
        try:
            write_and_verify(self._session, lambda: self._push(change, path), lambda: self._is_back(path) or None)
        except Refused as error:
            older = "; GitLab has test pushes since 16.11" if error.status == 404 else ""
            raise WriteFailed(f"the test push did not work: {error}{older}", cause=error.cause) from error
        if not self._is_back(path):
            raise WriteFailed("GitLab sent a test push, and the webhook is switched off all the same")

    def _push(self, change: Update, path: str) -> object:
        """One test push, as soon as this project may have one."""
        self._session.traffic.wait(self._allowance.wait(change.project.id))
        if why := self._session.stop_control.reason():
            raise WriteFailed(f"the test push was not sent: {why}")
        return self._session.write("POST", routes.test_push(path))

    def _is_back(self, path: str) -> bool:
        answer, _ = self._session.get(path)
        return webhook_from(answer, self._rules).alert_status == EXECUTABLE
