"""Which items each problem holds back."""

from __future__ import annotations

from reconcile.desired.holds import Holder, Holds, Name
from reconcile.desired.receivers import ReceiverRequest
from reconcile.desired.repositories import RepositoryRequest
from reconcile.model import PublicKey, Ref
from reconcile.problems import Code
from reconcile.rules import Rules


def hold_keys(holds: Holds, request: RepositoryRequest, key: PublicKey | None, rules: Rules) -> None:
    """
    A GitRepository's problem: our keys on its project; where that is not known, those of its key or Secret.

    Where its Secret could not be read either, or the object is malformed, all our keys. What a pin says of another
    project holds nothing there but what is this object's own.
    """
    if request.held is None:
        return
    holder = Holder(request.held, request.ref.namespace)
    project = None if request.held is Code.PROJECT_REPLACED else request.project
    holds.hold_keys(
        holder,
        projects=[project.id] if project else (),
        material=None if project else key,
        secrets=_names(request.secret, rules) if request.secret and not project else (),
    )
    unread = any(problem.code == Code.SECRET_UNREADABLE for problem in request.problems)
    if project is None and (unread or request.malformed):
        # Neither where its key should be is known, nor which key it is: it may carry another Secret's mark.
        holds.hold_all_keys(holder)


def hold_webhooks(holds: Holds, receiver: ReceiverRequest, named: tuple[RepositoryRequest, ...], rules: Rules) -> None:
    """
    A Receiver's problem, or that of a GitRepository it names: webhooks at its URL or naming it, ours on its projects.

    Where neither URL nor project is known, all our webhooks; but not where it is settled that there is none to have.
    """
    because = receiver.held or next((request.held for request in named if request.held), None)
    if because is None:
        return
    holder = Holder(because, receiver.ref.namespace)
    bases = (rules.receiver_url, *rules.previous_receiver_urls)
    urls = [base + receiver.path for base in bases if base and receiver.path]
    projects = [
        request.project.id for request in named if request.project and request.held is not Code.PROJECT_REPLACED
    ]
    holds.hold_webhooks(holder, receivers=_names(receiver.ref, rules), urls=urls, projects=projects)
    is_lost = not urls and not projects and not _is_settled(receiver, named)
    if is_lost and (receiver.resources or receiver.malformed):
        holds.hold_all_webhooks(holder)


def _is_settled(receiver: ReceiverRequest, named: tuple[RepositoryRequest, ...]) -> bool:
    """Whether all that it names is known, and is not allowed or not ours to serve: then it holds nothing of others."""
    codes = {problem.code for problem in receiver.problems}
    is_open = receiver.malformed or Code.RECEIVER_TARGET_NOT_FOUND in codes
    return not is_open and all(request.dropped for request in named) and (bool(named) or Code.NOT_ALLOWED in codes)


def _names(ref: Ref, rules: Rules) -> list[Name]:
    return [(known.namespace, known.name) for known in rules.known_as(ref)]
