"""One job from settings to exit code: connect, run, report. The only place where the parts are put together."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from cronjob.commands.invocation import VERSION, Invocation, gitlab_of, kubernetes_of, namespaces_of
from cronjob.commands.publish import expect_formats, expect_plain, log_format, publish_report, wants_bar
from cronjob.concurrency.signals import Signals
from cronjob.concurrency.stop import StopControl
from cronjob.exit_codes import ExitCode, exit_code_of
from cronjob.flux.cluster import FluxCluster
from cronjob.gitlab.group import GitLabGroup
from cronjob.gitlab.session import Session
from cronjob.kube.client import IN_CLUSTER, connect
from cronjob.kube.lease import Lease, hold_leases
from cronjob.kube.lease_claim import NAME, LeaseClaim, lease_claims_of
from cronjob.kube.lease_record import Holder
from cronjob.output.document import RunMetadata, document_of
from cronjob.output.logs import log, log_notice, log_warning, log_write, logging_to, set_up_logging
from cronjob.settings.option import UNDO
from cronjob.settings.settings import Settings
from reconcile.errors import ReadError, SettingsError
from reconcile.report import Report
from reconcile.rules import Rules
from reconcile.run import reconcile, retire


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


def do_run(call: Invocation) -> int:
    """`run`: bring GitLab in step with Flux. Raises SettingsError; every other trouble is in the report."""
    settings = call.settings
    if settings.pushgateway and not find_spec("prometheus_client"):
        raise SettingsError("--pushgateway needs the package prometheus-client: install flux-gitlab-syncer[metrics].")

    def run(flux: FluxCluster, gitlab: GitLabGroup, rules: Rules) -> Report:
        report = reconcile(flux, gitlab, rules, settings.run_options())
        _tell_cluster(report, flux)
        return report

    return _beside_flux(call, run)


def do_undo(call: Invocation) -> int:
    """`undo`: put back what a run removed, by its report. Raises SettingsError where that is not one of ours."""
    from cronjob.commands.undo_report import removed_in
    from reconcile.undo.undo import undo

    removed = removed_in(Path(call.asked), call.settings)

    def run(flux: FluxCluster, gitlab: GitLabGroup, rules: Rules) -> Report:
        return undo(flux, gitlab, rules, call.settings.run_options(), removed=removed)

    return _beside_flux(call, run)


def do_retire(call: Invocation) -> int:
    """`retire`: remove everything that is ours. Kubernetes is not asked, not even for a Lease."""

    rules = call.settings.rules()

    def run(gitlab: GitLabGroup) -> Report:
        return retire(gitlab, rules, call.settings.run_options())

    return _do(call, rules, run)


def do_check(call: Invocation) -> int:
    """`check`: say what a run would lack. Changes nothing."""
    from cronjob.commands.check.preflight import preflight

    expect_plain(call.settings)
    return preflight(call)


def do_trace(call: Invocation) -> int:
    """`trace`: one tenant's chain, link by link. Changes nothing."""
    from cronjob.commands.trace.trace import trace

    expect_plain(call.settings)
    return trace(call)


COMMANDS: Mapping[str, Callable[[Invocation], int]] = {
    "run": do_run,
    "retire": do_retire,
    "undo": do_undo,
    "check": do_check,
    "trace": do_trace,
}


def invoke(settings: Settings, environment: Mapping[str, str], signals: Signals, asked: str = "") -> int:
    """Do what the settings say; *asked* is the command's argument. The exit code. Raises SettingsError."""
    expect_formats(settings)
    call = Invocation(settings, environment, signals, StopControl(signals.stop, settings.deadline), asked)
    return COMMANDS[settings.command](call)


def _beside_flux(call: Invocation, work: Callable[[FluxCluster, GitLabGroup, Rules], Report]) -> int:
    """Do *work* with both servers at hand, while no other run writes."""
    with connect(kubernetes_of(call)) as api:
        namespaces = namespaces_of(call.settings, api)
        rules = call.settings.rules(namespaces)
        for_events = call.settings.writes_events(in_pod=api.source == IN_CLUSTER)
        with closing(FluxCluster(api, namespaces, for_events=for_events)) as flux:

            def run(gitlab: GitLabGroup) -> Report:
                with _alone(call, flux):
                    return work(flux, gitlab, rules)

            return _do(call, rules, run, flux)


