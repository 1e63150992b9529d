"""The link `deploy-key`: whether the Secret's key is on the project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconcile.actual import FoundKey, Items
from reconcile.chain.links import Link
from reconcile.chain.problem_findings import findings_for
from reconcile.chain.tenant_trace import TenantTrace
from reconcile.findings import Finding, Level, has_failed
from reconcile.marks import Owner
from reconcile.plan.changes import Create


def key_findings(trace: TenantTrace, run: str) -> Iterator[Finding]:
    """Say whether the Secret's key opens the project; *run* is the command that puts it there."""
    if trace.project and not trace.needs_key:
        yield Finding(Link.DEPLOY_KEY, Level.OK, "none is needed")
    elif trace.items is None:
        yield Finding(Link.DEPLOY_KEY, Level.SKIP, "not looked at: the project's deploy keys are not known")
    elif trace.key is None:
        yield Finding(Link.DEPLOY_KEY, Level.SKIP, "not looked at: the Secret gives no key to look for")
    else:
        found = next((found for found in trace.items.keys if found.key == trace.key), None)
        problems = list(findings_for(trace.problems(trace.ref), Link.DEPLOY_KEY, trace.ref))
        yield from _present(found, problems) if found else _absent(trace, trace.items, problems, run)


def _present(found: FoundKey, problems: list[Finding]) -> Iterator[Finding]:
    name = f"deploy key {found.id}"
    if not has_failed(problems) and found.expired:
        # A run does not report the expiry of a key that it may not touch.
        yield Finding(Link.DEPLOY_KEY, Level.FAIL, "It has expired and opens nothing; make a new key.", name)
    elif not has_failed(problems):
        access = "may push" if found.can_push else "may only read"
        message = f"is on the project as `{found.title}`: {_owner_name(found)}; it {access}"
        yield Finding(Link.DEPLOY_KEY, Level.OK, message, name)
    yield from (replace(problem, object=name) for problem in problems)


def _owner_name(found: FoundKey) -> str:
    names = {Owner.OURS: "ours", Owner.UNMARKED: "without a mark, so put there by hand"}
    return names.get(found.owner, found.owner.value)


def _absent(trace: TenantTrace, items: Items, problems: list[Finding], run: str) -> Iterator[Finding]:
    name = trace.key.fingerprint if trace.key else None
    is_planned = any(isinstance(change, Create) and change.name == name for change in trace.plan.changes)
    if is_planned:
        message = f"The key is not on the project{_other_keys(trace, items)}. The next run puts it there."
        yield Finding(Link.DEPLOY_KEY, Level.FAIL, message, name, run)
    elif not has_failed(problems):
        held = trace.request.held if trace.request else None
        message = f"The key is not on the project, and no run puts it there{f', because of {held}' if held else ''}."
        yield Finding(Link.DEPLOY_KEY, Level.FAIL, message, name)
    yield from problems


def _other_keys(trace: TenantTrace, items: Items) -> str:
    """Say what the project has for the same Secret: the key was changed since the last run."""
    secret = trace.request.secret if trace.request else None
    names = {str(ref) for ref in trace.rules.known_as(secret)} if secret else set()
    former = (change.name for change in trace.plan.deletes if names & {str(source) for source in change.sources})
    fingerprint = next(former, None)
    if fingerprint:
        return f", which still has {fingerprint} for this Secret"
    count = len(items.keys)
    return f", which has {count} other deploy key{'' if count == 1 else 's'}" if count else ", which has no deploy key"
