"""
Parse the collected values and check them against each other; keep every complaint.

Nothing is raised here, so that `--print-config` can show settings that are not complete yet.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cronjob.settings.option import SHARED, Option, Origin
from cronjob.settings.option_table import OPTIONS
from cronjob.settings.origins import CREDENTIAL, Collected, SettingValue, collect
from cronjob.settings.pod_index import pod_index
from cronjob.settings.values import ReportFile, reason_of
from reconcile.tenancy import Tenancy

_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Resolved:
    """
    The settings of a command, complete or not.

    *given* holds each option of *command* by key as it was written, *values* the typed value of each option that has a
    usable one. *token* is GitLab's and *token_source* where it was found; both are empty where there is none.
    *shard* is this pod's index, counted from 0.
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
        """Whether the operator wants only to see the settings."""
        return bool(self.values.get("print_config"))


def resolve(command: str, flags: Mapping[str, object], environment: Mapping[str, str]) -> Resolved:
    """Find, type and check the options of *command*; *flags* are click's parameters, None or () where not given."""
    collected = collect(command, flags, environment)
    values, complaints = _typed(collected)
    token, source = "", ""
    try:
        token, source = _token(values, environment)
    except ValueError as error:
        complaints.append(str(error))
    shards, shard = values.get("shards"), 0
    try:
        # Only commands that write under a Lease take a share of the projects; the others read all of them.
        shard = pod_index(shards, environment) if command in SHARED and isinstance(shards, int) else 0
    except ValueError as error:
        complaints.append(str(error))
    complaints += [*_missing(collected, values), *_contradictions(collected, values)]
    lines = [" ".join(line.split()) for line in (*collected.complaints, *complaints)]
    return Resolved(command, collected.given, values, tuple(lines), token, source, shard)


def _typed(collected: Collected) -> tuple[dict[str, object], list[str]]:
    values: dict[str, object] = {}
    complaints = []
    for option in OPTIONS:
        given = collected.given.get(option.key) or SettingValue(option, option.default, Origin.DEFAULT)
        try:
            values[option.key] = given.typed()
        except ValueError as error:
            complaints.append(f"{given.label} {error}.")
    return values, complaints


def _token(values: Mapping[str, object], environment: Mapping[str, str]) -> tuple[str, str]:
    """GitLab's token and its source; the file beats the variable. Raises ValueError without the token."""
    path = values.get("gitlab_token_file")
    if "gitlab_token_file" not in values:
        return "", ""
    if isinstance(path, Path):
        source, name = f"file {path}", "The file that --gitlab-token-file names"
        try:
            token = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"{name} cannot be read ({reason_of(error)}); correct it.") from None
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
        raise ValueError(f"{name} holds spaces, line breaks or other characters that no token has; correct it.")
    return token, source


def _missing(collected: Collected, values: Mapping[str, object]) -> Iterator[str]:
    if not collected.complete:
        return
    for given in collected.given.values():
        if given.option.required and values.get(given.option.key, ...) is None:
            yield f"--{given.option.name} is required: {_how_to_give(given.option)}."
    if values.get("group", ...) == values.get("extra_project", ...) == ():
        yield "--group or --extra-project is required: without either there is no project to look at."


def _how_to_give(option: Option) -> str:
    file = f" or write `{option.key}` into the file" if Origin.FILE in option.allowed else ""
    return f"pass it, set {option.env}{file}"


def _contradictions(collected: Collected, values: Mapping[str, object]) -> Iterator[str]:
    namespaces = values.get("namespace")
    # Rules that were rejected, or that an unreadable file may hold, are not missing.
    rules = values.get("tenancy", ...) if collected.complete else ...
    if isinstance(namespaces, tuple) and len(namespaces) > 1 and rules in (None, Tenancy()):
        yield (
            f"{collected.given['namespace'].label} names {len(namespaces)} namespaces, which needs `tenancy` rules in "
            "the file: without them a tenant could name a neighbour's project."
        )
    yield from _unconfirmed(values.get("confirm"), values)
    if values.get("adopt") and values.get("shards") not in (1, ...):
        yield (
            "--adopt needs to see the whole group, since GitLab has one title for a key that several projects use: "
            "run it once without --shards."
        )
    yield from _reports_twice(collected, values.get("report"))


def _unconfirmed(confirm: object, values: Mapping[str, object]) -> Iterator[str]:
    """Complain about a confirmation that is not the cluster's name, with former names of it after commas."""
    cluster, previous = values.get("cluster"), values.get("previous_clusters")
    if not (isinstance(confirm, str) and cluster):
        return
    name, *former = confirm.split(",")
    if name != cluster:
        yield f"--confirm is {confirm!r}, but the cluster is {cluster!r}; confirm exactly that name, if you mean it."
    unknown = [each for each in former if not (isinstance(previous, tuple) and each in previous)]
    if unknown:
        yield f"--confirm names {unknown[0]!r}, which is not under previous_clusters; list it there, if it is one."


def _reports_twice(collected: Collected, reports: object) -> Iterator[str]:
    seen = set()
    for report in reports if isinstance(reports, tuple) else ():
        file = _same_file(report.path) if isinstance(report, ReportFile) else None
        if file in seen:
            yield f"{collected.given['report'].label} names {str(report.path)!r} twice; give each format its own file."
        seen.add(file)


def _same_file(path: Path) -> object:
    """What two spellings of one file have in common, whether it exists or not."""
    if path.is_file():
        found = path.stat()
        return (found.st_dev, found.st_ino)
    return os.path.realpath(path)
