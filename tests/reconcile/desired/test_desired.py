from dataclasses import replace
from typing import Any

import pytest

from reconcile.actual import FoundKey, FoundWebhook
from reconcile.causes import Cause, CauseCode
from reconcile.desired.desired import Desired, desired_from
from reconcile.desired.repositories import SWITCH
from reconcile.desired.requests import Requests
from reconcile.marks import Mark, Owner
from reconcile.model import (
    LookUpFailed,
    LookUpResult,
    Project,
    ProjectAbsent,
    ProjectLocation,
    PublicKey,
    Ref,
    Secret,
    SecretAnswer,
    SecretMissing,
    SecretUnreadable,
)
from reconcile.problems import Code, Severity
from reconcile.rules import Rules
from reconcile.shares import ALL, Share
from reconcile.tenancy import Rule, Tenancy
from tests.worlds.builders import (
    HOST,
    NAMESPACE,
    RECEIVER_URL,
    a_key_secret,
    a_public_key,
    a_token_secret,
    an_identity,
    some_rules,
)
from tests.worlds.desired_inputs import APP, WEB, Inputs
from tests.worlds.objects import DISABLED, KEYS, TOKENS, a_condition, a_git_repository, a_path, a_receiver, pin_to

URL = f"{RECEIVER_URL}{a_path()}"
REPOSITORY = Ref("GitRepository", NAMESPACE, "app")
RECEIVER = Ref("Receiver", NAMESPACE, "app")
KEY_SECRET = Ref("Secret", NAMESPACE, KEYS)
TOKEN_SECRET = Ref("Secret", NAMESPACE, TOKENS)
NEIGHBOUR = Project(9, "neighbour/app")
NOWHERE = Project(99, "tenants/elsewhere")
NOT_READY = {"conditions": [a_condition("False", reason="TokenNotFound")]}


def secrets(key: SecretAnswer | None = None, token: SecretAnswer | None = None) -> dict[str, SecretAnswer]:
    return {f"{NAMESPACE}/{KEYS}": key or a_key_secret(), f"{NAMESPACE}/{TOKENS}": token or a_token_secret()}


def on_web() -> str:
    return f"ssh://git@{HOST}/tenants/web.git"


def codes(desired: Desired) -> list[str]:
    return [problem.code for problem in desired.problems]


def our_key(secret: str = KEYS, material: str | None = None, namespace: str = NAMESPACE) -> FoundKey:
    """A key with our mark; by default of a material that nobody wants."""
    mark = Mark("prod", namespace, secret)
    return FoundKey(1, str(mark), a_public_key(material or "unwanted"), mark, Owner.OURS)


def our_webhook(receiver: str = "app", url: str = f"{RECEIVER_URL}{a_path(b'unwanted')}") -> FoundWebhook:
    mark = Mark("prod", NAMESPACE, receiver)
    return FoundWebhook(1, url, {}, mark, Owner.OURS, description=str(mark))


# deploy keys


def test_a_repository_wants_the_public_half_of_its_secret_on_its_project() -> None:
    desired = Inputs().desired()
    (wanted,) = desired.keys[APP.id].values()
    assert (wanted.project, wanted.key) == (APP, a_public_key())
    assert str(wanted.mark) == f"flux-gitlab-syncer prod {NAMESPACE}/{KEYS}"
    assert (wanted.secrets, wanted.sources) == ((KEY_SECRET,), (REPOSITORY,))
    assert desired.problems == ()


def test_where_flux_has_nothing_nothing_is_wanted() -> None:
    desired = Inputs(repositories=[], receivers=[]).desired()
    assert desired == Desired()


def test_one_project_may_be_named_by_several_repositories_and_their_keys_are_a_set() -> None:
    world = Inputs(
        repositories=[
            a_git_repository("main"),
            a_git_repository("branch", f"ssh://git@{HOST}:2222/Tenants/App"),
            a_git_repository("other", secret="other-key"),
            a_git_repository("docs", f"https://{HOST}/tenants/app.git"),
        ],
        receivers=[],
        secrets={**secrets(), f"{NAMESPACE}/other-key": a_key_secret("two")},
    )
    desired = world.desired()
    assert set(desired.keys) == {APP.id}
    assert set(desired.keys[APP.id]) == {a_public_key(), a_public_key("two")}
    assert [ref.name for ref in desired.keys[APP.id][a_public_key()].sources] == ["branch", "main"]


def test_one_secret_may_be_named_by_many_and_its_key_is_wanted_on_each_project() -> None:
    world = Inputs(repositories=[a_git_repository(), a_git_repository("web", on_web())], receivers=[])
    desired = world.desired()
    assert {id_: list(keys) for id_, keys in desired.keys.items()} == {7: [a_public_key()], 8: [a_public_key()]}


def test_two_secrets_with_one_key_are_one_wanted_key_named_after_the_first() -> None:
    world = Inputs(
        repositories=[a_git_repository("z", secret="z-key"), a_git_repository("b", secret="a-key")],
        receivers=[],
        secrets={f"{NAMESPACE}/z-key": a_key_secret(), f"{NAMESPACE}/a-key": a_key_secret()},
    )
    (wanted,) = world.desired().keys[APP.id].values()
    assert wanted.mark.name == "a-key"
    assert [ref.name for ref in wanted.secrets] == ["a-key", "z-key"]


