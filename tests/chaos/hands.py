"""What the platform team, the tenants and other people do to both worlds, and what it makes of the platform."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cronjob.sandbox.samples import (
    CLUSTER,
    GROUP,
    MAINTAINER,
    NAMESPACE,
    add_objects,
    add_secret,
    flux_looks,
    remove_tenant,
    ssh_key,
)
from tests.chaos.expectations import MARK, Platform, Tenant
from tests.worlds.program import Program

INSIDE = f"{GROUP}/{CLUSTER}"
# In the first the bot could write too, the second it cannot even see.
HIDDEN = "hidden"
OUTSIDE = ("elsewhere", HIDDEN)


class Hands:
    """They keep *platform* up to date with what they do to its two worlds."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.platform = Platform(program)
        self._serial = 0
        gitlab = program.gitlab
        bot = next(user for user in gitlab.users.values() if user.username == "flux-bot")
        open_to_bot, _ = (gitlab.add_group(place) for place in OUTSIDE)
        gitlab.add_member(open_to_bot, bot, MAINTAINER)

    # the platform team

    def let_in(self, name: str) -> None:
        """A tenant, who may have left before, with everything that belongs to one."""
        tenant = self.platform.tenants.get(name)
        if tenant is None:
            project = self.program.gitlab.add_project(f"{INSIDE}/{name}")
            tenant = self.platform.tenants[name] = Tenant(name, project)
            self._give_secrets(tenant)
        if not self.program.kubernetes.get("GitRepository", NAMESPACE, name):
            add_objects(self.program.sandbox, name)
            tenant.is_there = True
            flux_looks(self.program.sandbox)

    def let_go(self, tenant: Tenant) -> None:
        if tenant.is_there:
            remove_tenant(self.program.sandbox, tenant.name)
            tenant.is_there = tenant.is_suspended = False

    def rotate_key(self, tenant: Tenant) -> None:
        if tenant.has_secret:
            self._new_key(tenant)
        else:
            self._give_secrets(tenant)

    def rotate_token(self, tenant: Tenant) -> None:
        if tenant.has_secret:
            self._new_token(tenant)
        else:
            self._give_secrets(tenant)

    def _give_secrets(self, tenant: Tenant) -> None:
        tenant.has_secret = True
        self._new_key(tenant)
        self._new_token(tenant)

    def _new_key(self, tenant: Tenant) -> None:
        pair = ssh_key()
        add_secret(self.program.sandbox, f"{tenant.name}-ssh", pair)
        tenant.key = " ".join(pair["identity.pub"].split()[:2])

    def _new_token(self, tenant: Tenant) -> None:
        tenant.token = f"a-hushed-token-{self._next():06}"
        add_secret(self.program.sandbox, f"{tenant.name}-webhook", {"token": tenant.token})

    def lose_secrets(self, tenant: Tenant) -> None:
        if tenant.has_secret:
            for kind in ("ssh", "webhook"):
                self.program.kubernetes.delete("Secret", NAMESPACE, f"{tenant.name}-{kind}")
            tenant.has_secret = False

    def suspend_or_resume(self, tenant: Tenant) -> None:
        receiver = self.program.kubernetes.get("Receiver", NAMESPACE, tenant.name)
        if receiver:
            tenant.is_suspended = not tenant.is_suspended
            self.program.kubernetes.apply(receiver | {"spec": receiver["spec"] | {"suspend": tenant.is_suspended}})
            # A new generation: not ready until Flux has seen it.
            flux_looks(self.program.sandbox)

    # people in GitLab

    def move(self, tenant: Tenant, place: str) -> None:
        """Within the group, out of it, or back; the GitRepository still has the first path."""
        self.program.gitlab.move_project(tenant.project, f"{place}/{tenant.name}-{self._next()}")
        tenant.is_inside, tenant.is_hidden = place == INSIDE, place == HIDDEN

    def add_foreign(self, tenant: Tenant) -> None:
        number = self._next()
        gitlab = self.program.gitlab
        gitlab.add_deploy_key(tenant.project, ssh_key()["identity.pub"], title=f"laptop {number}")
        gitlab.add_hook(tenant.project, f"https://ci.example.org/{number}", token=f"a-strangers-token-{number}")

    def tamper_with_key(self, tenant: Tenant, *, detach: bool) -> None:
        """Take one of ours off, or make it one's own."""
        gitlab = self.program.gitlab
        for key, _ in gitlab.keys_of(tenant.project):
            if key.title.startswith(MARK):
                if detach:
                    gitlab.detach_key(tenant.project, key)
                else:
                    key.title = "mine now"
                return

    def tamper_with_webhook(self, tenant: Tenant, what: str) -> None:
        """Do *what*, one of TAMPERING, to one of ours."""
        for hook in self.program.gitlab.hooks_of(tenant.project):
            if (hook.description or "").startswith(MARK):
                _tamper(self.program, hook, what)
                return

    def switch_off(self, tenant: Tenant, *, for_good: bool) -> None:
        """GitLab gives up all webhooks of the tenant, whosever they are."""
        gitlab = self.program.gitlab
        for hook in gitlab.hooks_of(tenant.project):
            gitlab.disable_hook(hook, until=None if for_good else gitlab.now() + timedelta(days=1))

    def _next(self) -> int:
        self._serial += 1
        return self._serial


TAMPERING = ("delete", "unmark", "flags", "tls", "token", "filter", "double")


def _tamper(program: Program, hook: Any, what: str) -> None:
    project = program.gitlab.projects[hook.project_id]
    match what:
        case "delete":
            program.gitlab.remove_hook(project, hook)
        case "unmark":
            hook.description = None
        case "flags":
            hook.push_events, hook.issues_events = False, True
        case "tls":
            hook.enable_ssl_verification = False
        case "token":
            hook.token = None
        case "filter":
            hook.push_events_branch_filter = "main"
        case "double":
            program.gitlab.add_hook(project, hook.url, token="a-wrong-one-from-a-person")
        case _:
            raise AssertionError(what)
