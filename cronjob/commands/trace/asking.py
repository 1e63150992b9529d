"""What is asked for: a GitRepository by its name, or by the project that it leads to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from cronjob.commands.trace.one_project import ProjectReader
from reconcile.actual import Items
from reconcile.desired.git_url import GitUrl, UnusableUrl, parse_git_url
from reconcile.desired.repositories import ref_of
from reconcile.errors import ReadError
from reconcile.marks import Mark, Owner
from reconcile.model import LookUpFailed, Project, ProjectLocation, Ref
from reconcile.rules import Rules

Item = Mapping[str, Any]

_SCP = re.compile(r"[^/@:]+@[^/:]+:.+")
_PAGE_OF_PROJECT = "/-/"
_NEAR = 3


@dataclass(frozen=True, slots=True)
class Meant:
    """The GitRepositories that were asked for; where there is none, the *project*, if GitLab has it."""

    items: Sequence[Item] = ()
    project: Project | None = None


class Question:
    """One question about the GitRepositories of a cluster."""

    def __init__(self, asked: str, items: Sequence[Item], rules: Rules) -> None:
        self._asked = asked.strip()
        self._items = items
        self._rules = rules

    def answered(self, gitlab: ProjectReader) -> Meant:
        """
        By name, by the path or URL, and only then by asking GitLab which project that is.

        Raises ReadError where that is needed and GitLab does not say.
        """
        by_name, by_path = self._named(), self._at(gitlab)
        found = [one for one in self._items if one in by_name or one in by_path]
        if found:
            return Meant(found)
        path = self._path(gitlab)
        place = gitlab.find(path) if path else None
        if isinstance(place, LookUpFailed):
            raise ReadError(f"GitLab did not say which project {self._asked!r} is: {place.reason}")
        if not isinstance(place, ProjectLocation):
            return Meant()
        known = self._leading_to(place.project.path, None, gitlab) or self._marked(place.project, gitlab)
        return Meant(known, place.project)

    def not_found(self, gitlab: ProjectReader) -> str:
        """Why nothing was found, with what may have been meant."""
        if not self._items:
            namespaces = ", ".join(sorted(self._rules.identity.namespaces))
            return f"There is no GitRepository in {namespaces}: see --namespace."
        names = {one: one for ref in map(_ref, self._items) for one in (ref.name, f"{ref.namespace}/{ref.name}")}
        paths = {url.path.lower(): url.path for url in map(self._url, self._items) if url}
        wanted = (self._path(gitlab) or self._asked).lower()
        near = get_close_matches(wanted, [*names, *paths], n=_NEAR)
        last = wanted.rpartition("/")[2]
        near += [one for one in (*get_close_matches(last, names, n=_NEAR), *_holding(last, names)) if one not in near]
        hint = f" Did you mean {' or '.join((names | paths)[one] for one in near[:_NEAR])}?" if near else ""
        return f"No GitRepository is called {self._asked!r} or leads to such a project.{hint}"

    def _named(self) -> list[Item]:
        kind, _, rest = self._asked.partition("/")
        name = rest if kind.lower() == "gitrepository" and "/" in rest else self._asked
        return [one for one in self._items if name in {_ref(one).name, f"{_ref(one).namespace}/{_ref(one).name}"}]

    def _at(self, gitlab: ProjectReader) -> list[Item]:
        url = self._asked_url()
        if url:
            return self._leading_to(url.path, url.host, gitlab)
        return self._leading_to(self._asked, None, gitlab) if "/" in self._asked else []

    def _leading_to(self, path: str, host: str | None, gitlab: ProjectReader) -> list[Item]:
        """Those whose URL has that path; with a *host*, on that one or on another name of the same GitLab."""
        plain = path.strip("/").removesuffix(".git").lower()
        urls = [(one, self._url(one)) for one in self._items]
        same = gitlab.hosts if host in gitlab.hosts or gitlab.trouble else frozenset()
        return [
            one
            for one, url in urls
            if url and url.path.lower() == plain and (host is None or url.host == host or url.host in same)
        ]

    def _path(self, gitlab: ProjectReader) -> str | None:
        """What GitLab can be asked for: a path or a project id."""
        url = self._asked_url()
        if url:
            return url.path.lower() if url.host in gitlab.hosts else None
        is_id = re.fullmatch("[0-9]{1,18}", self._asked)
        return self._asked.strip("/").lower() if is_id or "/" in self._asked else None

    def _marked(self, project: Project, gitlab: ProjectReader) -> list[Item]:
        """Those whose Secret our marks on the project name: their URLs may have its former path."""
        seen = gitlab.read(project).items
        if not isinstance(seen, Items):
            return []
        identity = self._rules.identity
        marks = [Mark.parse(key.title) for key in seen.keys if identity.owner(key.title) is Owner.OURS]
        return [one for one in self._items if any(mark and _has_secret(one, mark) for mark in marks)]

    def _asked_url(self) -> GitUrl | None:
        text = f"ssh://{self._asked}" if _SCP.fullmatch(self._asked) else self._asked
        return self._parsed(text.partition(_PAGE_OF_PROJECT)[0]) if "://" in text else None

    def _url(self, item: Item) -> GitUrl | None:
        return self._parsed(str((item.get("spec") or {}).get("url") or ""))

    def _parsed(self, text: str) -> GitUrl | None:
        try:
            return parse_git_url(text, self._rules.relative_root)
        except UnusableUrl:
            return None


def _holding(text: str, names: Iterable[str]) -> list[str]:
    return [one for one in names if text and text in one]


def _ref(item: Item) -> Ref:
    return ref_of(item, "GitRepository")


def _has_secret(item: Item, mark: Mark) -> bool:
    name = ((item.get("spec") or {}).get("secretRef") or {}).get("name")
    return bool(name) and mark.names(_ref(item).namespace, str(name))