def test_the_order_of_the_objects_makes_no_difference() -> None:
    repositories = [a_git_repository(name) for name in ("c", "a", "b")]
    receivers = [a_receiver(name, ["a", "gone"], secret=None) for name in ("y", "x")]
    forward = Inputs(repositories=repositories, receivers=receivers).desired()
    backward = Inputs(repositories=repositories[::-1], receivers=receivers[::-1]).desired()
    assert forward == backward


@pytest.mark.parametrize(
    "repository",
    [
        pytest.param(a_git_repository(url=f"https://{HOST}/tenants/app.git"), id="https"),
        pytest.param(a_git_repository(secret=None), id="ssh without a Secret"),
        pytest.param(a_git_repository(provider="azure"), id="another provider"),
    ],
)
def test_a_repository_that_needs_no_key_may_still_need_a_webhook(repository: dict[str, Any]) -> None:
    desired = Inputs(repositories=[repository]).desired()
    assert desired.keys == {}
    assert set(desired.webhooks[APP.id]) == {URL}
    assert desired.problems == ()


def test_a_key_is_the_same_whatever_its_comment() -> None:
    key = a_public_key()
    assert (
        PublicKey.parse(f"{key.text} me@host and more\n") == PublicKey.parse(f" {key.algorithm}  {key.material}") == key
    )
    assert a_public_key("two") != key


def test_a_key_is_shown_by_its_fingerprint() -> None:
    # the digest of an empty string, base64 without its padding
    assert PublicKey("ssh-rsa", "").fingerprint == "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
    assert a_public_key().fingerprint != a_public_key("two").fingerprint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "OpenSSH's format"),
        ("ssh-rsa", "OpenSSH's format"),
        ("ssh-rsa not!base64", "not base64"),
        ("ssh-rsa ====", "not base64"),
    ],
)
def test_what_is_no_public_key_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        PublicKey.parse(text)


KEY_TROUBLES = [
    pytest.param(
        SecretMissing(), "SecretNotFound", "does not exist; create it (`flux create secret git`)", id="missing"
    ),
    pytest.param(Secret(), "SecretNotFound", "no key `identity`; add the SSH private key", id="no identity"),
    pytest.param(
        SecretUnreadable("403 Forbidden", Cause(CauseCode.RBAC_MISSING)),
        "SecretUnreadable",
        "cannot be read: 403 Forbidden. Compare the job's Role",
        id="unreadable",
    ),
    pytest.param(
        Secret(has_identity=True, key_problem="it needs a passphrase in `password`"),
        "KeyUnusable",
        "unusable: it needs a passphrase in `password`. Correct it, or make a new one",
        id="unusable",
    ),
]


@pytest.mark.parametrize(("answer", "code", "says"), KEY_TROUBLES)
def test_a_secret_without_a_usable_key_holds_the_keys_on_the_project(
    answer: SecretAnswer, code: str, says: str
) -> None:
    desired = Inputs(secrets=secrets(key=answer)).desired()
    assert desired.keys == {}
    (problem,) = desired.problems
    assert (problem.code, problem.severity) == (code, Severity.ERROR)
    assert (problem.object, problem.project) == (str(REPOSITORY), APP.path)
    assert str(KEY_SECRET) in problem.message
    assert says in problem.message
    assert desired.holds.on_key(APP, our_key("another-secret")) == code
    assert desired.holds.on_key(WEB, our_key()) is None


@pytest.mark.parametrize(("answer", "code", "says"), KEY_TROUBLES)
def test_trouble_with_a_key_hinders_no_webhook_and_lets_none_be_deleted(
    answer: SecretAnswer, code: str, says: str
) -> None:
    desired = Inputs(secrets=secrets(key=answer)).desired()
    assert says
    assert set(desired.webhooks[APP.id]) == {URL}
    assert desired.holds.on_webhook(APP, our_webhook("another")) == code
    assert desired.holds.on_webhook(WEB, our_webhook("app")) == code
    assert desired.holds.on_webhook(WEB, our_webhook("another")) is None


def test_where_all_is_well_nothing_is_held() -> None:
    holds = Inputs().desired().holds
    assert holds.on_key(APP, our_key()) is None
    assert holds.on_webhook(APP, our_webhook()) is None


@pytest.mark.parametrize("declared", [a_public_key("two"), None])
def test_a_public_key_that_is_not_the_private_ones_is_a_warning_and_the_private_one_counts(
    declared: PublicKey | None,
) -> None:
    answer = replace(a_key_secret(), has_declared=True, declared=declared)
    desired = Inputs(secrets=secrets(key=answer)).desired()
    assert set(desired.keys[APP.id]) == {a_public_key()}
    (problem,) = desired.problems
    assert (problem.code, problem.severity) == ("PublicKeyMismatch", Severity.WARNING)
    assert "Correct or remove `identity.pub`" in problem.message
    assert desired.holds.on_key(APP, our_key()) is None


def test_a_public_key_that_is_the_private_ones_is_no_problem() -> None:
    answer = replace(a_key_secret(), has_declared=True, declared=a_public_key())
    assert Inputs(secrets=secrets(key=answer)).desired().problems == ()


# what cannot be followed to a project


