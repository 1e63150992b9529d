"""Offset pagination as in GitLab: pages of at most 100 items, with headers for the other pages."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from cronjob.sandbox.fake_gitlab.answers import Answer, Json, refuse
from cronjob.sandbox.fake_gitlab.call import Call

DEFAULT_PAGE = 20
LARGEST_PAGE = 100

# Beyond this number GitLab sends no totals and no link to the last page.
COUNTED = 10_000

Item = TypeVar("Item")


def paged(call: Call, items: Sequence[Item], view: Callable[[Item], Json]) -> Answer:
    """Answer with the page of *items* that *call* asks for; *view* makes the JSON of an item."""
    page = max(1, call.integer("page", 1))
    size = min(LARGEST_PAGE, call.integer("per_page", DEFAULT_PAGE))
    if size < 1:
        refuse(400, error="per_page does not have a valid value")
    shown = items[(page - 1) * size : page * size]
    pages = max(1, -(-len(items) // size))
    headers = _headers(page, size, pages)
    links = {"prev": page - 1 if page > 1 else 0, "next": page + 1 if page < pages else 0, "first": 1}
    if len(items) <= COUNTED:
        headers |= {"X-Total": str(len(items)), "X-Total-Pages": str(pages)}
        links["last"] = pages
    headers["Link"] = _links(call, {rel: to for rel, to in links.items() if to}, size)
    return Answer(200, [view(item) for item in shown], headers)


def _headers(page: int, size: int, pages: int) -> dict[str, str]:
    return {
        "X-Page": str(page),
        "X-Per-Page": str(size),
        "X-Prev-Page": str(page - 1) if page > 1 else "",
        "X-Next-Page": str(page + 1) if page < pages else "",
    }


def _links(call: Call, links: dict[str, int], size: int) -> str:
    """
    The Link header. Its URLs begin with GitLab's external URL, whatever host the request was sent to, and repeat
    every parameter in alphabetical order, also the id in the route.
    """
    url = call.external_url + call.path.removeprefix(call.world.url_root)
    params: dict[str, Any] = call.query | call.names | {"per_page": size}
    parts = []
    for rel, page in links.items():
        query = urlencode(sorted((params | {"page": page}).items()), quote_via=quote)
        parts.append(f'<{url}?{query}>; rel="{rel}"')
    return ", ".join(parts)
