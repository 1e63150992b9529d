"""JSON that was right once: values of other types, absurd numbers, texts that nobody can print, parts gone or twice."""

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
    """The JSON text of *body* after one to three accidents with its values, or one with its characters."""
    if draw(st.integers(0, 9)) == 0:
        text = json.dumps(body)
        start = draw(st.integers(0, len(text)))
        return text[:start] + draw(st.text(max_size=3)) + text[start + draw(st.integers(0, 5)) :]
    whole = [deepcopy(body)]
    for _ in range(draw(st.integers(1, 3))):
        if places := list(_places(whole)):
            _befall(draw, *draw(st.sampled_from(places)))
    return json.dumps(whole[0] if whole else None).replace(json.dumps(_DEEP), "[" * 100_000 + "]" * 100_000)


def _befall(draw: st.DrawFn, within: Any, at: Any) -> None:
    match draw(st.sampled_from(["replaced", "gone", "wrapped", "twice"])):
        case "replaced":
            within[at] = draw(VALUES)
        case "gone":
            del within[at]
        case "wrapped":
            within[at] = draw(st.sampled_from([[within[at]], {"items": within[at]}, json.dumps(within[at])]))
        case "twice" if isinstance(within, list):
            within.append(deepcopy(within[at]))
        case _:
            within[draw(st.text(max_size=5))] = within[at]


def _places(within: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in lists and objects, the deeper ones too, as what it is in and its index or key."""
    for at, value in within.items() if isinstance(within, dict) else enumerate(within):
        yield within, at
        if isinstance(value, (dict, list)):
            yield from _places(value)