@pytest.mark.parametrize(
    ("world", "code"),
    [
        pytest.param(Inputs(repositories=[a_git_repository(url="ssh://")]), "UrlUnusable", id="UrlUnusable"),
        pytest.param(Inputs(places={"tenants/app": ProjectAbsent()}), "ProjectNotFound", id="ProjectNotFound"),
        pytest.param(Inputs(places={"tenants/app": LookUpFailed("503")}), "ProjectUnreadable", id="ProjectUnreadable"),
    ],
)
def test_while_the_project_is_not_known_its_key_is_held_anywhere(world: Inputs, code: str) -> None:
    desired = world.desired()
    assert (desired.keys, desired.webhooks) == ({}, {})
    assert codes(desired) == [code]
    assert desired.holds.on_key(NOWHERE, our_key(KEYS)) == code
    assert desired.holds.on_key(NOWHERE, our_key("another", material=1)) == code
    assert desired.holds.on_key(NOWHERE, our_key("another", material="two")) is None
    assert desired.holds.on_webhook(NOWHERE, our_webhook("app")) == code
    assert desired.holds.on_webhook(NOWHERE, our_webhook("another", URL)) == code
    assert desired.holds.on_webhook(NOWHERE, our_webhook("another")) is None


def test_a_key_that_is_not_known_either_is_held_by_the_name_of_its_secret() -> None:
    desired = Inputs(places={}, secrets={}, receivers=[]).desired()
    assert codes(desired) == ["ProjectNotFound", "SecretNotFound"]
    assert desired.holds.on_key(NOWHERE, our_key(KEYS)) is Code.PROJECT_NOT_FOUND
    assert desired.holds.on_key(NOWHERE, our_key("another")) is None


def test_a_key_whose_secret_could_not_be_read_may_be_any_so_all_of_ours_are_held() -> None:
    unread = {f"{NAMESPACE}/{KEYS}": SecretUnreadable("500")}
    desired = Inputs(places={}, secrets=unread, receivers=[]).desired()
    assert codes(desired) == ["ProjectNotFound", "SecretUnreadable"]
    assert desired.holds.on_key(NOWHERE, our_key("another")) is Code.PROJECT_NOT_FOUND


def test_with_its_project_known_only_that_projects_keys_are_held() -> None:
    unread = {f"{NAMESPACE}/{KEYS}": SecretUnreadable("500")}
    desired = Inputs(secrets=unread, receivers=[]).desired()
    assert desired.holds.on_key(APP, our_key("another")) is Code.SECRET_UNREADABLE
    assert desired.holds.on_key(NOWHERE, our_key("another")) is None


def test_a_held_secret_is_known_under_its_former_namespaces_too() -> None:
    rules = some_rules(identity=an_identity(previous_namespaces=frozenset({"former"})))
    desired = Inputs(places={}, rules=rules).desired()
    assert desired.holds.on_key(NOWHERE, our_key(KEYS, namespace="former")) is Code.PROJECT_NOT_FOUND
    assert desired.holds.on_key(NOWHERE, our_key(KEYS, namespace="other")) is None


def test_a_repository_without_a_secret_and_a_project_holds_no_key() -> None:
    desired = Inputs(repositories=[a_git_repository(secret=None)], places={}, receivers=[]).desired()
    assert codes(desired) == ["ProjectNotFound"]
    assert desired.holds.on_key(NOWHERE, our_key(KEYS)) is None


def test_a_moved_project_gets_the_key_under_its_new_path() -> None:
    desired = Inputs(places={"tenants/app": ProjectLocation(WEB, moved=True)}).desired()
    assert (set(desired.keys), set(desired.webhooks)) == ({WEB.id}, {WEB.id})
    assert [(problem.code, problem.project) for problem in desired.problems] == [("ProjectMoved", WEB.path)]


def test_a_replaced_project_gets_nothing_and_what_is_its_own_stays_anywhere() -> None:
    desired = Inputs(repositories=[a_git_repository(annotations=pin_to(5))]).desired()
    assert (desired.keys, desired.webhooks) == ({}, {})
    assert codes(desired) == ["ProjectReplaced"]
    for project in (APP, Project(5, "tenants/neighbour"), NOWHERE):
        assert desired.holds.on_key(project, our_key(KEYS)) is Code.PROJECT_REPLACED
        assert desired.holds.on_key(project, our_key("another", 1)) is Code.PROJECT_REPLACED
        assert desired.holds.on_webhook(project, our_webhook("app")) is Code.PROJECT_REPLACED
        # What others have there is not its concern, whatever id it names.
        assert desired.holds.on_key(project, our_key("another")) is None
        assert desired.holds.on_webhook(project, our_webhook("another")) is None


def test_a_pin_that_is_no_id_holds_what_is_on_the_project() -> None:
    desired = Inputs(repositories=[a_git_repository(annotations=pin_to("x"))]).desired()
    assert (desired.keys, desired.webhooks, codes(desired)) == ({}, {}, ["AnnotationUnusable"])
    assert desired.holds.on_key(APP, our_key("another")) is Code.ANNOTATION_UNUSABLE
    assert desired.holds.on_webhook(APP, our_webhook("app")) is Code.ANNOTATION_UNUSABLE
    assert desired.holds.on_key(NOWHERE, our_key(KEYS)) is None


@pytest.mark.parametrize(
    ("kind", "name", "hint"),
    [
        ("repository", "project-ids", "Did you mean flux-gitlab-syncer/project-id?"),
        ("repository", "zzzz", "so it has no effect. Correct or"),
        ("receiver", "projects", "Did you mean flux-gitlab-syncer/project?"),
        ("receiver", "project-id", "Did you mean flux-gitlab-syncer/project?"),
        ("receiver", "reconcil", "Did you mean flux-gitlab-syncer/reconcile?"),
    ],
)
def test_an_unknown_annotation_is_a_warning_with_the_nearest_name(kind: str, name: str, hint: str) -> None:
    annotations = {f"flux-gitlab-syncer/{name}": "x"}
    inputs = (
        Inputs(repositories=[a_git_repository(annotations=annotations)])
        if kind == "repository"
        else Inputs(receivers=[a_receiver(annotations=annotations)])
    )
    desired = inputs.desired()
    [problem] = desired.problems
    assert (problem.code, problem.severity) == ("AnnotationUnusable", "warning")
    assert hint in problem.message
    assert (set(desired.keys), set(desired.webhooks)) == ({APP.id}, {APP.id})


