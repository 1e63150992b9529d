"""Verified writes: find out whether a write was made, or an item is gone, where GitLab's answer did not come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cronjob.gitlab.error_causes import ITEM_NOT_FOUND
from cronjob.gitlab.errors import Cancelled, GatewayTimeout, NoAnswer, Refused, UnconfirmedDelete
from cronjob.gitlab.session import Session
from reconcile.errors import DeleteContradicted, DeleteHeld, MalformedAnswer, NotReached, WriteFailed

_TRIES = 3


def write_and_verify(
    session: Session, write: Callable[[], Any], already_applied: Callable[[], Any], *, idempotent: bool = True
) -> Any:
    """
    Return the answer to *write*. Where none came, *already_applied* looks for the item before the write is retried.

    A write that is not *idempotent* is not retried while GitLab may still be working on it.
    """
    for repeat in range(1, _TRIES + 1):
        try:
            return write()
        except NoAnswer as error:
            unknown = error
        # What is still on its way through GitLab gets a chance to arrive.
        session.pause(repeat)
        try:
            found = _look(already_applied)
        except (Refused, NoAnswer) as error:
            text = f"{unknown}, and looking whether it was done failed: {error}"
            raise WriteFailed(text, cause=error.cause) from error
        if found is not None:
            return found
        if (
            session.stop_control.must_stop()
            or isinstance(unknown, UnconfirmedDelete)
            or (isinstance(unknown, GatewayTimeout) and not idempotent)
        ):
            break
    raise unknown


def remove_unchanged(session: Session, path: str, difference: Callable[[object], str]) -> None:
    """
    Delete the item at *path*, which may be gone already, if it still is what was planned.

    *difference* says what is different about GitLab's present answer, as a clause. Raises DeleteContradicted where
    something is, DeleteHeld where it cannot be seen; Refused, NoAnswer or WriteFailed where the DELETE fails.
    """
    try:
        now = _read_item(session, path)
        changed = difference(now) if now is not None else ""
    except Cancelled as error:
        raise NotReached(str(error)) from error
    except (Refused, NoAnswer, MalformedAnswer) as error:
        raise DeleteHeld(f"it could not be read again before its removal: {error}", cause=error.cause) from error
    if changed:
        raise DeleteContradicted(changed)
    if now is not None:
        _remove(session, path)


def _read_item(session: Session, path: str) -> object | None:
    """The item as it is now; None where it is gone."""
    try:
        item: object
        item, _ = session.get(path)
    except Refused as error:
        if _item_is_gone(error):
            return None
        raise
    return item


def _remove(session: Session, path: str) -> None:
    """Delete the item at *path*. Raises Refused, NoAnswer or WriteFailed."""

    def gone() -> bool | None:
        return _read_item(session, path) is None or None

    try:
        write_and_verify(session, lambda: session.write("DELETE", path), gone)
    except UnconfirmedDelete as error:
        raise WriteFailed(f"{error}, and the item is still there", cause=error.cause) from error
    except Refused as error:
        if not _item_is_gone(error):
            raise


def _look(already_applied: Callable[[], Any]) -> Any:
    """What *already_applied* finds, also where the run is stopped while that waits for its turn."""
    try:
        return already_applied()
    except Cancelled:
        return already_applied()


def _item_is_gone(error: Refused) -> bool:
    """Whether a 404 is about the key or webhook itself; one about the project or the route proves nothing."""
    return error.status == 404 and error.body.message in ITEM_NOT_FOUND
