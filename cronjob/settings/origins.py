"""
Collect the value of each option: a flag beats the environment, which beats the file, which beats the default.

Nothing is parsed here. A stronger value replaces a weaker one whole; lists are not merged.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cronjob.settings.option import PREFIX, Option, Origin
from cronjob.settings.option_table import OPTIONS, options_of
from cronjob.settings.settings_file import read_file

CREDENTIAL = "GITLAB_TOKEN"
_VARIABLES = frozenset(option.env for option in OPTIONS if option.env)
_KEYS = frozenset(option.key for option in OPTIONS if Origin.FILE in option.allowed)


@dataclass(frozen=True, slots=True)
class SettingValue:
    """The value of one option as it was written; *place* is the name of the variable or file that holds it."""

    option: Option
    raw: object
    origin: Origin
    place: str = ""

    @property
    def label(self) -> str:
        """The beginning of a complaint about this value."""
        if self.origin is Origin.ENVIRONMENT:
            return self.place
        return f"`{self.option.key}` in {self.place}" if self.origin is Origin.FILE else f"--{self.option.name}"

    @property
    def source(self) -> str:
        """The origin and its name, for people."""
        return f"{self.origin.value} {self.place}".strip()

    def typed(self) -> object:
        """The parsed value. Raises ValueError."""
        if self.origin is Origin.DEFAULT and self.raw is None:
            return None
        return self.option.kind.typed(self.raw, from_file=self.origin is Origin.FILE)


@dataclass(frozen=True, slots=True)
class Collected:
    """
    The value of each option of a command, by key, and the complaints about names: none has been parsed yet.

    *complete* is False if the file could not be read, so that its values are unknown.
    """

    given: Mapping[str, SettingValue]
    complaints: tuple[str, ...]
    complete: bool = True


def collect(command: str, flags: Mapping[str, object], environment: Mapping[str, str]) -> Collected:
    """Find the strongest value of each option of *command*."""
    complaints = list(_unknown_variables(environment))
    strong = {option.key: _from_flag_or_variable(option, flags, environment) for option in options_of(command)}
    config = strong["config"]
    path = config.raw if config and isinstance(config.raw, str) and config.raw.strip() else ""
    try:
        document = read_file(Path(path)) if path else {}
    except ValueError as error:
        document = None
        complaints.append(f"{path} {error}.")
    complaints += _unknown_keys(document or {}, path)
    given = {
        option.key: strong[option.key] or _from_file_or_default(option, document or {}, path, environment)
        for option in options_of(command)
    }
    return Collected(given, tuple(complaints), complete=document is not None)


def _from_flag_or_variable(
    option: Option, flags: Mapping[str, object], environment: Mapping[str, str]
) -> SettingValue | None:
    flag = flags.get(option.key) if option.flags else None
    if flag is not None and flag != ():
        return SettingValue(option, flag, Origin.FLAG)
    text = environment.get(option.env) if option.env else None
    # Leaving a variable of another program empty usually means unset; with ours it may be a mistake.
    if text is None or (option.variable and not text.strip()):
        return None
    raw = [part.strip() for part in text.split(",")] if option.kind.several else text
    return SettingValue(option, raw, Origin.ENVIRONMENT, option.env or "")


def _from_file_or_default(
    option: Option, document: Mapping[str, object], path: str, environment: Mapping[str, str]
) -> SettingValue:
    if option.key in document and Origin.FILE in option.allowed:
        return SettingValue(option, document[option.key], Origin.FILE, path)
    for name in option.fallbacks:
        if text := environment.get(name, "").strip():
            return SettingValue(option, text, Origin.ENVIRONMENT, name)
    return SettingValue(option, option.default, Origin.DEFAULT)


def _unknown_variables(environment: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(environment):
        if not name.upper().startswith(PREFIX) or name in _VARIABLES:
            continue
        key = name[len(PREFIX) :].lower()
        if key in _KEYS - {option.key for option in OPTIONS if option.env}:
            yield f"{name} cannot be given in the environment: write `{key}` into the file that --config names."
            continue
        # Compare without the prefix: with it all names look similar.
        names = {variable.removeprefix(PREFIX): variable for variable in (*_VARIABLES, CREDENTIAL)}
        yield f"{name} is not known; {_did_you_mean(key.upper(), names)}"


def _unknown_keys(document: Iterable[str], path: str) -> Iterator[str]:
    names = {key: f"`{key}`" for key in _KEYS}
    for key in sorted(set(document) - _KEYS):
        yield f"`{key}` in {path} is not known; {_did_you_mean(key, names)}"


def _did_you_mean(name: str, known: Mapping[str, str]) -> str:
    nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"did you mean {known[nearest[0]]}? If not, remove it." if nearest else "remove it."
