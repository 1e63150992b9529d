"""One job from settings to exit code: connect, run, report. The only place where the parts are put together."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec

from cronjob.document import Circumstances, document_of
from cronjob.flux import FluxCluster
from cronjob.gitlab import GitLabGroup, Scope
from cronjob.halt import Halt
from cronjob.kube_access import IN_CLUSTER, KubeApi, connect
from cronjob.kube_place import Access as KubeAccess
from cronjob.lease import Lease
from cronjob.lease_claim import Claim, lease_name
from cronjob.logs import log, log_notice, log_warning, log_write, set_up_logging
from cronjob.session import Access, Session
from cronjob.settings import Settings
from cronjob.signals import Signals
from cronjob.telling import expect_formats, expect_plain, log_format, tell
from reconcile.errors import ReadError, SettingsError
from reconcile.report import Report
from reconcile.rules import Rules
from reconcile.run import reconcile, retire

VERSION = version("flux-gitlab-syncer")


@dataclass(frozen=True, slots=True)
class Servers:
    """Both servers, connected; `retire` asks no Kubernetes."""

    url: str
    gitlab: GitLabGroup
    session: Session
    flux: FluxCluster | None

    def named(self) -> dict[str, str | None]:
        """Where and as whom, for the report."""
        whoami, api = self.gitlab.whoami, self.flux.api if self.flux else None
        return {
            "gitlab": self.url,
            "user": whoami.user if whoami else None,
            "kubernetes": api.server if api else None,
            "kubernetes_user": api.user if api else None,
        }

    def requests(self) -> dict[str, dict[str, float]]:
        """How much was asked of each."""
        traffic = self.session.traffic
        methods = {method: traffic.requests[method] for method in ("GET", "POST", "PUT", "DELETE")}
        gitlab = {**methods, "retries": traffic.retries, "throttled_seconds": round(traffic.throttled_seconds, 1)}
        return {"gitlab": gitlab, "kubernetes": dict(self.flux.api.requests) if self.flux else {}}


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of the program: what it is to do, what is *asked* for, and what may end it before that is done."""

    settings: Settings
    environment: Mapping[str, str]
    signals: Signals
    halt: Halt
    asked: str = ""
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)


def do_run(call: Invocation) -> int:
    """`run`: bring GitLab in step with Flux. Raises SettingsError; every other trouble is in the report."""
    settings = call.settings
    if settings.pushgateway and not find_spec("prometheus_client"):
        raise SettingsError("--pushgateway needs the package prometheus-client: install flux-gitlab-syncer[metrics].")
    with connect(kubernetes_of(call)) as api:
        namespaces = namespaces_of(settings, api)
        rules = settings.rules(namespaces)
        with closing(FluxCluster(api, namespaces)) as flux:

            def run(gitlab: GitLabGroup) -> Report:
                with _alone(call, flux):
                    report = reconcile(flux, gitlab, rules, settings.orders())
                    _tell_cluster(report, settings, flux)
                    return report

            return _do(call, rules, run, flux)


def do_retire(call: Invocation) -> int:
    """`retire`: remove everything that is ours. Kubernetes is not asked, not even for a Lease."""

    rules = call.settings.rules()

    def run(gitlab: GitLabGroup) -> Report:
        return retire(gitlab, rules, call.settings.orders())

    return _do(call, rules, run)


def do_check(call: Invocation) -> int:
    """`check`: say what a run would lack. Changes nothing."""
    from cronjob.check.preflight import preflight

    expect_plain(call.settings)
    return preflight(call)


def do_trace(call: Invocation) -> int:
    """`trace`: one tenant's chain, link by link. Changes nothing."""
    from cronjob.trace.tracing import trace

    expect_plain(call.settings)
    return trace(call)


COMMANDS: Mapping[str, Callable[[Invocation], int]] = {
    "run": do_run,
    "retire": do_retire,
    "check": do_check,
    "trace": do_trace,
}


def invoke(settings: Settings, environment: Mapping[str, str], signals: Signals, asked: str = "") -> int:
    """Do what the settings say; *asked* is the command's argument. The exit code. Raises SettingsError."""
    expect_formats(settings)
    call = Invocation(settings, environment, signals, Halt(signals.stop, settings.deadline), asked)
    return COMMANDS[settings.command](call)


def _alone(call: Invocation, flux: FluxCluster) -> AbstractContextManager[object]:
    """No other run writes meanwhile; a dry run need not care."""
    settings = call.settings
    if settings.dry_run or not settings.lease:
        return nullcontext()
    holder = f"{socket.gethostname()}_{call.run_id}"
    place = flux.namespaces[0], lease_name(settings.share)
    claim = Claim(*place, holder, settings.cluster, settings.previous_clusters, settings.lease_wait)
    return Lease(flux.api, claim, call.halt, log_warning)


