"""Read the settings file: YAML with one mapping, without duplicate keys."""

from __future__ import annotations

from pathlib import Path

import yaml

from cronjob.settings.values import reason_of


def read_file(path: Path) -> dict[str, object]:
    """Read the keys and values in the file at *path*. Raises ValueError, whose text follows the file's name."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot be read ({reason_of(error)}); correct --config or the file") from None
    except ValueError:
        raise ValueError("is not UTF-8 text; save it as YAML in UTF-8") from None
    try:
        document = _document(text)
    except yaml.YAMLError as error:
        raise ValueError(f"is not usable YAML{_what_and_where(error)}; correct it") from None
    except (RecursionError, ValueError):
        raise ValueError("is not usable YAML; correct it") from None
    if not isinstance(document, dict | None):
        raise ValueError("holds no mapping; write one line `key: value` for each option")
    return {str(key): value for key, value in (document or {}).items()}


def _document(text: str) -> object:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_duplicate_keys(node, set())
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _refuse_duplicate_keys(node: yaml.Node, walked: set[int]) -> None:
    """Raise YAMLError for a duplicate key: PyYAML would silently take the last one."""
    if id(node) in walked or isinstance(node, yaml.ScalarNode):
        return
    walked.add(id(node))
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    keys = [key for key, _ in pairs if isinstance(key, yaml.ScalarNode)]
    for place, key in enumerate(keys):
        if key.value in {earlier.value for earlier in keys[:place]}:
            raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark)
    for child in [value for _, value in pairs] or node.value:
        _refuse_duplicate_keys(child, walked)


def _what_and_where(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return ""
    return f" (line {error.problem_mark.line + 1}: {error.problem})"
