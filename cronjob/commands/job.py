"""One job from settings to exit code: connect, run, report. The only module that puts the parts together."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import UTC, datetime
from importlib.util import find_spec

from cronjob.commands.invocation import VERSION, Invocation, kubernetes_of, lease_namespace_of, namespaces_of
from cronjob.commands.publish import (
    log_format,
    publish_report,
    require_formats,
    require_plain_format,
    wants_progress_bar,
)
from cronjob.commands.servers import Servers, connected
from cronjob.concurrency.signals import Signals
from cronjob.concurrency.stop import StopControl
from cronjob.exit_codes import ExitCode, exit_of, exit_of_signal
from cronjob.flux.cluster import FluxCluster
from cronjob.gitlab.group import GitLabGroup
from cronjob.kube.client import IN_CLUSTER, connect
from cronjob.kube.lease import Lease, hold_leases
from cronjob.kube.lease_claim import NAME, LeaseClaim, lease_claims_of
from cronjob.kube.lease_record import Holder
from cronjob.output.document import RunMetadata, document_of
from cronjob.output.logs import log, log_notice, log_warning, logging_to, set_up_logging
from cronjob.settings.option import READERS, UNDO
from cronjob.settings.settings import Settings
from reconcile.errors import ReadError, SettingsError
from reconcile.report import Report
from reconcile.rules import Rules
from reconcile.run import reconcile, retire


def do_run(call: Invocation) -> int:
    """`run`: bring GitLab in sync with Flux. Raises SettingsError; every other failure is in the report."""
    settings = call.settings
    if settings.pushgateway and not find_spec("prometheus_client"):
        raise SettingsError(
            "--pushgateway needs the package prometheus-client: `pip install prometheus-client` installs it."
        )

    def run(flux: FluxCluster, gitlab: GitLabGroup, rules: Rules) -> Report:
        report = reconcile(flux, gitlab, rules, settings.run_options())
        _record_events(report, flux)
        return report

    return _with_flux(call, run)


def do_undo(call: Invocation) -> int:
    """`undo`: put back what a run removed, from its report or log. Raises SettingsError where that cannot be used."""
    from cronjob.commands.undo_report import removals_in
    from reconcile.undo.undo import undo

    removals = removals_in(call.query, call.settings)

    def run(flux: FluxCluster, gitlab: GitLabGroup, rules: Rules) -> Report:
        report = undo(flux, gitlab, rules, call.settings.run_options(), removed=removals.items)
        problem = removals.problem()
        return report.with_problem(problem) if problem else report

    return _with_flux(call, run)


def do_retire(call: Invocation) -> int:
    """`retire`: remove everything that is ours. It sends no request to Kubernetes, not even for a Lease."""
    rules = call.settings.rules()

    def run(gitlab: GitLabGroup) -> Report:
        return retire(gitlab, rules, call.settings.run_options())

    return _run_job(call, rules, run)


def do_check(call: Invocation) -> int:
    """`check`: tell what a run needs and does not have. Changes nothing."""
    from cronjob.commands.check.preflight import preflight

    return preflight(call)


def do_trace(call: Invocation) -> int:
    """`trace`: show one tenant's chain, link by link. Changes nothing."""
    from cronjob.commands.trace.trace import trace

    return trace(call)


COMMANDS: Mapping[str, Callable[[Invocation], int]] = {
    "run": do_run,
    "retire": do_retire,
    "undo": do_undo,
    "check": do_check,
    "trace": do_trace,
}


def invoke(settings: Settings, environment: Mapping[str, str], signals: Signals, query: str = "") -> int:
    """Run the settings' command; *query* is its argument. Return the exit code. Raises SettingsError."""
    if settings.command in READERS:
        require_plain_format(settings)
    else:
        require_formats(settings)
    call = Invocation(settings, environment, signals, StopControl(signals.stop, settings.deadline), query)
    return COMMANDS[settings.command](call)


def _with_flux(call: Invocation, work: Callable[[FluxCluster, GitLabGroup, Rules], Report]) -> int:
    """Do *work* with both servers connected, while no other run writes."""
    with connect(kubernetes_of(call)) as api:
        namespaces = namespaces_of(call.settings, api)
        rules = call.settings.rules(namespaces)
        for_events = call.settings.writes_events(in_pod=api.source == IN_CLUSTER)
        with closing(FluxCluster(api, namespaces, for_events=for_events)) as flux:

            def run(gitlab: GitLabGroup) -> Report:
                with _holding_lease(call, flux):
                    return work(flux, gitlab, rules)

            return _run_job(call, rules, run, flux)