def _tell_cluster(report: Report, settings: Settings, flux: FluxCluster) -> None:
    """By Events, where they are wanted. Whatever becomes of them, the run is none the worse."""
    if settings.writes_events(in_pod=flux.api.source == IN_CLUSTER) and (trouble := flux.tell(report)):
        log_notice("Kubernetes Events were left out", trouble)


def _do(call: Invocation, rules: Rules, run: Callable[[GitLabGroup], Report], flux: FluxCluster | None = None) -> int:
    settings, started = call.settings, datetime.now(UTC)
    about = {"run_id": call.run_id, "cluster": settings.cluster, **settings.share.labels}
    set_up_logging(log_format(settings), settings.log_level, about)
    with _connected(call, rules, flux) as servers:
        report = _guarded(lambda: run(servers.gitlab), dry_run=settings.dry_run)
        around = Circumstances(
            version=VERSION,
            run_id=call.run_id,
            cluster=settings.cluster,
            options=settings.given,
            servers=servers.named(),
            groups=(*settings.groups, *settings.extra_projects),
            namespaces=flux.namespaces if flux else (),
            started_at=started,
            finished_at=datetime.now(UTC),
            requests=servers.requests(),
            share=settings.share,
        )
        _push(servers, report, around, settings)
        told = tell(report, document_of(report, around), settings, call.environment)
    code = report.exit_code(settings.fail_on, settings.drift_exit_code)
    return call.signals.exit_code or code or (0 if told else 1)


def _push(servers: Servers, report: Report, around: Circumstances, settings: Settings) -> None:
    """The run's figures. Whatever becomes of them, the run is none the worse."""
    gateway = settings.pushgateway
    if not gateway:
        return
    # Only who pushes pays for the import, and needs the package.
    from cronjob.metrics import Measured, push

    measured = Measured(report, around, servers.session.traffic.answers, servers.gitlab.whoami)
    if trouble := push(measured, gateway, settings.timeout):
        log_warning(f"the metrics were not pushed to {gateway}", trouble)


def kubernetes_of(call: Invocation) -> KubeAccess:
    """How to reach the cluster."""
    settings = call.settings
    return KubeAccess(settings.kubeconfig, settings.context, settings.timeout, VERSION, call.halt)


def namespaces_of(settings: Settings, api: KubeApi) -> tuple[str, ...]:
    """Where Flux's objects are. Raises SettingsError where nobody says."""
    namespaces = settings.namespaces or tuple(filter(None, [api.default_namespace]))
    if not namespaces:
        raise SettingsError("No namespace is known: give --namespace, or set one in the kubeconfig's context.")
    return namespaces


def gitlab_of(settings: Settings) -> tuple[Access, Scope]:
    """How to reach GitLab, and which projects are the tenants'. A dry run's session cannot write."""
    access = Access(
        settings.gitlab_url,
        settings.token,
        allow_writes=not settings.dry_run,
        concurrency=settings.concurrency,
        timeout=settings.timeout,
        max_per_minute=settings.max_requests_per_minute,
        ca_file=str(settings.ca_file) if settings.ca_file else None,
        version=VERSION,
    )
    scope = Scope(
        groups=settings.groups,
        extra_projects=settings.extra_projects,
        hosts=frozenset({settings.gitlab_host, *settings.git_hosts}),
        user=settings.gitlab_user,
        writes=not settings.dry_run,
        tls_verification=settings.webhook_tls_verification,
        concurrency=settings.concurrency,
        share=settings.share,
    )
    return access, scope


@contextmanager
def _connected(call: Invocation, rules: Rules, flux: FluxCluster | None) -> Iterator[Servers]:
    """GitLab, ready to be asked."""
    settings = call.settings
    access, scope = gitlab_of(settings)
    with (
        closing(Session(access, halt=call.halt)) as session,
        closing(GitLabGroup(session, scope, rules.identity, halt=call.halt, on_write=log_write)) as gitlab,
    ):
        yield Servers(settings.gitlab_url, gitlab, session, flux)


def _guarded(run: Callable[[], Report], *, dry_run: bool) -> Report:
    """The run's report; where a source could not be read, a report that says so."""
    try:
        return run()
    except ReadError as error:
        log.error("nothing was decided", extra={"error": str(error)})
        return Report.of_failure(error, dry_run=dry_run)