def test_a_thousand_unknown_annotations_are_one_warning() -> None:
    annotations = {f"flux-gitlab-syncer/x{number}": "x" for number in range(1000)}
    [problem] = Inputs(repositories=[a_git_repository(annotations=annotations)]).desired().problems
    assert "and 997 more" in problem.message
    assert len(problem.message) < 500


def test_an_unreadable_switch_on_a_receiver_leaves_its_webhooks_as_they_are() -> None:
    desired = Inputs(receivers=[a_receiver(annotations={"flux-gitlab-syncer/reconcile": "no"})]).desired()
    assert (desired.webhooks, codes(desired)) == ({}, ["AnnotationUnusable"])
    assert desired.holds.on_webhook(APP, our_webhook("app")) is Code.ANNOTATION_UNUSABLE
    assert set(desired.keys) == {APP.id}


def test_beside_an_unreadable_project_what_is_ours_is_held_and_reported_once_elsewhere() -> None:
    desired = Inputs(unreadable=frozenset({APP.id})).desired()
    assert (desired.keys, desired.problems) == ({}, ())
    assert desired.holds.on_key(APP, our_key()) is Code.PROJECT_UNREADABLE
    assert desired.holds.on_webhook(NOWHERE, our_webhook("app")) is Code.PROJECT_UNREADABLE


# not wanted


@pytest.mark.parametrize(
    ("world", "code"),
    [
        pytest.param(
            Inputs(repositories=[a_git_repository(url="ssh://git@github.com/tenants/app")]),
            "ForeignHost",
            id="ForeignHost",
        ),
        pytest.param(
            Inputs(rules=some_rules(tenancy=Tenancy((Rule("*", "other/**"),)))),
            "NotAllowed",
            id="NotAllowed by its URL",
        ),
        pytest.param(
            Inputs(
                places={"tenants/app": ProjectLocation(NEIGHBOUR, moved=True)},
                rules=some_rules(tenancy=Tenancy((Rule("*", "tenants/**"),))),
            ),
            "NotAllowed",
            id="NotAllowed by the answer",
        ),
        pytest.param(
            Inputs(places={"tenants/app": ProjectLocation(NEIGHBOUR, inside=False)}),
            "ProjectOutsideGroup",
            id="ProjectOutsideGroup",
        ),
    ],
)
def test_what_is_not_allowed_or_lies_outside_is_not_wanted_and_holds_nothing(world: Inputs, code: str) -> None:
    desired = world.desired()
    assert (desired.keys, desired.webhooks, desired.projects) == ({}, {}, frozenset())
    # None of the GitRepositories lies inside then, which is worth a warning of its own.
    assert codes(desired) == [code, *(["TooManyOutside"] if code == "ProjectOutsideGroup" else [])]
    assert world.asked_secrets()[0] == set()
    for project in (APP, NEIGHBOUR, NOWHERE):
        assert desired.holds.on_key(project, our_key(KEYS, 1)) is None
        assert desired.holds.on_webhook(project, our_webhook("app", URL)) is None


# webhooks


def test_a_receiver_wants_a_webhook_on_the_projects_it_names() -> None:
    desired = Inputs().desired()
    (wanted,) = desired.webhooks[APP.id].values()
    assert (wanted.project, wanted.url, wanted.token) == (APP, URL, "token")
    assert wanted.flags == {"push_events", "tag_push_events"}
    assert str(wanted.mark) == f"flux-gitlab-syncer prod {NAMESPACE}/app"
    assert wanted.sources == (RECEIVER, REPOSITORY)


def test_a_wanted_webhook_has_exactly_the_events_of_its_receiver() -> None:
    desired = Inputs(receivers=[a_receiver(events=["Note Hook"])]).desired()
    assert desired.webhooks[APP.id][URL].flags == {"note_events"}


def test_the_token_is_in_no_repr_of_what_is_wanted() -> None:
    receiver = a_receiver(token=b"hunter2")
    desired = Inputs(receivers=[receiver], secrets=secrets(token=a_token_secret(b"hunter2"))).desired()
    (wanted,) = desired.webhooks[APP.id].values()
    assert wanted.token == "hunter2"
    assert "hunter2" not in repr(desired)


def test_one_receiver_may_name_several_projects_at_one_url() -> None:
    world = Inputs(
        repositories=[a_git_repository(), a_git_repository("web", on_web())],
        receivers=[a_receiver(resources=["app", "web"])],
    )
    assert {id_: set(hooks) for id_, hooks in world.desired().webhooks.items()} == {7: {URL}, 8: {URL}}


def test_several_receivers_may_name_one_project() -> None:
    desired = Inputs(receivers=[a_receiver(), a_receiver("second")]).desired()
    assert set(desired.webhooks[APP.id]) == {URL, f"{RECEIVER_URL}{a_path(name='second')}"}
    assert desired.problems == ()


def test_several_repositories_of_one_project_are_one_webhook() -> None:
    world = Inputs(
        repositories=[a_git_repository("b"), a_git_repository("a")], receivers=[a_receiver(resources=["b", "a"])]
    )
    (wanted,) = world.desired().webhooks[APP.id].values()
    assert [ref.name for ref in wanted.sources] == ["app", "a", "b"]


