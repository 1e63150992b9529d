"""The kinds of value that an option can have: how each looks in the file, in the help, and once it is parsed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cronjob.settings import urls as addresses
from cronjob.settings import values as parsing

# Only who gives such a value pays for what it is made with.
if TYPE_CHECKING:
    from reconcile.plan.guard import Expected, Limits


@dataclass(frozen=True, slots=True)
class ValueKind:
    """
    One kind of value. *word* says what the file must hold, as one of *types*; *parse* takes the text of one value.

    *several* values make a tuple. A *structured* value goes to *parse* as the file has it.
    """

    metavar: str
    word: str
    parse: Callable[[Any], object]
    types: tuple[type, ...] = (str,)
    several: bool = False
    structured: bool = False

    @property
    def is_switch(self) -> bool:
        """Whether this is a yes or a no."""
        return self.types == (bool,)

    def typed(self, raw: object, *, from_file: bool = False) -> object:
        """The value that *raw* stands for; what comes *from_file* must have the right type. Raises ValueError."""
        if raw is None:
            raise ValueError("has no value; give it one or leave it out")
        if self.structured:
            return self.parse(raw)
        if not self.several:
            return self._one(raw, from_file=from_file)
        items = raw if isinstance(raw, list | tuple) else [raw]
        return tuple(dict.fromkeys(self._one(item, from_file=from_file) for item in items))

    def _one(self, raw: object, *, from_file: bool) -> object:
        if from_file and type(raw) not in self.types:
            raise ValueError(f"must be {self.word}, not {_type_name(raw)}")
        text = str(raw)
        if not text.strip():
            raise ValueError("is empty; give it a value or leave it out")
        return self.parse(text)


def _type_name(raw: object) -> str:
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number with a fraction",
        str: "a text",
        list: "a list",
        dict: "a mapping",
    }
    return names.get(type(raw), "nothing" if raw is None else f"a {type(raw).__name__}")


def several(kind: ValueKind) -> ValueKind:
    """A list of such values; one alone will do."""
    return replace(kind, several=True, word="a list of texts")


def number(least: int, most: int, *, but: tuple[int, ...] = ()) -> ValueKind:
    """A whole number in a range."""
    return ValueKind("N", "a whole number", parsing.whole_number(least, most, but=but), (int,))


def choice(*choices: str) -> ValueKind:
    """One word of a few."""
    return ValueKind("|".join(choices), f"the text {parsing.either(choices)}", parsing.one_of(*choices))


def _limits(text: str) -> Limits:
    from reconcile.plan.guard import Limits

    return Limits.parse(text)


def _expected_plan(text: str) -> Expected:
    from cronjob.settings.expected_plan import expected_plan

    return expected_plan(text)


SWITCH = ValueKind("", "true or false", parsing.switch, (bool,))
TEXT = ValueKind("TEXT", "a text", parsing.plain_text)
PATH = ValueKind("PATH", "a text", parsing.plain_text)
SECRET_FILE = ValueKind("PATH", "a text", parsing.secret_file)
CERTIFICATES = ValueKind("PATH", "a text", parsing.certificates)
DURATION = ValueKind("DURATION", "a duration such as 30s, or a number of seconds", parsing.duration, (str, int, float))
WAIT = ValueKind("DURATION", "a duration such as 30s, or a number of seconds", parsing.wait, (str, int, float))
LABEL = ValueKind("NAME", "a text", parsing.label)
GROUP = ValueKind("GROUP", "a text", parsing.group, (str, int))
PROJECT = ValueKind("PATH", "a text", parsing.project)
GLOB = ValueKind("GLOB", "a text", parsing.plain_text)
HOST = ValueKind("HOST", "a text", addresses.host)
GITLAB_URL = ValueKind("URL", "a text", addresses.gitlab_url)
RECEIVER_URL = ValueKind("URL", "a text", addresses.receiver_url)
PUSHGATEWAY = ValueKind("URL", "a text", addresses.pushgateway)
FINGERPRINT = ValueKind("FINGERPRINT", "a text", parsing.fingerprint)
LIMITS = ValueKind("N,N%", "a text such as 20,25% or a number", _limits, (str, int))
EXPECTED_PLAN = ValueKind("CHECKSUM|REPORT", "a text (put a checksum in quotes)", _expected_plan)
REPORT_FILE = ValueKind("FORMAT=PATH", "a text", parsing.report_file)
FAIL_ON = ValueKind("error|warning|never", "the text error, warning or never", parsing.fail_on)
TENANCY = ValueKind("RULES", "a list of rules", parsing.tenancy, structured=True)
