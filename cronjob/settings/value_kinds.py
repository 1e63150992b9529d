"""The kinds of value that an option can have: how each looks in the file, in the help, and once it is parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from cronjob.settings import urls
from cronjob.settings import values as parsing

# These are imported only when an option has such a value.
if TYPE_CHECKING:
    from reconcile.plan.limits import Limits
    from reconcile.plan.objections import Expected


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ValueKind(Generic[T]):
    """
    One kind of value: *parse* makes a T of what was written, *metavar* stands for it in the help.

    The file must hold one of *types*, which messages call *word*; where *types* is empty, *parse* checks that itself.
    *several* values make a tuple.
    """

    metavar: str
    word: str
    parse: Callable[[Any], T]
    types: tuple[type, ...] = (str,)
    several: bool = False

    @property
    def is_switch(self) -> bool:
        """Whether this is a yes or no."""
        return self.types == (bool,)

    def typed(self, raw: object, *, from_file: bool = False) -> T:
        """The value that *raw* stands for; what comes *from_file* must have the right type. Raises ValueError."""
        if raw is None:
            raise ValueError("has no value; give it one or leave it out")
        if from_file and self.types:
            self._check_types(_items(raw) if self.several else [raw])
        return self.parse(raw)

    def _check_types(self, items: Iterable[object]) -> None:
        for item in items:
            if type(item) not in self.types:
                raise ValueError(f"must be {self.word}, not {_type_name(item)}")


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


def _items(raw: object) -> Iterable[object]:
    return raw if isinstance(raw, list | tuple) else [raw]


def written(
    metavar: str, parse: Callable[[str], T], word: str = "a text", types: tuple[type, ...] = (str,)
) -> ValueKind[T]:
    """A value that is written as one text, or as a number where *types* says so."""

    def parse_text(raw: object) -> T:
        text = str(raw)
        if not text.strip():
            raise ValueError("is empty; give it a value or leave it out")
        return parse(text)

    return ValueKind(metavar, word, parse_text, types)


def several(kind: ValueKind[T]) -> ValueKind[tuple[T, ...]]:
    """A list of such values without repetitions; a single value is a list of one."""

    def parse_all(raw: object) -> tuple[T, ...]:
        return tuple(dict.fromkeys(kind.parse(item) for item in _items(raw)))

    return ValueKind(kind.metavar, "a list of texts", parse_all, kind.types, several=True)


def number(least: int, most: int, *, but: tuple[int, ...] = ()) -> ValueKind[int]:
    """A whole number in a range."""
    return written("N", parsing.whole_number(least, most, but=but), "a whole number", (int,))


def choice(*choices: str) -> ValueKind[str]:
    """One of a few words."""
    return written("|".join(choices), parsing.one_of(*choices), f"the text {parsing.either(choices)}")


def _limits(text: str) -> Limits:
    from reconcile.plan.limits import Limits

    return Limits.parse(text)


def _expected_plan(text: str) -> Expected:
    from cronjob.settings.expected_plan import expected_plan

    return expected_plan(text)


_SECONDS = "a duration such as 30s, or a number of seconds"

SWITCH = written("", parsing.switch, "true or false", (bool,))
TEXT = written("TEXT", parsing.plain_text)
PATH = written("PATH", parsing.plain_text)
SECRET_FILE = written("PATH", parsing.secret_file)
CERTIFICATES = written("PATH", parsing.certificates)
DURATION = written("DURATION", parsing.duration, _SECONDS, (str, int, float))
WAIT = written("DURATION", parsing.wait, _SECONDS, (str, int, float))
LABEL = written("NAME", parsing.label)
CONFIRMATION = written("NAME", parsing.labels)
GROUP = written("GROUP", parsing.group, types=(str, int))
PROJECT = written("PATH", parsing.project)
GLOB = written("GLOB", parsing.plain_text)
HOST = written("HOST", urls.host)
GITLAB_URL = written("URL", urls.gitlab_url)
RECEIVER_URL = written("URL", urls.receiver_url)
PUSHGATEWAY = written("URL", urls.pushgateway)
FINGERPRINT = written("FINGERPRINT", parsing.fingerprint)
LIMITS = written("N,N%", _limits, "a text such as 20,25% or a number", (str, int))
EXPECTED_PLAN = written("CHECKSUM|REPORT", _expected_plan, "a text (put a checksum in quotes)")
REPORT_FILE = written("FORMAT=PATH", parsing.report_file)
FAIL_ON = written("error|warning|never", parsing.fail_on, "the text error, warning or never")
TENANCY = ValueKind("RULES", "a list of rules", parsing.tenancy, types=())
