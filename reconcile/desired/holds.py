"""What must not be deleted, because something about it could not be resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from reconcile.actual import FoundKey, FoundWebhook
from reconcile.marks import CutNames, Mark
from reconcile.model import Project, PublicKey
from reconcile.problems import Code
from reconcile.tenancy import Tenancy

Name = tuple[str, str]


class Holder(NamedTuple):
    """The *code* of the problem that holds, and the *namespace* of the object that has it."""

    code: Code
    namespace: str = ""


# The codes by the namespace of the object that has the problem, the first one of each.
_Holders = dict[str, Code]


@dataclass(slots=True)
class _HeldNames:
    """Names of objects, to be found by marks, also where GitLab's limit cut the name in the mark."""

    _holders: dict[Name, _Holders] = field(default_factory=dict)
    _cut: CutNames | None = field(default=None, compare=False, repr=False)

    def add(self, name: Name, holder: Holder) -> None:
        self._holders.setdefault(name, {}).setdefault(holder.namespace, holder.code)
        self._cut = None

    def of(self, mark: Mark) -> Mapping[str, Code]:
        """Return the holders of the object that the mark stands for."""
        name: Name | None = (mark.namespace, mark.name)
        if "~" in mark.name:
            self._cut = self._cut or CutNames(self._holders)
            name = self._cut.whole(mark)
        return self._holders.get(name, {}) if name else {}


@dataclass(slots=True)
class Holds:
    """
    Filled while desired state is read, then only asked. Every answer is the code of the problem that holds.

    A hold reaches the projects that *tenancy* lets the namespace of its object name; what is marked with that very
    namespace it reaches anywhere. Where several problems hold the same item the first added answers; callers add them
    in a sorted order.
    """

    tenancy: Tenancy = field(default_factory=Tenancy)
    key_projects: dict[int, _Holders] = field(default_factory=dict)
    key_materials: dict[PublicKey, _Holders] = field(default_factory=dict)
    key_secrets: _HeldNames = field(default_factory=_HeldNames)
    webhook_projects: dict[int, _Holders] = field(default_factory=dict)
    webhook_urls: dict[str, _Holders] = field(default_factory=dict)
    webhook_receivers: _HeldNames = field(default_factory=_HeldNames)
    all_keys: _Holders = field(default_factory=dict)
    all_webhooks: _Holders = field(default_factory=dict)
    _allowed: dict[tuple[str, str], bool] = field(default_factory=dict)

    def hold_keys(
        self,
        holder: Holder,
        *,
        projects: Iterable[int] = (),
        material: PublicKey | None = None,
        secrets: Iterable[Name] = (),
    ) -> None:
        """Keep our keys on *projects*, and those of *material* or naming one of *secrets* anywhere."""
        for project in projects:
            self.key_projects.setdefault(project, {}).setdefault(holder.namespace, holder.code)
        if material:
            self.key_materials.setdefault(material, {}).setdefault(holder.namespace, holder.code)
        for secret in secrets:
            self.key_secrets.add(secret, holder)

    def hold_webhooks(
        self,
        holder: Holder,
        *,
        receivers: Iterable[Name],
        urls: Iterable[str] = (),
        projects: Iterable[int] = (),
    ) -> None:
        """Keep webhooks at *urls* or naming *receivers* anywhere, and ours on *projects*."""
        for receiver in receivers:
            self.webhook_receivers.add(receiver, holder)
        for project in projects:
            self.webhook_projects.setdefault(project, {}).setdefault(holder.namespace, holder.code)
        for url in urls:
            self.webhook_urls.setdefault(url, {}).setdefault(holder.namespace, holder.code)

    def hold_all_keys(self, holder: Holder) -> None:
        """Keep all our keys: neither where the object's key should be is known, nor which key it is."""
        self.all_keys.setdefault(holder.namespace, holder.code)

    def hold_all_webhooks(self, holder: Holder) -> None:
        """Keep all our webhooks: neither the object's URL nor its project is known."""
        self.all_webhooks.setdefault(holder.namespace, holder.code)

    def on_key(self, project: Project, found: FoundKey) -> Code | None:
        """Why this key of ours is kept on that project, if it is."""
        return (
            self._first(self.key_projects.get(project.id), project)
            or self._first(self.key_materials.get(found.key), project)
            or self._marked(self.key_secrets, found.mark, project)
            or self._first(self.all_keys, project)
        )

    def on_webhook(self, project: Project, found: FoundWebhook) -> Code | None:
        """Why this webhook of ours is kept on that project, if it is."""
        return (
            self._first(self.webhook_urls.get(found.url), project)
            or self._first(self.webhook_projects.get(project.id), project)
            or self._marked(self.webhook_receivers, found.mark, project)
            or self._first(self.all_webhooks, project)
        )

    def _marked(self, names: _HeldNames, mark: Mark | None, project: Project) -> Code | None:
        if mark is None:
            return None
        holders = names.of(mark)
        return holders.get(mark.namespace) or self._first(holders, project)

    def _first(self, holders: Mapping[str, Code] | None, project: Project) -> Code | None:
        """Return the first code of a holder whose namespace may name the project."""
        for namespace, code in (holders or {}).items():
            if self._allows(namespace, project.path):
                return code
        return None

    def _allows(self, namespace: str, path: str) -> bool:
        if not self.tenancy.rules:
            return True
        key = (namespace, path)
        if key not in self._allowed:
            self._allowed[key] = self.tenancy.allows(namespace, path)
        return self._allowed[key]
