from dataclasses import replace
from typing import Any

import pytest

from reconcile.desired.repositories import KnownProjects, RepositoryRequest, repository_requests_from
from reconcile.desired.repository_projects import held_if_unreadable, with_project
from reconcile.model import LookUpFailed, LookUpResult, Project, ProjectAbsent, ProjectLocation, Ref
from reconcile.problems import Code, Severity
from reconcile.rules import Rules
from reconcile.tenancy import Rule, Tenancy
from tests.worlds.builders import HOST, NAMESPACE, some_rules
from tests.worlds.desired_inputs import APP, WEB
from tests.worlds.objects import DISABLED, a_git_repository, pin_to

HOSTS = frozenset({HOST, "ssh.example.com"})
ONLY_APP = some_rules(tenancy=Tenancy((Rule(NAMESPACE, "tenants/app"),)))
NEIGHBOUR = Project(9, "neighbour/app")


def a_request(rules: Rules | None = None, **fields: Any) -> RepositoryRequest:
    """The request of one GitRepository, before GitLab is asked."""
    (request,) = repository_requests_from([a_git_repository(**fields)], rules or some_rules(), KnownProjects(HOSTS))
    return request


def a_placed_request(place: LookUpResult, rules: Rules | None = None, **fields: Any) -> RepositoryRequest:
    """The same after GitLab's *place* for `tenants/app`."""
    return with_project(a_request(rules, **fields), {"tenants/app": place}, rules or some_rules())


def codes(request: RepositoryRequest) -> list[str]:
    return [problem.code for problem in request.problems]


def message(request: RepositoryRequest) -> str:
    (problem,) = request.problems
    return problem.message


def test_a_repository_of_this_gitlab_asks_for_its_path() -> None:
    request = a_request(url=f"ssh://git@{HOST}/Tenants/App.git")
    assert request.path == "tenants/app"
    assert request.secret == Ref("Secret", NAMESPACE, "app-key")
    assert request.problems == ()


def test_a_claim_with_its_place_has_a_project() -> None:
    request = a_placed_request(ProjectLocation(APP))
    assert (request.project, request.target, request.held, request.problems) == (APP, APP, None, ())


def test_a_repository_that_is_being_deleted_counts_as_gone() -> None:
    items = [a_git_repository("old", deleting=True), a_git_repository("new")]
    assert [request.ref.name for request in repository_requests_from(items, some_rules(), KnownProjects(HOSTS))] == [
        "new"
    ]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"spec": {"suspend": True}}, id="suspended"),
        pytest.param({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, id="failing"),
        pytest.param({"status": {"conditions": [{"type": "Stalled", "status": "True"}]}}, id="stalled"),
        pytest.param({"status": {}}, id="never seen by Flux"),
    ],
)
def test_a_suspended_or_failing_repository_is_wanted_like_any_other(change: dict[str, dict[str, Any]]) -> None:
    item = a_git_repository()
    for part, fields in change.items():
        item[part] = {**item[part], **fields}
    assert repository_requests_from([item], some_rules(), KnownProjects(HOSTS)) == (a_request(),)


@pytest.mark.parametrize(
    ("fields", "has_secret"),
    [
        pytest.param({}, True, id="ssh with a Secret"),
        pytest.param({"provider": "generic"}, True, id="provider generic"),
        pytest.param({"provider": ""}, True, id="an empty provider is generic"),
        pytest.param({"provider": "azure"}, False, id="another provider"),
        pytest.param({"secret": None}, False, id="ssh without a Secret"),
        pytest.param({"url": f"https://{HOST}/tenants/app.git"}, False, id="https"),
        pytest.param({"url": f"http://{HOST}/tenants/app.git"}, False, id="http"),
        pytest.param({"url": f"ssh://git@{HOST}:tenants/app.git"}, True, id="ssh with a scp-style colon"),
    ],
)
def test_only_ssh_with_a_secret_and_the_generic_provider_needs_a_key(
    fields: dict[str, Any], *, has_secret: bool
) -> None:
    request = a_placed_request(ProjectLocation(APP), **fields)
    assert (request.secret is not None) == has_secret
    assert request.target == APP


def test_an_object_without_spec_is_a_problem_and_no_crash() -> None:
    item = a_git_repository()
    del item["spec"]
    (request,) = repository_requests_from([item], some_rules(), KnownProjects(HOSTS))
    assert codes(request) == ["UrlUnusable"]


