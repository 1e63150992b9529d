"""Which items each problem holds back."""

from __future__ import annotations

from reconcile.desired.holds import Holds, Name
from reconcile.desired.receivers import ReceiverRequest
from reconcile.desired.repositories import RepositoryRequest
from reconcile.model import PublicKey, Ref
from reconcile.problems import Code
from reconcile.rules import Rules


def hold_keys(holds: Holds, request: RepositoryRequest, key: PublicKey | None, rules: Rules) -> None:
    """
    A GitRepository's problem: our keys on its project; where that is not known, those of its key or Secret.

    Where its Secret could not be read either, or the object is malformed, all our keys.
    """
    if request.held is None:
        return
    projects = [request.project.id] if request.project else []
    anywhere = request.project is None or request.held is Code.PROJECT_REPLACED
    if request.held is Code.PROJECT_REPLACED and request.pinned is not None:
        projects.append(request.pinned)
    holds.hold_keys(
        request.held,
        projects=projects,
        material=key if anywhere else None,
        secrets=_names(request.secret, rules) if anywhere and request.secret else (),
    )
    unread = any(problem.code == Code.SECRET_UNREADABLE for problem in request.problems)
    if request.project is None and (unread or request.malformed) and holds.all_keys is None:
        # Neither where its key should be is known, nor which key it is: it may carry another Secret's mark.
        holds.all_keys = request.held


def hold_webhooks(holds: Holds, receiver: ReceiverRequest, named: tuple[RepositoryRequest, ...], rules: Rules) -> None:
    """
    A Receiver's problem, or that of a GitRepository it names: webhooks at its URL or naming it, ours on its projects.

    Where neither URL nor project is known, all our webhooks; but not where it is settled that there is none to have.
    """
    because = receiver.held or next((request.held for request in named if request.held), None)
    if because is None:
        return
    bases = (rules.receiver_url, *rules.previous_receiver_urls)
    urls = [base + receiver.path for base in bases if base and receiver.path]
    projects = [request.project.id for request in named if request.project]
    holds.hold_webhooks(because, receivers=_names(receiver.ref, rules), urls=urls, projects=projects)
    is_lost = (
        (receiver.resources or receiver.malformed) and not urls and not projects and not _is_settled(receiver, named)
    )
    if is_lost and holds.all_webhooks is None:
        holds.all_webhooks = because


def _is_settled(receiver: ReceiverRequest, named: tuple[RepositoryRequest, ...]) -> bool:
    """Whether all that it names is known, and is not allowed or not ours to serve: then it holds nothing of others."""
    codes = {problem.code for problem in receiver.problems}
    is_open = receiver.malformed or Code.RECEIVER_TARGET_NOT_FOUND in codes
    return not is_open and all(request.dropped for request in named) and (bool(named) or Code.NOT_ALLOWED in codes)


def _names(ref: Ref, rules: Rules) -> list[Name]:
    return [(one.namespace, one.name) for one in rules.known_as(ref)]
