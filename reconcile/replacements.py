"""Which deletes are one half of a replacement, so that rotating one Secret for a thousand tenants is no alarm."""

from __future__ import annotations

from collections.abc import Iterable

from reconcile.marks import Mark
from reconcile.model import Ref


class Replacements:
    """The wanted items that one project has, or gets, of one kind; each excuses one delete."""

    def __init__(self) -> None:
        self._free: list[tuple[frozenset[tuple[str, str]], str]] = []

    def add(self, objects: Iterable[Ref], mark: str, name: str) -> None:
        """A wanted item that comes from *objects*, carries the text *mark* and lies at the URL *name*."""
        names = {(one.namespace, one.name) for one in objects}
        if parsed := Mark.parse(mark):
            names.add((parsed.namespace, parsed.name))
        self._free.append((frozenset(names), name))

    def take(self, mark: str, name: str) -> bool:
        """Whether an item marked *mark*, or at the URL *name*, is replaced by one not yet taken; it is then taken."""
        parsed = Mark.parse(mark)
        for place, (names, where) in enumerate(self._free):
            same_object = parsed and any(parsed.names(*one) for one in names)
            if same_object or (name and name == where):
                del self._free[place]
                return True
        return False
