"""The annotations of this program on GitRepositories and Receivers, all under `flux-gitlab-syncer/`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "flux-gitlab-syncer/"
SWITCH = f"{PREFIX}reconcile"
PIN = f"{PREFIX}project-id"
NEXT_SECRET = f"{PREFIX}next-secret"
PROJECT = f"{PREFIX}project"
# No value of it is read: setting it changes the object, which tells this program that somebody has looked.
CHECKED = f"{PREFIX}checked"
KNOWN = {
    "GitRepository": (SWITCH, PIN, NEXT_SECRET, CHECKED),
    "Receiver": (SWITCH, PROJECT, CHECKED),
}
_DISABLED = "disabled"
_ID = re.compile("[0-9]{1,18}")
_SECRET_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Annotations:
    """
    What the annotations of one object say.

    *unreadable* says what is wrong with one that the object cannot do without, *ignored* with one that it can.
    *unknown* are names that no annotation of this program has.
    """

    is_disabled: bool = False
    pinned: int | None = None
    unreadable: str | None = None
    ignored: str | None = None
    unknown: tuple[str, ...] = ()


NONE = Annotations()


def annotations_of(item: Mapping[str, Any], kind: str) -> Annotations:
    """Read the annotations of a GitRepository or a Receiver."""
    found = item["metadata"].get("annotations") or {}
    if not any(name.startswith(PREFIX) for name in found):
        return NONE
    known = KNOWN[kind]
    switch = found.get(SWITCH)
    pin = found.get(PIN) if PIN in known else None
    unreadable = None
    if switch is not None and switch != _DISABLED:
        unreadable = f"The annotation {SWITCH} has an unknown value; write `{_DISABLED}`, or remove it."
    elif pin is not None and not _ID.fullmatch(pin.strip()):
        unreadable = f"The annotation {PIN} is no project id, which is a number; correct it, or remove it."
    return Annotations(
        is_disabled=switch == _DISABLED,
        pinned=int(pin) if pin is not None and _ID.fullmatch(pin.strip()) else None,
        unreadable=unreadable,
        ignored=_ignored(found) if NEXT_SECRET in known else None,
        unknown=tuple(sorted(name for name in found if name.startswith(PREFIX) and name not in known)),
    )


def _ignored(found: Mapping[str, str]) -> str | None:
    name = found.get(NEXT_SECRET)
    if name is None or _SECRET_NAME.fullmatch(name):
        return None
    return f"The annotation {NEXT_SECRET} names no Secret; correct it, or remove it. The present key is untouched."


def unknown_message(names: tuple[str, ...], hint: str) -> str:
    """Say that no annotation of this program has these names; *hint* is what the first may have meant."""
    shown = ", ".join(name[:100] for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (
        f"No annotation of flux-gitlab-syncer is called {shown}{more}, so it has no effect.{hint} Correct or remove it."
    )
