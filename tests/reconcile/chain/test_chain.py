"""The links of one tenant's chain, decided from plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconcile.actual import Unreadable
from reconcile.causes import Cause, CauseCode
from reconcile.chain.chain import Surroundings, chain_without_repository, delivering_webhooks
from reconcile.chain.deliveries import Deliveries
from reconcile.chain.deploy_key import key_findings
from reconcile.chain.kustomizations import Kustomizations
from reconcile.chain.links import Link
from reconcile.chain.problem_findings import findings_for
from reconcile.chain.tenant_trace import ProjectState
from reconcile.findings import Finding, Level, worst
from reconcile.model import ProjectAbsent, ProjectLocation, Ref, Secret, SecretMissing
from reconcile.plan.plan import Plan
from reconcile.problems import Code, Problem
from tests.worlds.builders import NAMESPACE, a_key_secret, a_public_key, a_token_secret, some_rules
from tests.worlds.chain_builders import REVISION, RUN, Tenant, a_fetched_repository, a_state, the_key, the_webhook
from tests.worlds.desired_inputs import APP, WEB, Inputs
from tests.worlds.objects import DISABLED, KEYS, a_condition, a_receiver

TARGET = "receiver app --namespace flux-config"


def a_kustomization(status: object = "True", **spec: object) -> dict[str, object]:
    source = {"kind": "GitRepository", "name": "app", "namespace": NAMESPACE}
    conditions = [a_condition(str(status), reason="Succeeded", message="Applied revision: 1")] if status else []
    return {
        "metadata": {"name": "app", "namespace": "tenant"},
        "spec": {"sourceRef": source, "serviceAccountName": "flux", **spec},
        "status": {"conditions": conditions},
    }


def of(*repositories: dict[str, object], **more: object) -> Tenant:
    """A tenant whose GitRepository is another one."""
    return Tenant(Inputs(list(repositories), **more))


def with_state(*found: object, archived: bool = False) -> Tenant:
    """A tenant whose project has other items."""
    return Tenant(state=a_state(*found, archived=archived))


def with_kustomization(status: object = "True", **spec: object) -> Tenant:
    """A tenant with this Kustomization."""
    return Tenant(surroundings=Surroundings(Kustomizations((a_kustomization(status, **spec),)), run=RUN))


def without_secret() -> Tenant:
    tenant = Tenant()
    tenant.world.secrets[f"{NAMESPACE}/{KEYS}"] = SecretMissing()
    return tenant


def with_unusable_key() -> Tenant:
    tenant = Tenant()
    tenant.world.secrets[f"{NAMESPACE}/{KEYS}"] = Secret(has_identity=True, key_problem="is no key")
    return tenant


def at_another_place(place: object) -> Tenant:
    tenant = Tenant()
    tenant.world.places[APP.path] = place
    return tenant


def not_fetched(message: str) -> Tenant:
    """A tenant whose repository Flux could not clone."""
    return of(
        a_fetched_repository({"conditions": [a_condition("False", reason="GitOperationFailed", message=message)]})
    )


def with_webhooks_off() -> Tenant:
    return of(a_fetched_repository(), rules=some_rules(receiver_url=None))


TABLE: list[tuple[Callable[[], Tenant], Link, Level, str]] = [
    (Tenant, Link.REPOSITORY, Level.OK, "asks for tenants/app on gitlab.example.net, branch master, every 1m"),
    (
        lambda: of(a_fetched_repository(ref={"branch": "", "tag": "v1"}, interval=None)),
        Link.REPOSITORY,
        Level.OK,
        "gitlab.example.net, tag v1",
    ),
    (lambda: of(a_fetched_repository(deleting=True)), Link.REPOSITORY, Level.FAIL, "It is being deleted"),
    (lambda: of(a_fetched_repository(suspend=True)), Link.FETCH, Level.SKIP, "out of date"),
    (
        lambda: of(a_fetched_repository(url="ssh://git@gitlab.example.net:tenants/app")),
        Link.REPOSITORY,
        Level.FAIL,
        "",
    ),
    (Tenant, Link.CREDENTIALS, Level.OK, f"holds the key ssh-ed25519 {a_public_key().fingerprint}"),
    (without_secret, Link.CREDENTIALS, Level.FAIL, "does not exist"),
    (without_secret, Link.DEPLOY_KEY, Level.SKIP, "the Secret gives no key"),
    (with_unusable_key, Link.CREDENTIALS, Level.FAIL, "is no key"),
    (lambda: of(a_fetched_repository(secret=None)), Link.CREDENTIALS, Level.FAIL, "spec.secretRef is missing"),
    (
        lambda: of(a_fetched_repository(secret=None, provider="azure")),
        Link.CREDENTIALS,
        Level.NOTE,
        "spec.provider is azure",
    ),
    (
        lambda: of(a_fetched_repository(secret=None, url="https://gitlab.example.net/tenants/app")),
        Link.CREDENTIALS,
        Level.OK,
        "an https URL needs no SSH key",
    ),
    (
        lambda: of(a_fetched_repository(url="ssh://git@github.com/some/where")),
        Link.CREDENTIALS,
        Level.SKIP,
        "no run would serve this GitRepository",
    ),
    (
        lambda: of(a_fetched_repository(secret=None, url="https://gitlab.example.net/tenants/app")),
        Link.DEPLOY_KEY,
        Level.OK,
        "none is needed",
    ),
    (
        lambda: of(a_fetched_repository(url="ssh://git@github.com/some/where")),
        Link.PROJECT,
        Level.SKIP,
        "it is not known which project is meant",
    ),
    (Tenant, Link.PROJECT, Level.OK, "tenants/app is project 7"),
    (lambda: at_another_place(ProjectAbsent()), Link.PROJECT, Level.FAIL, "GitLab has no project"),
    (lambda: at_another_place(ProjectLocation(APP, moved=True)), Link.PROJECT, Level.OK, "is project 7"),
    (
        lambda: with_state(the_key(), the_webhook(), archived=True),
        Link.PROJECT,
        Level.OK,
        "tenants/app is project 7",
    ),
    (
        lambda: Tenant(state=ProjectState(Unreadable(APP, "GitLab answered 500"))),
        Link.DEPLOY_KEY,
        Level.SKIP,
        "deploy keys are not known",
    ),
    (Tenant, Link.DEPLOY_KEY, Level.OK, f"prod {NAMESPACE}/{KEYS}`: ours; it may only read"),
    (lambda: with_state(the_webhook()), Link.DEPLOY_KEY, Level.FAIL, "The key is not on the project, which has no"),
    (
        lambda: with_state(the_key(id=3, title="a", key=a_public_key("a"))),
        Link.DEPLOY_KEY,
        Level.FAIL,
        "which has 1 other deploy key. The next run puts it there",
    ),
    (
        lambda: with_state(*(the_key(id=number, title="a", key=a_public_key(str(number))) for number in (3, 4))),
        Link.DEPLOY_KEY,
        Level.FAIL,
        "which has 2 other deploy keys.",
    ),
    (
        lambda: with_state(the_key(key=a_public_key("former"))),
        Link.DEPLOY_KEY,
        Level.FAIL,
        f"which still has {a_public_key('former').fingerprint} for this Secret",
    ),
    (
        lambda: with_state(
            the_key(id=3, title="flux-gitlab-syncer prod flux-config/left", key=a_public_key("left")),
            the_key(id=4, key=a_public_key("former")),
        ),
        Link.DEPLOY_KEY,
        Level.FAIL,
        f"which still has {a_public_key('former').fingerprint} for this Secret",
    ),
    (
        lambda: with_state(the_key(title="somebody's"), the_webhook()),
        Link.DEPLOY_KEY,
        Level.OK,
        "without a mark, so put there by hand; it may only read",
    ),
    (lambda: with_state(the_key(expired=True)), Link.DEPLOY_KEY, Level.FAIL, "expired"),
    (Tenant, Link.FETCH, Level.OK, f"Flux has fetched {REVISION}"),
    (lambda: of(a_fetched_repository({"conditions": [a_condition()]})), Link.FETCH, Level.OK, "Flux has fetched it"),
    (
        lambda: of(a_fetched_repository({"observedGeneration": 0, "conditions": [a_condition()]})),
        Link.FETCH,
        Level.UNKNOWN,
        "has not seen its newest spec",
    ),
    (lambda: of(a_fetched_repository({})), Link.FETCH, Level.UNKNOWN, "It has no status of Flux"),
    (
        lambda: of(a_fetched_repository({"conditions": [a_condition("Unknown", reason="Progressing")]})),
        Link.FETCH,
        Level.UNKNOWN,
        "Flux is fetching it now",
    ),
    (
        lambda: of(a_fetched_repository({"conditions": [a_condition("False", reason="", message="")]})),
        Link.FETCH,
        Level.FAIL,
        "Not Ready, without a reason.",
    ),
    (
        lambda: not_fetched("ssh: unable to authenticate, attempted methods [none publickey]"),
        Link.FETCH,
        Level.FAIL,
        "The key is on the project now; Flux may wait up to 15 minutes",
    ),
    (Tenant, Link.RECEIVER, Level.OK, "is Ready, of type gitlab, for push, tag push; its path /hook/"),
    (lambda: of(a_fetched_repository(), receivers=[]), Link.RECEIVER, Level.WARN, "looks only once in 1m."),
    (
        lambda: of(a_fetched_repository(interval=7), receivers=[], rules=some_rules(receiver_url=None)),
        Link.RECEIVER,
        Level.NOTE,
        "looks only once in spec.interval.",
    ),
    (
        lambda: of(a_fetched_repository(), receivers=[a_receiver("other", ["apps"])]),
        Link.RECEIVER,
        Level.WARN,
        f"Receiver/{NAMESPACE}/other names something much like it",
    ),
    (with_webhooks_off, Link.RECEIVER, Level.NOTE, "no more is looked at without --receiver-url"),
    (Tenant, Link.WEBHOOK, Level.OK, "is at https://flux.example.net/hook/"),
    (lambda: with_state(the_key()), Link.WEBHOOK, Level.FAIL, "The project has no webhook at"),
    (
        lambda: with_state(the_key(), the_webhook(flags={"push_events": False, "tag_push_events": True})),
        Link.WEBHOOK,
        Level.FAIL,
        "push_events is false, not true",
    ),
    (
        lambda: with_state(the_key(), the_webhook(description="`x`")),
        Link.WEBHOOK,
        Level.WARN,
        "description is ``x``, not `flux-gitlab-syncer prod flux-config/app`",
    ),
    (
        lambda: with_state(the_key(), the_webhook(description="flux-gitlab-syncer other flux-config/app")),
        Link.WEBHOOK,
        Level.FAIL,
        "which is not this instance's",
    ),
    (
        lambda: with_state(the_key(), the_webhook(alert_status="disabled")),
        Link.WEBHOOK,
        Level.FAIL,
        "GitLab has switched webhook 2 off",
    ),
    (
        lambda: of(a_fetched_repository(), receivers=[a_receiver(suspend=True)]),
        Link.WEBHOOK,
        Level.SKIP,
        "its Receiver is switched off",
    ),
    (
        lambda: at_another_place(ProjectAbsent()),
        Link.WEBHOOK,
        Level.SKIP,
        "the project's webhooks are not known",
    ),
    (Tenant, Link.DELIVERIES, Level.NOTE, "delivered nothing"),
    (Tenant, Link.KUSTOMIZATION, Level.WARN, "No Kustomization names it"),
    (
        with_kustomization,
        Link.KUSTOMIZATION,
        Level.OK,
        f"is Ready: Applied revision: 1; from namespace {NAMESPACE}, as",
    ),
    (with_kustomization, Link.KUSTOMIZATION, Level.OK, "as service account tenant/flux"),
    (
        lambda: with_kustomization(serviceAccountName=None),
        Link.KUSTOMIZATION,
        Level.OK,
        "as no service account of its own",
    ),
    (lambda: with_kustomization(suspend=True), Link.KUSTOMIZATION, Level.FAIL, "It is suspended"),
    (lambda: with_kustomization("False"), Link.KUSTOMIZATION, Level.FAIL, "Not Ready, Succeeded."),
    (lambda: with_kustomization(None), Link.KUSTOMIZATION, Level.WARN, "Flux has not said yet"),
    (
        lambda: with_kustomization(sourceRef={"kind": "OCIRepository"}),
        Link.KUSTOMIZATION,
        Level.WARN,
        "No Kustomization names it",
    ),
    (
        lambda: Tenant(surroundings=Surroundings(Kustomizations((), unread="403"))),
        Link.KUSTOMIZATION,
        Level.SKIP,
        "Not looked at: 403",
    ),
    (
        lambda: Tenant(surroundings=Surroundings(Kustomizations((a_kustomization(),), unread="403"))),
        Link.KUSTOMIZATION,
        Level.OK,
        "is Ready",
    ),
]


@pytest.mark.parametrize(("tenant", "link", "level", "text"), TABLE)
def test_each_link_is_judged_by_what_the_servers_show(
    tenant: Callable[[], Tenant], link: Link, level: Level, text: str
) -> None:
    findings = tenant().at(link)

    assert findings[0].level == level
    assert text in findings[0].message


def test_a_chain_without_a_fault_is_not_broken() -> None:
    chain = Tenant().chain

    assert (chain.broken, chain.repository, chain.project) == (None, f"GitRepository/{NAMESPACE}/app", APP.path)
    assert list(dict.fromkeys(finding.topic for finding in chain.findings)) == list(Link)


def test_a_public_half_that_does_not_belong_to_the_key_is_a_warning_without_a_command() -> None:
    tenant = Tenant()
    tenant.world.secrets[f"{NAMESPACE}/{KEYS}"] = replace(
        a_key_secret(), declared=a_public_key("other"), has_declared=True
    )

    assert [(finding.level, finding.command) for finding in tenant.at(Link.CREDENTIALS)] == [
        (Level.OK, None),
        (Level.WARN, None),
    ]


def test_an_archived_project_is_a_warning_beside_its_name() -> None:
    assert [finding.level for finding in with_state(the_key(), archived=True).at(Link.PROJECT)] == [
        Level.OK,
        Level.WARN,
    ]


@pytest.mark.parametrize("annotations", [None, DISABLED])
def test_an_expired_key_breaks_the_chain_whoever_owns_it(annotations: dict[str, str] | None) -> None:
    tenant = of(a_fetched_repository(annotations=annotations))
    tenant.state = a_state(the_key(title="flux-gitlab-syncer staging flux-config/app-key", expired=True), the_webhook())

    assert "has expired and opens nothing" in tenant.at(Link.DEPLOY_KEY)[0].message


def test_a_key_that_no_run_puts_there_says_why() -> None:
    tenant = of(a_fetched_repository(annotations=DISABLED))
    tenant.state = a_state()

    assert tenant.at(Link.DEPLOY_KEY)[0].message.endswith("no run puts it there, because of Disabled.")


def test_webhooks_of_two_receivers_are_each_looked_at() -> None:
    tenant = of(a_fetched_repository(), receivers=[a_receiver(), a_receiver("second", secret="second", token=b"two")])
    tenant.world.secrets[f"{NAMESPACE}/second"] = a_token_secret(b"two")
    tenant.surroundings = Surroundings(deliveries={2: Deliveries(("200",))}, run=RUN)

    assert delivering_webhooks(tenant.trace) == [2]
    assert [finding.level for finding in tenant.at(Link.WEBHOOK)] == [Level.OK, Level.FAIL]
    assert [finding.level for finding in tenant.at(Link.DELIVERIES)] == [Level.OK]


def test_a_project_that_no_gitrepository_names_is_broken_at_its_first_link() -> None:
    chain = chain_without_repository(WEB, (NAMESPACE,))

    assert chain.broken is chain.findings[0]
    assert (chain.repository, chain.project) == (None, WEB.path)


def test_a_key_that_is_missing_for_a_reported_reason_gets_no_second_sentence() -> None:
    trace = with_state().trace
    problem = Problem.of(Code.KEY_SHARED_ACROSS_CLUSTERS, "Another cluster has it.", object=trace.ref)
    trace = replace(trace, plan=Plan(problems=(problem,)))

    assert [finding.message for finding in key_findings(trace, RUN)] == ["Another cluster has it."]


@pytest.mark.parametrize(
    ("code", "kind", "link", "level", "command"),
    [
        (Code.SUSPENDED, "Receiver", Link.RECEIVER, Level.OFF, f"flux resume {TARGET}"),
        (
            Code.ROTATION_IN_FLIGHT,
            "Receiver",
            Link.RECEIVER,
            Level.FAIL,
            f"flux reconcile {TARGET}",
        ),
        (
            Code.RECEIVER_NOT_READY,
            "Receiver",
            Link.RECEIVER,
            Level.FAIL,
            f"kubectl describe {TARGET}",
        ),
        (
            Code.DISABLED,
            "GitRepository",
            Link.REPOSITORY,
            Level.OFF,
            "kubectl annotate gitrepository app --namespace flux-config flux-gitlab-syncer/reconcile-",
        ),
        (
            Code.SECRET_UNREADABLE,
            "GitRepository",
            Link.CREDENTIALS,
            Level.UNKNOWN,
            None,
        ),
        (Code.MARK_ELSEWHERE, "Receiver", Link.WEBHOOK, Level.WARN, None),
        (Code.PROJECT_MOVED, "GitRepository", Link.PROJECT, Level.WARN, None),
        (Code.PROJECT_OUTSIDE_GROUP, "GitRepository", Link.PROJECT, Level.FAIL, None),
        (Code.EMPTY_TOKEN, "Receiver", Link.RECEIVER, Level.NOTE, None),
    ],
)
def test_a_problem_of_a_run_breaks_its_own_link(
    code: Code, kind: str, link: Link, level: Level, command: str | None
) -> None:
    ref = Ref(kind, NAMESPACE, "app")
    problem = Problem.of(code, "A sentence.", object=ref)

    found = [finding for topic in Link for finding in findings_for([problem], topic, ref)]

    assert found == [Finding(link, level, "A sentence.", str(ref), command)]


@pytest.mark.parametrize(
    ("code", "command"),
    [
        (CauseCode.RBAC_MISSING, "kubectl auth can-i get secrets --namespace flux-config"),
        (CauseCode.SERVER_ERROR, None),
    ],
)
def test_only_a_missing_right_is_a_matter_of_rights(code: CauseCode, command: str | None) -> None:
    ref = Ref("GitRepository", NAMESPACE, "app")
    problem = Problem.of(Code.SECRET_UNREADABLE, "A sentence.", object=ref).caused_by(Cause(code))

    assert [finding.command for finding in findings_for([problem], Link.CREDENTIALS, ref)] == [command]


@pytest.mark.parametrize(
    ("levels", "level"),
    [([], Level.OK), ([Level.NOTE, Level.SKIP], Level.OK), ([Level.WARN, Level.FAIL, Level.OK], Level.FAIL)],
)
def test_the_worst_level_counts(levels: list[Level], level: Level) -> None:
    assert worst(levels) == level


def test_a_chain_is_as_bad_as_its_worst_finding() -> None:
    assert (Tenant().chain.level, with_state().chain.level) == (Level.WARN, Level.FAIL)
