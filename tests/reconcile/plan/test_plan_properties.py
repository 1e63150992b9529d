"""
What must hold for every plan, over generated clusters and groups.

The worlds are small and crowded on purpose: few projects, keys and URLs, so that everything meets everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reconcile.actual import Actual, FoundKey, FoundWebhook, Items, Unreadable, actual_from
from reconcile.desired.desired import Desired
from reconcile.desired.holds import Holder
from reconcile.marks import Identity, Mark, Owner
from reconcile.model import Kind, Project, Ref, SecretUnreadable
from reconcile.plan.changes import Change, Create, Delete, Update
from reconcile.plan.plan import Plan, make_plan
from reconcile.problems import Code, Severity
from reconcile.rules import Rules
from reconcile.run import read_desired, read_requests
from reconcile.shares import Share
from tests.worlds.builders import CLUSTER, NAMESPACE, RECEIVER_URL, a_public_key, a_url
from tests.worlds.ports import HOST, GitLabInMemory, Kubernetes, Unforeseen, marked

PROJECTS = [Project(number, f"tenants/p{number}") for number in (1, 2, 3)]
OLD_URL = "https://old.example.net"
NAMES = ("r1", "r2", "r3")
OURS = [marked("r1"), marked("r2"), marked("left"), marked("r1", "former"), marked("r1", namespace="attic")]
FOREIGN = [marked("r1", "staging"), marked("r1", "prod-2"), marked("r1", namespace="billing")]
UNMARKED = ["", "deploy bot", "flux-gitlab-syncer prod flux-config"]

crowded = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass
class Scenario:
    """A cluster, a group and the rules between them."""

    flux: Kubernetes
    gitlab: GitLabInMemory
    rules: Rules

    @property
    def actual(self) -> Actual:
        self.gitlab.rules = self.rules
        return self.gitlab.read_actual(())

    def desired(self, actual: Actual | None = None) -> Desired:
        asked = read_requests(self.flux, self.gitlab, self.rules)
        return read_desired(self.flux, asked, actual or self.actual, self.rules)

    def plan(self) -> Plan:
        return make_plan(self.desired(), self.actual, self.rules)

    def apply(self) -> None:
        """Write the whole plan as a run does, deletes last."""
        for change in sorted(self.plan().changes, key=lambda change: isinstance(change, Delete)):
            with suppress(Unforeseen):
                self.gitlab.write(change)

    def settle(self) -> None:
        """A run; with --adopt a second one, since a key that moved can be marked once it has left its old project."""
        self.apply()
        if self.rules.adopt:
            self.apply()

    def left(self) -> list[Change]:
        """What is planned now, but for keys that also lie on a project that cannot be read."""
        attached = (id_ for project in self.gitlab.unreadable for id_ in self.gitlab.may_push[project])
        hidden = {self.gitlab.keys[id_].key for id_ in attached}
        return [one for one in self.plan().changes if one.name not in {key.fingerprint for key in hidden if key}]


@st.composite
def clusters(draw: st.DrawFn) -> Kubernetes:
    """GitRepositories r1 to r3 and Receivers w1 and w2, in all states of health."""
    flux = Kubernetes()
    for name in draw(st.sets(st.sampled_from(NAMES))):
        path = draw(st.sampled_from([*(project.path for project in PROJECTS), "tenants/gone"]))
        key = draw(st.sampled_from([1, 2, 3, 4, None]))
        secret = draw(st.sampled_from([name, "shared"]))
        flux.add_repository(name, path, a_public_key(key) if key else None, secret=secret)
        if draw(st.integers(0, 9)) == 0:
            flux.repositories[-1]["metadata"]["annotations"] = {"flux-gitlab-syncer/reconcile": "disabled"}
    for name in draw(st.sets(st.sampled_from(["w1", "w2"]))):
        resources = draw(st.sets(st.sampled_from(NAMES)))
        flux.add_receiver(name, sorted(resources), draw(st.sampled_from(["one", "two"])))
        state = draw(st.sampled_from(["fine", "fine", "fine", "suspended", "rotating", "no token"]))
        if state == "suspended":
            flux.receivers[-1]["spec"]["suspend"] = True
        elif state == "rotating":
            flux.receivers[-1]["status"]["webhookPath"] = a_url(7).removeprefix(RECEIVER_URL)
        elif state == "no token":
            del flux.secrets[Ref("Secret", NAMESPACE, f"{name}-token")]
    return flux


@st.composite
def groups(draw: st.DrawFn, flux: Kubernetes) -> GitLabInMemory:
    """Keys and webhooks of everybody, right, wrong and doubled, on projects of which some cannot be read."""
    gitlab = GitLabInMemory(is_old=draw(st.booleans()))
    urls = [RECEIVER_URL + one["status"]["webhookPath"] for one in flux.receivers]
    urls += [a_url(8), a_url(8, base=OLD_URL), "https://chat.example.net/"]
    titles = {number: draw(st.sampled_from([*OURS, *FOREIGN, "deploy bot"])) for number in (1, 2, 3, 4, 5)}
    for project in PROJECTS:
        gitlab.add_project(project)
        for number in draw(st.lists(st.sampled_from(sorted(titles)), unique=True, max_size=3)):
            gitlab.add_key(project, a_public_key(number), titles[number], can_push=draw(st.booleans()))
        for _ in range(draw(st.integers(0, 4))):
            description = draw(st.sampled_from([*OURS, *FOREIGN, *UNMARKED]))
            on = draw(st.sampled_from([frozenset({"push_events", "tag_push_events"}), frozenset({"job_events"})]))
            gitlab.add_webhook(project, draw(st.sampled_from(urls)), description, on)
        # Now and then, our mark where it does not belong.
        if draw(st.integers(0, 9)) == 0:
            gitlab.add_webhook(project, "https://stray.example.net/", marked("r1"))
        if draw(st.integers(0, 9)) == 0:
            gitlab.unreadable[project.id] = "403 Forbidden"
    return gitlab


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    former = draw(st.booleans())
    identity = Identity(
        CLUSTER,
        frozenset({NAMESPACE}),
        frozenset({"former"} if former else ()),
        frozenset({"attic"} if former else ()),
    )
    return Rules(
        identity,
        receiver_url=draw(st.sampled_from([RECEIVER_URL, RECEIVER_URL, RECEIVER_URL, None])),
        previous_receiver_urls=draw(st.sampled_from([(), (OLD_URL,)])),
        receiver_url_is_ours=draw(st.booleans()),
        owned_keys=draw(st.sampled_from([frozenset(), frozenset({a_public_key(1).fingerprint})])),
        read_only_keys=draw(st.booleans()),
        adopt=draw(st.booleans()),
    )


@st.composite
def worlds(draw: st.DrawFn) -> Scenario:
    flux = draw(clusters())
    return Scenario(flux, draw(groups(flux)), draw(rules()))


def identities(plan: Plan) -> set[tuple[int, Kind, int]]:
    return {(delete.project.id, delete.kind, delete.id) for delete in plan.deletes}


def text_of(found: FoundKey | FoundWebhook) -> str:
    return found.title if isinstance(found, FoundKey) else found.description


def is_anothers(text: str, rules: Rules) -> bool:
    """Said apart from the code under test: a mark of our program that is not among ours."""
    words = text.split(" ")
    if len(words) != 3 or "/" not in words[2]:
        return False
    clusters = {CLUSTER, *rules.identity.previous_clusters}
    namespaces = {NAMESPACE, *rules.identity.previous_namespaces}
    return words[1] not in clusters or words[2].partition("/")[0] not in namespaces


# 1


@crowded
@given(worlds())
def test_after_a_run_there_is_nothing_left_to_do(world: Scenario) -> None:
    world.settle()

    assert world.left() == []


@crowded
@given(worlds())
def test_refreshing_tokens_ends_as_well(world: Scenario) -> None:
    world.rules = replace(world.rules, refresh_tokens=True)
    world.settle()

    assert all(set(change.fields) == {"token"} for change in world.left())


# 2


@crowded
@given(worlds())
def test_nothing_of_anothers_is_ever_updated_or_deleted(world: Scenario) -> None:
    for change in world.plan().changes:
        if not isinstance(change, Create):
            assert not is_anothers(text_of(change.found), world.rules)


@crowded
@given(worlds())
def test_what_carries_no_mark_is_deleted_only_where_the_operator_says_so(world: Scenario) -> None:
    theirs = world.rules.adopt or world.rules.receiver_url_is_ours
    wanted = world.desired().webhooks
    for delete in world.plan().deletes:
        if "flux-config/" in text_of(delete.found) or "attic/" in text_of(delete.found):
            continue
        if isinstance(delete.found, FoundKey):
            assert delete.name in world.rules.owned_keys
        else:
            is_duplicate = delete.name in wanted.get(delete.project.id, {})
            assert is_duplicate or (theirs and world.rules.counts(delete.name))


@crowded
@given(worlds())
def test_without_a_receiver_url_no_webhook_is_in_any_plan(world: Scenario) -> None:
    world.rules = replace(world.rules, receiver_url=None)

    assert all(change.kind is Kind.DEPLOY_KEY for change in world.plan().changes)


@crowded
@given(worlds())
def test_nothing_on_an_unreadable_project_is_changed(world: Scenario) -> None:
    assert not {change.project.id for change in world.plan().changes} & world.gitlab.unreadable.keys()


# 3


@crowded
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_read_changes_nothing(world: Scenario, random: Random) -> None:
    actual = world.actual
    plan = make_plan(world.desired(), actual, world.rules)

    def shuffled(things: Iterable[Any]) -> list[Any]:
        listed = list(things)
        random.shuffle(listed)
        return listed

    states = [
        Items(one.project, tuple(shuffled(one.keys)), tuple(shuffled(one.webhooks)))
        for one in shuffled(actual.projects)
    ]
    world.flux.repositories = shuffled(world.flux.repositories)
    world.flux.receivers = shuffled(world.flux.receivers)
    for one in world.flux.receivers:
        one["spec"]["resources"] = shuffled(one["spec"]["resources"])
    again = make_plan(world.desired(), actual_from(shuffled([*states, *actual.unreadable])), world.rules)

    assert again == plan
    assert again.checksum(HOST, world.rules) == plan.checksum(HOST, world.rules)


# 4


@crowded
@given(worlds(), st.sampled_from([*NAMES, "shared", "w1-token", "w2-token"]))
def test_a_secret_that_cannot_be_read_never_adds_a_delete(world: Scenario, name: str) -> None:
    before = identities(world.plan())

    world.flux.secrets[Ref("Secret", NAMESPACE, name)] = SecretUnreadable("500")

    assert identities(world.plan()) <= before


@crowded
@given(worlds(), st.sampled_from(PROJECTS))
def test_a_project_that_cannot_be_read_never_adds_a_delete(world: Scenario, project: Project) -> None:
    before = identities(world.plan())

    world.gitlab.unreadable[project.id] = "500"

    plan = world.plan()
    after = identities(plan)
    assert all(id_ != project.id for id_, _, _ in after)
    # A key that only that project has may be another cluster's, which shows when it is joined elsewhere: then what it
    # would replace is not deleted either.
    hidden = {world.gitlab.keys[id_].key.fingerprint for id_ in world.gitlab.may_push[project.id]}
    joining = {one.project.id for one in plan.changes if isinstance(one, Create) and one.name in hidden}
    assert {one for one in after if one[1] is Kind.WEBHOOK or one[0] not in joining} <= before


@crowded
@given(worlds(), st.data())
def test_a_hold_never_adds_a_delete_nor_takes_a_create_away(world: Scenario, data: st.DataObject) -> None:
    before = world.plan()
    desired = world.desired()
    project = data.draw(st.sampled_from([1, 2, 3]))
    name = (NAMESPACE, data.draw(st.sampled_from(["r1", "r2", "left"])))
    if data.draw(st.booleans()):
        desired.holds.hold_keys(Holder(Code.KEY_UNUSABLE), projects=[project], material=a_public_key(1), secrets=[name])
    else:
        desired.holds.hold_webhooks(Holder(Code.TOKEN_UNUSABLE), receivers=[name], urls=[a_url(8)], projects=[project])

    after = make_plan(desired, world.actual, world.rules)

    assert identities(after) <= identities(before)
    assert [one for one in after.changes if not isinstance(one, Delete)] == [
        one for one in before.changes if not isinstance(one, Delete)
    ]
    assert len(after.kept) + len(after.deletes) == len(before.kept) + len(before.deletes)


# 5


@crowded
@given(worlds())
def test_no_wanted_key_and_no_only_wanted_webhook_is_deleted(world: Scenario) -> None:
    desired = world.desired()
    world.apply()

    for state in world.actual.projects:
        assert desired.keys.get(state.project.id, {}).keys() <= {found.key for found in state.keys}
        wanted = desired.webhooks.get(state.project.id, {})
        assert wanted.keys() <= {found.url for found in state.webhooks}


@crowded
@given(worlds())
def test_deletes_and_what_stays_are_told_apart_by_their_ids(world: Scenario) -> None:
    plan = world.plan()
    targets = [(one.project.id, one.kind, one.id) for one in plan.changes if isinstance(one, Update | Delete)]

    assert len(targets) == len(set(targets))
    assert all(plan.owned[kind] >= sum(one.kind is kind for one in plan.deletes) for kind in Kind)


# 6


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[Scenario, Scenario]:
    """Two clusters with one GitLab, and with one base URL or two."""
    flux, other = draw(clusters()), draw(clusters())
    gitlab = draw(groups(flux))
    ours = replace(draw(rules()), adopt=False, receiver_url_is_ours=False, owned_keys=frozenset())
    base = draw(st.sampled_from([RECEIVER_URL, "https://staging.example.net"]))
    theirs = replace(ours, identity=Identity("staging", frozenset({NAMESPACE})), previous_receiver_urls=())
    return Scenario(flux, gitlab, ours), Scenario(
        other, gitlab, replace(theirs, receiver_url=ours.receiver_url and base)
    )


@crowded
@given(neighbours())
def test_two_clusters_in_turn_come_to_rest(both: tuple[Scenario, Scenario]) -> None:
    one, other = both
    for world in (one, other, one, other):
        world.apply()

    flipping = joined_under_the_others_mark(one, other) | joined_under_the_others_mark(other, one)
    assert [change for change in (*one.left(), *other.left()) if change.name not in flipping] == []


def joined_under_the_others_mark(owner: Scenario, other: Scenario) -> set[str]:
    """The keys with the owner's mark that the other cluster wants: the owner may remove them, the other joins again."""
    wanted = {key for keys in other.desired().keys.values() for key in keys}
    keys = owner.gitlab.keys.values()
    return {found.name for found in keys if found.key in wanted and is_ours(found, owner.rules)}


