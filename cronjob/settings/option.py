"""What one option is: its flag, its environment variable, its key in the file, and what it is without a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, StrEnum, auto

from cronjob.settings.value_kinds import ValueKind

PREFIX = "SYNCER_"
RUN = ("run",)
RETIRE = ("retire",)
UNDO = ("undo",)
BOTH = RUN + RETIRE
CONFIRMED = RETIRE + UNDO
WRITERS = RUN + CONFIRMED
# What knows both servers and writes; what is, or asks about, a whole run; either; what looks at the cluster; all.
SHARED = RUN + UNDO
WHOLE = (*RUN, "check")
LEASED = (*WHOLE, *UNDO)
LOOKING = (*WHOLE, *UNDO, "trace")
ALL = (*WRITERS, "check", "trace")


class OptionScope(Flag):
    """Where an option may be given."""

    FLAG = auto()
    ENVIRONMENT = auto()
    FILE = auto()
    ANYWHERE = FLAG | ENVIRONMENT | FILE


class Group(StrEnum):
    """What an option is about: a heading."""

    SCOPE = "What is kept in step"
    WRITING = "What may be written"
    GITLAB = "Talking to GitLab"
    KUBERNETES = "Talking to Kubernetes"
    OUTPUT = "Reports, logs and exit codes"
    SETTINGS = "The settings themselves"
    FILE = "In the file only"


@dataclass(frozen=True, slots=True)
class Option:
    """
    One option. *default* is written as an operator would write it; None is none, unless *otherwise* says what happens.

    *variable* stands in for the usual `SYNCER_...`; *fallbacks* are variables of other programs, asked after the file.
    """

    name: str
    kind: ValueKind
    group: Group
    help: str
    default: object = None
    otherwise: str = ""
    commands: tuple[str, ...] = ALL
    places: OptionScope = OptionScope.ANYWHERE
    required: bool = False
    negatable: bool = False
    short: str = ""
    variable: str = ""
    fallbacks: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its name in the file and among click's parameters."""
        return self.name.replace("-", "_")

    @property
    def env(self) -> str | None:
        """Its environment variable."""
        own = self.variable or PREFIX + self.key.upper()
        return own if OptionScope.ENVIRONMENT in self.places else None

    @property
    def flags(self) -> tuple[str, ...]:
        """How it is written on the command line."""
        if OptionScope.FLAG not in self.places:
            return ()
        whole = f"--{self.name}/--no-{self.name}" if self.negatable else f"--{self.name}"
        return (whole, f"-{self.short}") if self.short else (whole,)

    @property
    def preset(self) -> object:
        """What it is when nobody says anything; None for a switch where that depends."""
        if self.default is None and (self.kind.is_switch or self.kind.several):
            return (None if self.otherwise else False) if self.kind.is_switch else ()
        return self.default

    @property
    def preset_text(self) -> str:
        """The same for the help."""
        if self.required:
            return "required"
        if self.otherwise:
            return self.otherwise
        if self.kind.is_switch:
            return "on" if self.preset else "off"
        return str(self.preset or "")
