"""The verdict of a chain: whether a tenant's push arrives, and which finding decides that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconcile.actual import Unreadable
from reconcile.chain.chain import Surroundings, delivering_webhooks
from reconcile.chain.deliveries import Deliveries
from reconcile.chain.kustomizations import Kustomizations
from reconcile.chain.links import Chain, Link, Verdict
from reconcile.chain.tenant_trace import ProjectState
from reconcile.chain.webhook import webhook_findings
from reconcile.findings import Finding, Level
from reconcile.model import LookUpFailed, SecretUnreadable
from reconcile.plan.plan import Plan
from tests.worlds.builders import NAMESPACE, RECEIVER_URL, a_token_secret, some_rules
from tests.worlds.chain_builders import Tenant, a_fetched_repository, a_state, the_key, the_webhook
from tests.worlds.desired_inputs import APP, Inputs
from tests.worlds.objects import DISABLED, KEYS, TOKENS, a_condition, a_receiver


def of(repository: dict[str, object] | None = None, *, state: ProjectState | None = None, **world: object) -> Tenant:
    """A tenant, described by what is not as it should be."""
    tenant = Tenant(Inputs([repository or a_fetched_repository()], **world))
    tenant.state = state or tenant.state
    return tenant


def with_secret(name: str, answer: object) -> Tenant:
    tenant = Tenant()
    tenant.world.secrets[f"{NAMESPACE}/{name}"] = answer
    return tenant


def without_gitlab() -> Tenant:
    tenant = Tenant(state=None)
    tenant.world.places[APP.path] = LookUpFailed("GitLab answered 503")
    return tenant


def with_deliveries(deliveries: Deliveries) -> Tenant:
    return Tenant(surroundings=Surroundings(deliveries={2: deliveries}))


def with_two_receivers() -> Tenant:
    second = a_receiver("second", token=b"two", secret="second")
    webhook = the_webhook(
        id=3,
        url=RECEIVER_URL + second["status"]["webhookPath"],
        description=f"flux-gitlab-syncer prod {NAMESPACE}/second",
    )
    tenant = of(receivers=[a_receiver(suspend=True), second], state=a_state(the_key(), the_webhook(), webhook))
    tenant.world.secrets[f"{NAMESPACE}/second"] = a_token_secret(b"two")
    return tenant


NO_WEBHOOK = a_state(the_key())
NO_KEY = a_state(the_webhook())
FAILED = {"conditions": [a_condition("False", reason="GitOperationFailed", message="knownhosts: key mismatch")]}

TABLE: list[tuple[str, Callable[[], Tenant], Verdict, Link | None]] = [
    ("nothing is wrong", Tenant, Verdict.OK, None),
    ("polling only", lambda: of(receivers=[]), Verdict.OK, None),
    ("deliveries may not be read", lambda: with_deliveries(Deliveries(unread="403")), Verdict.OK, None),
    (
        "Kustomizations may not be read",
        lambda: Tenant(surroundings=Surroundings(Kustomizations(unread="403"))),
        Verdict.OK,
        None,
    ),
    ("GitRepository suspended", lambda: of(a_fetched_repository(suspend=True)), Verdict.OFF, Link.REPOSITORY),
    (
        "GitRepository suspended, key missing",
        lambda: of(a_fetched_repository(suspend=True), state=NO_KEY),
        Verdict.OFF,
        Link.REPOSITORY,
    ),
    (
        "GitRepository disabled",
        lambda: of(a_fetched_repository(annotations=DISABLED)),
        Verdict.OFF,
        Link.REPOSITORY,
    ),
    ("Receiver suspended", lambda: of(receivers=[a_receiver(suspend=True)]), Verdict.OFF, Link.RECEIVER),
    (
        "Receiver disabled, its webhook gone",
        lambda: of(receivers=[a_receiver(annotations=DISABLED)], state=NO_WEBHOOK),
        Verdict.OFF,
        Link.RECEIVER,
    ),
    (
        "Receiver suspended while webhooks are off",
        lambda: of(receivers=[a_receiver(suspend=True)], rules=some_rules(receiver_url=None)),
        Verdict.OFF,
        Link.RECEIVER,
    ),
    (
        "Receiver suspended, key missing",
        lambda: of(receivers=[a_receiver(suspend=True)], state=NO_KEY),
        Verdict.BROKEN,
        Link.DEPLOY_KEY,
    ),
    ("no status of Flux", lambda: of(a_fetched_repository({})), Verdict.UNKNOWN, Link.FETCH),
    ("GitLab does not answer", without_gitlab, Verdict.UNKNOWN, Link.PROJECT),
    (
        "the project cannot be read",
        lambda: of(state=ProjectState(Unreadable(APP, "GitLab answered 403"))),
        Verdict.UNKNOWN,
        Link.PROJECT,
    ),
    (
        "the Secret cannot be read",
        lambda: with_secret(KEYS, SecretUnreadable("403 Forbidden")),
        Verdict.UNKNOWN,
        Link.CREDENTIALS,
    ),
    (
        "the token's Secret cannot be read",
        lambda: with_secret(TOKENS, SecretUnreadable("403 Forbidden")),
        Verdict.UNKNOWN,
        Link.RECEIVER,
    ),
    ("webhooks are off", lambda: of(rules=some_rules(receiver_url=None)), Verdict.UNKNOWN, Link.WEBHOOK),
    ("webhook missing", lambda: of(state=NO_WEBHOOK), Verdict.BROKEN, Link.WEBHOOK),
    ("not fetched", lambda: of(a_fetched_repository(FAILED)), Verdict.BROKEN, Link.FETCH),
    ("pushes are refused", lambda: with_deliveries(Deliveries(("404",))), Verdict.BROKEN, Link.DELIVERIES),
    (
        "token rotated, pushes are refused",
        lambda: with_secret(TOKENS, a_token_secret(b"new")),
        Verdict.BROKEN,
        Link.RECEIVER,
    ),
    ("one of two Receivers is suspended", with_two_receivers, Verdict.OFF, Link.RECEIVER),
]


@pytest.mark.parametrize(("tenant", "verdict", "link"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_verdict_says_whether_a_push_arrives(
    tenant: Callable[[], Tenant], verdict: Verdict, link: Link | None
) -> None:
    chain = tenant().chain

    assert chain.verdict is verdict
    assert (chain.deciding and chain.deciding.topic) == link
    assert (chain.broken is not None) == (verdict is Verdict.BROKEN)
    assert (chain.level == Level.FAIL) == (verdict is not Verdict.OK)


def test_deliveries_of_a_receiver_that_is_switched_off_are_not_asked_for() -> None:
    tenant = of(receivers=[a_receiver(suspend=True)])

    assert delivering_webhooks(tenant.trace) == []
    assert tenant.at(Link.DELIVERIES) == []


@pytest.mark.parametrize(
    ("state", "level", "text"),
    [
        (a_state(the_key(), the_webhook()), Level.WARN, "and no run looks after it because of EmptyToken"),
        (NO_WEBHOOK, Level.FAIL, "The project has no webhook for it, and no run makes one because of EmptyToken."),
    ],
)
def test_a_receiver_that_is_held_still_needs_its_webhook(state: ProjectState, level: Level, text: str) -> None:
    tenant = of(receivers=[a_receiver(token=b"", type="generic")], state=state)
    tenant.world.secrets[f"{NAMESPACE}/{TOKENS}"] = a_token_secret(b"")
    if state is not NO_WEBHOOK:
        path = tenant.world.receivers[0]["status"]["webhookPath"]
        tenant.state = a_state(the_key(), the_webhook(url=f"{tenant.world.rules.receiver_url}{path}"))

    [finding] = tenant.at(Link.WEBHOOK)

    assert finding.level is level
    assert text in finding.message


def test_a_receiver_of_a_neighbour_with_a_similar_name_is_not_blamed() -> None:
    tenant = Tenant(Inputs([a_fetched_repository(), a_fetched_repository(name="app2")]))
    tenant.world.receivers = [a_receiver("second", ["app2"])]

    assert (
        tenant.at(Link.RECEIVER)[0].message
        == "No Receiver names it, so Flux hears of no push and looks only once in 1m."
    )


def test_a_receiver_that_gitlab_cannot_feed_wants_no_webhook() -> None:
    tenant = of(receivers=[a_receiver(type="github")], state=NO_WEBHOOK)

    assert [finding.level for finding in (*tenant.at(Link.RECEIVER), *tenant.at(Link.WEBHOOK))] == [Level.NOTE] * 2
    assert tenant.chain.verdict is Verdict.OK


def test_a_receiver_that_gitlab_cannot_feed_is_told_where_no_project_is_known() -> None:
    tenant = of(a_fetched_repository(url="ssh://git@github.com/some/where"), receivers=[a_receiver(type="github")])

    assert "GitLab cannot feed a Receiver of type github" in tenant.at(Link.RECEIVER)[0].message


def test_a_webhook_that_is_missing_and_not_planned_is_never_called_right() -> None:
    trace = replace(of(state=NO_WEBHOOK).trace, plan=Plan())

    [finding] = webhook_findings(trace, trace.receivers[0], "", is_blocked=False)

    assert finding.level is Level.FAIL
    assert "and no run makes it" in finding.message


def test_each_link_is_counted_by_itself() -> None:
    levels = [
        (Link.PROJECT, Level.OK),
        (Link.PROJECT, Level.WARN),
        (Link.DEPLOY_KEY, Level.SKIP),
        (Link.RECEIVER, Level.OFF),
        (Link.WEBHOOK, Level.OK),
        (Link.WEBHOOK, Level.FAIL),
        (Link.KUSTOMIZATION, Level.SKIP),
    ]
    chain = Chain("GitRepository/a/b", None, tuple(Finding(link, level, "") for link, level in levels))

    assert chain.verdict_by_link == {
        "project": Verdict.OK,
        "deploy-key": Verdict.UNKNOWN,
        "receiver": Verdict.OFF,
        "webhook": Verdict.BROKEN,
        "kustomization": Verdict.UNKNOWN,
    }
