"""Which deletes are one half of a replacement, so that rotating one Secret for a thousand tenants is no alarm."""

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

    def add(self, objects: Iterable[Ref], mark: str, url: str = "") -> None:
        """A wanted item that comes from *objects*, carries the text *mark* and lies at *url*, if it is a webhook."""
        names = {(one.namespace, one.name) for one in objects}
        if parsed := Mark.parse(mark):
            names.add((parsed.namespace, parsed.name))
        for name in names:
            self._by_object[name].append(self._added)
        self._by_url[url].append(self._added)
        self._added += 1

    def take(self, mark: str, url: str = "") -> bool:
        """Whether an item marked *mark*, or at *url*, is replaced by one not yet taken; it is then taken."""
        for candidates in self._candidates(Mark.parse(mark), url):
            while candidates:
                number = candidates.pop()
                if number not in self._taken:
                    self._taken.add(number)
                    return True
        return False

    def _candidates(self, mark: Mark | None, url: str) -> Iterator[list[int]]:
        if mark and "~" in mark.name:
            # GitLab's limit cut this name; only comparing it with each tells whose it is.
            yield from (numbers for name, numbers in self._by_object.items() if mark.names(*name))
        elif mark:
            yield self._by_object.get((mark.namespace, mark.name), [])
        if url:
            yield self._by_url.get(url, [])
