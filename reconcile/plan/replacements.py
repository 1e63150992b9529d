"""Deletes that are one half of a replacement: rotating one Secret for a thousand tenants must not alarm the guard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from reconcile.marks import Mark
from reconcile.model import Ref

Name = tuple[str, str]


class Replacements:
    """The wanted items that one project has, or gets, of one kind; each excuses one delete."""

    def __init__(self) -> None:
        self._added = 0
        self._taken: set[int] = set()
        self._by_object: dict[Name, list[int]] = defaultdict(list)
        self._by_url: dict[str, list[int]] = defaultdict(list)

    def add(self, objects: Iterable[Ref], mark: Mark | None, url: str = "") -> None:
        """Add a wanted item that comes from *objects*, carries *mark* and lies at *url*, if it is a webhook."""
        names = {(one.namespace, one.name) for one in objects}
        if mark:
            names.add((mark.namespace, mark.name))
        for name in names:
            self._by_object[name].append(self._added)
        self._by_url[url].append(self._added)
        self._added += 1

    def take(self, mark: Mark | None, url: str = "") -> bool:
        """Whether an item with *mark*, or at *url*, is replaced by a wanted item not yet taken; that is then taken."""
        for candidates in self._candidates(mark, url):
            while candidates:
                number = candidates.pop()
                if number not in self._taken:
                    self._taken.add(number)
                    return True
        return False

    def _candidates(self, mark: Mark | None, url: str) -> Iterator[list[int]]:
        if mark and "~" in mark.name:
            # GitLab's limit cut this name, so it is compared with each.
            yield from (numbers for name, numbers in self._by_object.items() if mark.names(*name))
        elif mark:
            yield self._by_object.get((mark.namespace, mark.name), [])
        if url:
            yield self._by_url.get(url, [])