def test_a_receiver_of_other_kinds_only_wants_no_webhook() -> None:
    desired = Inputs(receivers=[a_receiver(resources=[{"kind": "ImageRepository", "name": "app"}])]).desired()
    assert (desired.webhooks, desired.problems) == ({}, ())


def test_without_a_receiver_url_webhooks_are_neither_made_nor_removed() -> None:
    world = Inputs(
        receivers=[a_receiver(), a_receiver("bad", ["gone"], secret=None), a_receiver("off", suspend=True)],
        rules=some_rules(receiver_url=None),
    )
    desired = world.desired()
    assert desired.webhooks == {}
    assert codes(desired) == ["WebhooksOff"]
    assert "set it to the base URL" in desired.problems[0].message
    assert world.asked_secrets() == ({KEY_SECRET}, set())
    assert set(desired.keys) == {APP.id}
    assert desired.receivers_in == {NAMESPACE}


def test_without_receivers_nobody_is_told_that_webhooks_are_off() -> None:
    assert Inputs(receivers=[], rules=some_rules(receiver_url=None)).desired().problems == ()


WAITING: list[Any] = [
    pytest.param({"suspend": True}, {}, "Suspended", id="Suspended"),
    pytest.param({"annotations": DISABLED}, {}, "Disabled", id="Disabled"),
    pytest.param({"annotations": DISABLED, "type": "github"}, {}, "Disabled", id="Disabled, of another type now"),
    pytest.param({"status": NOT_READY}, {}, "ReceiverNotReady", id="ReceiverNotReady"),
    pytest.param({"token": b"old"}, {}, "RotationInFlight", id="RotationInFlight"),
    pytest.param({"events": ["push"]}, {}, "UnknownEvent", id="UnknownEvent"),
    pytest.param({}, {"token": a_token_secret(b"")}, "EmptyToken", id="EmptyToken"),
    pytest.param({}, {"token": a_token_secret(b"\xff")}, "TokenUnusable", id="TokenUnusable"),
    pytest.param({}, {"token": Secret()}, "SecretNotFound", id="SecretNotFound for the key"),
    pytest.param({}, {"token": SecretMissing()}, "SecretNotFound", id="SecretNotFound"),
    pytest.param({"secret": None}, {}, "SecretNotFound", id="SecretNotFound without a name"),
    pytest.param({}, {"token": SecretUnreadable("500")}, "SecretUnreadable", id="SecretUnreadable"),
]


@pytest.mark.parametrize(("receiver", "answers", "code"), WAITING)
def test_a_receiver_with_a_problem_keeps_its_webhooks_and_gets_none(
    receiver: dict[str, Any], answers: dict[str, SecretAnswer], code: str
) -> None:
    desired = Inputs(receivers=[a_receiver(**receiver)], secrets=secrets(**answers)).desired()
    assert desired.webhooks == {}
    assert [(problem.code, problem.object, problem.project) for problem in desired.problems] == [
        (code, str(RECEIVER), APP.path)
    ]
    assert desired.holds.on_webhook(APP, our_webhook("another")) == code
    assert desired.holds.on_webhook(NOWHERE, our_webhook("app")) == code
    assert desired.holds.on_webhook(NOWHERE, our_webhook("another")) is None
    assert set(desired.keys) == {APP.id}
    assert desired.holds.on_key(APP, our_key()) is None


def test_a_held_url_is_held_under_former_base_urls_too() -> None:
    rules = some_rules(previous_receiver_urls=("https://old.example.com",))
    desired = Inputs(receivers=[a_receiver(suspend=True)], rules=rules).desired()
    for base in (RECEIVER_URL, "https://old.example.com"):
        assert desired.holds.on_webhook(NOWHERE, our_webhook("another", base + a_path())) is Code.SUSPENDED
    assert desired.holds.on_webhook(NOWHERE, our_webhook("another", "https://x.example.com" + a_path())) is None


def test_a_held_receiver_is_known_under_its_former_namespaces_too() -> None:
    rules = some_rules(identity=an_identity(previous_namespaces=frozenset({"former"})))
    desired = Inputs(receivers=[a_receiver(suspend=True)], rules=rules).desired()
    moved = replace(our_webhook(), description=str(Mark("prod", "former", "app")))
    assert desired.holds.on_webhook(NOWHERE, moved) is Code.SUSPENDED


def test_while_neither_url_nor_project_is_known_every_webhook_is_held() -> None:
    world = Inputs(receivers=[a_receiver(resources=["gone"], status={}), a_receiver("z", ["gone"], status=NOT_READY)])
    desired = world.desired()
    assert codes(desired) == ["ReceiverTargetNotFound", "ReceiverNotReady"] * 2
    assert desired.holds.on_webhook(NOWHERE, our_webhook("another")) is Code.RECEIVER_TARGET_NOT_FOUND


