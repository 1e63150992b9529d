"""What the tests of the settings share: settings with what is required, and a sample of every option."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cronjob.settings.option import Option, Origin
from cronjob.settings.option_table import OPTIONS
from cronjob.settings.settings import Settings, read_settings
from cronjob.settings.values import switch
from reconcile.errors import SettingsError
from reconcile.plan.limits import Limits
from reconcile.plan.objections import Expected
from reconcile.problems import Severity
from reconcile.tenancy import Rule, Tenancy

TOKEN = "glpat-marker-of-a-secret"
NEEDED = {"group": ("tenants",), "cluster": "prod", "gitlab_url": "https://gitlab.test"}
CHECKSUM = "0123456789ab"
FINGERPRINT = "SHA256:" + "a" * 43


def read(
    command: str = "run", environment: dict[str, str] | None = None, *, without: tuple[str, ...] = (), **flags: Any
) -> Settings:
    """Settings with what is required, and *flags*."""
    needed = {key: value for key, value in NEEDED.items() if key not in without}
    return read_settings(command, {**needed, **flags}, {"GITLAB_TOKEN": TOKEN, **(environment or {})})


def complaints(*arguments: Any, **more: Any) -> list[str]:
    """What `read` complains about, in order."""
    with pytest.raises(SettingsError) as caught:
        read(*arguments, **more)
    assert TOKEN not in str(caught.value)
    return str(caught.value).splitlines()


def complaint(*arguments: Any, **more: Any) -> str:
    """The only thing `read` complains about."""
    lines = complaints(*arguments, **more)
    assert len(lines) == 1, lines
    return lines[0]


def write(file: Path, **values: object) -> str:
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    return str(file)


# One value for each option: as text, as the file may have it, and as it ends in the settings.
SAMPLES: dict[str, tuple[str, object, str, object]] = {
    "group": ("platform/tenants", ["platform/tenants"], "groups", ("platform/tenants",)),
    "extra-project": ("shared/base", ["shared/base"], "extra_projects", ("shared/base",)),
    "cluster": ("staging-2", "staging-2", "cluster", "staging-2"),
    "receiver-url": ("https://flux.test/", "https://flux.test/", "receiver_url", "https://flux.test"),
    "project": ("tenants/*", ["tenants/*"], "projects", ("tenants/*",)),
    "dry-run": ("true", True, "dry_run", True),
    "prune": ("false", False, "prune", False),
    "max-prune": ("50", 50, "max_prune", Limits(50, None)),
    "expect-plan": (CHECKSUM, CHECKSUM, "expect_plan", Expected(CHECKSUM)),
    "adopt": ("yes", True, "adopt", True),
    "refresh-tokens": ("on", True, "refresh_tokens", True),
    "heal-webhooks": ("on", True, "heal_webhooks", True),
    "webhook-tls-verification": ("no", False, "webhook_tls_verification", False),
    "gitlab-url": (
        "https://other.test/gitlab/",
        "https://other.test/gitlab/",
        "gitlab_url",
        "https://other.test/gitlab",
    ),
    "concurrency": ("4", 4, "concurrency", 4),
    "max-requests-per-minute": ("300", 300, "max_requests_per_minute", 300),
    "timeout": ("1m30s", "1m30s", "timeout", 90.0),
    "deadline": ("540", 540, "deadline", 540.0),
    "namespace": ("tenants", ["tenants"], "namespaces", ("tenants",)),
    "kubeconfig": ("/etc/kube", "/etc/kube", "kubeconfig", "/etc/kube"),
    "context": ("kind-dev", "kind-dev", "context", "kind-dev"),
    "lease": ("false", False, "lease", False),
    "lease-wait": ("0s", 0, "lease_wait", 0.0),
    "events": ("false", False, "events", False),
    "output": ("JSON", "json", "output", "json"),
    "pushgateway": ("http://Push:9091/", "http://Push:9091/", "pushgateway", "http://push:9091"),
    "show-foreign": ("1", True, "show_foreign", True),
    "drift-exit-code": ("3", 3, "drift_exit_code", 3),
    "fail-on": ("warning", "warning", "fail_on", Severity.WARNING),
    "log-format": ("text", "text", "log_format", "text"),
    "log-level": ("debug", "debug", "log_level", "debug"),
    "foreign_hosts": ("", ["GitHub.com"], "foreign_hosts", ("github.com",)),
    "git_hosts": ("", ["SSH.gitlab.test"], "git_hosts", ("ssh.gitlab.test",)),
    "gitlab_user": ("", "flux-bot", "gitlab_user", "flux-bot"),
    "previous_clusters": ("", ["old"], "previous_clusters", ("old",)),
    "previous_namespaces": ("", ["flux"], "previous_namespaces", ("flux",)),
    "previous_receiver_urls": ("", ["http://old.test/"], "previous_receiver_urls", ("http://old.test",)),
    "receiver_url_is_ours": ("", True, "receiver_url_is_ours", True),
    "owned_keys": ("", [FINGERPRINT], "owned_keys", (FINGERPRINT,)),
    "can_push": ("", "read-only", "can_push", "read-only"),
    "tenancy": ("", [{"namespace": "*", "projects": "a/**"}], "tenancy", Tenancy((Rule("*", "a/**"),))),
    "lease_namespace": ("", "jobs", "lease_namespace", "jobs"),
    "cross_namespace_refs": ("", True, "cross_namespace_refs", True),
}
# These name files, so they have tests of their own; so have those of one place only, and what a pod's index belongs to.
ELSEWHERE = {"gitlab-token-file", "ca-file", "report", "config", "print-config", "confirm", "run-id", "shards"}
SAMPLED = [option for option in OPTIONS if option.name in SAMPLES]


def given_by(origin: Origin) -> list[Option]:
    return [option for option in SAMPLED if origin in option.allowed]


def without(option: Option) -> tuple[str, ...]:
    return (option.key,) if option.name != "extra-project" else ()


def flag_value(option: Option) -> object:
    text = SAMPLES[option.name][0]
    if option.kind.is_switch:
        return switch(text)
    return (text,) if option.kind.several else text
