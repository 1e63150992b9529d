"""What `trace` is asked for: a GitRepository by its name, or by the project that it leads to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from reconcile.actual import Items
from reconcile.desired.git_url import GitUrl, UnusableUrl, parse_git_url
from reconcile.desired.repositories import ref_of
from reconcile.marks import Mark, Owner
from reconcile.model import Ref
from reconcile.rules import Rules

Item = Mapping[str, Any]

_SCP = re.compile(r"[^/@:]+@[^/:]+:.+")
_PROJECT_ID = re.compile("[0-9]{1,18}")
_PAGE_OF_PROJECT = "/-/"
_SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Hosts:
    """GitLab's *names*, as far as they are known; *complete* is False where GitLab could not be asked for them."""

    names: frozenset[str]
    complete: bool = True

    def same(self, one: str, other: str) -> bool:
        """Return whether both hosts are, or may be, this GitLab."""
        return one == other or (other in self.names and (one in self.names or not self.complete))


class Query:
    """One query for GitRepositories of a cluster; *text* is a name, a path, a project id or a URL."""

    def __init__(self, text: str, items: Sequence[Item], rules: Rules) -> None:
        self.text = text.strip()
        self._items = items
        self._rules = rules

    def matching(self, hosts: Hosts) -> list[Item]:
        """Return the GitRepositories that have the name, or whose URL has the path or the URL."""
        url = self._url()
        path = url.path if url else self.text if "/" in self.text else None
        leading = self.leading_to(path, url.host if url else None, hosts) if path else []
        return [item for item in self._items if self._is_named(item) or item in leading or self._is_url_of(item)]

    def leading_to(self, path: str, host: str | None, hosts: Hosts) -> list[Item]:
        """Return those whose URL has that path; with a *host*, on that one or on another name of the same GitLab."""
        wanted = path.strip("/").removesuffix(".git").lower()
        urls = [(item, self._url_of(item)) for item in self._items]
        return [
            item
            for item, url in urls
            if url and url.path.lower() == wanted and (host is None or hosts.same(host, url.host))
        ]

    def lookup_path(self, hosts: Hosts) -> str | None:
        """Return the path or the project id that GitLab can be asked for, where the text is one."""
        url = self._url()
        if url:
            return url.path.lower() if url.host in hosts.names else None
        is_path = "/" in self.text or _PROJECT_ID.fullmatch(self.text)
        return self.text.strip("/").lower() if is_path else None

    def marked_on(self, project: Items) -> list[Item]:
        """Return those whose Secret our marks on the *project* name: their URLs may have its former path."""
        marks = [key.mark for key in project.keys if key.owner is Owner.OURS]
        return [item for item in self._items if any(mark and _has_secret(item, mark) for mark in marks)]

    def not_found(self, hosts: Hosts) -> str:
        """Say that nothing was found, with what may have been meant."""
        if not self._items:
            namespaces = ", ".join(sorted(self._rules.identity.namespaces))
            return f"There is no GitRepository in {namespaces}: see --namespace."
        names = {name: name for ref in map(_ref, self._items) for name in (ref.name, f"{ref.namespace}/{ref.name}")}
        paths = {url.path.lower(): url.path for url in map(self._url_of, self._items) if url}
        wanted = (self.lookup_path(hosts) or self.text).lower()
        last = wanted.rpartition("/")[2]
        near = [*get_close_matches(wanted, [*names, *paths], n=_SUGGESTIONS)]
        near += [*get_close_matches(last, names, n=_SUGGESTIONS), *_containing(last, names)]
        shown = [(names | paths)[name] for name in dict.fromkeys(near)][:_SUGGESTIONS]
        hint = f" Did you mean {' or '.join(shown)}?" if shown else ""
        return f"No GitRepository is called {self.text!r} or leads to such a project.{hint}"

    def _is_named(self, item: Item) -> bool:
        kind, _, rest = self.text.partition("/")
        name = rest if kind.lower() == "gitrepository" and "/" in rest else self.text
        ref = _ref(item)
        return name in {ref.name, f"{ref.namespace}/{ref.name}"}

    def _is_url_of(self, item: Item) -> bool:
        """Return whether the text is that of spec.url, which Flux or GitLab may not be able to use."""
        return _plain_url(self.text) == _plain_url(_spec_url(item)) != ""

    def _url(self) -> GitUrl | None:
        text = f"ssh://{self.text}" if _SCP.fullmatch(self.text) else self.text
        return self._parsed(text.partition(_PAGE_OF_PROJECT)[0]) if "://" in text else None

    def _url_of(self, item: Item) -> GitUrl | None:
        return self._parsed(_spec_url(item))

    def _parsed(self, text: str) -> GitUrl | None:
        try:
            return parse_git_url(text, self._rules.relative_root)
        except UnusableUrl:
            return None


def _spec_url(item: Item) -> str:
    return str((item.get("spec") or {}).get("url") or "")


def _plain_url(text: str) -> str:
    return text.strip().lower().removeprefix("ssh://").rstrip("/").removesuffix(".git")


def _containing(text: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if text and text in name]


def _ref(item: Item) -> Ref:
    return ref_of(item, "GitRepository")


def _has_secret(item: Item, mark: Mark) -> bool:
    name = ((item.get("spec") or {}).get("secretRef") or {}).get("name")
    return bool(name) and mark.names(_ref(item).namespace, str(name))
