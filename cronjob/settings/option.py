"""What one option is (flag, variable, key in the file, kind, default), and how the table declares it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypedDict, TypeVar, Unpack, overload

from cronjob.settings.value_kinds import SWITCH, ValueKind, several

T = TypeVar("T")

PREFIX = "SYNCER_"
RUN = ("run",)
RETIRE = ("retire",)
UNDO = ("undo",)
BOTH = RUN + RETIRE
CONFIRMED = RETIRE + UNDO
WRITERS = RUN + CONFIRMED
# Commands that write and need both servers; that prepare a whole run; that may hold the Lease; that read the cluster.
SHARED = RUN + UNDO
WHOLE = (*RUN, "check")
LEASED = (*WHOLE, *UNDO)
LOOKING = (*WHOLE, *UNDO, "trace")
# Commands that print findings, not a report of changes.
READERS = ("check", "trace")
ALL = (*WRITERS, *READERS)


class Origin(StrEnum):
    """Where the value of an option can come from, strongest first."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


ANYWHERE = frozenset({Origin.FLAG, Origin.ENVIRONMENT, Origin.FILE})
FLAG_ONLY = frozenset({Origin.FLAG})
FILE_ONLY = frozenset({Origin.FILE})


class Group(StrEnum):
    """The headings under which the help and the README list the options."""

    SCOPE = "Scope"
    WRITING = "Safety"
    GITLAB = "GitLab connection"
    KUBERNETES = "Kubernetes connection"
    OUTPUT = "Reports, logs and exit codes"
    SETTINGS = "Settings"
    FILE = "In the settings file only"


@dataclass(frozen=True, slots=True)
class Option:
    """
    One option. *field* is its attribute of the settings, *key* its name in the file and among click's parameters.

    *default* is written as an operator would write it; None means that there is none, and *otherwise* says what happens
    then. *allowed* are the origins that may give a value. *variable* replaces the usual `SYNCER_...`; *fallbacks* are
    variables of other programs, which are read after the file.
    """

    field: str
    key: str
    kind: ValueKind[Any]
    group: Group
    help: str
    default: object = None
    otherwise: str = ""
    commands: tuple[str, ...] = ALL
    allowed: frozenset[Origin] = ANYWHERE
    required: bool = False
    negatable: bool = False
    short: str = ""
    variable: str = ""
    fallbacks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name that people know it by: that of the flag, or the key of what only the file may hold."""
        return self.key if self.allowed == FILE_ONLY else self.key.replace("_", "-")

    @property
    def env(self) -> str | None:
        """The environment variable, if there is one."""
        own = self.variable or PREFIX + self.key.upper()
        return own if Origin.ENVIRONMENT in self.allowed else None

    @property
    def flags(self) -> tuple[str, ...]:
        """The spellings on the command line."""
        if Origin.FLAG not in self.allowed:
            return ()
        long = f"--{self.name}/--no-{self.name}" if self.negatable else f"--{self.name}"
        return (long, f"-{self.short}") if self.short else (long,)

    @property
    def default_text(self) -> str:
        """The default for the help and the README."""
        if self.required:
            return "required"
        if self.otherwise:
            return self.otherwise
        if self.kind.is_switch:
            return "on" if self.default else "off"
        return str(self.default or "")


class Details(TypedDict, total=False):
    """The fields of `Option` that most rows of the table leave out."""

    key: str
    otherwise: str
    commands: tuple[str, ...]
    allowed: frozenset[Origin]
    negatable: bool
    short: str
    variable: str
    fallbacks: tuple[str, ...]


@overload
def option(
    kind: ValueKind[T], group: Group, meaning: str, *, default: str | bool | tuple[()], **details: Unpack[Details]
) -> T: ...


@overload
def option(
    kind: ValueKind[T], group: Group, meaning: str, *, required: Literal[True], **details: Unpack[Details]
) -> T: ...


@overload
def option(kind: ValueKind[T], group: Group, meaning: str, **details: Unpack[Details]) -> T | None: ...


def option(kind: ValueKind[Any], group: Group, meaning: str, **details: Any) -> Any:
    """Declare a field of the settings that an option fills; without a default it may be None, unless it is required."""
    return field(metadata={"kind": kind, "group": group, "help": meaning, **details})


def switch(group: Group, meaning: str, *, default: bool = False, **details: Unpack[Details]) -> bool:
    """Declare a yes or no."""
    return option(SWITCH, group, meaning, default=default, **details)


def repeated(kind: ValueKind[T], group: Group, meaning: str, **details: Unpack[Details]) -> tuple[T, ...]:
    """Declare a list of values. Its *key* is the singular, since a flag gives one at a time."""
    return option(several(kind), group, meaning, default=(), **details)
