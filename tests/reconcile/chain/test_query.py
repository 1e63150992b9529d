"""What `trace` is asked for, without asking GitLab."""

from __future__ import annotations

import pytest

from reconcile.actual import FoundKey, Items
from reconcile.chain.query import Hosts, Query
from reconcile.marks import Mark, Owner
from tests.worlds.builders import HOST, NAMESPACE, a_public_key, some_rules
from tests.worlds.desired_inputs import APP
from tests.worlds.objects import a_git_repository

HOSTS = Hosts(frozenset({HOST, "git.example.com"}))
APP_REPOSITORY = a_git_repository()
ITEMS = [
    APP_REPOSITORY,
    a_git_repository("web", f"https://{HOST}/tenants/web"),
    a_git_repository("elsewhere", "ssh://git@github.com/tenants/app"),
    a_git_repository("broken", "no url at all", secret=None),
    a_git_repository("port", f"ssh://git@{HOST}:tenants/port.git"),
    a_git_repository("variable", f"ssh://git@{HOST}/${{TENANT}}/app.git"),
    a_git_repository("empty", ""),
]


def names_for(text: str, hosts: Hosts = HOSTS) -> list[str]:
    return [item["metadata"]["name"] for item in Query(text, ITEMS, some_rules()).matching(hosts)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("app", ["app"]),
        (f" {NAMESPACE}/app\n", ["app"]),
        (f"GitRepository/{NAMESPACE}/app", ["app"]),
        ("other/app", []),
        ("tenants/app", ["app", "elsewhere"]),
        ("Tenants/App.git/", ["app", "elsewhere"]),
        (f"ssh://git@{HOST}/tenants/app", ["app"]),
        ("git@git.example.com:tenants/app.git", ["app"]),
        (f"https://{HOST}/tenants/web/-/hooks", ["web"]),
        ("https://github.com/tenants/app", ["elsewhere"]),
        ("https://unknown.example.com/tenants/app", []),
        ("nobody", []),
        ("", []),
        ("no url at all", ["broken"]),
        (f"ssh://git@{HOST}:tenants/port.git", ["port"]),
        (f"git@{HOST}:tenants/port", ["port"]),
        (f"ssh://git@{HOST}/${{TENANT}}/app", ["variable"]),
    ],
)
def test_a_query_finds_by_name_by_path_and_by_url(text: str, names: list[str]) -> None:
    assert names_for(text) == names


def test_where_gitlab_could_not_be_asked_another_host_may_be_the_same_gitlab() -> None:
    assert names_for("https://unknown.example.com/tenants/app", Hosts(HOSTS.names, complete=False)) == ["app"]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("tenants/New", "tenants/new"),
        ("4711", "4711"),
        ("app", None),
        (f"https://{HOST}/tenants/New", "tenants/new"),
        ("https://github.com/tenants/new", None),
    ],
)
def test_gitlab_can_be_asked_for_a_path_an_id_or_a_url_on_its_own_host(text: str, path: str | None) -> None:
    assert Query(text, ITEMS, some_rules()).lookup_path(HOSTS) == path


def test_a_mark_on_the_project_leads_to_the_gitrepository_with_that_secret() -> None:
    query = Query("tenants/renamed", ITEMS, some_rules())
    titles = [
        f"flux-gitlab-syncer prod {NAMESPACE}/app-key",
        f"flux-gitlab-syncer other {NAMESPACE}/web-key",
        "by hand",
    ]
    owners = [Owner.OURS, Owner.OTHER_CLUSTER, Owner.UNMARKED]
    keys = [
        FoundKey(number, title, a_public_key(), Mark.parse(title), owner)
        for number, (title, owner) in enumerate(zip(titles, owners, strict=True))
    ]

    marked = query.marked_on(Items(APP, tuple(keys)))

    assert [item["metadata"]["name"] for item in marked] == ["app", "web", "elsewhere", "port", "variable", "empty"]
    assert query.marked_on(Items(APP, tuple(keys[1:]))) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ap", "No GitRepository is called 'ap' or leads to such a project. Did you mean app"),
        ("tenants/wob", "Did you mean tenants/web"),
        (f"ssh://git@{HOST}/tenants/wob", "Did you mean tenants/web"),
        ("lsewher", "Did you mean elsewhere"),
        ("zzz", "leads to such a project."),
    ],
)
def test_what_is_not_found_is_told_with_what_may_have_been_meant(text: str, sentence: str) -> None:
    assert sentence in Query(text, ITEMS, some_rules()).not_found(HOSTS)


def test_a_namespace_without_gitrepositories_is_named() -> None:
    assert (
        Query("app", [], some_rules()).not_found(HOSTS) == f"There is no GitRepository in {NAMESPACE}: see --namespace."
    )