ELSEWHERE = "ssh://git@elsewhere.example/a/b.git"
BEYOND = [{"kind": "GitRepository", "name": "app", "namespace": "other"}]


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(Inputs(places={"tenants/app": ProjectLocation(APP, inside=False)}), id="outside the group"),
        pytest.param(Inputs(repositories=[a_git_repository(url=ELSEWHERE)]), id="on another host"),
        pytest.param(Inputs(rules=some_rules(tenancy=Tenancy((Rule("*", "other/**"),)))), id="not allowed"),
        pytest.param(Inputs(), id="beyond its namespace"),
    ],
)
def test_a_receiver_without_url_whose_projects_are_all_not_to_be_had_holds_nothing_of_others(
    world: Inputs,
) -> None:
    resources = BEYOND if world == Inputs() else ["app"]
    desired = replace(world, receivers=[a_receiver(resources=resources, status={})], secrets={}).desired()

    assert "SecretNotFound" in codes(desired)
    assert desired.holds.on_webhook(NOWHERE, our_webhook("another")) is None
    assert desired.holds.on_webhook(NOWHERE, our_webhook("app")) is Code.SECRET_NOT_FOUND


@pytest.mark.parametrize(
    ("repositories", "places"),
    [
        pytest.param([a_git_repository()], {}, id="a project that is not found"),
        pytest.param(
            [a_git_repository()], {"tenants/app": LookUpFailed("503")}, id="a project that cannot be looked up"
        ),
        pytest.param([a_git_repository(url=ELSEWHERE), a_git_repository("lost")], {}, id="one of two"),
        pytest.param([a_git_repository(url=ELSEWHERE)], {}, id="a repository that is gone beside it"),
    ],
)
def test_but_while_one_of_them_is_not_known_every_webhook_is_held(
    repositories: list[dict[str, Any]], places: dict[str, Any]
) -> None:
    receiver = a_receiver(resources=["app", "lost"], status={})
    desired = Inputs(repositories=repositories, receivers=[receiver], places=places, secrets={}).desired()

    assert desired.holds.on_webhook(NOWHERE, our_webhook("another")) is not None


@pytest.mark.parametrize(
    "receiver",
    [
        pytest.param(a_receiver(resources=["gone"]), id="the URL"),
        pytest.param(a_receiver(status={}), id="a project"),
    ],
)
def test_where_one_of_both_is_known_the_other_webhooks_may_go(receiver: dict[str, Any]) -> None:
    desired = Inputs(receivers=[receiver]).desired()
    assert desired.problems != ()
    assert desired.holds.on_webhook(NOWHERE, our_webhook("another")) is None


def test_a_dangling_target_is_held_and_the_others_get_their_webhook() -> None:
    desired = Inputs(receivers=[a_receiver(resources=["gone", "app"])]).desired()
    assert codes(desired) == ["ReceiverTargetNotFound"]
    assert set(desired.webhooks[APP.id]) == {URL}
    assert desired.holds.on_webhook(WEB, our_webhook("app")) is Code.RECEIVER_TARGET_NOT_FOUND


def test_two_receivers_with_one_path_get_nothing_and_lose_nothing() -> None:
    # without a separator, token + name + namespace are equal: "app" + "flux-config" and "appf" + "lux-config"
    rules = some_rules(identity=an_identity(namespaces=frozenset({NAMESPACE, "lux-config"})))
    twin = a_receiver("appf", [], namespace="lux-config")
    desired = Inputs(
        receivers=[a_receiver(), twin], rules=rules, secrets={**secrets(), "lux-config/app-token": a_token_secret()}
    ).desired()
    # The twin names no GitRepository, so nothing about it is reported; Flux may serve it all the same.
    assert codes(desired) == ["ReceiverPathCollision"]
    assert desired.webhooks == {}
    assert desired.holds.on_webhook(APP, our_webhook()) is Code.RECEIVER_PATH_COLLISION


def test_a_malformed_repository_holds_all_our_keys() -> None:
    desired = Inputs(repositories=[{**a_git_repository(), "broken": "spec is no object"}], receivers=[]).desired()
    assert codes(desired) == ["UrlUnusable"]
    assert desired.holds.on_key(NOWHERE, our_key("another")) is Code.URL_UNUSABLE


def test_a_malformed_receiver_holds_what_lies_at_its_url_or_names_it() -> None:
    desired = Inputs(receivers=[{**a_receiver(), "broken": "spec.resources is no list"}]).desired()
    assert (codes(desired), desired.webhooks) == (["ReceiverTargetNotFound"], {})
    assert desired.holds.on_webhook(NOWHERE, our_webhook("app")) is Code.RECEIVER_TARGET_NOT_FOUND
    assert desired.holds.on_webhook(NOWHERE, our_webhook("another", URL)) is Code.RECEIVER_TARGET_NOT_FOUND


def test_a_malformed_receiver_without_path_and_targets_holds_all_our_webhooks() -> None:
    broken = {**a_receiver(resources=[], status={}), "broken": "spec.resources is no list"}
    desired = Inputs(receivers=[broken]).desired()
    assert desired.holds.on_webhook(NOWHERE, our_webhook("another")) is Code.RECEIVER_TARGET_NOT_FOUND


IMAGES = [{"kind": "ImageRepository", "name": "app"}]


def test_a_receiver_that_names_no_git_repository_is_not_this_programs_business() -> None:
    desired = Inputs(receivers=[a_receiver(resources=IMAGES, status={}, secret=None)]).desired()
    assert (codes(desired), desired.webhooks) == ([], {})
    assert desired.holds.on_webhook(APP, our_webhook("another")) is None


def test_the_same_receiver_naming_one_is_and_holds_what_cannot_be_told_apart() -> None:
    desired = Inputs(receivers=[a_receiver(resources=["gone"], status={}, secret=None)]).desired()
    assert codes(desired) == ["ReceiverTargetNotFound", "SecretNotFound"]
    assert desired.holds.on_webhook(APP, our_webhook("another")) is Code.RECEIVER_TARGET_NOT_FOUND


