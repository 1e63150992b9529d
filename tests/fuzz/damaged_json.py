"""Damaged JSON: values of other types, absurd numbers, unprintable texts, missing and repeated parts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

# Stands for lists in lists, deeper than any parser's stack, which Python could not write itself.
_DEEP = "lists in lists"
_NASTY = [
    _DEEP,
    "",
    "\x00",
    "\ud800",
    "\x1b[31m\x07",
    "\u202egnp.exe",
    "line\r\nbreak",
    "<script>alert(1)</script>",
    "a" * 10_000,
    "../../..",
    "%2e%2e%2f",
    "tenants-evil/a",
    "9999-99-99T99:99:99Z",
    "0001-01-01T00:00:00+23:59",
    "https://elsewhere.example/",
]
_NUMBERS = [0, -1, 2**31, 2**63, -(2**63), 10**4000, 1e308, float("inf"), float("nan")]
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(_NUMBERS),
    st.sampled_from(_NASTY),
    st.text(max_size=12),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=4,
    ),
)


@st.composite
def damaged(draw: st.DrawFn, body: Any) -> str:
    """The JSON text of *body* with one to three damaged values, or with damaged characters."""
    if draw(st.integers(0, 9)) == 0:
        text = json.dumps(body)
        start = draw(st.integers(0, len(text)))
        return text[:start] + draw(st.text(max_size=3)) + text[start + draw(st.integers(0, 5)) :]
    whole = [deepcopy(body)]
    for _ in range(draw(st.integers(1, 3))):
        if places := list(_places(whole)):
            _damage(draw, *draw(st.sampled_from(places)))
    return json.dumps(whole[0] if whole else None).replace(json.dumps(_DEEP), "[" * 100_000 + "]" * 100_000)


def _damage(draw: st.DrawFn, container: Any, index: Any) -> None:
    match draw(st.sampled_from(["replaced", "gone", "wrapped", "twice"])):
        case "replaced":
            container[index] = draw(VALUES)
        case "gone":
            del container[index]
        case "wrapped":
            container[index] = draw(
                st.sampled_from([[container[index]], {"items": container[index]}, json.dumps(container[index])])
            )
        case "twice" if isinstance(container, list):
            container.append(deepcopy(container[index]))
        case _:
            container[draw(st.text(max_size=5))] = container[index]


def _places(container: Any) -> Iterator[tuple[Any, Any]]:
    """Every list item and object member, nested ones too, as pairs of container and index or key."""
    for index, value in container.items() if isinstance(container, dict) else enumerate(container):
        yield container, index
        if isinstance(value, (dict, list)):
            yield from _places(value)
