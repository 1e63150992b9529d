"""What must not be deleted, because something about it could not be resolved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconcile.actual import FoundKey, FoundWebhook
from reconcile.marks import Mark
from reconcile.model import PublicKey
from reconcile.problems import Code

Name = tuple[str, str]


@dataclass(slots=True)
class Holds:
    """
    Filled while desired state is read, then only asked. Every answer is the code of the problem that holds.

    Where several problems hold the same item the first added answers; callers add them in a sorted order.
    """

    key_projects: dict[int, Code] = field(default_factory=dict)
    key_materials: dict[PublicKey, Code] = field(default_factory=dict)
    key_secrets: dict[Name, Code] = field(default_factory=dict)
    webhook_projects: dict[int, Code] = field(default_factory=dict)
    webhook_urls: dict[str, Code] = field(default_factory=dict)
    webhook_receivers: dict[Name, Code] = field(default_factory=dict)
    all_keys: Code | None = None
    all_webhooks: Code | None = None

    def hold_keys(
        self,
        code: Code,
        *,
        projects: Iterable[int] = (),
        material: PublicKey | None = None,
        secrets: Iterable[Name] = (),
    ) -> None:
        """Keep our keys on *projects*, and those of *material* or naming one of *secrets* anywhere."""
        for project in projects:
            self.key_projects.setdefault(project, code)
        if material:
            self.key_materials.setdefault(material, code)
        for secret in secrets:
            self.key_secrets.setdefault(secret, code)

    def hold_webhooks(
        self,
        code: Code,
        *,
        receivers: Iterable[Name],
        urls: Iterable[str] = (),
        projects: Iterable[int] = (),
    ) -> None:
        """Keep webhooks at *urls* or naming *receivers* anywhere, and ours on *projects*."""
        for receiver in receivers:
            self.webhook_receivers.setdefault(receiver, code)
        for project in projects:
            self.webhook_projects.setdefault(project, code)
        for url in urls:
            self.webhook_urls.setdefault(url, code)

    def on_key(self, project: int, found: FoundKey) -> Code | None:
        """Why this key of ours is kept on that project, if it is."""
        code = self.key_projects.get(project) or self.key_materials.get(found.key)
        if code is None and found.mark:
            code = _named(self.key_secrets, found.mark)
        return code or self.all_keys

    def on_webhook(self, project: int, found: FoundWebhook) -> Code | None:
        """Why this webhook of ours is kept on that project, if it is."""
        code = self.webhook_urls.get(found.url) or self.webhook_projects.get(project)
        if code is None and found.mark:
            code = _named(self.webhook_receivers, found.mark)
        return code or self.all_webhooks


def _named(held: dict[Name, Code], mark: Mark) -> Code | None:
    code = held.get((mark.namespace, mark.name))
    if code is None and "~" in mark.name:
        return next((code for name, code in held.items() if mark.names(*name)), None)
    return code
