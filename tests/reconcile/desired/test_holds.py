import pytest

from reconcile.actual import FoundKey, FoundWebhook
from reconcile.desired.holds import Holder, Holds
from reconcile.marks import Mark, Owner
from reconcile.model import Project
from reconcile.problems import Code
from reconcile.tenancy import Rule, Tenancy
from tests.worlds.builders import RECEIVER_URL, a_public_key
from tests.worlds.desired_inputs import APP, WEB
from tests.worlds.objects import a_path

LONG = "n" * 253
SECRET = Mark("prod", "flux-config", "app-key")
RECEIVER = Mark("prod", "flux-config", "app")


def a_found_key(title: object = SECRET, name: str = "one") -> FoundKey:
    return FoundKey(1, str(title), a_public_key(name), Mark.parse(str(title)), Owner.OURS)


def a_found_webhook(description: object = RECEIVER, url: str = f"{RECEIVER_URL}{a_path()}") -> FoundWebhook:
    return FoundWebhook(1, url, {}, Mark.parse(str(description)), Owner.OURS, description=str(description))


def test_where_nothing_is_held_everything_may_go() -> None:
    holds = Holds()
    assert holds.on_key(APP, a_found_key()) is None
    assert holds.on_webhook(APP, a_found_webhook()) is None


def test_keys_are_held_on_a_project_whoever_they_name() -> None:
    holds = Holds()
    holds.hold_keys(Holder(Code.SECRET_NOT_FOUND), projects=[APP.id])
    assert holds.on_key(APP, a_found_key("owned without a mark")) is Code.SECRET_NOT_FOUND
    assert holds.on_key(WEB, a_found_key()) is None


def test_keys_are_held_anywhere_by_their_material() -> None:
    holds = Holds()
    holds.hold_keys(Holder(Code.PROJECT_NOT_FOUND), material=a_public_key("one"))
    assert holds.on_key(WEB, a_found_key("", "one")) is Code.PROJECT_NOT_FOUND
    assert holds.on_key(WEB, a_found_key("", "two")) is None


def test_keys_are_held_anywhere_by_the_secret_in_their_mark() -> None:
    holds = Holds()
    holds.hold_keys(Holder(Code.URL_UNUSABLE), secrets=[("flux-config", "app-key")])
    assert holds.on_key(WEB, a_found_key(name="another")) is Code.URL_UNUSABLE
    assert holds.on_key(WEB, a_found_key(Mark("prod", "flux-config", "app-key-2"))) is None
    assert holds.on_key(WEB, a_found_key(Mark("prod", "other", "app-key"))) is None


def test_another_key_without_a_mark_is_not_held_by_material_or_secret() -> None:
    holds = Holds()
    holds.hold_keys(Holder(Code.URL_UNUSABLE), material=a_public_key("one"), secrets=[("flux-config", "app-key")])
    assert holds.on_key(WEB, a_found_key("no mark", "two")) is None
    assert holds.on_key(WEB, a_found_key("no mark", "one")) is Code.URL_UNUSABLE


def test_webhooks_are_held_on_a_project_whoever_they_name() -> None:
    holds = Holds()
    holds.hold_webhooks(Holder(Code.SUSPENDED), receivers=[], projects=[APP.id])
    assert holds.on_webhook(APP, a_found_webhook("")) is Code.SUSPENDED
    assert holds.on_webhook(WEB, a_found_webhook()) is None


def test_webhooks_are_held_anywhere_by_their_url() -> None:
    holds = Holds()
    holds.hold_webhooks(Holder(Code.EMPTY_TOKEN), receivers=[], urls=[f"{RECEIVER_URL}{a_path()}"])
    assert holds.on_webhook(WEB, a_found_webhook("")) is Code.EMPTY_TOKEN
    assert holds.on_webhook(WEB, a_found_webhook("", f"{RECEIVER_URL}{a_path(b'other')}")) is None


def test_webhooks_are_held_anywhere_by_the_receiver_in_their_mark() -> None:
    holds = Holds()
    holds.hold_webhooks(Holder(Code.RECEIVER_NOT_READY), receivers=[("flux-config", "app")])
    assert holds.on_webhook(WEB, a_found_webhook()) is Code.RECEIVER_NOT_READY
    assert holds.on_webhook(WEB, a_found_webhook(Mark("prod", "flux-config", "app-2"))) is None
    assert holds.on_webhook(WEB, a_found_webhook("no mark")) is None


def test_all_webhooks_are_held_where_nothing_narrows_it_down() -> None:
    assert Holds(all_webhooks={"": Code.SECRET_NOT_FOUND}).on_webhook(WEB, a_found_webhook("")) is Code.SECRET_NOT_FOUND


def test_a_nearer_reason_answers_before_the_one_for_all() -> None:
    holds = Holds(all_webhooks={"": Code.SECRET_NOT_FOUND})
    holds.hold_webhooks(Holder(Code.SUSPENDED), receivers=[("flux-config", "app")])
    assert holds.on_webhook(WEB, a_found_webhook()) is Code.SUSPENDED