def test_an_unusable_url_holds_and_says_how_to_write_it() -> None:
    request = a_request(url=f"ssh://git@{HOST}/app.git")
    assert (request.held, request.dropped, request.path) == (Code.URL_UNUSABLE, False, None)
    assert "fewer than two segments" in message(request)
    assert "Write it as ssh://git@HOST/GROUP/PROJECT.git" in message(request)
    assert request.problems[0].severity is Severity.ERROR
    assert with_project(request, {}, some_rules()) == request


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("ssh://git@github.com/tenants/app.git", id="a project's path"),
        pytest.param("https://git.example.org/app.git", id="a path that no GitLab has"),
        pytest.param("https://dev.example.org/my%20team/_git/app", id="a path with blanks"),
    ],
)
def test_a_foreign_host_is_a_notice_whatever_its_path_and_holds_nothing(url: str) -> None:
    request = with_project(a_request(url=url), {"tenants/app": ProjectLocation(APP)}, some_rules())
    assert (request.dropped, request.held, request.project, request.path) == (True, None, None, None)
    assert request.problems[0].severity is Severity.NOTICE
    assert codes(request) == ["ForeignHost"]
    assert "list it under git_hosts in the settings" in message(request)


def test_every_host_of_this_gitlab_is_ours() -> None:
    assert a_request(url="ssh://git@SSH.example.com:2222/tenants/app").path == "tenants/app"


def test_a_scp_style_colon_is_understood_with_a_warning() -> None:
    request = a_placed_request(ProjectLocation(APP), url=f"ssh://git@{HOST}:tenants/app.git")
    assert (request.project, request.held) == (APP, None)
    assert codes(request) == ["UrlNotFetchable"]
    assert f"Write ssh://git@{HOST}/tenants/app.git instead" in message(request)


def test_the_relative_root_is_no_part_of_the_path() -> None:
    assert a_request(some_rules(relative_root="gitlab"), url=f"https://{HOST}/gitlab/tenants/app").path == "tenants/app"


# tenancy


def test_a_url_that_breaks_the_rules_is_not_allowed_before_any_look_up() -> None:
    request = a_request(ONLY_APP, url=f"ssh://git@{HOST}/tenants/web.git")
    assert (request.dropped, request.held, request.path) == (True, None, None)
    assert codes(request) == ["NotAllowed"]
    assert f"do not let namespace {NAMESPACE} name tenants/web" in message(request)
    assert "correct the URL, or the rules" in message(request)


def test_a_url_within_the_rules_is_looked_up() -> None:
    request = a_placed_request(ProjectLocation(APP), ONLY_APP)
    assert (request.dropped, request.project) == (False, APP)


@pytest.mark.parametrize("inside", [True, False])
def test_an_old_path_that_leads_to_a_neighbour_is_not_allowed(*, inside: bool) -> None:
    request = a_placed_request(ProjectLocation(NEIGHBOUR, moved=True, inside=inside), ONLY_APP)
    assert (request.dropped, request.project, request.held) == (True, None, None)
    assert codes(request) == ["NotAllowed"]
    assert "now neighbour/app" in message(request)
    assert "correct the URL" in message(request)


# places


def test_a_project_that_gitlab_does_not_have_holds() -> None:
    for request in (a_placed_request(ProjectAbsent()), with_project(a_request(), {}, some_rules())):
        assert (request.held, request.project, request.target) == (Code.PROJECT_NOT_FOUND, None, None)
        assert codes(request) == ["ProjectNotFound"]
        assert "correct the URL, or make the bot account a Maintainer there" in message(request)


def test_a_failed_look_up_holds_and_is_not_taken_for_no_project() -> None:
    request = a_placed_request(LookUpFailed("503 Service Unavailable"))
    assert (request.held, request.target) == (Code.PROJECT_UNREADABLE, None)
    assert codes(request) == ["ProjectUnreadable"]
    assert "503 Service Unavailable. The next run tries again" in message(request)


def test_a_moved_project_is_used_where_it_is_now_with_a_warning() -> None:
    request = a_placed_request(ProjectLocation(WEB, moved=True))
    assert (request.project, request.target, request.held) == (WEB, WEB, None)
    assert codes(request) == ["ProjectMoved"]
    assert "tenants/app has moved to tenants/web; correct the URL" in message(request)


def test_a_project_outside_the_group_is_never_touched_and_holds_nothing() -> None:
    request = a_placed_request(ProjectLocation(NEIGHBOUR, moved=True, inside=False))
    assert (request.dropped, request.project, request.held) == (True, None, None)
    assert codes(request) == ["ProjectOutsideGroup"]
    assert "--extra-project neighbour/app" in message(request)


def test_problems_are_filed_under_the_project_once_it_is_known() -> None:
    request = a_placed_request(ProjectLocation(WEB, moved=True), url=f"ssh://git@{HOST}:tenants/app.git")
    assert [(problem.code, problem.project) for problem in request.problems] == [
        ("UrlNotFetchable", "tenants/web"),
        ("ProjectMoved", "tenants/web"),
    ]
    assert {problem.object for problem in request.problems} == {f"GitRepository/{NAMESPACE}/app"}