def test_a_disabled_one_keeps_the_webhooks_that_name_it_and_no_others() -> None:
    disabled = a_receiver(resources=IMAGES, status={}, annotations={SWITCH: "disabled"})
    desired = Inputs(receivers=[disabled]).desired()
    assert desired.holds.on_webhook(APP, our_webhook("app")) is Code.DISABLED
    assert desired.holds.on_webhook(APP, our_webhook("another")) is None


def test_a_receiver_may_not_reach_into_another_namespace_and_that_holds_nothing() -> None:
    resource = {"kind": "GitRepository", "name": "app", "namespace": "other"}
    desired = Inputs(receivers=[a_receiver(resources=[resource])]).desired()
    assert (desired.webhooks, codes(desired)) == ({}, ["NotAllowed"])
    assert desired.holds.on_webhook(APP, our_webhook()) is None


def test_a_type_that_gitlab_cannot_feed_is_reported_where_it_names_a_project() -> None:
    world = Inputs(receivers=[a_receiver(type="github", resources=["app", "gone"])])
    desired = world.desired()
    assert (desired.webhooks, codes(desired)) == ({}, ["ReceiverTypeUnsupported"])
    assert desired.problems[0].severity is Severity.NOTICE
    assert "type github; use the type gitlab or generic" in desired.problems[0].message
    assert desired.holds.on_webhook(APP, our_webhook()) is None
    assert world.asked_secrets()[1] == set()


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(Inputs(receivers=[a_receiver(type="harbor", resources=[])]), id="no resource"),
        pytest.param(Inputs(receivers=[a_receiver(type="github", resources=["gone"])]), id="a dangling name"),
        pytest.param(
            Inputs(
                repositories=[a_git_repository(url="ssh://git@github.com/tenants/app")],
                receivers=[a_receiver(type="github")],
            ),
            id="a repository elsewhere",
        ),
    ],
)
def test_a_type_that_gitlab_cannot_feed_is_nobodys_concern_where_it_names_no_project(world: Inputs) -> None:
    assert "ReceiverTypeUnsupported" not in codes(world.desired())
    assert "ReceiverTargetNotFound" not in codes(world.desired())


# switched off


def test_a_disabled_repository_is_left_alone_with_all_its_items() -> None:
    desired = Inputs(
        repositories=[a_git_repository(annotations=DISABLED)], secrets=secrets(key=SecretMissing())
    ).desired()
    assert (desired.keys, desired.webhooks) == ({}, {})
    assert codes(desired) == ["Disabled"]
    assert desired.holds.on_key(APP, our_key("another")) is Code.DISABLED
    assert desired.holds.on_webhook(APP, our_webhook("another")) is Code.DISABLED
    assert desired.holds.on_webhook(NOWHERE, our_webhook("app")) is Code.DISABLED


def test_a_disabled_repository_without_a_project_holds_its_key_anywhere() -> None:
    desired = Inputs(repositories=[a_git_repository(annotations=DISABLED)], places={}).desired()
    assert codes(desired) == ["Disabled"]
    assert desired.holds.on_key(NOWHERE, our_key(KEYS)) is Code.DISABLED
    assert desired.holds.on_key(NOWHERE, our_key("another", 1)) is Code.DISABLED


@pytest.mark.parametrize(("place", "held"), [(ProjectAbsent(), Code.DISABLED), (ProjectLocation(APP), None)])
def test_a_disabled_repository_without_project_and_readable_secret_holds_all_our_keys(
    place: LookUpResult, held: Code | None
) -> None:
    world = Inputs(
        repositories=[a_git_repository(annotations=DISABLED)],
        receivers=[],
        places={APP.path: place},
        secrets={f"{NAMESPACE}/{KEYS}": SecretUnreadable("500")},
    )
    assert world.desired().holds.all_keys == ({NAMESPACE: held} if held else {})


def test_a_disabled_repository_whose_url_is_unusable_is_only_disabled() -> None:
    world = Inputs(repositories=[a_git_repository(url="ssh://", annotations=DISABLED)], secrets={}, receivers=[])
    desired = world.desired()
    assert codes(desired) == ["Disabled"]
    assert desired.holds.on_key(NOWHERE, our_key(KEYS)) is Code.DISABLED


def test_another_repository_of_the_same_project_is_served_beside_a_disabled_one() -> None:
    world = Inputs(
        repositories=[
            a_git_repository("off", secret="off-key", annotations=DISABLED),
            a_git_repository(),
        ],
        receivers=[],
    )
    assert set(world.desired().keys[APP.id]) == {a_public_key()}


def test_a_receiver_that_is_switched_off_is_reported_for_nothing_else() -> None:
    receivers = [a_receiver(resources=["gone", "app"], suspend=True), a_receiver("b", ["gone"], annotations=DISABLED)]
    desired = Inputs(receivers=receivers, secrets=secrets(token=SecretMissing())).desired()
    assert codes(desired) == ["Suspended", "Disabled"]
    assert desired.holds.on_webhook(APP, our_webhook("another")) is Code.SUSPENDED


@pytest.mark.parametrize("kind", ["repository", "receiver"])
def test_what_is_being_deleted_counts_as_gone(kind: str) -> None:
    if kind == "repository":
        desired = Inputs(repositories=[a_git_repository(deleting=True)], receivers=[]).desired()
    else:
        desired = Inputs(repositories=[], receivers=[a_receiver(deleting=True)]).desired()
    assert desired == Desired()


# reading Secrets


