"""The settings for people: what `--print-config` prints, and which options a report repeats."""

from __future__ import annotations

import json
from collections.abc import Iterator

from cronjob.settings.option import Origin
from cronjob.settings.origins import CREDENTIAL, SettingValue
from cronjob.settings.resolve import Resolved


def describe(resolved: Resolved) -> str:
    """
    Render each option as `key: value  # origin`: a file for --config.

    What a file cannot have, what has no value and secrets stand in comments.
    """
    return "\n".join(_lines(resolved))


def given_options(resolved: Resolved) -> dict[str, object]:
    """The options given on the command line or in the environment, by their key in the file, without secrets."""
    return {
        given.option.key: _shown(resolved, given)
        for given in resolved.given.values()
        if given.origin is Origin.FLAG or (given.origin is Origin.ENVIRONMENT and given.place == given.option.env)
    }


def flags_given(resolved: Resolved) -> frozenset[str]:
    """The keys of the options given as flags: the next command must repeat these, and no others."""
    return frozenset(key for key, given in resolved.given.items() if given.origin is Origin.FLAG)


def _lines(resolved: Resolved) -> Iterator[str]:
    for key, given in resolved.given.items():
        # A rejected value may be a secret in the wrong place.
        shown = _shown(resolved, given) if key in resolved.values else "(refused)"
        text = json.dumps(shown, ensure_ascii=False) if key in resolved.values else shown
        is_for_a_file = Origin.FILE in given.option.allowed and shown not in (None, [], "(refused)")
        yield f"{'' if is_for_a_file else '# '}{key}: {text}  # {given.source}"
        if key == "gitlab_token_file":
            state = "(set)" if resolved.token else "(not set)"
            yield f"# {CREDENTIAL.lower()}: {state}  # {resolved.token_source or 'nowhere'}"


def _shown(resolved: Resolved, given: SettingValue) -> object:
    """The value in effect, as it can be written into the file."""
    value = resolved.values[given.option.key]
    if isinstance(value, bool | int):
        return value
    if isinstance(value, tuple):
        texts = [item for item in value if isinstance(item, str)]
        return texts if len(texts) == len(value) else _as_list(given.raw)
    return str(value) if isinstance(value, str) else given.raw


def _as_list(raw: object) -> list[object]:
    return list(raw) if isinstance(raw, list | tuple) else [raw]