def is_ours(found: FoundKey, rules: Rules) -> bool:
    return rules.key_owner(Mark.parse(found.title), found.key) is Owner.OURS


@crowded
@given(neighbours())
def test_one_cluster_never_takes_away_what_the_other_has_marked(both: tuple[Scenario, Scenario]) -> None:
    one, other = both
    one.apply()
    state = actual_of(one)

    other.apply()

    # The other one may join a key of this one on more projects.
    assert state <= actual_of(one)
    assume(state)


def actual_of(world: Scenario) -> set[tuple[int, Kind, int, str]]:
    """Everything that carries the cluster's own mark."""
    found = set()
    for state in world.actual.projects:
        assert not isinstance(state, Unreadable)
        for item in (*state.keys, *state.webhooks):
            # With a name: a text that only begins like a mark is none.
            if re.match(f"flux-gitlab-syncer {world.rules.identity.cluster} [^ /]+/[^ /]+$", text_of(item)):
                kind = Kind.DEPLOY_KEY if isinstance(item, FoundKey) else Kind.WEBHOOK
                found.add((state.project.id, kind, item.id, text_of(item)))
    return found


# 7


@crowded
@given(worlds(), st.integers(2, 3))
def test_all_shards_together_plan_what_a_single_run_plans(world: Scenario, shards: int) -> None:
    # What only one shard can know: a project that cannot be read, and under whose name the group has a key.
    world.gitlab.unreadable.clear()
    world.rules = replace(world.rules, adopt=False)
    for id_, found in world.gitlab.keys.items():
        if is_anothers(found.title, world.rules):
            world.gitlab.keys[id_] = replace(found, title="deploy bot")
    whole = world.plan()

    parts = [shard_of(world, Share(index, shards)).plan() for index in range(shards)]

    together = sorted(line for part in parts for line in lines(part))
    assert together == sorted(lines(whole))
    assert sorted(map(repr, (one for part in parts for one in part.kept))) == sorted(map(repr, whole.kept))
    assert sorted(map(repr, (one for part in parts for one in part.foreign))) == sorted(map(repr, whole.foreign))
    assert sum(part.unchanged for part in parts) == whole.unchanged
    assert {kind: sum(part.owned[kind] for part in parts) for kind in Kind} == whole.owned
    problems = {one for part in parts for one in part.problems}
    # Nor whether webhooks of ours are left on any project: then WebhooksOff is a warning.
    unsure = {one for one in problems if (one.code, one.severity) == (Code.WEBHOOKS_OFF, Severity.NOTICE)}
    assert problems - unsure <= set(whole.problems)
    assert {one.code for one in set(whole.problems) - problems} <= {Code.KEY_UNMARKED}


def shard_of(world: Scenario, share: Share) -> Scenario:
    return Scenario(world.flux, replace(world.gitlab, share=share), replace(world.rules, share=share))


def lines(plan: Plan) -> list[str]:
    """Each change without what one shard cannot know: whether the group has a key already."""
    ids = [None if isinstance(one, Create) else one.id for one in plan.changes]
    named = [f"{one.project.id} {one.kind} {one.action} {one.name} {dict(one.fields)}" for one in plan.changes]
    return [f"{name} {id_}" for name, id_ in zip(named, ids, strict=True)]