def test_a_claim_beside_an_unreadable_project_is_held_without_a_second_report() -> None:
    request = a_placed_request(ProjectLocation(APP))
    held = held_if_unreadable(request, {APP.id})
    assert (held.held, held.problems) == (Code.PROJECT_UNREADABLE, ())
    assert held_if_unreadable(request, {WEB.id}) == request


def test_what_already_holds_a_claim_is_still_the_reason_beside_an_unreadable_project() -> None:
    request = a_placed_request(ProjectLocation(APP), annotations=pin_to(8))
    assert held_if_unreadable(request, {APP.id}).held is Code.PROJECT_REPLACED


def test_what_is_not_wanted_is_not_held_by_an_unreadable_project() -> None:
    dropped = a_placed_request(ProjectLocation(NEIGHBOUR, inside=False))
    assert held_if_unreadable(dropped, {NEIGHBOUR.id}) == dropped


# pins


@pytest.mark.parametrize("pin", ["7", " 7\n"])
def test_a_pin_to_the_project_at_that_path_changes_nothing(pin: str) -> None:
    request = a_placed_request(ProjectLocation(APP), annotations=pin_to(pin))
    unpinned = a_placed_request(ProjectLocation(APP))
    assert replace(request, pinned=None, annotations=unpinned.annotations) == unpinned


def test_a_pin_to_another_id_is_a_replaced_project() -> None:
    request = a_placed_request(ProjectLocation(APP), annotations=pin_to(8))
    assert (request.held, request.project, request.target, request.pinned) == (Code.PROJECT_REPLACED, APP, None, 8)
    assert codes(request) == ["ProjectReplaced"]
    assert "names project 8, but tenants/app has id 7" in message(request)
    assert "Check whose it is, then correct the annotation" in message(request)


@pytest.mark.parametrize("pin", ["tenants/app", "", " ", "٧", "-7", "7.0", "9" * 5000])
def test_a_pin_that_is_no_id_holds_what_is_there_and_gets_nothing_new(pin: str) -> None:
    request = a_placed_request(ProjectLocation(APP), annotations=pin_to(pin))
    assert (request.held, request.project, request.target) == (Code.ANNOTATION_UNUSABLE, APP, None)
    assert codes(request) == ["AnnotationUnusable"]
    assert request.problems[0].severity is Severity.ERROR
    assert "project-id is no project id, which is a number; correct it, or remove it" in message(request)


def test_a_pin_follows_a_project_that_moved() -> None:
    assert a_placed_request(ProjectLocation(WEB, moved=True), annotations=pin_to(8)).target == WEB
    assert a_placed_request(ProjectLocation(WEB, moved=True), annotations=pin_to(7)).target is None


# switched off


def test_a_disabled_repository_is_left_alone() -> None:
    request = a_placed_request(ProjectLocation(APP), annotations=DISABLED)
    assert (request.held, request.project, request.target, request.dropped) == (Code.DISABLED, APP, None, False)
    assert codes(request) == ["Disabled"]
    assert "left alone until it is removed" in message(request)


@pytest.mark.parametrize("value", ["enabled", "Disabled", "disabled ", "true", ""])
def test_another_word_than_disabled_is_unusable_and_holds_what_is_there(value: str) -> None:
    annotations = {"flux-gitlab-syncer/reconcile": value}
    request = a_placed_request(ProjectLocation(APP), annotations=annotations)
    assert (request.held, request.project, request.target) == (Code.ANNOTATION_UNUSABLE, APP, None)
    assert "write `disabled`, or remove it" in message(request)


@pytest.mark.parametrize("name", ["", "A Secret", "../x", "n" * 254])
def test_a_next_secret_that_is_no_name_is_a_warning_and_the_rest_goes_on(name: str) -> None:
    request = a_placed_request(ProjectLocation(APP), annotations={"flux-gitlab-syncer/next-secret": name})
    assert (request.held, request.target, codes(request)) == (None, APP, ["AnnotationUnusable"])
    assert request.problems[0].severity is Severity.WARNING


def test_a_usable_next_secret_and_annotations_of_others_are_no_problem() -> None:
    annotations = {"flux-gitlab-syncer/next-secret": "next.key-2", "other/reconcile": "x"}
    assert codes(a_placed_request(ProjectLocation(APP), annotations=annotations)) == []


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        pytest.param({"url": f"ssh://git@{HOST}/app"}, ProjectLocation(APP), id="with an unusable URL"),
        pytest.param({"url": f"ssh://git@{HOST}:tenants/app"}, ProjectLocation(APP), id="with a URL that Flux refuses"),
        pytest.param({}, ProjectAbsent(), id="without a project"),
        pytest.param({}, LookUpFailed("503"), id="with a failed look-up"),
        pytest.param({}, ProjectLocation(WEB, moved=True), id="with a moved project"),
        pytest.param({"annotations": DISABLED | pin_to(8)}, ProjectLocation(APP), id="with another project's pin"),
    ],
)
def test_the_other_troubles_of_a_disabled_repository_are_nobodys_concern(
    fields: dict[str, Any], place: LookUpResult
) -> None:
    request = a_placed_request(place, **{"annotations": DISABLED, **fields})
    assert (request.held, codes(request)) == (Code.DISABLED, ["Disabled"])


