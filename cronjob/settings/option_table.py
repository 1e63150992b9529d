"""
Every option of the program, in one table: its flag, its environment variable and its key in the file.

The command line, the settings and the README's tables all come from it, so a new option is one row here (and the field
of `Settings` that it fills).
"""

from __future__ import annotations

from cronjob.settings import value_kinds as kinds
from cronjob.settings.option import (
    BOTH,
    CONFIRMED,
    LEASED,
    LOOKING,
    RUN,
    SHARED,
    WHOLE,
    WRITERS,
    Group,
    Option,
    OptionScope,
)
from cronjob.settings.value_kinds import SWITCH, ValueKind, choice, number, several
from cronjob.settings.values import REPORT_FORMATS

_ONE = "this or the other is required"
_SYSTEM_CAS = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_TLS_HELP = "whether GitLab verifies the receiver's certificate"


def _file_only(name: str, kind: ValueKind, meaning: str, otherwise: str = "") -> Option:
    return Option(name, kind, Group.FILE, meaning, otherwise=otherwise, places=OptionScope.FILE)


SCOPE, WRITING, GITLAB, KUBERNETES, OUTPUT, SETTINGS, _ = Group

OPTIONS: tuple[Option, ...] = (
    Option("group", several(kinds.GROUP), SCOPE, "full path or id of the tenants' group", otherwise=_ONE),
    Option("extra-project", several(kinds.PROJECT), SCOPE, "a single project outside the groups", otherwise=_ONE),
    Option("cluster", kinds.LABEL, SCOPE, "this cluster's name in marks: an RFC 1123 label", required=True),
    Option(
        "receiver-url",
        kinds.RECEIVER_URL,
        SCOPE,
        "external base URL of Flux's webhook-receiver",
        otherwise="none: webhooks off",
    ),
    Option("project", several(kinds.GLOB), SCOPE, "act on these projects only", otherwise="all", commands=WRITERS),
    Option("dry-run", SWITCH, WRITING, "show the changes and write nothing", commands=(*WRITERS, "check")),
    Option(
        "confirm",
        kinds.LABEL,
        WRITING,
        "the cluster's name again; without it a dry run",
        commands=CONFIRMED,
        places=OptionScope.FLAG,
    ),
    Option(
        "prune", SWITCH, WRITING, "remove what is ours and no longer wanted", default=True, negatable=True, commands=RUN
    ),
    Option(
        "max-prune", kinds.LIMITS, WRITING, "refuse to remove more; 100% is no limit", default="20,25%", commands=RUN
    ),
    Option(
        "expect-plan", kinds.EXPECTED_PLAN, WRITING, "apply only this plan: a checksum or a JSON report", commands=RUN
    ),
    Option("adopt", SWITCH, WRITING, "take over what is unmarked and plainly for this cluster", commands=RUN),
    Option("refresh-tokens", SWITCH, WRITING, "write every wanted webhook once more, with its token", commands=RUN),
    Option(
        "heal-webhooks", SWITCH, WRITING, "send a test push for our webhooks that GitLab has disabled", commands=RUN
    ),
    Option(
        "webhook-tls-verification",
        SWITCH,
        WRITING,
        _TLS_HELP,
        default=True,
        negatable=True,
        commands=(*SHARED, "trace"),
    ),
    Option(
        "gitlab-url",
        kinds.GITLAB_URL,
        GITLAB,
        "its address: https, or http on loopback; a relative root is kept",
        required=True,
    ),
    Option(
        "gitlab-token-file", kinds.SECRET_FILE, GITLAB, "file with the token", otherwise="the variable `GITLAB_TOKEN`"
    ),
    Option(
        "ca-file",
        kinds.CERTIFICATES,
        GITLAB,
        "what GitLab's certificate is checked against",
        otherwise="the system's",
        fallbacks=_SYSTEM_CAS,
    ),
    Option("concurrency", number(1, 256), GITLAB, "requests at a time", default="16"),
    Option("max-requests-per-minute", number(1, 999_999), GITLAB, "no more requests than this", otherwise="no limit"),
    Option("timeout", kinds.DURATION, GITLAB, "how long one answer may take", default="30s"),
    Option("deadline", kinds.DURATION, GITLAB, "how long the whole run may take", otherwise="none"),
    Option(
        "namespace",
        several(kinds.LABEL),
        KUBERNETES,
        "where GitRepositories, Receivers and Secrets are",
        short="n",
        otherwise="the pod's, the context's",
        fallbacks=("POD_NAMESPACE",),
        commands=LOOKING,
    ),
    Option(
        "kubeconfig",
        kinds.PATH,
        KUBERNETES,
        "how to reach the cluster",
        variable="KUBECONFIG",
        commands=LOOKING,
        otherwise="in-cluster, `~/.kube/config`",
    ),
    Option(
        "context",
        kinds.TEXT,
        KUBERNETES,
        "which context of the kubeconfig",
        otherwise="its current one",
        commands=LOOKING,
    ),
    Option(
        "lease",
        SWITCH,
        KUBERNETES,
        "let no two runs write at a time, by a Lease in the first namespace",
        default=True,
        negatable=True,
        commands=LEASED,
    ),
    Option(
        "lease-wait",
        kinds.WAIT,
        KUBERNETES,
        "how long another run is waited for; `0s` is not at all",
        default="60s",
        commands=SHARED,
    ),
    Option(
        "shards",
        number(1, 100),
        KUBERNETES,
        "the projects are divided among so many pods; this one's index is in `JOB_COMPLETION_INDEX`",
        default="1",
        commands=LEASED,
    ),
    Option(
        "events",
        SWITCH,
        KUBERNETES,
        "say in Kubernetes Events what was changed and what is wrong",
        otherwise="on in a pod, else off",
        negatable=True,
        commands=WHOLE,
    ),
    Option("output", choice(*REPORT_FORMATS, "none"), OUTPUT, "the report on stdout", default="text", short="o"),
    Option("report", several(kinds.REPORT_FILE), OUTPUT, "the report to a file as well", commands=WRITERS),
    Option(
        "pushgateway", kinds.PUSHGATEWAY, OUTPUT, "push the run's metrics there", otherwise="no metrics", commands=RUN
    ),
    Option("show-foreign", SWITCH, OUTPUT, "list what is not ours too", commands=BOTH),
    Option(
        "drift-exit-code",
        number(0, 255, but=(1, 2, 4, 5)),
        OUTPUT,
        "what a dry run that finds changes exits with",
        default="0",
        commands=WRITERS,
    ),
    Option(
        "fail-on",
        kinds.FAIL_ON,
        OUTPUT,
        "which problems of objects make the run exit 1",
        default="error",
        commands=WRITERS,
    ),
    Option(
        "log-format",
        choice("auto", "json", "text"),
        OUTPUT,
        "on stderr; auto: text on a terminal, else json",
        default="auto",
    ),
    Option("log-level", choice("debug", "info", "warning", "error"), OUTPUT, "the least level to log", default="info"),
    Option(
        "config",
        kinds.PATH,
        SETTINGS,
        "a YAML file with the same options, `_` for `-`",
        places=OptionScope.FLAG | OptionScope.ENVIRONMENT,
    ),
    Option("print-config", SWITCH, SETTINGS, "show what is set and where, and do nothing", places=OptionScope.FLAG),
    _file_only("git_hosts", several(kinds.HOST), "further hosts under which Git URLs mean this GitLab"),
    _file_only("gitlab_user", kinds.TEXT, "whose token it must be for writing", "anybody's"),
    _file_only("previous_clusters", several(kinds.LABEL), "former names of this cluster, whose marks are ours too"),
    _file_only("previous_namespaces", several(kinds.LABEL), "former namespaces, whose marks are ours too"),
    _file_only("previous_receiver_urls", several(kinds.RECEIVER_URL), "former base URLs, whose webhooks count too"),
    _file_only("receiver_url_is_ours", SWITCH, "unmarked webhooks under our URLs are ours"),
    _file_only("owned_keys", several(kinds.FINGERPRINT), "deploy keys that are ours wherever the group has them"),
    _file_only("can_push", choice("read-only"), "`read-only` takes write access from keys that are ours", "left alone"),
    _file_only("tenancy", kinds.TENANCY, "which namespace may name which projects", "any, from one namespace"),
    _file_only("cross_namespace_refs", SWITCH, "Receivers may name GitRepositories of other namespaces"),
)


def options_of(command: str) -> tuple[Option, ...]:
    """The options that *command* knows, wherever they are given."""
    return tuple(option for option in OPTIONS if command in option.commands)
