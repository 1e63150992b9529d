"""A command that can be pasted into a shell, with the flags that the user gave."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence


def command_line(words: Sequence[str], options: Mapping[str, object], keys: Collection[str]) -> str:
    """Return the command *words* and the flags of those *options* whose key is in *keys*, quoted for a shell."""
    flags = [word for key, value in options.items() if key in keys for word in _flag_words(key, value)]
    return shlex.join([*words, *flags])


def _flag_words(key: str, value: object) -> list[str]:
    name = key.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    values = value if isinstance(value, list | tuple) else [value]
    return [word for item in values for word in (f"--{name}", str(item))]
