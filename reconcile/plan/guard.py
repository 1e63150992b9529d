"""
The guard: it refuses a mass delete that looks like a mistake, and webhooks at a mistyped base URL.

It counts projects, not items, so that whoever may write to one project can neither trigger nor evade it from there. It
returns its objections, so that the report can be printed before the refusal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set

from reconcile.model import Kind, Ref
from reconcile.plan.changes import Create, Delete, Excuse
from reconcile.plan.limits import ALWAYS_ALLOWED, Limits
from reconcile.plan.objections import Objection, ObjectionCode
from reconcile.plan.plan import Plan

# "All projects that have something of a kind" is no alarm for a group that has hardly begun.
FEW = 2
_SOURCES = {Kind.DEPLOY_KEY: "GitRepository", Kind.WEBHOOK: "Receiver"}
_LISTED = "`kubectl get gitrepositories,receivers --all-namespaces`"


def guard(plan: Plan, limits: Limits, checksum: str) -> tuple[Objection, ...]:
    """Judge a plan: return the objections to it."""
    approval = f"--expect-plan {checksum}"
    return (*_too_many(plan, limits, approval), *_empty(plan, approval), *_base_url_changed(plan, approval))


def _too_many(plan: Plan, limits: Limits, approval: str) -> list[Objection]:
    if limits.none:
        return []
    counted = _counted(plan, limits)
    everywhere = [*_on_many_projects(plan, counted, limits), *_on_all_projects(plan, counted)]
    lifts = f"If that is meant, pass {approval}, or --max-prune with a higher limit (100% is none)."
    if everywhere:
        look = f"Look at the deletes of this report and at what Flux has ({_LISTED}): is all of this gone on purpose?"
        return [
            Objection(ObjectionCode.TOO_MANY_PRUNES, f"{text} {look} {lifts}", "--max-prune", plan.deletes)
            for text in everywhere
        ]
    return [*_on_one_project(plan, counted, limits, lifts)]


def _on_many_projects(plan: Plan, counted: list[Delete], limits: Limits) -> Iterator[str]:
    losing = {delete.project.id for delete in counted}
    owned = frozenset[int]().union(*plan.owned_on.values())
    if limits.exceeded_by(len(losing), len(owned)):
        most = str(limits).replace(",", " or ")
        yield f"Would remove from {len(losing)} of the {len(owned)} projects with items of ours; the limit is {most}."


def _on_all_projects(plan: Plan, counted: list[Delete]) -> Iterator[str]:
    for kind in sorted(Kind):
        losing = {delete.project.id for delete in counted if delete.kind is kind}
        if len(losing) > FEW and losing >= plan.owned_on.get(kind, frozenset()):
            yield f"Would remove {kind.plural} on all {len(losing)} projects with {kind.plural} of ours."


def _on_one_project(plan: Plan, counted: list[Delete], limits: Limits, lifts: str) -> Iterator[Objection]:
    by_project = defaultdict(list)
    for delete in counted:
        by_project[delete.project].append(delete)
    for project, deletes in sorted(by_project.items()):
        if len(deletes) > limits.of_one_project:
            message = (
                f"Would remove {len(deletes)} items from {project.path}; the limit for one project is "
                f"{limits.of_one_project}. Look at its deletes in this report, and at who put so many there. {lifts}"
            )
            refuses = tuple(delete for delete in plan.deletes if delete.project == project)
            yield Objection(
                ObjectionCode.TOO_MANY_PRUNES,
                message,
                "--max-prune",
                refuses,
                project=project.path,
                refuses_all=False,
            )


def _counted(plan: Plan, limits: Limits) -> list[Delete]:
    """
    Return the deletes that count: those without an excuse.

    A rotation excuses nothing where too many different sources rotate at once, on one project or in the whole plan.
    """
    rotated: dict[int, set[Ref]] = defaultdict(set)
    for delete in plan.deletes:
        if delete.excuse is Excuse.REPLACED:
            rotated[delete.project.id].update(delete.sources)
    many = {project for project, sources in rotated.items() if len(sources) > limits.of_one_project}
    # A project that is refused by itself is no reason to refuse the others.
    changed = _different({id_: rotated[id_] for id_ in rotated.keys() - many}, ALWAYS_ALLOWED)
    known = _different(plan.sources_on, limits.of_one_project)
    if limits.exceeded_by(changed, known):
        many = set(rotated)
    return [
        delete
        for delete in plan.deletes
        if delete.excuse is None or (delete.excuse is Excuse.REPLACED and delete.project.id in many)
    ]


def _different(sources_on: Mapping[int, Set[Ref]], most: int) -> int:
    """Count the different sources; a single project contributes at most *most*, whatever marks somebody put there."""
    counted: set[Ref] = set()
    for id_ in sorted(sources_on):
        counted.update(sorted(sources_on[id_] - counted)[:most])
    return len(counted)


def _empty(plan: Plan, approval: str) -> list[Objection]:
    return [
        Objection(
            ObjectionCode.DESIRED_IS_EMPTY,
            f"{_what_is_empty(kind, namespace)} would be removed. Look whether they are gone on purpose: "
            f"`kubectl get {_SOURCES[kind].lower()} --namespace {namespace or 'NAMESPACE'}`. If so, pass {approval}.",
            "--expect-plan",
            deletes,
            namespace=namespace,
            refuses_all=everywhere,
        )
        for kind, namespace, deletes, everywhere in plan.deserted
    ]


def _what_is_empty(kind: Kind, namespace: str | None) -> str:
    if namespace:
        return f"Namespace {namespace} holds no {_SOURCES[kind]}, yet {kind.plural} marked with it"
    return f"No namespace that is read holds a {_SOURCES[kind]}, yet {kind.plural} without a mark of those namespaces"


def _base_url_changed(plan: Plan, approval: str) -> Iterator[Objection]:
    moved = plan.webhooks_elsewhere
    refuses = tuple(change for change in plan.changes if isinstance(change, Create) and change.kind is Kind.WEBHOOK)
    if not refuses or 2 * len(moved.projects) <= moved.wanting:
        return
    message = (
        f"On {len(moved.projects)} of the {moved.wanting} projects that want a webhook ours lies at another base URL "
        f"({_shown(moved.bases)}) and none at --receiver-url. Look which of them is right, and whether another cluster "
        "has this cluster's name. No webhook is created until --receiver-url is corrected, or the old base URL is "
        f"listed under previous_receiver_urls in the settings; {approval} creates them all the same."
    )
    yield Objection(ObjectionCode.RECEIVER_URL_CHANGED, message, "--receiver-url", refuses)


def _shown(bases: Iterable[str]) -> str:
    return ", ".join(sorted(bases)[:3])
