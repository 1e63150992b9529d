"""The actions of the platform team, the tenants and other people on both worlds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cronjob.sandbox import samples
from cronjob.sandbox.samples import (
    CLUSTER,
    GROUP,
    MAINTAINER,
    NAMESPACE,
    add_objects,
    add_secret,
    reconcile_flux,
    ssh_key,
)
from tests.chaos.expectations import MARK, Platform, Tenant
from tests.worlds.program import Program

INSIDE = f"{GROUP}/{CLUSTER}"
# The bot may write in the first and cannot see the second.
HIDDEN = "hidden"
OUTSIDE = ("elsewhere", HIDDEN)


class Actions:
    """Actions on both worlds; *platform*, the expected state, is kept up to date."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.platform = Platform(program)
        self._serial = 0
        gitlab = program.gitlab
        bot = next(user for user in gitlab.users.values() if user.username == "flux-bot")
        open_to_bot, _ = (gitlab.add_group(place) for place in OUTSIDE)
        gitlab.add_member(open_to_bot, bot, MAINTAINER)

    # the platform team

    def add_tenant(self, name: str) -> None:
        """Add a tenant with its project, Secrets and objects; it may have left before."""
        tenant = self.platform.tenants.get(name)
        if tenant is None:
            project = self.program.gitlab.add_project(f"{INSIDE}/{name}")
            tenant = self.platform.tenants[name] = Tenant(name, project)
            self._give_secrets(tenant)
        if not self.program.kubernetes.get("GitRepository", NAMESPACE, name):
            add_objects(self.program.sandbox, name)
            tenant.is_there = True
            reconcile_flux(self.program.sandbox)

    def remove_tenant(self, tenant: Tenant) -> None:
        if tenant.is_there:
            samples.remove_tenant(self.program.sandbox, tenant.name)
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
            # The generation is new: the Receiver is not ready until Flux has reconciled it.
            reconcile_flux(self.program.sandbox)

    # people in GitLab

    def move(self, tenant: Tenant, place: str) -> None:
        """Move the project within the group, out of it, or back; the GitRepository keeps the first path."""
        self.program.gitlab.move_project(tenant.project, f"{place}/{tenant.name}-{self._next()}")
        tenant.is_inside, tenant.is_hidden = place == INSIDE, place == HIDDEN

    def add_foreign(self, tenant: Tenant) -> None:
        number = self._next()
        gitlab = self.program.gitlab
        gitlab.add_deploy_key(tenant.project, ssh_key()["identity.pub"], title=f"laptop {number}")
        gitlab.add_hook(tenant.project, f"https://ci.example.org/{number}", token=f"a-strangers-token-{number}")

    def tamper_with_key(self, tenant: Tenant, *, detach: bool) -> None:
        """Remove one of our keys, or change its title so that it is no longer ours."""
        gitlab = self.program.gitlab
        for key, _ in gitlab.keys_of(tenant.project):
            if key.title.startswith(MARK):
                if detach:
                    gitlab.detach_key(tenant.project, key)
                else:
                    key.title = "mine now"
                return

    def tamper_with_webhook(self, tenant: Tenant, change: str) -> None:
        """Change one of our webhooks in the manner of *change*, one of TAMPERING."""
        for hook in self.program.gitlab.hooks_of(tenant.project):
            if (hook.description or "").startswith(MARK):
                _tamper(self.program, hook, change)
                return

    def switch_off(self, tenant: Tenant, *, for_good: bool) -> None:
        """Let GitLab disable all webhooks of the tenant's project."""
        gitlab = self.program.gitlab
        for hook in gitlab.hooks_of(tenant.project):
            gitlab.disable_hook(hook, until=None if for_good else gitlab.now() + timedelta(days=1))

    def _next(self) -> int:
        self._serial += 1
        return self._serial


TAMPERING = ("delete", "unmark", "flags", "tls", "token", "filter", "double")


def _tamper(program: Program, hook: Any, change: str) -> None:
    project = program.gitlab.projects[hook.project_id]
    match change:
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
            raise AssertionError(change)
