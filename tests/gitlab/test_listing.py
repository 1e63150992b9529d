"""Which projects are the tenants', and where a path that the listing lacks leads."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cronjob.gitlab.listing import Listing, look_up, read_listing
from reconcile.causes import Cause, CauseCode
from reconcile.errors import ReadError
from reconcile.model import LookUpFailed, Project, ProjectAbsent, ProjectLocation
from tests.worlds.gitlab_builders import GitLab, a_gitlab, a_session, an_answer, ours, raw_server

pytest_plugins = ["tests.worlds.gitlab_fixtures"]
pytestmark = pytest.mark.usefixtures("no_proxies")


def a_project(id_: int, path: str) -> dict[str, object]:
    """As GitLab lists it."""
    return {"id": id_, "path_with_namespace": path, "ssh_url_to_repo": f"git@gitlab.example:{path}.git"}


def listed(gitlab: GitLab, *groups: str, extras: tuple[str, ...] = (), hosts: tuple[str, ...] = ()) -> Listing:
    chosen = groups or (() if extras else ("tenants",))
    return read_listing(gitlab.session(), Listing(set(hosts)), groups=chosen, extras=extras)


def unreadable(gitlab: GitLab, *groups: str) -> str:
    with pytest.raises(ReadError) as error:
        listed(gitlab, *groups)
    assert error.value.code == "GitLabUnreadable"
    return str(error.value)


def codes(listing: Listing) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.project) for problem in listing.problems]


class TestPages:
    @pytest.mark.parametrize(("number", "pages"), [(0, 1), (1, 1), (100, 1), (101, 2), (250, 3)])
    def test_every_page_is_read(self, gitlab: GitLab, number: int, pages: int) -> None:
        for each in range(number):
            gitlab.project(f"tenants/p{each}")

        listing = listed(gitlab)

        assert sorted(listing.by_path) == sorted(f"tenants/p{each}" for each in range(number))
        assert len(gitlab.paths()) == 1 + pages

    def test_the_list_is_asked_for_in_an_order_that_holds_still(self, gitlab: GitLab) -> None:
        listed(gitlab)

        assert gitlab.world.requests[-1].query == {
            "include_subgroups": "true",
            "with_shared": "false",
            "simple": "true",
            "order_by": "id",
            "sort": "asc",
            "per_page": "100",
            "page": "1",
        }

    @pytest.mark.parametrize(("number", "pages"), [(3, 1), (100, 2), (101, 2)])
    def test_a_proxy_that_drops_the_paging_headers_cuts_no_list_short(self, number: int, pages: int) -> None:
        def page(first: int) -> bytes:
            shown = range(first, min(first + 100, number))
            projects = ",".join(json.dumps(a_project(each, f"t/p{each}")) for each in shown)
            return an_answer("200 OK", f"[{projects}]")

        group = an_answer("200 OK", '{"id": 7, "full_path": "t"}')
        with raw_server(group, page(0), page(100)) as server, a_session(server.url) as session:
            listing = read_listing(session, Listing(set()), groups=("t",), extras=())

        assert len(listing.by_path) == number
        assert len(server.requests) == 1 + pages

    @pytest.mark.parametrize("following", ["1", "x", "-2", "0"])
    def test_a_page_that_leads_back_ends_the_reading(self, following: str) -> None:
        group = an_answer("200 OK", '{"id": 7, "full_path": "t"}')
        page = an_answer("200 OK", "[]", f"X-Next-Page: {following}")
        with (
            raw_server(group, page) as server,
            a_session(server.url) as session,
            pytest.raises(ReadError, match=f"from page 1 to page {following}"),
        ):
            read_listing(session, Listing(set()), groups=("t",), extras=())

        assert len(server.requests) == 2

    def test_a_page_with_thousands_of_digits_ends_the_reading_and_is_not_shown(self) -> None:
        group = an_answer("200 OK", '{"id": 7, "full_path": "t"}')
        page = an_answer("200 OK", "[]", f"X-Next-Page: {'9' * 5000}")
        with (
            raw_server(group, page) as server,
            a_session(server.url) as session,
            pytest.raises(ReadError, match="from page 1 to page 999999999;"),
        ):
            read_listing(session, Listing(set()), groups=("t",), extras=())

    @pytest.mark.parametrize("status", [500, 404, 403])
    def test_a_second_page_that_fails_is_no_short_list(self, gitlab: GitLab, status: int) -> None:
        for each in range(101):
            gitlab.project(f"tenants/p{each}")
        gitlab.world.fail(query="page=2", status=status, body={"message": f"{status} no"}, times=None)

        assert f"Group tenants cannot be read: GitLab answered {status} no" in unreadable(gitlab)

    def test_a_second_page_that_never_comes_is_no_short_list(self, gitlab: GitLab) -> None:
        for each in range(101):
            gitlab.project(f"tenants/p{each}")
        gitlab.world.fail(query="page=2", drop=True, times=None)

        assert unreadable(gitlab).startswith("GitLab gave no answer: the connection broke off; nothing was changed.")

    def test_a_second_page_that_fails_once_is_asked_again(self, gitlab: GitLab) -> None:
        for each in range(101):
            gitlab.project(f"tenants/p{each}")
        gitlab.world.fail(query="page=2", status=502, body="<html>")

        assert len(listed(gitlab).by_path) == 101

    @pytest.mark.parametrize("body", [{"id": 1}, ["text"], None, [{"id": "x", "path_with_namespace": "tenants/a"}]])
    def test_a_page_that_is_no_list_of_projects_ends_the_reading(self, gitlab: GitLab, body: object) -> None:
        gitlab.world.fail(path="/projects$", status=200, body="null" if body is None else body)

        assert "GitLab's answer" in unreadable(gitlab)

    def test_a_project_seen_on_two_pages_is_listed_once(self, gitlab: GitLab) -> None:
        """One that is renamed while pages are read shows up under both names."""
        for each in range(101):
            gitlab.project(f"tenants/p{each}", id=1000 + each)
        again = a_project(1000, "tenants/renamed")
        gitlab.world.fail(query="page=2", status=200, body=[again, a_project(2000, "tenants/new")])

        listing = listed(gitlab)

        assert [path for path, project in listing.by_path.items() if project.id == 1000] == ["tenants/renamed"]
        assert len(listing.by_path) == 101

    @pytest.mark.parametrize(
        ("headers", "why"),
        [
            ({"X-Total": "2"}, "its headers count 2, and 1 elements came"),
            ({"X-Total-Pages": "2"}, "its headers count 2 pages"),
            ({"Link": '<https://gitlab.example/api?page=2>; rel="next"'}, "its headers link a next page"),
        ],
    )
    def test_a_list_that_its_own_headers_call_longer_is_not_whole(
        self, gitlab: GitLab, headers: dict[str, str], why: str
    ) -> None:
        answer = {"status": 200, "body": [a_project(1000, "tenants/a")]}
        gitlab.world.fail(path="/projects$", headers={"X-Next-Page": "", **headers}, **answer)

        with pytest.raises(ReadError, match=f"is not whole: {why}") as error:
            listed(gitlab)

        assert error.value.code == "GitLabUnreadable"

    @pytest.mark.parametrize("headers", [{"X-Total": "1", "X-Total-Pages": "1"}, {"X-Total": "many"}, {}])
    def test_a_list_that_is_as_long_as_its_headers_say_is_whole(self, gitlab: GitLab, headers: dict[str, str]) -> None:
        gitlab.world.fail(path="/projects$", status=200, body=[a_project(1000, "tenants/a")], headers=headers)

        assert list(listed(gitlab).by_path) == ["tenants/a"]

    def test_the_total_of_the_last_page_counts(self, gitlab: GitLab) -> None:
        """A project that goes while the pages are read is no reason to call the list incomplete."""
        full = [a_project(1000 + each, f"tenants/p{each}") for each in range(100)]
        gitlab.world.fail(query="page=1$", status=200, body=full, headers={"X-Total": "102", "X-Next-Page": "2"})
        last = [a_project(2000, "tenants/last")]
        gitlab.world.fail(query="page=2$", status=200, body=last, headers={"X-Total": "101", "X-Next-Page": ""})

        assert len(listed(gitlab).by_path) == 101

    @pytest.mark.parametrize("body", [[], "the same"], ids=["empty", "the same page again"])
    def test_pages_that_bring_nothing_new_end_the_list_with_an_error(self, gitlab: GitLab, body: object) -> None:
        page = [a_project(1000 + each, f"tenants/p{each}") for each in range(100)]
        gitlab.world.fail(query="page=1$", status=200, body=page)
        for number in range(2, 6):
            content = page if body == "the same" else body
            headers = {"X-Next-Page": str(number + 1)}
            gitlab.world.fail(query=f"page={number}$", status=200, body=content, headers=headers)

        with pytest.raises(ReadError, match="brings nothing new on page 2, so it is not whole"):
            listed(gitlab)

        assert len(gitlab.paths()) == 3

    def test_a_token_that_is_over_is_told_as_that(self, gitlab: GitLab) -> None:
        gitlab.world.fail(path="/projects$", status=401, body={"message": "401 Unauthorized"})

        with pytest.raises(ReadError) as error:
            listed(gitlab)

        assert error.value.code == "TokenRefused"

    def test_an_old_path_that_another_project_took_meanwhile_stays_its(self, gitlab: GitLab) -> None:
        for each in range(100):
            gitlab.project(f"tenants/p{each}", id=1000 + each)
        gitlab.project("tenants/last")
        taker = a_project(5000, "tenants/p0")
        renamed = a_project(1000, "tenants/renamed")
        gitlab.world.fail(query="page=2", status=200, body=[taker, renamed])

        listing = listed(gitlab)

        assert listing.by_path["tenants/p0"].id == 5000
        assert listing.by_path["tenants/renamed"].id == 1000


class TestGroups:
    def test_projects_of_subgroups_belong_to_it(self, gitlab: GitLab) -> None:
        gitlab.world.add_group("tenants/a/b")
        deep = gitlab.project("tenants/a/b/deep")

        assert listed(gitlab).by_path == {"tenants/a/b/deep": ours(deep)}

    def test_projects_that_are_shared_with_it_do_not(self, gitlab: GitLab) -> None:
        gitlab.world.add_group("others")
        gitlab.world.share(gitlab.project("others/lent"), gitlab.group)
        own = gitlab.project("tenants/own")

        assert listed(gitlab).by_path == {"tenants/own": ours(own)}

    def test_what_gitlab_mixes_in_all_the_same_is_left_out(self, gitlab: GitLab) -> None:
        body = [
            a_project(1, "tenants/a"),
            {
                "id": 2,
                "path_with_namespace": "tenants-evil/a",
                "ssh_url_to_repo": "git@evil.example:tenants-evil/a.git",
            },
            a_project(3, "other/tenants/a"),
            a_project(4, "Tenants/B"),
        ]
        gitlab.world.fail(path="/projects$", status=200, body=body)

        listing = listed(gitlab)

        assert listing.by_path == {"tenants/a": Project(1, "tenants/a"), "tenants/b": Project(4, "Tenants/B")}
        assert "evil.example" not in listing.hosts

    def test_a_neighbour_whose_name_begins_alike_is_outside(self, gitlab: GitLab) -> None:
        gitlab.world.add_group("tenants-evil")
        gitlab.project("tenants-evil/a", visibility="public")

        listing = listed(gitlab)

        assert listing.by_path == {}
        assert not listing.contains(Project(1, "tenants-evil/a"))
        assert not listing.contains(Project(1, "tenants"))
        assert listing.contains(Project(1, "Tenants/a"))

    def test_several_groups_are_read_and_what_they_share_once(self, gitlab: GitLab) -> None:
        gitlab.world.add_group("tenants/inner")
        other = gitlab.world.add_group("other")
        gitlab.world.add_member(other, gitlab.bot, 40)
        paths = ["other/x", "tenants/a", "tenants/inner/b"]
        for path in paths:
            gitlab.project(path)

        listing = listed(gitlab, "tenants", "other", "tenants/inner")

        assert sorted(listing.by_path) == paths
        assert listing.roots == ["tenants", "other", "tenants/inner"]

    def test_a_group_is_named_by_its_path_in_any_case_or_by_its_id(self, gitlab: GitLab) -> None:
        gitlab.world.add_group("tenants/Deep")
        project = gitlab.project("tenants/Deep/a")

        assert listed(gitlab, str(gitlab.group.id)).by_path == {"tenants/deep/a": ours(project)}
        assert listed(gitlab, "Tenants/deep").by_path == {"tenants/deep/a": ours(project)}

    @pytest.mark.parametrize("group", ["tenant", "a/b", "4711"])
    def test_a_group_that_is_not_there_is_named(self, gitlab: GitLab, group: str) -> None:
        told = unreadable(gitlab, "tenants", group)

        assert told.startswith(f"Group {group} cannot be read: GitLab answered 404 Group Not Found. Correct --group")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            [],
            {"full_path": "tenants"},
            {"full_path": "tenants", "id": "7"},
            {"full_path": "tenants", "id": True},
            {"full_path": "", "id": 7},
            {"full_path": None, "id": 7},
            {"full_path": ["tenants"], "id": 7},
        ],
    )
    def test_an_answer_that_is_no_group_ends_the_reading(self, gitlab: GitLab, body: object) -> None:
        gitlab.world.fail(path="/groups/tenants$", status=200, body=body)

        assert "GitLab's answer about group tenants is not a group" in unreadable(gitlab)

    def test_below_a_relative_root_everything_is_found(self) -> None:
        with a_gitlab(url_root="/gitlab") as served:
            project = served.project("tenants/a")
            listing = listed(served, "tenants")

            assert listing.by_path == {"tenants/a": ours(project)}
            assert isinstance(look_up(served.session(), "tenants/a", listing), ProjectLocation)


class TestHosts:
    def test_they_are_those_of_the_clone_urls_besides_those_known_before(self, gitlab: GitLab) -> None:
        gitlab.world.ssh_host, gitlab.world.external_url = "SSH.gitlab.example", "https://gitlab.example:8443/root"
        gitlab.project()

        assert listed(gitlab, hosts=("api.example",)).hosts == {"api.example", "ssh.gitlab.example", "gitlab.example"}

    def test_a_port_in_an_ssh_url_is_none_of_the_host(self, gitlab: GitLab) -> None:
        gitlab.world.ssh_port = 2222
        gitlab.project()

        assert listed(gitlab).hosts == {"gitlab.sandbox.example", "127.0.0.1"}

    def test_a_project_without_usable_urls_teaches_none(self, gitlab: GitLab) -> None:
        body = [{"id": 1, "path_with_namespace": "tenants/a", "ssh_url_to_repo": None, "http_url_to_repo": "x"}]
        gitlab.world.fail(path="/projects$", status=200, body=body)

        assert listed(gitlab, hosts=("api.example",)).hosts == {"api.example"}

    @pytest.mark.parametrize("url", [None, "", 7, ["git@gitlab.example:tenants/a.git"]])
    def test_a_project_without_any_url_ends_the_reading(self, gitlab: GitLab, url: object) -> None:
        body = [a_project(1, "tenants/a") | {"ssh_url_to_repo": url, "http_url_to_repo": url}]
        gitlab.world.fail(path="/projects$", status=200, body=body)

        assert "GitLab's answer about project 1 has no clone URL" in unreadable(gitlab)

    def test_one_url_is_enough(self, gitlab: GitLab) -> None:
        body = [a_project(1, "tenants/a") | {"http_url_to_repo": None}]
        gitlab.world.fail(path="/projects$", status=200, body=body)

        assert listed(gitlab).hosts == {"gitlab.example"}

    def test_an_empty_group_teaches_none(self, gitlab: GitLab) -> None:
        assert listed(gitlab, hosts=("api.example",)).hosts == {"api.example"}


class TestExtraProjects:
    def test_one_outside_the_groups_is_found(self, gitlab: GitLab) -> None:
        gitlab.world.add_group("others")
        extra = gitlab.project("others/Platform", visibility="public")
        gitlab.project("others/else", visibility="public")

        listing = listed(gitlab, "tenants", extras=("others/platform",))

        assert listing.by_path == {"others/platform": ours(extra)}
        assert listing.contains(ours(extra))
        assert not listing.contains(Project(extra.id + 1, "others/else"))
        assert listing.problems == []
        assert listing.hosts == {"gitlab.sandbox.example", "127.0.0.1"}

    def test_no_group_is_needed_beside_it(self, gitlab: GitLab) -> None:
        gitlab.project("tenants/a")

        assert list(listed(gitlab, extras=("tenants/a",)).by_path) == ["tenants/a"]

    def test_one_that_moved_is_used_and_told(self, gitlab: GitLab) -> None:
        extra = gitlab.project("tenants/old")
        gitlab.world.move_project(extra, "tenants/new")

        listing = listed(gitlab, extras=("tenants/old",))

        assert listing.by_path == {"tenants/new": ours(extra)}
        assert codes(listing) == [("ProjectMoved", "tenants/new")]
        assert "--extra-project tenants/old has moved to tenants/new; name it" in listing.problems[0].message

    def test_one_that_is_absent_is_a_problem_while_the_others_go_on(self, gitlab: GitLab) -> None:
        gitlab.project("tenants/a")

        listing = listed(gitlab, extras=("tenants/none", "tenants/a"))

        assert list(listing.by_path) == ["tenants/a"]
        assert codes(listing) == [("ProjectNotFound", "tenants/none")]
        assert str(listing.problems[0].severity) == "error"

    @pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}, {"status": 200, "body": {"id": 1}}])
    def test_one_that_cannot_be_looked_up_is_a_problem_while_the_others_go_on(
        self, gitlab: GitLab, fault: dict[str, Any]
    ) -> None:
        gitlab.project("tenants/a")
        gitlab.project("tenants/b")
        gitlab.world.fail(path="%2Fa$", times=None, **fault)

        listing = listed(gitlab, extras=("tenants/a", "tenants/b"))

        assert list(listing.by_path) == ["tenants/b"]
        assert codes(listing) == [("ProjectUnreadable", "tenants/a")]
        assert "cannot be looked up: " in listing.problems[0].message


def found(gitlab: GitLab, path: str) -> object:
    listing = listed(gitlab, "tenants")
    gitlab.world.requests.clear()
    return look_up(gitlab.session(), path, listing)


class TestLookUps:
    def test_a_project_inside_is_found_whatever_the_case(self, gitlab: GitLab) -> None:
        listing = listed(gitlab)
        project = gitlab.project("tenants/New")

        assert look_up(gitlab.session(), "tenants/new", listing) == ProjectLocation(ours(project))

    def test_one_outside_is_said_to_be(self, gitlab: GitLab) -> None:
        gitlab.world.add_group("others")
        project = gitlab.project("others/a", visibility="public")

        assert found(gitlab, "others/a") == ProjectLocation(ours(project), inside=False)

    def test_a_host_is_learned_from_it(self, gitlab: GitLab) -> None:
        listing = listed(gitlab)
        gitlab.project("tenants/new")
        look_up(gitlab.session(), "tenants/new", listing)

        assert listing.hosts == {"gitlab.sandbox.example", "127.0.0.1"}

    def test_one_that_moved_inside_is_followed_by_its_id(self, gitlab: GitLab) -> None:
        project = gitlab.project("tenants/old")
        gitlab.world.move_project(project, "tenants/new")

        assert found(gitlab, "tenants/old") == ProjectLocation(ours(project), moved=True)
        assert gitlab.paths() == ["/projects/tenants%2Fold", f"/projects/{project.id}"]

    def test_one_that_moved_outside_is_followed_and_outside(self, gitlab: GitLab) -> None:
        gitlab.world.add_group("others")
        project = gitlab.project("tenants/old", visibility="public")
        gitlab.world.move_project(project, "others/new")

        assert found(gitlab, "tenants/old") == ProjectLocation(ours(project), moved=True, inside=False)

    def test_one_whose_path_only_changed_case_did_not_move(self, gitlab: GitLab) -> None:
        project = gitlab.project("tenants/Shop")

        assert found(gitlab, "tenants/shop") == ProjectLocation(ours(project))

    def test_gitlab_before_16_7_answers_for_the_old_path_itself(self) -> None:
        with a_gitlab("16.6.0") as old:
            project = old.project("tenants/old")
            old.world.move_project(project, "tenants/new")

            assert found(old, "tenants/old") == ProjectLocation(ours(project), moved=True)
            assert old.paths() == ["/projects/tenants%2Fold"]

    def test_an_old_path_that_was_taken_leads_to_the_taker(self, gitlab: GitLab) -> None:
        gitlab.world.move_project(gitlab.project("tenants/old"), "tenants/new")
        taker = gitlab.project("tenants/old")

        assert found(gitlab, "tenants/old") == ProjectLocation(ours(taker))

    def test_no_request_goes_to_the_host_that_a_redirect_names(self, gitlab: GitLab) -> None:
        project = gitlab.project("tenants/old")
        gitlab.world.move_project(project, "tenants/new")
        with raw_server(an_answer("200 OK", "{}")) as elsewhere:
            gitlab.world.external_url = elsewhere.url

            assert found(gitlab, "tenants/old") == ProjectLocation(ours(project), moved=True)

        assert elsewhere.requests == []

    @pytest.mark.parametrize("location", ["", "https://gitlab.example/users/sign_in", "/api/v4/projects/tenants%2Fx"])
    def test_a_redirect_to_something_else_leads_nowhere(self, gitlab: GitLab, location: str) -> None:
        gitlab.world.fail(path="%2Fa$", status=301, headers={"Location": location} if location else {})

        where = f", a redirect to {location}" if location else ""
        assert found(gitlab, "tenants/a") == LookUpFailed(f"GitLab answered 301{where}", Cause(CauseCode.NOT_GITLAB))
        assert len(gitlab.world.requests) == 1

    def test_another_redirect_is_not_a_move(self, gitlab: GitLab) -> None:
        gitlab.world.fail(path="%2Fa$", status=302, headers={"Location": "/api/v4/projects/1"})

        reason = "GitLab answered 302, a redirect to /api/v4/projects/1"
        assert found(gitlab, "tenants/a") == LookUpFailed(reason, Cause(CauseCode.NOT_GITLAB))

    def test_one_that_is_absent_is_no_place(self, gitlab: GitLab) -> None:
        assert found(gitlab, "tenants/none") == ProjectAbsent()

    def test_one_that_was_moved_out_of_sight_is_no_place(self, gitlab: GitLab) -> None:
        gitlab.world.fail(path="%2Fa$", status=301, headers={"Location": "/api/v4/projects/4711"})

        assert found(gitlab, "tenants/a") == ProjectAbsent()

    @pytest.mark.parametrize(
        ("fault", "reason", "code"),
        [
            ({"status": 403, "body": {"message": "403 Forbidden"}}, "GitLab answered 403 Forbidden", "RoleMissing"),
            (
                {"status": 403, "body": {"message": "Project Not Found here"}},
                "GitLab answered 403 Project Not Found here",
                "Unknown",
            ),
            (
                {"status": 500, "body": {"message": "404 Project Not Found"}},
                "GitLab answered 500 404 Project Not Found",
                "ServerError",
            ),
            (
                {"status": 404, "body": {"error": "404 Project Not Found"}},
                "GitLab answered 404 Project Not Found",
                "Unknown",
            ),
            ({"status": 404, "body": "<html>"}, "something in front of GitLab answered 404", "NotGitLab"),
            ({"drop": True}, "GitLab gave no answer: the connection broke off", "ConnectionBroken"),
            ({"status": 200, "body": "{"}, "GitLab answered 200 with something that is not JSON", "NotGitLab"),
            ({"status": 200, "body": {"id": 5}}, "GitLab's answer has no text `path_with_namespace`", "Malformed"),
            (
                {"status": 200, "body": {"id": 5, "path_with_namespace": "tenants/a"}},
                "GitLab's answer about project 5 has no clone URL",
                "Malformed",
            ),
        ],
    )
    def test_what_cannot_be_said_is_not_absent(
        self, gitlab: GitLab, fault: dict[str, Any], reason: str, code: str
    ) -> None:
        gitlab.project("tenants/a")
        listing = listed(gitlab)
        gitlab.world.fail(path="%2Fa$", times=None, **fault)

        assert look_up(gitlab.session(), "tenants/a", listing) == LookUpFailed(reason, Cause(CauseCode(code)))

    def test_a_path_is_one_segment_of_the_request(self, gitlab: GitLab) -> None:
        found(gitlab, "tenants/a.b/c")

        assert gitlab.paths() == ["/projects/tenants%2Fa.b%2Fc"]
        assert re.fullmatch(r"[^?#]*", gitlab.paths()[0])
