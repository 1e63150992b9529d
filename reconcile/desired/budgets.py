"""
How much work one namespace's objects may make in a run, counted and not timed, so that every run decides the same.

What is over a budget is held; one problem for each namespace and budget says so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import replace

from reconcile.desired.receivers import ReceiverRequest
from reconcile.desired.repositories import RepositoryRequest
from reconcile.model import Ref, Secret, SecretAnswer
from reconcile.problems import Code, Problem

MAX_LOOK_UPS = 1000
_SHOWN = 3


def within_look_ups(
    requests: Iterable[RepositoryRequest], listed_paths: Set[str], limit: int = MAX_LOOK_UPS
) -> list[RepositoryRequest]:
    """
    Return the requests; of each namespace only the first so many by name have a path that is looked up.

    The others are held, without a path: their projects are not known.
    """
    unlisted: dict[str, set[str]] = defaultdict(set)
    over: set[Ref] = set()
    requests = list(requests)
    for request in sorted(requests, key=lambda request: request.ref):
        path, paths = request.path, unlisted[request.ref.namespace]
        if path is None or path in listed_paths or path in paths:
            continue
        if len(paths) < limit:
            paths.add(path)
        else:
            over.add(request.ref)
    return [_without_look_up(request) if request.ref in over else request for request in requests]


def _without_look_up(request: RepositoryRequest) -> RepositoryRequest:
    return replace(request, url=None, held=request.held or Code.OVER_BUDGET, is_not_looked_up=True)


def over_budget_problems(
    repositories: Iterable[RepositoryRequest],
    receivers: Iterable[ReceiverRequest],
    secrets: Mapping[Ref, SecretAnswer],
) -> list[Problem]:
    """Return one problem for each namespace and budget that is used up, which names the objects with the most."""
    not_looked_up, not_opened, left_out = Counter[Ref](), Counter[Ref](), Counter[Ref]()
    for request in repositories:
        if request.is_not_looked_up:
            not_looked_up[request.ref] = 1
        answer = secrets.get(request.secret) if request.secret and not request.dropped else None
        if request.secret and isinstance(answer, Secret) and answer.is_over_budget:
            not_opened[request.secret] += 1
    for receiver in receivers:
        if receiver.problems_left_out:
            left_out[receiver.ref] = receiver.problems_left_out
    return [
        *_problems(
            not_looked_up,
            f"more than {MAX_LOOK_UPS:,} GitRepositories lead to paths that GitLab's list lacks, so not all were "
            "looked up, and what the others have stays. Correct their URLs, or remove them",
        ),
        *_problems(
            not_opened,
            "the passphrases of its private keys take more work than a run does for one namespace, so not all keys "
            "were opened, and what the others have stays. Encrypt them with fewer rounds (`ssh-keygen -p -a 16`), "
            "or without a passphrase",
        ),
        *_problems(
            left_out, "some of its objects have more problems than are listed of one object. Correct the first ones"
        ),
    ]


def _problems(counts: Counter[Ref], message: str) -> list[Problem]:
    by_namespace: dict[str, list[Ref]] = defaultdict(list)
    for ref in counts:
        by_namespace[ref.namespace].append(ref)
    problems = []
    for namespace, refs in sorted(by_namespace.items()):
        most = sorted(refs, key=lambda ref: (-counts[ref], ref))
        more = f" and {len(refs) - _SHOWN} more" if len(refs) > _SHOWN else ""
        shown = ", ".join(str(ref) for ref in most[:_SHOWN])
        problems.append(Problem.of(Code.OVER_BUDGET, f"Namespace {namespace}: {message}: {shown}{more}."))
    return problems
