"""The links at GitLab that a clone needs: the project, and the deploy key on it."""

from __future__ import annotations

from collections.abc import Iterator

from cronjob.commands.findings import Finding, Level, has_failed
from cronjob.commands.trace.case import Case
from cronjob.commands.trace.links import Link
from cronjob.commands.trace.said import told
from cronjob.output.render.summary import plural
from reconcile.actual import Actual, Items
from reconcile.marks import Owner
from reconcile.model import FoundKey
from reconcile.plan.changes import Create, Findings
from reconcile.plan.deploy_keys import KeyPlanner


def look_at_project(case: Case) -> Iterator[Finding]:
    """Whether GitLab has it, where a run may serve it."""
    found = [*told(case.problems(case.ref), Link.PROJECT, case.ref), *told(case.problems(None), Link.PROJECT, None)]
    project = case.project
    if project and not has_failed(found):
        yield Finding(Link.PROJECT, Level.OK, f"{project.path} is project {project.id}", project.path)
    yield from found
    if project and case.seen and case.seen.archived:
        message = (
            "The project is archived: Flux can fetch it, and nobody can push to it. Unarchive it, if that is wrong."
        )
        yield Finding(Link.PROJECT, Level.WARN, message, project.path)
    if not project and not found:
        yield Finding(Link.PROJECT, Level.SKIP, "not looked at, since it is not known which project is meant")


def look_at_key(case: Case, run: str) -> Iterator[Finding]:
    """Whether the Secret's key opens the project; *run* is the command that puts it there."""
    if case.project and not case.needs_key:
        yield Finding(Link.DEPLOY_KEY, Level.OK, "none is needed")
    elif case.items is None:
        yield Finding(Link.DEPLOY_KEY, Level.SKIP, "not looked at: the project's deploy keys are not known")
    elif case.key is None:
        yield Finding(Link.DEPLOY_KEY, Level.SKIP, "not looked at: the Secret gives no key to look for")
    else:
        found = next((one for one in case.items.keys if one.key == case.key), None)
        problems = list(told(case.problems(case.ref), Link.DEPLOY_KEY, case.ref))
        if found:
            yield from _present(case, found, problems)
        else:
            yield from _absent(case, case.items, problems, run)


def _present(case: Case, found: FoundKey, problems: list[Finding]) -> Iterator[Finding]:
    name = f"deploy key {found.id}"
    if not has_failed(problems):
        access = "may push" if found.can_push else "may only read"
        yield Finding(
            Link.DEPLOY_KEY,
            Level.OK,
            f"is on the project as `{found.title}`: {_whose(case, found)}; it {access}",
            name,
        )
    if case.claim and case.claim.held and found.expired:
        # A run has no business with it while something is unresolved, and does not say so.
        yield Finding(Link.DEPLOY_KEY, Level.FAIL, "It has expired and opens nothing; make a new key.", name)
    yield from (Finding(one.topic, one.level, one.message, name, one.command) for one in problems)


def _whose(case: Case, found: FoundKey) -> str:
    owner = KeyPlanner(case.desired, Actual(), case.rules, Findings()).owner(found)
    return {Owner.OURS: "ours", Owner.UNMARKED: "without a mark, so put there by hand"}.get(owner, owner.value)


def _absent(case: Case, items: Items, problems: list[Finding], run: str) -> Iterator[Finding]:
    name = case.key.fingerprint if case.key else None
    is_planned = any(isinstance(change, Create) and change.name == name for change in case.plan.changes)
    if is_planned:
        message = f"The key is not on the project{_instead(case, items)}. The next run puts it there."
        yield Finding(Link.DEPLOY_KEY, Level.FAIL, message, name, run)
    elif not has_failed(problems):
        why = case.claim.held if case.claim else None
        message = f"The key is not on the project, and no run puts it there{f', because of {why}' if why else ''}."
        yield Finding(Link.DEPLOY_KEY, Level.FAIL, message, name)
    yield from problems


def _instead(case: Case, items: Items) -> str:
    """What the project has for the same Secret: the key was changed since a run last saw it."""
    secret = case.claim.secret if case.claim else None
    if secret is None:
        return ""
    names = {str(one) for one in case.rules.known_as(secret)}
    for change in case.plan.deletes:
        if any(str(source) in names for source in change.sources):
            return f", which still has {change.name} for this Secret"
    return (
        ", which has no deploy key" if not items.keys else f", which has {plural(len(items.keys), 'other deploy key')}"
    )
