"""
Every option of the program, declared once: its flag, its variable, its key in the file, and the field that it fills.

The command line, the settings and the README's tables are made of it, so a new option is one row here. A row whose
annotation does not match its kind is an error for mypy.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from cronjob.exit_codes import ExitCode
from cronjob.settings import value_kinds as kinds
from cronjob.settings.option import (
    BOTH,
    CONFIRMED,
    FILE_ONLY,
    FLAG_ONLY,
    LEASED,
    LOOKING,
    RUN,
    SHARED,
    WHOLE,
    WRITERS,
    Group,
    Option,
    Origin,
    option,
    repeated,
    switch,
)
from cronjob.settings.value_kinds import SWITCH, choice, number
from cronjob.settings.values import REPORT_FORMATS, ReportFile

# `--help` needs the table, and none of what the decision's types need.
if TYPE_CHECKING:
    from reconcile.plan.limits import Limits
    from reconcile.plan.objections import Expected
    from reconcile.problems import Severity
    from reconcile.tenancy import Tenancy

SCOPE, WRITING, GITLAB, KUBERNETES, OUTPUT, SETTINGS, FILE = Group

_ONE_REQUIRED = "this or the other is required"
_SYSTEM_CAS = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_FIXED_CODES = (ExitCode.FAILED, ExitCode.USAGE, ExitCode.REFUSED, ExitCode.LEASE_HELD)


# `Settings` adds a constructor; here the fields are only collected.
@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class Options:
    """The value of every option, under the option's name; in the plural where several values may be given."""

    groups: tuple[str, ...] = repeated(
        kinds.GROUP, SCOPE, "full path or id of the tenants' group", key="group", otherwise=_ONE_REQUIRED
    )
    extra_projects: tuple[str, ...] = repeated(
        kinds.PROJECT, SCOPE, "a single project outside the groups", key="extra_project", otherwise=_ONE_REQUIRED
    )
    cluster: str = option(kinds.LABEL, SCOPE, "this cluster's name in marks: an RFC 1123 label", required=True)
    receiver_url: str | None = option(
        kinds.RECEIVER_URL, SCOPE, "external base URL of Flux's webhook-receiver", otherwise="none: webhooks off"
    )
    projects: tuple[str, ...] = repeated(
        kinds.GLOB, SCOPE, "change these projects only", key="project", otherwise="all", commands=WRITERS
    )

    dry_run: bool = switch(WRITING, "show the changes and write nothing", commands=(*WRITERS, "check"))
    confirm: str | None = option(
        kinds.CONFIRMATION,
        WRITING,
        "the cluster's name again; without it this is a dry run. `retire` includes the marks of a former name only as "
        "`NAME,FORMER`",
        commands=CONFIRMED,
        allowed=FLAG_ONLY,
    )
    run_id: str | None = option(
        kinds.TEXT,
        WRITING,
        "which run of a log to undo, where the log has several",
        otherwise="the only one",
        commands=("undo",),
        allowed=FLAG_ONLY,
    )
    prune: bool = switch(
        WRITING, "remove what is ours and no longer wanted", default=True, negatable=True, commands=RUN
    )
    max_prune: Limits = option(
        kinds.LIMITS, WRITING, "refuse to remove from more projects; 100% is no limit", default="20,25%", commands=RUN
    )
    expect_plan: Expected | None = option(
        kinds.EXPECTED_PLAN, WRITING, "apply only this plan: a checksum or a JSON report", commands=RUN
    )
    adopt: bool = switch(WRITING, "take over what is unmarked and plainly for this cluster", commands=RUN)
    refresh_tokens: bool = switch(WRITING, "write every wanted webhook again, with its token", commands=RUN)
    heal_webhooks: bool = switch(
        WRITING, "send a test push for each of our webhooks that GitLab has disabled", commands=RUN
    )
    webhook_tls_verification: bool = switch(
        WRITING,
        "whether GitLab verifies the receiver's certificate",
        default=True,
        negatable=True,
        commands=(*SHARED, "trace"),
    )

    gitlab_url: str = option(
        kinds.GITLAB_URL,
        GITLAB,
        "GitLab's address: https, or http on loopback; may have a relative root",
        required=True,
    )
    gitlab_token_file: Path | None = option(
        kinds.SECRET_FILE, GITLAB, "file with the token", otherwise="the variable `GITLAB_TOKEN`"
    )
    ca_file: Path | None = option(
        kinds.CERTIFICATES,
        GITLAB,
        "certificates of the authorities that GitLab's is verified against",
        otherwise="the system's",
        fallbacks=_SYSTEM_CAS,
    )
    concurrency: int = option(number(1, 256), GITLAB, "requests at a time", default="16")
    max_requests_per_minute: int | None = option(
        number(1, 999_999), GITLAB, "limit of requests per minute", otherwise="no limit"
    )
    timeout: float = option(kinds.DURATION, GITLAB, "how long one answer may take", default="30s")
    deadline: float | None = option(kinds.DURATION, GITLAB, "how long the whole run may take", otherwise="none")

    namespaces: tuple[str, ...] = repeated(
        kinds.LABEL,
        KUBERNETES,
        "where GitRepositories, Receivers and Secrets are",
        key="namespace",
        short="n",
        otherwise="the pod's, the context's",
        fallbacks=("POD_NAMESPACE",),
        commands=LOOKING,
    )
    kubeconfig: str | None = option(
        kinds.PATH,
        KUBERNETES,
        "file with the access to the cluster",
        variable="KUBECONFIG",
        commands=LOOKING,
        otherwise="in-cluster, `~/.kube/config`",
    )
    context: str | None = option(
        kinds.TEXT, KUBERNETES, "context of the kubeconfig", otherwise="its current one", commands=LOOKING
    )
    lease: bool = switch(
        KUBERNETES,
        "hold a Lease, so that no two runs write at a time; its namespace is `lease_namespace`",
        default=True,
        negatable=True,
        commands=LEASED,
    )
    lease_wait: float = option(
        kinds.WAIT, KUBERNETES, "how long to wait for another run; `0s` is not at all", default="60s", commands=SHARED
    )
    shards: int = option(
        number(1, 100),
        KUBERNETES,
        "number of pods that share the projects; a pod's index is in `JOB_COMPLETION_INDEX`",
        default="1",
        commands=LEASED,
    )
    events: bool | None = option(
        SWITCH,
        KUBERNETES,
        "write Kubernetes Events about changes and problems",
        otherwise="on in a pod, else off",
        negatable=True,
        commands=WHOLE,
    )

    output: str = option(choice(*REPORT_FORMATS, "none"), OUTPUT, "the report on stdout", default="text", short="o")
    reports: tuple[ReportFile, ...] = repeated(
        kinds.REPORT_FILE, OUTPUT, "write the report to a file as well", key="report", commands=WRITERS
    )
    pushgateway: str | None = option(
        kinds.PUSHGATEWAY, OUTPUT, "push the run's metrics there", otherwise="no metrics", commands=RUN
    )
    show_foreign: bool = switch(OUTPUT, "list what is not ours too", commands=BOTH)
    drift_exit_code: int = option(
        number(0, 255, but=_FIXED_CODES),
        OUTPUT,
        "exit code of a dry run that finds changes",
        default="0",
        commands=WRITERS,
    )
    fail_on: Severity | None = option(
        kinds.FAIL_ON, OUTPUT, "which problems of objects make the run exit 1", default="error", commands=WRITERS
    )
    log_format: str = option(
        choice("auto", "json", "text"), OUTPUT, "format on stderr; auto: text on a terminal, else json", default="auto"
    )
    log_level: str = option(
        choice("debug", "info", "warning", "error"), OUTPUT, "the lowest level that is logged", default="info"
    )

    config: str | None = option(
        kinds.PATH,
        SETTINGS,
        "a YAML file with the same options, `_` for `-`",
        allowed=frozenset({Origin.FLAG, Origin.ENVIRONMENT}),
    )
    print_config: bool = switch(SETTINGS, "show every setting and its origin, and do nothing else", allowed=FLAG_ONLY)

    git_hosts: tuple[str, ...] = repeated(
        kinds.HOST, FILE, "further hosts under which Git URLs mean this GitLab", allowed=FILE_ONLY
    )
    foreign_hosts: tuple[str, ...] = repeated(
        kinds.HOST, FILE, "hosts that are never this GitLab, whatever the paths there", allowed=FILE_ONLY
    )
    gitlab_user: str | None = option(
        kinds.TEXT, FILE, "user whose token is required for writing", otherwise="anybody's", allowed=FILE_ONLY
    )
    previous_clusters: tuple[str, ...] = repeated(
        kinds.LABEL, FILE, "former names of this cluster, whose marks are ours too", allowed=FILE_ONLY
    )
    previous_namespaces: tuple[str, ...] = repeated(
        kinds.LABEL, FILE, "former namespaces, whose marks are ours too", allowed=FILE_ONLY
    )
    previous_receiver_urls: tuple[str, ...] = repeated(
        kinds.RECEIVER_URL, FILE, "former base URLs, whose webhooks count too", allowed=FILE_ONLY
    )
    receiver_url_is_ours: bool = switch(FILE, "unmarked webhooks under our URLs are ours", allowed=FILE_ONLY)
    owned_keys: tuple[str, ...] = repeated(
        kinds.FINGERPRINT, FILE, "deploy keys that are ours wherever the group has them", allowed=FILE_ONLY
    )
    can_push: str | None = option(
        choice("read-only"),
        FILE,
        "`read-only` takes write access from keys that are ours",
        otherwise="left alone",
        allowed=FILE_ONLY,
    )
    tenancy: Tenancy | None = option(
        kinds.TENANCY,
        FILE,
        "which namespace may name which projects",
        otherwise="any, from one namespace",
        allowed=FILE_ONLY,
    )
    lease_namespace: str | None = option(
        kinds.LABEL,
        FILE,
        "namespace of the Lease; runs exclude each other only under the same one",
        otherwise="the job's own, else the first in the alphabet",
        commands=LEASED,
        allowed=FILE_ONLY,
    )
    cross_namespace_refs: bool = switch(
        FILE, "Receivers may name GitRepositories of other namespaces", allowed=FILE_ONLY
    )


PLAIN_OUTPUT = choice("text", "json", "yaml", "none")
OPTIONS = tuple(Option(**{"field": field.name, "key": field.name, **field.metadata}) for field in fields(Options))


def options_of(command: str) -> tuple[Option, ...]:
    """The options that *command* knows, wherever they are given."""
    return tuple(option for option in OPTIONS if command in option.commands)
