"""Which items each problem holds back."""

from __future__ import annotations

from reconcile.desired.holds import Holds, Name
from reconcile.desired.receivers import ReceiverRequest
from reconcile.desired.repositories import RepositoryRequest
from reconcile.model import PublicKey, Ref
from reconcile.problems import Code
from reconcile.rules import Rules


def hold_keys(holds: Holds, claim: RepositoryRequest, key: PublicKey | None, rules: Rules) -> None:
    """
    A GitRepository's problem: our keys on its project; where that is not known, those of its key or Secret.

    Where its Secret could not be read either, or the object is malformed, all our keys.
    """
    if claim.held is None:
        return
    projects = [claim.project.id] if claim.project else []
    anywhere = claim.project is None or claim.held is Code.PROJECT_REPLACED
    if claim.held is Code.PROJECT_REPLACED and claim.pinned is not None:
        projects.append(claim.pinned)
    holds.hold_keys(
        claim.held,
        projects=projects,
        material=key if anywhere else None,
        secrets=_names(claim.secret, rules) if anywhere and claim.secret else (),
    )
    unread = any(problem.code == Code.SECRET_UNREADABLE for problem in claim.problems)
    if claim.project is None and (unread or claim.vague) and holds.all_keys is None:
        # Neither where its key should be is known, nor which key it is: it may carry another Secret's mark.
        holds.all_keys = claim.held


def hold_webhooks(holds: Holds, listener: ReceiverRequest, named: tuple[RepositoryRequest, ...], rules: Rules) -> None:
    """
    A Receiver's problem, or that of a GitRepository it names: webhooks at its URL or naming it, ours on its projects.

    Where neither URL nor project is known, all our webhooks; but not where it is settled that there is none to have.
    """
    because = listener.held or next((claim.held for claim in named if claim.held), None)
    if because is None:
        return
    bases = (rules.receiver_url, *rules.previous_receiver_urls)
    urls = [base + listener.path for base in bases if base and listener.path]
    projects = [claim.project.id for claim in named if claim.project]
    holds.hold_webhooks(because, receivers=_names(listener.ref, rules), urls=urls, projects=projects)
    is_lost = (listener.resources or listener.vague) and not urls and not projects and not _is_settled(listener, named)
    if is_lost and holds.all_webhooks is None:
        holds.all_webhooks = because


def _is_settled(listener: ReceiverRequest, named: tuple[RepositoryRequest, ...]) -> bool:
    """Whether all that it names is known, and is not allowed or not ours to serve: then it holds nothing of others."""
    codes = {problem.code for problem in listener.problems}
    is_open = listener.vague or Code.RECEIVER_TARGET_NOT_FOUND in codes
    return not is_open and all(claim.dropped for claim in named) and (bool(named) or Code.NOT_ALLOWED in codes)


def _names(ref: Ref, rules: Rules) -> list[Name]:
    return [(one.namespace, one.name) for one in rules.known_as(ref)]
