"""
The expected state of GitLab, computed from both worlds by other rules than the program's.

A key or webhook is *ours* by its mark and *wanted* by the objects that exist; everything else must not change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from cronjob.sandbox.fake_gitlab.monitor import Monitor, Wanted
from cronjob.sandbox.fake_gitlab.records import Project
from cronjob.sandbox.samples import CLUSTER, NAMESPACE, RECEIVER_URL
from tests.worlds.program import Program

MARK = f"flux-gitlab-syncer {CLUSTER} {NAMESPACE}/"
# Error texts for writes whose outcome the program does not know.
UNKNOWN = (
    "GitLab may still be working on it",
    "looking whether it was done failed",
)

Items = tuple[dict[str, dict[str, Any]], dict[int, dict[str, Any]]]


@dataclass
class Tenant:
    """One tenant as the platform team sees it. *key* is the public key of its Secret, as text."""

    name: str
    project: Project
    key: str = ""
    token: str = ""
    is_there: bool = True
    has_secret: bool = True
    is_suspended: bool = False
    is_inside: bool = True
    is_hidden: bool = False


@dataclass
class Platform:
    """Both worlds and the tenants in them."""

    program: Program
    tenants: dict[str, Tenant] = field(default_factory=dict)

    def wanted_key(self, tenant: Tenant) -> str | None:
        return tenant.key if tenant.is_there and tenant.is_inside and tenant.has_secret else None

    def flux_path(self, tenant: Tenant) -> str:
        """The webhook path that Flux serves for the tenant now, or an empty text."""
        receiver = self.program.kubernetes.get("Receiver", NAMESPACE, tenant.name)
        return str(((receiver or {}).get("status") or {}).get("webhookPath") or "")

    def wanted_url(self, tenant: Tenant) -> str | None:
        """The URL of the wanted webhook: the path that Flux serves, if it fits the current token."""
        if not (tenant.is_there and tenant.is_inside) or self.holds_webhooks(tenant):
            return None
        return RECEIVER_URL + self.flux_path(tenant)

    def holds_webhooks(self, tenant: Tenant) -> bool:
        """Whether the tenant's webhooks are on hold: none may be created or removed now."""
        digest = hashlib.sha256(f"{tenant.token}{tenant.name}{NAMESPACE}".encode()).hexdigest()
        path = self.flux_path(tenant)
        return tenant.is_there and (tenant.is_suspended or not tenant.has_secret or path != f"/hook/{digest}")

    def monitor(self) -> Monitor:
        """A monitor for the next run, with the wanted and the foreign items as they are now."""
        gitlab = self.program.gitlab
        keys: dict[int, set[str]] = {}
        urls: dict[int, set[str]] = {}
        tokens = {}
        for tenant in self.tenants.values():
            if key := self.wanted_key(tenant):
                keys.setdefault(tenant.project.id, set()).add(key)
            if url := self.wanted_url(tenant):
                urls.setdefault(tenant.project.id, set()).add(url)
                tokens[url] = tenant.token
            elif tenant.is_there and tenant.is_inside and (path := self.flux_path(tenant)):
                # On hold: a webhook at this URL stays, whatever its token.
                urls.setdefault(tenant.project.id, set()).add(RECEIVER_URL + path)
        wanted = {url for project_urls in urls.values() for url in project_urls}
        gitlab.after_write.clear()
        projects = list(gitlab.projects.values())
        return Monitor(
            gitlab,
            Wanted(keys, urls, tokens),
            foreign_hooks=[
                hook
                for project in projects
                for hook in gitlab.hooks_of(project)
                if not (hook.description or "").startswith(MARK) and hook.url not in wanted
            ],
            foreign_keys=[
                (project, key)
                for project in projects
                for key, _ in gitlab.keys_of(project)
                if not key.title.startswith(MARK)
            ],
        )

    def switched_off(self) -> set[int]:
        """The ids of the webhooks that a test push may heal: wanted, ours, correct, and disabled by GitLab."""
        found = set()
        for tenant in self.tenants.values():
            url = self.wanted_url(tenant)
            _, hooks = self.items(tenant.project)
            found |= {
                id_
                for id_, hook in hooks.items()
                if hook["url"] == url and self._is_right(hook, tenant) and hook["alert_status"] != "executable"
            }
        return found

    def wrongly_restored(self, before: dict[int, Items], report: Mapping[str, Any]) -> Iterator[str]:
        """The differences that an `undo` of *report* must not make: it may only restore what that run removed."""
        for id_, (keys, hooks) in self.everything().items():
            old_keys, old_hooks = before[id_]
            yield from (f"the key {material} is gone or changed" for material in _changed(old_keys, keys))
            yield from (f"the webhook {hook_id} is gone or changed" for hook_id in _changed(old_hooks, hooks))
            removed = [change for change in _removed_in(report) if change["project_id"] == id_]
            restorable = [
                (change["key"]["public_key"], change["key"]["title"]) for change in removed if "key" in change
            ]
            urls = [change["webhook"]["url"].rstrip("…") for change in removed if "webhook" in change]
            for material in keys.keys() - old_keys.keys():
                title = keys[material]["title"]
                if (material, title) not in restorable or not title.startswith(MARK):
                    yield f"the key {title} was not in the report"
            for hook in (hooks[new] for new in hooks.keys() - old_hooks.keys()):
                name = (hook["description"] or "").removeprefix(MARK)
                digest = hashlib.sha256(f"{hook['token']}{name}{NAMESPACE}".encode()).hexdigest()
                if not hook["url"].startswith(tuple(urls)) or hook["url"] != f"{RECEIVER_URL}/hook/{digest}":
                    yield f"the webhook at {hook['url']} comes from nowhere"

    def silently_missing(self, done: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[str]:
        """The items that an `undo` of *report* did not restore and that *done*, its own report, does not mention."""
        if done["result"] == "failed":
            return
        mentioned = [problem["project"] for problem in done["problems"] if problem["code"] == "CannotPutBack"]
        mentioned += [change["project"] for change in done["changes"] if change["status"] != "applied"]
        paths = {project.id: project.path_with_namespace for project in self.program.gitlab.projects.values()}
        now = self.everything()
        for change in _removed_in(report):
            names = {change["project"], paths[change["project_id"]]}
            if not _is_back(change, now[change["project_id"]]) and not names & {*mentioned}:
                yield f"{change['kind']} on {change['project']}"

    def differences(self, before: dict[int, Items], kept: Iterable[dict[str, Any]] = ()) -> Iterator[str]:
        """The differences from the expected state after an undisturbed run whose report has the *kept* items."""
        held = {item["webhook"]["id"] for item in kept if "webhook" in item} if self.is_one_lost else set()
        for tenant in self.tenants.values():
            yield from (f"{tenant.name}: {text}" for text in self._on_project(tenant, before[tenant.project.id], held))

    @property
    def is_one_lost(self) -> bool:
        """Whether the webhook of some Receiver cannot be known: then all of ours are kept."""
        return any(
            tenant.is_there and tenant.is_hidden and not self.flux_path(tenant) for tenant in self.tenants.values()
        )

    def _on_project(self, tenant: Tenant, before: Items, held: Set[int]) -> Iterator[str]:
        keys, hooks = self.items(tenant.project)
        if not tenant.is_inside:
            if (keys, hooks) != before:
                yield "a project outside the group was written to"
            return
        wanted = self.wanted_key(tenant)
        if wanted and wanted not in keys:
            yield "its deploy key is missing"
        if not (tenant.is_there and not tenant.has_secret):
            yield from (
                f"the deploy key {key['title']} should be gone"
                for material, key in keys.items()
                if key["title"].startswith(MARK) and material != wanted
            )
        url = self.wanted_url(tenant)
        if url and [hook["url"] for hook in hooks.values()].count(url) != 1:
            yield f"there is not one webhook at {url}"
        if url:
            yield from (
                f"the webhook {id_} is not as it should be: {hook}"
                for id_, hook in hooks.items()
                if hook["url"] == url and not self._is_right(hook, tenant)
            )
        if not self.holds_webhooks(tenant):
            yield from (
                f"the webhook {id_} should be gone"
                for id_, hook in hooks.items()
                if (hook["description"] or "").startswith(MARK) and hook["url"] != url and id_ not in held
            )

    def _is_right(self, hook: dict[str, Any], tenant: Tenant) -> bool:
        # From 19.0 on GitLab shows whether there is a token; it never shows which.
        unseen = hook["token"] is None and self.program.gitlab.release < (19, 0)
        on = {name for name, value in hook.items() if name.endswith("_events") and value is True}
        return (
            on == {"push_events", "tag_push_events"}
            and hook["enable_ssl_verification"]
            and not hook["push_events_branch_filter"]
            and (hook["token"] == tenant.token or unseen)
            and hook["description"] == MARK + tenant.name
        )

    def everything(self) -> dict[int, Items]:
        return {project.id: self.items(project) for project in self.program.gitlab.projects.values()}

    def items(self, project: Project) -> Items:
        """The project's deploy keys by material and webhooks by id, as plain values."""
        gitlab = self.program.gitlab
        keys = {
            " ".join(key.key.split()[:2]): {"id": key.id, "title": key.title, "can_push": can_push}
            for key, can_push in gitlab.keys_of(project)
        }
        passing = {"deliveries", "updated_at"}
        hooks = {
            hook.id: {name: value for name, value in vars(hook).items() if name not in passing}
            for hook in gitlab.hooks_of(project)
        }
        return keys, hooks

    def false_statements(self, changes: Iterable[dict[str, Any]], before: dict[int, Items]) -> Iterator[str]:
        """The statements of a report's *changes* that are not true in GitLab."""
        now = self.everything()
        for change in changes:
            if change["error"] and any(text in change["error"] for text in UNKNOWN):
                continue
            there = _is_there(change, now[change["project_id"]])
            was_there = _is_there(change, before[change["project_id"]])
            made = change["status"] == "applied"
            should = {"create": made or was_there, "update": True, "delete": not made}[change["action"]]
            if there != should:
                yield f"{change['status']} {change['action']} of {change['kind']} on {change['project']}: {there}"


def _changed(before: Mapping[Any, object], now: Mapping[Any, object]) -> list[Any]:
    return [name for name, value in before.items() if now.get(name) != value]


def _removed_in(report: Mapping[str, Any]) -> list[Any]:
    return [change for change in report["changes"] if (change["action"], change["status"]) == ("delete", "applied")]


def _is_back(removed: Mapping[str, Any], items: Items) -> bool:
    keys, hooks = items
    if "key" in removed:
        return removed["key"]["public_key"] in keys
    return any(hook["url"].startswith(removed["webhook"]["url"].rstrip("…")) for hook in hooks.values())


def _is_there(change: dict[str, Any], items: Items) -> bool:
    keys, hooks = items
    detail = change["key"] if change["kind"] == "deploy_key" else change["webhook"]
    if change["kind"] == "deploy_key":
        return any(key["id"] == detail["id"] for key in keys.values())
    if change["action"] == "create":
        return any(hook["url"].startswith(detail["url"].rstrip("…")) for hook in hooks.values())
    return detail["id"] in hooks