def test_the_secrets_to_read_are_those_that_are_needed() -> None:
    world = Inputs(
        repositories=[
            a_git_repository(),
            a_git_repository("disabled", secret="disabled-key", annotations=DISABLED),
            a_git_repository("unusable", "ssh://", secret="unusable-key"),
            a_git_repository("foreign", "ssh://git@github.com/a/b", secret="foreign-key"),
            a_git_repository("https", f"https://{HOST}/a/b", secret="https-secret"),
        ],
        receivers=[
            a_receiver(),
            a_receiver("events", secret="events-token", events=["push"]),
            a_receiver("suspended", secret="suspended-token", suspend=True),
            a_receiver("disabled", secret="disabled-token", annotations=DISABLED),
            a_receiver("github", secret="github-token", type="github"),
            a_receiver("none", secret=None),
        ],
    )
    keys, tokens = world.asked_secrets()
    assert {ref.name for ref in keys} == {KEYS, "disabled-key", "unusable-key"}
    assert {ref.name for ref in tokens} == {TOKENS, "events-token"}


def test_a_secret_that_was_not_answered_counts_as_missing() -> None:
    world = Inputs(receivers=[])
    assert codes(desired_from(Requests(tuple(world.requests()), ()), {}, some_rules())) == ["SecretNotFound"]


def test_one_bad_object_neither_loses_its_items_nor_stops_the_others() -> None:
    world = Inputs(
        repositories=[a_git_repository(), a_git_repository("web", on_web(), secret="gone")],
        receivers=[a_receiver(), a_receiver("web", ["web"], secret="gone")],
    )
    desired = world.desired()
    assert (set(desired.keys), set(desired.webhooks)) == ({APP.id}, {APP.id})
    assert [(problem.code, problem.object) for problem in desired.problems] == [
        ("SecretNotFound", f"GitRepository/{NAMESPACE}/web"),
        ("SecretNotFound", f"Receiver/{NAMESPACE}/web"),
    ]
    assert desired.holds.on_key(WEB, our_key("gone")) is Code.SECRET_NOT_FOUND
    assert desired.holds.on_key(APP, our_key("gone")) is None


# the value


# App and web are in two of so many shards.
SHARDS = 2


def two_tenants() -> Inputs:
    return Inputs(
        repositories=[a_git_repository(), a_git_repository("web", on_web()), a_git_repository("lost", "ssh://")],
        receivers=[a_receiver(), a_receiver("web", ["web"]), a_receiver("broken", ["web"], suspend=True)],
    )


def test_desired_state_knows_its_projects_and_where_objects_are() -> None:
    desired = two_tenants().desired()
    assert desired.projects == {APP, WEB}
    assert (desired.repositories_in, desired.receivers_in) == ({NAMESPACE}, {NAMESPACE})


def test_what_concerns_other_projects_is_left_out_of_a_part() -> None:
    part = two_tenants().desired().within(lambda path: path == APP.path)
    assert (set(part.keys), set(part.webhooks)) == ({APP.id}, {APP.id})
    assert codes(part) == ["UrlUnusable"]


def test_a_part_with_every_project_is_the_whole() -> None:
    desired = two_tenants().desired()
    assert set(desired.keys) == {APP.id, WEB.id}
    assert desired.within(lambda path: path.startswith("tenants/")) == desired


@pytest.mark.parametrize("first", [True, False])
def test_a_shard_has_its_projects_and_the_first_one_also_what_concerns_none(*, first: bool) -> None:
    desired = two_tenants().desired()
    with_app = next(Share(index, SHARDS) for index in range(SHARDS) if Share(index, SHARDS).has(APP.id))
    assert not with_app.has(WEB.id)
    share = with_app if with_app.is_first is first else Share(0 if first else 1, SHARDS)
    mine = {APP.id} if share == with_app else {WEB.id}

    part = desired.of_share(share)

    assert set(part.keys) == set(part.webhooks) == mine
    codes = {problem.code for problem in part.problems if problem.project is None}
    assert codes == ({"UrlUnusable"} if first else set())
    assert part.holds == desired.holds
    assert (part.repositories_in, part.receivers_in) == (desired.repositories_in, desired.receivers_in)


def test_a_shard_reports_what_is_filed_under_its_projects_only() -> None:
    world = two_tenants()
    world.repositories.pop()
    world.secrets.clear()
    filed = {problem.project for problem in world.desired().problems}
    parts = [
        {one.project for one in world.desired().of_share(Share(index, SHARDS)).problems} for index in range(SHARDS)
    ]

    assert filed == {APP.path, WEB.path}
    assert sorted(parts, key=sorted) == [{APP.path}, {WEB.path}]


def test_a_key_that_other_shards_want_too_knows_where() -> None:
    world = Inputs(
        repositories=[a_git_repository(), a_git_repository("web", f"ssh://git@{HOST}/{WEB.path}.git")], receivers=[]
    )
    whole = world.desired()
    shares = [Share(index, SHARDS) for index in range(SHARDS)]
    known = {
        id_: wanted.elsewhere
        for share in shares
        for id_, keys in whole.of_share(share).keys.items()
        for wanted in keys.values()
    }

    assert known == {APP.id: (WEB,), WEB.id: (APP,)}
    assert all(wanted.elsewhere == () for keys in whole.keys.values() for wanted in keys.values())
    assert whole.of_share(ALL) == whole


def test_rules_have_a_default_for_everything_but_the_identity() -> None:
    assert Rules(an_identity()) == some_rules(receiver_url=None)