def _alone(call: Invocation, flux: FluxCluster) -> AbstractContextManager[object]:
    """No other run writes meanwhile; a dry run need not care."""
    settings = call.settings
    if settings.dry_run or not settings.lease:
        return nullcontext()
    holder = Holder(f"{socket.gethostname()}_{call.run_id}")
    place = flux.namespaces[0], NAME
    claim = LeaseClaim(*place, holder, settings.cluster, settings.previous_clusters, settings.lease_wait)
    return hold_leases(
        lease_claims_of(settings.share, claim), lambda one: Lease(flux.api, one, call.stop_control, log_warning)
    )


def _tell_cluster(report: Report, flux: FluxCluster) -> None:
    """By Events, where they are wanted. Whatever becomes of them, the run is none the worse."""
    if flux.for_events and (trouble := flux.record_events(report)):
        log_notice("Kubernetes Events were left out", trouble)


def _do(call: Invocation, rules: Rules, run: Callable[[GitLabGroup], Report], flux: FluxCluster | None = None) -> int:
    settings, started = call.settings, datetime.now(UTC)
    about = {"run_id": call.run_id, "cluster": settings.cluster, **settings.share.labels}
    set_up_logging(log_format(settings), settings.log_level, about)
    with _connected(call, rules, flux) as servers:
        with _watched(call, servers):
            report = _guarded(lambda: run(servers.gitlab), dry_run=settings.dry_run)
        around = RunMetadata(
            version=VERSION,
            run_id=call.run_id,
            cluster=settings.cluster,
            options={**settings.given, **({"undo": call.asked} if settings.command in UNDO else {})},
            servers=servers.named(),
            groups=(*settings.groups, *settings.extra_projects),
            namespaces=flux.namespaces if flux else (),
            started_at=started,
            finished_at=datetime.now(UTC),
            requests=servers.requests(),
            share=settings.share,
        )
        _push(servers, report, around, settings)
        told = publish_report(report, document_of(report, around), settings, call.environment)
    code = exit_code_of(report, settings.fail_on, settings.drift_exit_code)
    return call.signals.exit_code or code or (ExitCode.OK if told else ExitCode.FAILED)


@contextmanager
def _watched(call: Invocation, servers: Servers) -> Iterator[None]:
    """A terminal shows how far it is, meanwhile; nothing of that is left behind."""
    settings = call.settings
    if not wants_bar(sys.stderr, log_format(settings), settings.log_level, call.environment):
        yield
        return
    # Only who is watched pays for the import.
    from cronjob.output.progress_bar import ProgressBar, Screen

    screen = Screen(sys.stderr)
    call.signals.last_words = screen.erase
    with logging_to(screen), ProgressBar(screen, servers.gitlab.tally, servers.session.traffic):
        yield


def _push(servers: Servers, report: Report, around: RunMetadata, settings: Settings) -> None:
    """The run's figures. Whatever becomes of them, the run is none the worse."""
    gateway = settings.pushgateway
    if not gateway:
        return
    # Only who pushes pays for the import, and needs the package.
    from cronjob.output.metrics import FinishedRun, push

    finished = FinishedRun(report, around, servers.session.traffic.answers, servers.gitlab.whoami)
    if trouble := push(finished, gateway, settings.timeout):
        log_warning(f"the metrics were not pushed to {gateway}", trouble)


@contextmanager
def _connected(call: Invocation, rules: Rules, flux: FluxCluster | None) -> Iterator[Servers]:
    """GitLab, ready to be asked."""
    settings = call.settings
    access, scope = gitlab_of(settings)
    with (
        closing(Session(access, stop_control=call.stop_control)) as session,
        closing(
            GitLabGroup(session, scope, rules.identity, stop_control=call.stop_control, on_write=log_write)
        ) as gitlab,
    ):
        yield Servers(settings.gitlab_url, gitlab, session, flux)


def _guarded(run: Callable[[], Report], *, dry_run: bool) -> Report:
    """The run's report; where a source could not be read, a report that says so."""
    try:
        return run()
    except ReadError as error:
        log.error("nothing was decided", extra={"error": str(error)})
        return Report.of_failure(error, dry_run=dry_run)