@pytest.mark.parametrize(
    ("place", "code"),
    [
        pytest.param(ProjectLocation(NEIGHBOUR, moved=True), "NotAllowed", id="a neighbour's project"),
        pytest.param(
            ProjectLocation(Project(7, "tenants/app"), inside=False), "ProjectOutsideGroup", id="a project outside"
        ),
    ],
)
def test_a_disabled_repository_holds_nothing_where_it_may_not_be(place: ProjectLocation, code: str) -> None:
    request = a_placed_request(place, ONLY_APP, annotations=DISABLED)
    assert (request.dropped, request.held, request.project, codes(request)) == (True, None, None, [code])


def test_a_disabled_repository_on_a_foreign_host_is_only_foreign() -> None:
    request = a_request(url="ssh://git@github.com/tenants/app", annotations=DISABLED)
    assert (request.dropped, request.held, codes(request)) == (True, None, ["ForeignHost"])


def test_one_bad_object_does_not_stop_the_others() -> None:
    items = [
        a_git_repository("bad", "ssh://"),
        a_git_repository("good"),
        a_git_repository("foreign", "https://x.y/a/b"),
    ]
    repositories = repository_requests_from(items, some_rules(), KnownProjects(HOSTS))
    assert [(request.ref.name, request.path) for request in repositories] == [
        ("bad", None),
        ("good", "tenants/app"),
        ("foreign", None),
    ]


# hosts nobody knows


def test_an_unknown_host_with_a_path_of_the_group_is_no_foreign_host() -> None:
    item = a_git_repository(url="ssh://git@git.new.example/Tenants/App.git")
    (request,) = repository_requests_from([item], some_rules(), KnownProjects(HOSTS, frozenset({"tenants/app"})))

    assert (request.held, request.dropped, request.path) == (Code.URL_UNUSABLE, False, None)
    assert "list the host under git_hosts" in message(request)


def test_a_host_that_the_settings_call_foreign_is_foreign_whatever_its_path() -> None:
    item = a_git_repository(url="ssh://git@git.new.example/Tenants/App.git")
    rules = some_rules(foreign_hosts=frozenset({"git.new.example"}))
    (request,) = repository_requests_from([item], rules, KnownProjects(HOSTS, frozenset({"tenants/app"})))

    assert (request.dropped, codes(request)) == (True, ["ForeignHost"])


@pytest.mark.parametrize("url", ["ssh://git@${HOST}/a/b", "ssh://git:pa/ss@host/a/b", "ssh://git@x/${A}/b"])
def test_a_url_whose_host_is_no_host_is_held_and_never_foreign(url: str) -> None:
    request = a_request(url=url)
    assert (request.held, request.dropped, request.path) == (Code.URL_UNUSABLE, False, None)


def test_the_same_host_with_another_path_is_foreign() -> None:
    item = a_git_repository(url="ssh://git@git.new.example/tenants/web.git")
    (request,) = repository_requests_from([item], some_rules(), KnownProjects(HOSTS, frozenset({"tenants/app"})))

    assert (request.dropped, codes(request)) == (True, ["ForeignHost"])


# malformed objects


def test_a_malformed_object_is_held_with_what_is_wrong() -> None:
    item = {**a_git_repository(), "broken": "spec.secretRef is no object with a name"}
    (request,) = repository_requests_from([item], some_rules(), KnownProjects(HOSTS))

    assert (request.held, request.malformed, request.path) == (Code.URL_UNUSABLE, True, None)
    assert message(request) == "The object is malformed: spec.secretRef is no object with a name. Correct it."


@pytest.mark.parametrize("url", ["git@code.example:g/p.git", "", "ftp://x/y/z"])
def test_a_url_that_is_no_url_still_holds_its_secrets_key(url: str) -> None:
    request = a_request(url=url)

    assert (request.held, request.secret) == (Code.URL_UNUSABLE, Ref("Secret", NAMESPACE, "app-key"))


def test_a_project_that_gitlab_is_about_to_delete_holds_and_says_when() -> None:
    request = a_placed_request(ProjectLocation(APP, marked_on="2026-11-28"))
    assert request.held is Code.PROJECT_SCHEDULED_FOR_DELETION
    assert "2026-11-28" in message(request)
    assert a_placed_request(ProjectLocation(APP)).held is None
