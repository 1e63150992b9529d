"""
What takes the place of the items that a plan deletes: one project's wanted items of one kind.

A delete whose replacement the guard can see need not alarm it: rotating one Secret for a thousand tenants is everyday
work. And a delete waits for the changes that make its replacement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from reconcile.marks import Mark
from reconcile.model import Ref
from reconcile.plan.changes import Excuse
from reconcile.problems import Code

Name = tuple[str, str]
Value = TypeVar("Value")


class Replacements:
    """The wanted items that one project has, or gets, of one kind; each excuses one delete."""

    def __init__(self) -> None:
        self._added = 0
        self._taken: set[int] = set()
        self._by_object: dict[Name, list[int]] = defaultdict(list)
        self._announced: list[int] = []
        self._changes: dict[Name, set[str]] = defaultdict(set)
        self._missing: dict[Name, Code] = {}

    def add(self, objects: Iterable[Ref], mark: Mark | None, *, change: str = "", announced: bool = False) -> None:
        """
        Add a wanted item that comes from *objects* and carries *mark*.

        *change* is the name of the change that creates it, empty where it is there already. *announced* is a key of
        ours that was there before this run.
        """
        names = _names(objects)
        for name in names:
            if change:
                self._changes[name].add(change)
        if mark:
            names.add((mark.namespace, mark.name))
        for name in names:
            self._by_object[name].append(self._added)
        if announced:
            self._announced.append(self._added)
        self._added += 1

    def add_missing(self, objects: Iterable[Ref], code: Code) -> None:
        """Add a wanted item that must not be made, because of the problem *code*."""
        for name in _names(objects):
            self._missing.setdefault(name, code)

    def excuse(self, marks: Sequence[Mark | None]) -> list[Excuse | None]:
        """
        Return the excuse of each delete of a project, by its mark; a wanted item excuses one.

        What comes from the same object replaces it; only what is then left may have taken over from another one.
        """
        replaced = [any(map(self._take, _of(self._by_object, mark))) for mark in marks]
        return [
            Excuse.REPLACED if is_replaced else Excuse.ANNOUNCED if self._take(self._announced) else None
            for is_replaced in replaced
        ]

    def _take(self, numbers: list[int]) -> bool:
        """Whether one of these items is not yet taken; it then is."""
        while numbers:
            number = numbers.pop()
            if number not in self._taken:
                self._taken.add(number)
                return True
        return False

    def changes_for(self, mark: Mark | None) -> frozenset[str]:
        """Return the names of all creates of wanted items from the object that *mark* names."""
        return frozenset().union(*_of(self._changes, mark))

    def missing_for(self, mark: Mark | None) -> Code | None:
        """Return why no wanted item from the object that *mark* names is made, or None."""
        return next(_of(self._missing, mark), None)


def _names(objects: Iterable[Ref]) -> set[Name]:
    return {(ref.namespace, ref.name) for ref in objects}


def _of(by_name: Mapping[Name, Value], mark: Mark | None) -> Iterator[Value]:
    """Yield what is filed under the object that *mark* names."""
    if mark and "~" in mark.name:
        # GitLab's limit cut this name, so it is compared with each.
        yield from (value for name, value in by_name.items() if mark.names(*name))
    elif mark and (mark.namespace, mark.name) in by_name:
        yield by_name[mark.namespace, mark.name]