def test_where_several_hold_the_first_one_answers() -> None:
    holds = Holds()
    for code in (Code.SUSPENDED, Code.DISABLED):
        holds.hold_keys(Holder(code), projects=[APP.id], material=a_public_key(), secrets=[("flux-config", "app-key")])
        holds.hold_webhooks(Holder(code), receivers=[("flux-config", "app")], urls=[RECEIVER_URL], projects=[APP.id])
    assert holds.on_key(APP, a_found_key()) is holds.on_key(WEB, a_found_key()) is Code.SUSPENDED
    assert holds.on_key(WEB, a_found_key(name="another")) is Code.SUSPENDED
    assert holds.on_webhook(APP, a_found_webhook()) is holds.on_webhook(WEB, a_found_webhook()) is Code.SUSPENDED
    assert holds.on_webhook(WEB, a_found_webhook("", RECEIVER_URL)) is Code.SUSPENDED


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param(LONG, Code.SUSPENDED, id="its own name"),
        pytest.param(LONG[:-1] + "m", None, id="a name that differs behind the cut"),
    ],
)
def test_a_mark_that_was_cut_still_finds_its_hold(held: str, expected: Code | None) -> None:
    holds = Holds()
    holds.hold_keys(Holder(Code.SUSPENDED), secrets=[("flux-config", held)])
    holds.hold_webhooks(Holder(Code.SUSPENDED), receivers=[("flux-config", held)])
    cut = Mark("prod", "flux-config", LONG)
    assert "~" in str(cut)
    assert holds.on_key(WEB, a_found_key(cut)) is expected
    assert holds.on_webhook(WEB, a_found_webhook(cut)) is expected


# inside what a namespace may name

RED, BLUE = Holder(Code.URL_UNUSABLE, "red"), Holder(Code.SECRET_NOT_FOUND, "blue")
OF_RED, OF_BLUE = Project(1, "teams/red/app"), Project(2, "teams/blue/app")
PER_TEAM = Tenancy((Rule("*", "teams/{namespace}/**"),))


def test_what_is_known_of_nothing_holds_only_on_projects_that_its_namespace_may_name() -> None:
    holds = Holds(PER_TEAM)
    holds.hold_all_keys(RED)
    holds.hold_all_webhooks(RED)
    assert holds.on_key(OF_RED, a_found_key()) is RED.code
    assert holds.on_webhook(OF_RED, a_found_webhook()) is RED.code
    assert holds.on_key(OF_BLUE, a_found_key()) is None
    assert holds.on_webhook(OF_BLUE, a_found_webhook()) is None


def test_so_does_a_material_a_url_an_id_or_a_former_name_of_a_neighbour() -> None:
    holds = Holds(PER_TEAM)
    former = ("former", "app-key")
    holds.hold_keys(RED, projects=[OF_BLUE.id], material=a_public_key("one"), secrets=[former])
    holds.hold_webhooks(RED, receivers=[former], urls=[RECEIVER_URL], projects=[OF_BLUE.id])
    key, webhook = a_found_key(Mark("prod", *former), "one"), a_found_webhook(Mark("prod", *former), RECEIVER_URL)
    assert holds.on_key(OF_BLUE, key) is None
    assert holds.on_webhook(OF_BLUE, webhook) is None
    assert holds.on_key(OF_RED, key) is RED.code
    assert holds.on_webhook(OF_RED, webhook) is RED.code


def test_each_namespace_holds_its_own_beside_the_others() -> None:
    holds = Holds(PER_TEAM)
    for holder in (RED, BLUE):
        holds.hold_keys(holder, material=a_public_key("one"))
        holds.hold_all_webhooks(holder)
    assert holds.on_key(OF_BLUE, a_found_key("", "one")) is BLUE.code
    assert holds.on_webhook(OF_BLUE, a_found_webhook()) is BLUE.code


def test_what_is_marked_with_the_namespace_itself_is_held_wherever_it_lies() -> None:
    holds = Holds(PER_TEAM)
    holds.hold_keys(RED, secrets=[("red", "app-key")])
    assert holds.on_key(OF_BLUE, a_found_key(Mark("prod", "red", "app-key"))) is RED.code
    assert holds.on_key(OF_RED, a_found_key(Mark("prod", "blue", "app-key"))) is None


def test_cut_marks_find_their_hold_among_short_names_as_often_as_they_are_asked() -> None:
    holds = Holds()
    holds.hold_keys(Holder(Code.URL_UNUSABLE), secrets=[("flux-config", "short"), ("flux-config", LONG)])
    cut, other = Mark("prod", "flux-config", LONG), Mark("prod", "flux-config", LONG[:-1] + "m")

    found = [holds.on_key(WEB, a_found_key(mark, name="another")) for mark in (cut, cut, other)]

    assert found == [Code.URL_UNUSABLE, Code.URL_UNUSABLE, None]