def _takes_lease(settings: Settings) -> bool:
    return settings.lease and not settings.dry_run


def _holding_lease(call: Invocation, flux: FluxCluster) -> AbstractContextManager[object]:
    """Hold the Lease, so that no other run writes; a dry run does not need it."""
    settings = call.settings
    if not _takes_lease(settings):
        return nullcontext()
    holder = Holder(f"{socket.gethostname()}_{call.run_id}")
    namespace = lease_namespace_of(call, flux.api, flux.namespaces)
    claim = LeaseClaim(namespace, NAME, holder, settings.cluster, settings.previous_clusters, settings.lease_wait)
    return hold_leases(
        lease_claims_of(settings.share, claim), lambda part: Lease(flux.api, part, call.stop_control, log_warning)
    )


def _lease_shown(call: Invocation, flux: FluxCluster | None) -> str | None:
    """Return the name of the Lease that this run holds, with its namespace, for the report."""
    if flux is None or not _takes_lease(call.settings):
        return None
    return f"{lease_namespace_of(call, flux.api, flux.namespaces)}/{NAME}"


def _record_events(report: Report, flux: FluxCluster) -> None:
    """Write Kubernetes Events, where they are wanted. A failure does not change the run's result."""
    if flux.for_events and (failure := flux.record_events(report)):
        log_notice("Kubernetes Events were left out", failure)


def _run_job(
    call: Invocation, rules: Rules, run: Callable[[GitLabGroup], Report], flux: FluxCluster | None = None
) -> int:
    settings, started = call.settings, datetime.now(UTC)
    log_fields = {"run_id": call.run_id, "cluster": settings.cluster, **settings.share.labels}
    set_up_logging(log_format(settings), settings.log_level, log_fields)
    with connected(call, rules, flux) as servers:
        with _progress_bar(call, servers):
            report = _report_of(lambda: run(servers.gitlab), dry_run=settings.dry_run)
        stopped_by = call.signals.exit_code
        ending = exit_of(report, settings.fail_on, settings.drift_exit_code)
        metadata = RunMetadata(
            version=VERSION,
            run_id=call.run_id,
            cluster=settings.cluster,
            options={**settings.given, **({"undo": call.query} if settings.command in UNDO else {})},
            servers=servers.addresses(),
            groups=(*settings.groups, *settings.extra_projects),
            namespaces=flux.namespaces if flux else (),
            lease=_lease_shown(call, flux),
            started_at=started,
            finished_at=datetime.now(UTC),
            requests=servers.requests(),
            exit=exit_of_signal(stopped_by) if stopped_by else ending,
            share=settings.share,
        )
        _push_metrics(servers, report, metadata, settings)
        is_published = publish_report(report, document_of(report, metadata), settings, call.environment)
    return call.signals.exit_code or metadata.exit.code or (ExitCode.OK if is_published else ExitCode.FAILED)


@contextmanager
def _progress_bar(call: Invocation, servers: Servers) -> Iterator[None]:
    """Show a progress bar while the context is open, where stderr is a terminal."""
    settings = call.settings
    if not wants_progress_bar(sys.stderr, log_format(settings), settings.log_level, call.environment):
        yield
        return
    # Imported only where it is shown.
    from cronjob.output.progress_bar import ProgressBar, Screen

    screen = Screen(sys.stderr)
    call.signals.last_words = screen.erase
    with logging_to(screen), ProgressBar(screen, servers.gitlab.tally, servers.session.traffic):
        yield


def _push_metrics(servers: Servers, report: Report, metadata: RunMetadata, settings: Settings) -> None:
    """Push the metrics, where a gateway is set. A failure does not change the run's result."""
    gateway = settings.pushgateway
    if not gateway:
        return
    # Imported only where it is used: the package is optional.
    from cronjob.output.metrics import FinishedRun, push

    finished = FinishedRun(report, metadata, servers.session.traffic.answers, servers.gitlab.whoami)
    if failure := push(finished, gateway, settings.timeout):
        log_warning(f"the metrics were not pushed to {gateway}", failure)


def _report_of(run: Callable[[], Report], *, dry_run: bool) -> Report:
    """Return the run's report; where a source could not be read, a report with that failure."""
    try:
        return run()
    except ReadError as error:
        log.error("a source could not be read, so nothing was changed", extra={"error": str(error)})
        return Report.of_failure(error, dry_run=dry_run)
