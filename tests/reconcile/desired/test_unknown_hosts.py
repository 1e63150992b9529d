"""A GitRepository on a host that this run does not know, whose path is one of the group."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.desired.receivers import receiver_requests_from
from reconcile.desired.repositories import KnownProjects, as_alias, repository_requests_from
from reconcile.desired.requests import Requests
from reconcile.desired.seen_items import SeenItems
from reconcile.desired.unknown_hosts import with_unknown_hosts
from reconcile.problems import Code
from tests.worlds.builders import HOST, a_key, a_mark, a_webhook, some_actual, some_rules
from tests.worlds.objects import KEYS, a_git_repository, a_receiver

ALIAS = "ssh://git@git.alias.example/tenants/app.git"
OUR_KEY = a_key(1, title=str(a_mark(KEYS)))
OUR_WEBHOOK = a_webhook(1, description=str(a_mark("app")))


def held(*found: Any, url: str = ALIAS, **rules: Any) -> Code | None:
    """What holds a GitRepository at *url* once these items were read."""
    known = KnownProjects(frozenset({HOST}))
    requests = Requests(
        repository_requests_from([a_git_repository(url=url)], some_rules(**rules), known),
        receiver_requests_from([a_receiver()]),
        frozenset({"tenants"}),
    )
    (request,) = with_unknown_hosts(requests, SeenItems.of(some_actual(*found)), some_rules(**rules)).repositories
    return request.held


@pytest.mark.parametrize("found", [OUR_KEY, OUR_WEBHOOK], ids=["its Secret", "a Receiver that names it"])
def test_it_is_held_where_our_items_name_what_belongs_to_it(found: Any) -> None:
    assert held(found) is Code.URL_UNUSABLE


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"found": a_key(1, title="flux-gitlab-syncer staging flux-config/app-key")},
        {"found": OUR_KEY, "url": "ssh://git@github.example/elsewhere/app.git"},
        {"found": OUR_KEY, "foreign_hosts": frozenset({"git.alias.example"})},
    ],
    ids=["nothing of ours", "another cluster's mark", "a path outside the groups", "a host that is always foreign"],
)
def test_it_is_foreign_otherwise(more: dict[str, Any]) -> None:
    found = [more.pop("found")] if "found" in more else []
    assert held(*found, **more) is None


def test_a_request_without_a_url_has_no_other_host() -> None:
    (request,) = repository_requests_from([a_git_repository(url="?")], some_rules(), KnownProjects(frozenset({HOST})))
    assert as_alias(request) == request
