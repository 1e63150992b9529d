"""
Parse the values of options: text in, a typed value out, or a ValueError whose text says what to write.

A message completes a sentence that begins with the option's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

# These are imported only when an option has such a value.
if TYPE_CHECKING:
    from reconcile.problems import Severity
    from reconcile.tenancy import Tenancy

_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_SEGMENT = r"[A-Za-z0-9_.][A-Za-z0-9_.-]*"
_GROUP = re.compile(rf"[0-9]+|{_SEGMENT}(?:/{_SEGMENT})*")
_PROJECT = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})+")
_PLAIN_SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)", re.ASCII)
_UNITS = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9})ms)?", re.ASCII)
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
# The prefixes of GitLab's tokens: personal, OAuth, deploy, CI job, trigger, feed, runner and others.
_TOKEN = re.compile(r"gl(?:pat|oas|dt|cbt|ptt|ft|rtr?|imt|agent|soat|ffct|wt)-.*", re.DOTALL)
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
REPORT_FORMATS = ("text", "json", "yaml", "markdown", "html", "csv")


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file to which the report is written, and its format."""

    format: str
    path: Path


def switch(text: str) -> bool:
    """Parse a yes or no."""
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"is {text!r}, which is neither true nor false; write true or false")
    return word in _TRUE


def duration(text: str) -> float:
    """Parse a duration longer than 0, in seconds."""
    seconds = wait(text)
    if not seconds:
        raise ValueError(f"is {text!r}; give a time longer than 0")
    return seconds


def wait(text: str) -> float:
    """Parse a duration of 0 or more, in seconds."""
    word = text.strip()
    seconds = 0.0
    if plain := _PLAIN_SECONDS.fullmatch(word):
        seconds = float(plain[1])
    elif units := _UNITS.fullmatch(word):
        sizes = (3600, 60, 1, 0.001)
        seconds = sum(float(count) * size for count, size in zip(units.groups(), sizes, strict=True) if count)
    elif word.startswith("-"):
        raise ValueError(f"is {text!r}; give a time longer than 0")
    else:
        raise ValueError(f"is {text!r}, which is no duration; write it as 30s, 2m, 1h30m, 500ms or plain seconds")
    return seconds


def whole_number(least: int, most: int, *, but: tuple[int, ...] = ()) -> Callable[[str], int]:
    """Return a parser for whole numbers from *least* to *most*, except those in *but*, which have a meaning already."""
    excepted = f" and none of {', '.join(map(str, but))}, which mean something else" if but else ""

    def parse(text: str) -> int:
        number = int(text) if re.fullmatch(r"\s*\d{1,9}\s*", text, re.ASCII) else None
        if number is None or not least <= number <= most or number in but:
            raise ValueError(f"is {text!r}; give a whole number from {least} to {most}{excepted}")
        return number

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a parser for one of *choices*, in upper or lower case."""

    def parse(text: str) -> str:
        word = text.strip().lower()
        if word not in choices:
            raise ValueError(f"is {text!r}; choose {either(choices)}")
        return word

    return parse


def either(choices: tuple[str, ...]) -> str:
    """Join *choices* for a sentence."""
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def reason_of(error: OSError) -> str:
    """The system's reason why a file cannot be read."""
    return error.strerror or "unreadable"


def fail_on(text: str) -> Severity | None:
    """Parse the lowest severity that makes a run fail; None for never."""
    from reconcile.problems import Severity

    word = one_of(Severity.ERROR, Severity.WARNING, "never")(text)
    return None if word == "never" else Severity(word)


def plain_text(text: str) -> str:
    """Parse text without line breaks and other control characters."""
    if not text.isprintable():
        raise ValueError("holds control characters; remove them")
    return text.strip()


def label(text: str) -> str:
    """Parse an RFC 1123 label."""
    if not _LABEL.fullmatch(text):
        raise ValueError(
            f"is {text!r}, which is no RFC 1123 label; use at most 63 lower-case letters, digits and `-`, "
            "with a letter or digit at both ends"
        )
    return text


def labels(text: str) -> str:
    """Parse RFC 1123 labels with commas between them."""
    return ",".join(label(name) for name in text.split(","))


def group(text: str) -> str:
    """Parse a group's full path or id."""
    path = text.strip().strip("/")
    if not _GROUP.fullmatch(path):
        raise ValueError("is no group; give its full path, as in platform/tenants, or its id")
    return path


def project(text: str) -> str:
    """Parse a project's full path."""
    path = text.strip().strip("/")
    if not _PROJECT.fullmatch(path):
        raise ValueError("is no project; give its full path, as in platform/shared-manifests")
    return path


def fingerprint(text: str) -> str:
    """Parse a key's SHA-256 fingerprint, as ssh-keygen prints it."""
    if not _FINGERPRINT.fullmatch(text):
        raise ValueError(f"is {text!r}, which is no fingerprint; give it as `ssh-keygen -lf` prints it: SHA256:...")
    return text


def secret_file(text: str) -> Path:
    """Parse the path of a file with a token; refuse a token, which process lists and logs would show."""
    if _TOKEN.fullmatch(text.strip()):
        raise ValueError("looks like a token itself; write the token to a file and give the file's path")
    return Path(plain_text(text))


def certificates(text: str) -> Path:
    """Parse the path of an existing file (or directory, as OpenSSL allows) with certificates."""
    path = Path(plain_text(text))
    try:
        path.stat()
    except OSError as error:
        raise ValueError(f"names {text!r} ({reason_of(error)}); give a file with certificates in PEM form") from None
    return path


def report_file(text: str) -> ReportFile:
    """Parse `FORMAT=PATH`."""
    form, equals, path = plain_text(text).partition("=")
    if form not in REPORT_FORMATS or not equals or not path:
        raise ValueError(f"is {text!r}; write it as FORMAT=PATH, where FORMAT is {either(REPORT_FORMATS)}")
    if not _is_writable_place(Path(path)):
        raise ValueError(f"names {path!r}, which cannot be written; give a file in a directory that exists")
    return ReportFile(form, Path(path))


def _is_writable_place(path: Path) -> bool:
    try:
        return path.absolute().parent.is_dir() and not path.is_dir()
    except OSError:
        return False


def tenancy(raw: object) -> Tenancy:
    """Parse a list of `{namespace: GLOB, projects: GLOB}`."""
    if not isinstance(raw, list) or not all(map(_is_rule, raw)):
        raise ValueError("must be a list of rules, each with a text for `namespace` and one for `projects`")
    from reconcile.tenancy import Tenancy

    return Tenancy.from_settings(raw)


def _is_rule(raw: object) -> bool:
    if not isinstance(raw, Mapping) or set(raw) != {"namespace", "projects"}:
        return False
    return all(isinstance(glob, str) and glob.strip() for glob in raw.values())
