"""
Every option typed and checked against the others: the values, where each comes from, and all complaints.

Nothing is raised here, so that `--print-config` can show settings that are not complete yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cronjob.settings.option import SHARED, Option, Origin
from cronjob.settings.option_table import OPTIONS
from cronjob.settings.origins import CREDENTIAL, Collected, SettingValue, gather
from cronjob.settings.pod_index import pod_index
from cronjob.settings.values import ReportFile
from reconcile.tenancy import Tenancy

_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Resolved:
    """
    The settings before they are asked to be complete.

    *given* holds each option of *command* by key as it was written, *values* the typed value of each option that has a
    usable one. *token* is GitLab's and *token_source* where it was found; both are empty where there is none.
    *shard* is which of several pods this is, counted from 0.
    """

    command: str
    given: Mapping[str, SettingValue]
    values: Mapping[str, object]
    complaints: tuple[str, ...]
    token: str = field(default="", repr=False)
    token_source: str = ""
    shard: int = 0

    @property
    def print_config(self) -> bool:
        """Whether the operator only wants to see the settings."""
        return bool(self.values.get("print_config"))


def resolve(command: str, flags: Mapping[str, object], environment: Mapping[str, str]) -> Resolved:
    """Find, type and check the options of *command*; *flags* are click's parameters, None or () where not given."""
    gathered = gather(command, flags, environment)
    values, complaints = _typed(gathered)
    token, source = "", ""
    try:
        token, source = _token(values, environment)
    except ValueError as error:
        complaints.append(str(error))
    shards, shard = values.get("shards"), 0
    try:
        # Only what writes with a Lease has a part of the projects; the other commands look at all of them.
        shard = pod_index(shards, environment) if command in SHARED and isinstance(shards, int) else 0
    except ValueError as error:
        complaints.append(str(error))
    complaints += [*_missing(gathered, values), *_contradictions(gathered, values)]
    lines = [" ".join(line.split()) for line in (*gathered.complaints, *complaints)]
    return Resolved(command, gathered.given, values, tuple(lines), token, source, shard)


def _typed(gathered: Collected) -> tuple[dict[str, object], list[str]]:
    values: dict[str, object] = {}
    complaints = []
    for option in OPTIONS:
        given = gathered.given.get(option.key) or SettingValue(option, option.default, Origin.DEFAULT)
        try:
            values[option.key] = given.typed()
        except ValueError as error:
            complaints.append(f"{given.label} {error}.")
    return values, complaints


def _token(values: Mapping[str, object], environment: Mapping[str, str]) -> tuple[str, str]:
    """GitLab's token and where it was; the file beats the variable. Raises ValueError, which never repeats it."""
    path = values.get("gitlab_token_file")
    if "gitlab_token_file" not in values:
        return "", ""
    if isinstance(path, Path):
        source, name = f"file {path}", "The file that --gitlab-token-file names"
        try:
            token = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"{name} cannot be read ({error.strerror or 'unreadable'}); correct it.") from None
        except ValueError:
            raise ValueError(f"{name} is not UTF-8 text; write the token and nothing else into it.") from None
    else:
        source, name = f"environment {CREDENTIAL}", CREDENTIAL
        token = environment.get(CREDENTIAL, "").strip()
        if not token:
            raise ValueError(f"A GitLab token is required: give --gitlab-token-file PATH or set {CREDENTIAL}.")
    if not token:
        raise ValueError(f"{name} is empty; write the token into it.")
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"{name} holds blanks, line breaks or other characters that no token has; correct it.")
    return token, source


def _missing(gathered: Collected, values: Mapping[str, object]) -> Iterator[str]:
    if not gathered.complete:
        return
    for given in gathered.given.values():
        if given.option.required and values.get(given.option.key, ...) is None:
            yield f"--{given.option.name} is required: {_how_to_give(given.option)}."
    if values.get("group", ...) == values.get("extra_project", ...) == ():
        yield "--group or --extra-project is required: without either there is no project to look at."


def _how_to_give(option: Option) -> str:
    file = f" or write `{option.key}` into the file" if Origin.FILE in option.allowed else ""
    return f"pass it, set {option.env}{file}"


def _contradictions(gathered: Collected, values: Mapping[str, object]) -> Iterator[str]:
    namespaces = values.get("namespace")
    # Rules that were refused, or that an unreadable file may hold, are not missing.
    rules = values.get("tenancy", ...) if gathered.complete else ...
    if isinstance(namespaces, tuple) and len(namespaces) > 1 and rules in (None, Tenancy()):
        yield (
            f"{gathered.given['namespace'].label} names {len(namespaces)} namespaces, which needs `tenancy` rules in "
            "the file: without them a tenant could name a neighbour's project."
        )
    confirm, cluster = values.get("confirm"), values.get("cluster")
    if confirm and cluster and confirm != cluster:
        yield f"--confirm is {confirm!r}, but the cluster is {cluster!r}; confirm exactly that name, if you mean it."
    if values.get("adopt") and values.get("shards") not in (1, ...):
        yield (
            "--adopt needs to see the whole group, since GitLab has one title for a key that several projects use: "
            "run it once without --shards."
        )
    yield from _reports_twice(gathered, values.get("report"))


def _reports_twice(gathered: Collected, reports: object) -> Iterator[str]:
    seen = set()
    for report in reports if isinstance(reports, tuple) else ():
        path = report.path.absolute() if isinstance(report, ReportFile) else None
        if path in seen:
            yield f"{gathered.given['report'].label} names {str(report.path)!r} twice; give each format its own file."
        seen.add(path)
