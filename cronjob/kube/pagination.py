"""
Pagination of Kubernetes lists: `limit` and `continue`.

A 410 says that the server has forgotten the moment that the pages show; the list then restarts, so that it is always of
one moment (Kubernetes API concepts, "Retrieving large results sets in chunks").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from cronjob.transport.answer import Answer
from reconcile.errors import MalformedAnswer, SyncerError

Kept = TypeVar("Kept")
RESTARTS = 3
# How large objects are is not known before: etcd takes 1.5 MB for one.
FIRST_PAGE = 25
PAGE_BYTES = 8 * 1024 * 1024


class ListFailed(SyncerError):
    """
    A list could not be read to its end; *answer* is the last answer.

    Its status is 410 where the list restarted too often, 200 where the answer is not a page of objects, and otherwise
    what the server refused the page with.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__("the answer is not a list" if answer.status == HTTPStatus.OK else answer.title)
        self.answer = answer


def list_all(
    get_page: Callable[[Mapping[str, str]], Answer], convert: Callable[[Any], Kept], page_size: int
) -> list[Kept]:
    """
    Read all pages of one list, and keep what *convert* makes of each object. Raises ListFailed.

    *get_page* sends the request with the given query parameters. *convert* raises MalformedAnswer for what is not an
    object of Kubernetes; it may see an object again after a restart.
    """
    for _ in range(RESTARTS):
        try:
            return _read_pages(get_page, convert, page_size)
        except ListFailed as failure:
            if failure.answer.status != HTTPStatus.GONE:
                raise
    return _read_pages(get_page, convert, page_size)


def _read_pages(
    get_page: Callable[[Mapping[str, str]], Answer], convert: Callable[[Any], Kept], page_size: int
) -> list[Kept]:
    items: list[Kept] = []
    query = {"limit": str(min(page_size, FIRST_PAGE))}
    while True:
        answer = get_page(query)
        if answer.status != HTTPStatus.OK:
            raise ListFailed(answer)
        match answer.parsed():
            case {"items": list(objects), "metadata": dict(metadata)}:
                token = metadata.get("continue") or ""
            case _:
                raise ListFailed(answer)
        # The same token again would never end.
        if not isinstance(token, str) or token == query.get("continue"):
            raise ListFailed(answer)
        try:
            items += map(convert, objects)
        except MalformedAnswer:
            raise ListFailed(answer) from None
        if not token:
            return items
        query = {"limit": str(_next_size(answer, len(objects), page_size)), "continue": token}


def _next_size(answer: Answer, count: int, page_size: int) -> int:
    """Return how many objects to ask for next, so that a page of objects as large as these has a bounded size."""
    average = len(answer.body) / max(count, 1)
    return max(1, min(page_size, int(PAGE_BYTES / max(average, 1))))
