"""One job from settings to exit code: connect, run, report. The only place where the parts are put together."""

from __future__ import annotations

import os
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from cronjob.document import Circumstances, document_of
from cronjob.flux import FluxCluster
from cronjob.gitlab import GitLabGroup, Scope
from cronjob.halt import Halt
from cronjob.kube_access import connect
from cronjob.kube_place import Access as KubeAccess
from cronjob.logs import log, log_entry, log_problem, log_write, set_up_logging
from cronjob.parsing import ReportFile
from cronjob.render import rendered
from cronjob.render.page import Page
from cronjob.render.summary import summary_line
from cronjob.session import Access, Session
from cronjob.settings import Settings
from cronjob.signals import Signals
from reconcile.errors import ReadError, SettingsError
from reconcile.report import Report, Status
from reconcile.rules import Rules
from reconcile.run import reconcile, retire

_LOGGED_ALREADY = {Status.APPLIED, Status.FAILED}
# `kubectl describe pod` shows what stands in here.
TERMINATION_LOG = Path("/dev/termination-log")
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


def do_run(settings: Settings, environment: Mapping[str, str]) -> int:
    """`run`: bring GitLab in step with Flux. Raises SettingsError; every other trouble is in the report."""
    access = KubeAccess(settings.kubeconfig, settings.context, settings.timeout, VERSION)
    with connect(access) as api:
        namespaces = settings.namespaces or tuple(filter(None, [api.default_namespace]))
        if not namespaces:
            raise SettingsError("No namespace is known: give --namespace, or set one in the kubeconfig's context.")

        rules = settings.rules(namespaces)
        with closing(FluxCluster(api, namespaces)) as flux:

            def run(gitlab: GitLabGroup) -> Report:
                return reconcile(flux, gitlab, rules, settings.orders())

            return _do(settings, environment, rules, run, flux)


def do_retire(settings: Settings, environment: Mapping[str, str]) -> int:
    """`retire`: remove everything that is ours. Kubernetes is not asked."""

    rules = settings.rules()

    def run(gitlab: GitLabGroup) -> Report:
        return retire(gitlab, rules, settings.orders())

    return _do(settings, environment, rules, run)


def _do(
    settings: Settings,
    environment: Mapping[str, str],
    rules: Rules,
    run: Callable[[GitLabGroup], Report],
    flux: FluxCluster | None = None,
) -> int:
    run_id, started = uuid.uuid4().hex, datetime.now(UTC)
    set_up_logging(_log_format(settings), settings.log_level, {"run_id": run_id, "cluster": settings.cluster})
    with Signals() as signals, _connected(settings, rules, signals, flux) as servers:
        report = _guarded(lambda: run(servers.gitlab), dry_run=settings.dry_run)
        around = Circumstances(
            version=VERSION,
            run_id=run_id,
            cluster=settings.cluster,
            options=settings.given,
            servers=servers.named(),
            groups=(*settings.groups, *settings.extra_projects),
            namespaces=flux.namespaces if flux else (),
            started_at=started,
            finished_at=datetime.now(UTC),
            requests=servers.requests(),
        )
        told = _tell(report, document_of(report, around), settings, environment)
    code = report.exit_code(settings.fail_on, settings.drift_exit_code)
    return signals.exit_code or code or (0 if told else 1)


@contextmanager
def _connected(settings: Settings, rules: Rules, signals: Signals, flux: FluxCluster | None) -> Iterator[Servers]:
    """GitLab, ready to be asked. A dry run's session cannot write."""
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
    )
    halt = Halt(signals.stop, settings.deadline)
    with (
        closing(Session(access, halt=halt)) as session,
        closing(GitLabGroup(session, scope, rules.identity, halt=halt, on_write=log_write)) as gitlab,
    ):
        yield Servers(settings.gitlab_url, gitlab, session, flux)


def _guarded(run: Callable[[], Report], *, dry_run: bool) -> Report:
    """The run's report; where a source could not be read, a report that says so."""
    try:
        return run()
    except ReadError as error:
        log.error("nothing was decided", extra={"error": str(error)})
        return Report.of_failure(error, dry_run=dry_run)


def _tell(report: Report, document: dict[str, Any], settings: Settings, environment: Mapping[str, str]) -> bool:
    """Put the report everywhere it was asked for; whether all of that worked."""
    if settings.output == "none" or _log_format(settings) == "json":
        # Otherwise a person reads them in the report, on the same screen.
        for entry in report.entries:
            if entry.status not in _LOGGED_ALREADY:
                log_entry(entry)
        for problem in report.plan.problems:
            log_problem(problem)
    page = Page(command=settings.command, flags=settings.flags)
    # Files first: whoever reads stdout may have gone.
    written = [_written(document, one, page) for one in settings.reports]
    line = summary_line(document)
    with suppress(OSError):
        # Only a pod has this file, and it may not be ours to write.
        if TERMINATION_LOG.exists():
            TERMINATION_LOG.write_text(line, encoding="utf-8")
    click.echo(rendered(document, settings.output, _on_terminal(page, environment)), nl=False)
    log.info("%s", line)
    return all(written)


def _on_terminal(page: Page, environment: Mapping[str, str]) -> Page:
    """The page as wide and as colourful as stdout takes it."""
    if not sys.stdout.isatty():
        return page
    width = min(shutil.get_terminal_size().columns, 120)
    return replace(page, colour=not environment.get("NO_COLOR"), width=width)


def _written(document: dict[str, Any], file: ReportFile, page: Page) -> bool:
    try:
        with open(file.path, "w", encoding="utf-8", opener=_for_the_owner) as opened:
            opened.write(rendered(document, file.format, page))
    except OSError as error:
        click.echo(f"Error: the report could not be written to {file.path}: {error.strerror}.", err=True)
        return False
    return True


def _for_the_owner(path: str, flags: int) -> int:
    """Open a file that, where it is new, nobody else may read: it names every tenant's projects and keys."""
    return os.open(path, flags, 0o600)


def _log_format(settings: Settings) -> str:
    if settings.log_format == "auto":
        return "text" if sys.stderr.isatty() else "json"
    return settings.log_format
