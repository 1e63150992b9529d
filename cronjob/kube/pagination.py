"""
Pagination of Kubernetes lists: `limit` and `continue`.

A 410 says that the server has forgotten the moment that the pages show; the list then restarts, so that it is always of
one moment (Kubernetes API concepts, "Retrieving large results sets in chunks").

Pages shrink where objects are large: an object may have 1.5 MiB (etcd's limit of a request), and a page that is in hand
takes several times its size in memory. A page over the limit is asked for again with fewer objects; a `continue` token
may be used with any limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from cronjob.transport.answer import Answer
from reconcile.errors import MalformedAnswer, SyncerError

Kept = TypeVar("Kept")
# Sends the request of one page, with these query parameters and this limit of its body in bytes.
GetPage = Callable[[Mapping[str, str], int | None], Answer]
RESTARTS = 3
MAX_PAGE_BYTES = 8 * 2**20
# What the next page should have, judged by the objects of the last one.
_WANTED_PAGE_BYTES = MAX_PAGE_BYTES // 2
_SHRINK = 16


class ListFailed(SyncerError):
    """
    A list could not be read to its end; *answer* is the last answer.

    Its status is 410 where the list restarted too often, 200 where the answer is not a page of objects, and otherwise
    what the server refused the page with.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__("the answer is not a list" if answer.status == HTTPStatus.OK else answer.title)
        self.answer = answer


def list_all(get_page: GetPage, convert: Callable[[Any], Kept], page_size: int) -> list[Kept]:
    """
    Read all pages of one list, and keep what *convert* makes of each object. Raises ListFailed.

    *convert* raises MalformedAnswer for what is not an object of Kubernetes; a restart gives it an object once more.
    A page has at most *page_size* objects.
    """
    for _ in range(RESTARTS):
        try:
            return _read_pages(_Pages(get_page, page_size), convert)
        except ListFailed as failure:
            if failure.answer.status != HTTPStatus.GONE:
                raise
    return _read_pages(_Pages(get_page, page_size), convert)


class _Pages:
    """Requests pages, each of so many objects that it stays below the limit of a page."""

    def __init__(self, get_page: GetPage, page_size: int) -> None:
        self._get_page = get_page
        self._page_size = page_size
        self._size = page_size

    def get(self, token: str) -> Answer:
        """The page for the continue *token*, the first one without."""
        while True:
            query = {"limit": str(self._size)} | ({"continue": token} if token else {})
            # One object may be as large as the API server lets it be.
            answer = self._get_page(query, MAX_PAGE_BYTES if self._size > 1 else None)
            if not answer.is_too_large:
                return answer
            self._size = max(1, self._size // _SHRINK)

    def adapt(self, answer: Answer, objects: int) -> None:
        """Choose the size of the next page by the *objects* of this one."""
        fitting = _WANTED_PAGE_BYTES * objects // max(1, len(answer.body))
        self._size = min(self._page_size, max(1, fitting)) if objects else self._page_size


def _read_pages(pages: _Pages, convert: Callable[[Any], Kept]) -> list[Kept]:
    items: list[Kept] = []
    token = ""
    while True:
        answer = pages.get(token)
        if answer.status != HTTPStatus.OK:
            raise ListFailed(answer)
        match answer.parsed():
            case {"items": list(objects), "metadata": dict(metadata)}:
                next_token = metadata.get("continue") or ""
            case _:
                raise ListFailed(answer)
        # The same token again would never end.
        if not isinstance(next_token, str) or (next_token and next_token == token):
            raise ListFailed(answer)
        try:
            items += map(convert, objects)
        except MalformedAnswer:
            raise ListFailed(answer) from None
        if not next_token:
            return items
        token = next_token
        pages.adapt(answer, len(objects))
