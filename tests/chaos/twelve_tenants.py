"""
A platform of twelve tenants with one of each kind of change, and the list of the requests of a run over it.

Two are new, two have a new key, two a new token, two a changed webhook, two have left, two are unchanged.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cronjob.sandbox.samples import (
    CLUSTER,
    NAMESPACE,
    RECEIVER_URL,
    add_secret,
    add_tenant,
    reconcile_flux,
    remove_tenant,
    ssh_key,
    token_of,
)
from tests.chaos.expectations import MARK, Platform, Tenant
from tests.worlds.hurry import in_a_hurry
from tests.worlds.program import Program, a_program

OPTIONS = ("--max-prune", "100%", "--concurrency", "4")


@dataclass(frozen=True)
class Request:
    """The *nth* (from 0) request of this method, path and query to one of the servers."""

    server: str
    method: str
    path: str
    nth: int


def a_platform(program: Program) -> Platform:
    """Make twelve tenants: ten that were in sync, changed since as HAPPENED says, and two new ones."""
    platform = Platform(program)
    for number in range(12):
        name = f"t{number:02}"
        add_tenant(program.sandbox, name)
        platform.tenants[name] = Tenant(name, program.project(f"{CLUSTER}/{name}"), _key(program, name), token_of(name))
    reconcile_flux(program.sandbox)
    for tenant in list(platform.tenants.values())[:10]:
        _settle(platform, tenant)
    for name, happened in HAPPENED.items():
        happened(program, platform.tenants[name])
    reconcile_flux(program.sandbox)
    project = program.project(f"{CLUSTER}/t00")
    program.gitlab.add_hook(project, "https://ci.example.org/hook", token="a-strangers-token")
    program.gitlab.add_deploy_key(project, ssh_key()["identity.pub"], title="a laptop")
    return platform


def _key(program: Program, name: str) -> str:
    secret = program.kubernetes.get("Secret", NAMESPACE, f"{name}-ssh")
    assert secret is not None
    return " ".join(base64.b64decode(secret["data"]["identity.pub"]).decode().split()[:2])


def _settle(platform: Platform, tenant: Tenant) -> None:
    """Put the items of an earlier run on the tenant's project."""
    gitlab = platform.program.gitlab
    gitlab.add_deploy_key(tenant.project, tenant.key, title=f"{MARK}{tenant.name}-ssh")
    gitlab.add_hook(
        tenant.project,
        RECEIVER_URL + platform.flux_path(tenant),
        token=tenant.token,
        name=f"Flux {NAMESPACE}/{tenant.name}",
        description=MARK + tenant.name,
        push_events=True,
        tag_push_events=True,
    )


def _rotate_key(program: Program, tenant: Tenant) -> None:
    add_secret(program.sandbox, f"{tenant.name}-ssh", ssh_key())
    tenant.key = _key(program, tenant.name)


def _rotate_token(program: Program, tenant: Tenant) -> None:
    tenant.token = f"a-hushed-token-of-{tenant.name}"
    add_secret(program.sandbox, f"{tenant.name}-webhook", {"token": tenant.token})


def _spoil(program: Program, tenant: Tenant) -> None:
    [hook] = program.gitlab.hooks_of(tenant.project)
    hook.push_events = False


def _unmark(program: Program, tenant: Tenant) -> None:
    [hook] = program.gitlab.hooks_of(tenant.project)
    hook.description = None


def _leave(program: Program, tenant: Tenant) -> None:
    remove_tenant(program.sandbox, tenant.name)
    tenant.is_there = False


HAPPENED: dict[str, Callable[[Program, Tenant], None]] = {
    "t00": _rotate_key,
    "t01": _rotate_key,
    "t02": _rotate_token,
    "t03": _rotate_token,
    "t04": _spoil,
    "t05": _unmark,
    "t06": _leave,
    "t07": _leave,
}


def requests_of(*command: str) -> list[Request]:
    """Every request that the program makes with these arguments on such a platform, in no order."""
    with a_program(0, samples=False) as program, in_a_hurry():
        a_platform(program)
        assert program(*command).code == 0
        seen: Counter[tuple[str, str, str]] = Counter()
        found = []
        for server, log in (("gitlab", program.gitlab.requests), ("kubernetes", program.kubernetes.requests)):
            for request in log:
                key = (server, request.method, request.path)
                found.append(Request(*key, seen[key]))
                seen[key] += 1
        return found


def fail_once(program: Program, request: Request, **failure: Any) -> Any:
    """Plan *failure*, as `fail` takes it, for that one request; returns the planned fault."""
    world: Any = program.gitlab if request.server == "gitlab" else program.kubernetes
    return world.fail(method=request.method, path=f"^{re.escape(request.path)}$", skip=request.nth, **failure)


def remove_faults(program: Program) -> None:
    """Remove the planned faults of both servers."""
    program.gitlab.faults.planned.clear()
    program.kubernetes.faults.planned.clear()
