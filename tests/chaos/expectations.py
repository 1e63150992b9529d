"""
What a platform's GitLab must look like, worked out from both worlds alone and by other rules than the program's own.

A key or webhook is *ours* by its mark, *wanted* by the objects that are there; everything else must not change at all.
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
# Said of a write whose outcome the program does not claim to know.
UNKNOWN = (
    "GitLab may still be working on it",
    "looking whether it was done failed",
    "should be taken off, which failed",
)

Items = tuple[dict[str, dict[str, Any]], dict[int, dict[str, Any]]]


@dataclass
class Tenant:
    """One tenant as the platform team sees it. *key* is the public half of its Secret's, as text."""

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
    """Both worlds, and what was done to them."""

    program: Program
    tenants: dict[str, Tenant] = field(default_factory=dict)

    def wanted_key(self, tenant: Tenant) -> str | None:
        return tenant.key if tenant.is_there and tenant.is_inside and tenant.has_secret else None

    def flux_path(self, tenant: Tenant) -> str:
        """The webhook path that Flux serves for the tenant now, or nothing."""
        receiver = self.program.kubernetes.get("Receiver", NAMESPACE, tenant.name)
        return str(((receiver or {}).get("status") or {}).get("webhookPath") or "")

    def wanted_url(self, tenant: Tenant) -> str | None:
        """The URL that must be there: the path that Flux serves, if it belongs to the token that is there now."""
        if not (tenant.is_there and tenant.is_inside) or self.holds_webhooks(tenant):
            return None
        return RECEIVER_URL + self.flux_path(tenant)

    def holds_webhooks(self, tenant: Tenant) -> bool:
        """Whether a webhook of the tenant's can neither be made nor be given up now."""
        digest = hashlib.sha256(f"{tenant.token}{tenant.name}{NAMESPACE}".encode()).hexdigest()
        path = self.flux_path(tenant)
        return tenant.is_there and (tenant.is_suspended or not tenant.has_secret or path != f"/hook/{digest}")

    def monitor(self) -> Monitor:
        """One that knows what must not go, and what nobody may touch, while the next run goes on."""
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
                # Held: what is there at this URL stays, whatever its token.
                urls.setdefault(tenant.project.id, set()).add(RECEIVER_URL + path)
        wanted = {url for some in urls.values() for url in some}
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
        """The webhooks that a test push may heal: they are wanted, ours and right, and GitLab has switched them off."""
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
        """What an `undo` of *report* did that it should not: all it may do is to put back what that run removed."""
        for id_, (keys, hooks) in self.everything().items():
            old_keys, old_hooks = before[id_]
            yield from (f"the key {one} is gone or not what it was" for one in _changed(old_keys, keys))
            yield from (f"the webhook {one} is gone or not what it was" for one in _changed(old_hooks, hooks))
            removed = [one for one in _removed_in(report) if one["project_id"] == id_]
            restorable = [(one["key"]["public_key"], one["key"]["title"]) for one in removed if "key" in one]
            urls = [one["webhook"]["url"].rstrip("…") for one in removed if "webhook" in one]
            for material in keys.keys() - old_keys.keys():
                title = keys[material]["title"]
                if (material, title) not in restorable or not title.startswith(MARK):
                    yield f"the key {title} comes from nowhere"
            for hook in (hooks[new] for new in hooks.keys() - old_hooks.keys()):
                name = (hook["description"] or "").removeprefix(MARK)
                digest = hashlib.sha256(f"{hook['token']}{name}{NAMESPACE}".encode()).hexdigest()
                if not hook["url"].startswith(tuple(urls)) or hook["url"] != f"{RECEIVER_URL}/hook/{digest}":
                    yield f"the webhook at {hook['url']} comes from nowhere"

    def silently_missing(self, done: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[str]:
        """What is not there after an `undo` of *report*, and *done*, its own report, does not account for."""
        if done["result"] == "failed":
            return
        told = [one["project"] for one in done["problems"] if one["code"] == "CannotPutBack"]
        told += [change["project"] for change in done["changes"] if change["status"] != "applied"]
        paths = {project.id: project.path_with_namespace for project in self.program.gitlab.projects.values()}
        now = self.everything()
        for one in _removed_in(report):
            if not _is_back(one, now[one["project_id"]]) and not {one["project"], paths[one["project_id"]]} & {*told}:
                yield f"{one['kind']} on {one['project']}"

    def differences(self, before: dict[int, Items], kept: Iterable[dict[str, Any]] = ()) -> Iterator[str]:
        """In which ways GitLab is not as it should be after a run that nothing disturbed, and that *kept* these."""
        held = {one["webhook"]["id"] for one in kept if "webhook" in one} if self.is_one_lost else set()
        for tenant in self.tenants.values():
            yield from (f"{tenant.name}: {text}" for text in self._on_project(tenant, before[tenant.project.id], held))

    @property
    def is_one_lost(self) -> bool:
        """Whether nobody can tell which webhook some Receiver has: each of ours may be it, and stays."""
        return any(one.is_there and one.is_hidden and not self.flux_path(one) for one in self.tenants.values())

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
                f"the deploy key {one['title']} should be gone"
                for material, one in keys.items()
                if one["title"].startswith(MARK) and material != wanted
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
        # A token that somebody took away is seen from GitLab 19.0 on; which one there is, never.
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
        """A project's deploy keys by material and webhooks by id, as plain values."""
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

    def untruths(self, changes: Iterable[dict[str, Any]], before: dict[int, Items]) -> Iterator[str]:
        """What a report says of its changes and GitLab does not bear out."""
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
    return [one for one in report["changes"] if (one["action"], one["status"]) == ("delete", "applied")]


def _is_back(removed: Mapping[str, Any], items: Items) -> bool:
    keys, hooks = items
    if "key" in removed:
        return removed["key"]["public_key"] in keys
    return any(hook["url"].startswith(removed["webhook"]["url"].rstrip("…")) for hook in hooks.values())


def _is_there(change: dict[str, Any], items: Items) -> bool:
    keys, hooks = items
    detail = change["key"] if change["kind"] == "deploy_key" else change["webhook"]
    if change["kind"] == "deploy_key":
        return any(one["id"] == detail["id"] for one in keys.values())
    if change["action"] == "create":
        return any(hook["url"].startswith(detail["url"].rstrip("…")) for hook in hooks.values())
    return detail["id"] in hooks
