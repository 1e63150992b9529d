"""The settings file: YAML with one mapping, in which no key may stand twice."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml


class _Strict(yaml.SafeLoader):
    """YAML as usual, except that a key given twice is an error: the last one would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - as PyYAML has it
        seen = set()
        for key, _ in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name!r} stands there twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


def read_file(path: Path) -> dict[str, object]:
    """The keys and values in the file at *path*. Raises ValueError, whose text begins after the file's name."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror or 'unreadable'}); correct --config or the file") from None
    except ValueError:
        raise ValueError("is not UTF-8 text; save it as YAML in UTF-8") from None
    try:
        # The loader is PyYAML's safe one with one more check.
        document = yaml.load(text, _Strict)  # noqa: S506 - see above
    except yaml.YAMLError as error:
        raise ValueError(f"is not usable YAML{_what_and_where(error)}; correct it") from None
    except (RecursionError, ValueError):
        raise ValueError("is not usable YAML; correct it") from None
    if not isinstance(document, dict | None):
        raise ValueError("holds no mapping; write one line `key: value` for each option")
    return {str(key): value for key, value in (document or {}).items()}


def _what_and_where(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return ""
    return f" (line {error.problem_mark.line + 1}: {error.problem})"
