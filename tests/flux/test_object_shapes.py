"""Odd objects: each is normalised and says what was wrong, and none of them stops the others."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cronjob.flux.object_shapes import flux_object_from
from cronjob.sandbox.samples import NAMESPACE
from reconcile.errors import MalformedAnswer
from tests.worlds.objects import a_git_repository, a_receiver
from tests.worlds.program import Program, a_program

LONE = "\ud800"
TEXTS = ("apiVersion", "kind", "name", "namespace")
FIELDS = {
    "metadata": ("labels", "annotations", "deletionTimestamp", "generation"),
    "spec": ("url", "secretRef", "provider", "type", "suspend", "events", "resources"),
    "status": ("conditions", "webhookPath", "url", "observedGeneration"),
}
PATHS = [(part, field) for part, fields in FIELDS.items() for field in fields]

texts = st.text(st.characters(codec=None), max_size=4) | st.sampled_from(["a", LONE])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
keys = st.sampled_from([*TEXTS, "matchLabels", "type", "status", "message"]) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4))


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value.encode() is not None


def is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(is_text(text) for pair in value.items() for text in pair)


def is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_resource(value: Any) -> bool:
    labels = value.get("matchLabels", {})
    return is_texts(labels) and is_texts({key: one for key, one in value.items() if key != "matchLabels"})


PROMISED = {
    ("metadata", "name"): lambda value: is_text(value) and value,
    ("metadata", "namespace"): lambda value: is_text(value) and value,
    ("metadata", "labels"): is_texts,
    ("metadata", "annotations"): is_texts,
    ("metadata", "deletionTimestamp"): is_text,
    ("metadata", "generation"): is_number,
    ("spec", "url"): is_text,
    ("spec", "secretRef"): lambda value: is_texts(value) and set(value) == {"name"} and value["name"],
    ("spec", "provider"): is_text,
    ("spec", "type"): is_text,
    ("spec", "suspend"): lambda value: isinstance(value, bool),
    ("spec", "events"): lambda value: isinstance(value, list) and all(map(is_text, value)),
    ("spec", "resources"): lambda value: isinstance(value, list) and all(map(is_resource, value)),
    ("status", "conditions"): lambda value: isinstance(value, list) and all(map(is_texts, value)),
    ("status", "webhookPath"): is_text,
    ("status", "url"): is_text,
    ("status", "observedGeneration"): is_number,
}


def check(item: dict[str, Any]) -> None:
    """Whether *item* has every promised shape."""
    assert set(item) - {"broken"} == {"metadata", "spec", "status"}
    assert {"name", "namespace"} <= set(item["metadata"]) <= {"name", "namespace", *FIELDS["metadata"]}
    for (part, field), is_right in PROMISED.items():
        assert isinstance(item[part], dict)
        assert field not in item[part] or is_right(item[part][field]), (part, field)
    assert is_text(item.get("broken", "x"))
    assert "\n" not in item.get("broken", "x")


def an_item(**parts: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", "namespace": "b"}, **parts}


def made(item: object) -> dict[str, Any]:
    """What becomes of *item*; it must be an object."""
    answer = flux_object_from(item)
    check(answer)
    return answer


class TestAnyValue:
    @given(path=st.sampled_from(PATHS), value=values)
    def test_in_any_field_gives_the_promised_shapes(self, path: tuple[str, str], value: Any) -> None:
        part, field = path
        item = an_item()
        item[part] = {**item.get(part, {}), field: value}

        made(item)

    @given(spec=values, status=values, metadata=st.dictionaries(st.sampled_from(FIELDS["metadata"]), values))
    @example(spec={"events": [10**5000]}, status=None, metadata={"annotations": {"a": 10**5000}})
    def test_in_all_of_them_too(self, spec: Any, status: Any, metadata: Any) -> None:
        made({"metadata": {**metadata, "name": "a", "namespace": "b"}, "spec": spec, "status": status})

    @given(item=values, name=values, namespace=values)
    def test_as_an_object_or_a_name_it_is_checked_or_malformed(self, item: Any, name: Any, namespace: Any) -> None:
        for one in (item, {"metadata": item}, {"metadata": {"name": name, "namespace": namespace}}):
            with suppress(MalformedAnswer):
                check(flux_object_from(one))

    def test_may_be_nested_deeply(self) -> None:
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]

        answer = made(an_item(spec={"events": [deep]}))

        assert answer["broken"] == "spec.events holds a value that is nested too deeply or too long"
        while deep:  # else its end would be as deep a recursion
            deep = deep.pop()


@pytest.mark.parametrize("item", [None, [], "a", {}, {"metadata": None}, {"metadata": {"name": "a"}}])
def test_what_is_no_object_is_malformed(item: object) -> None:
    with pytest.raises(MalformedAnswer):
        flux_object_from(item)


@pytest.mark.parametrize("name", ["", None, 7, ["a"]])
def test_what_has_no_name_is_malformed(name: object) -> None:
    for metadata in ({"name": name, "namespace": "b"}, {"name": "a", "namespace": name}):
        with pytest.raises(MalformedAnswer):
            flux_object_from({"metadata": metadata})


@pytest.mark.parametrize("item", [a_git_repository("a"), a_receiver("a")])
def test_a_healthy_object_is_kept_as_it_is(item: dict[str, Any]) -> None:
    assert made(item) == {"metadata": item["metadata"], "spec": item["spec"], "status": item.get("status", {})}


def test_null_means_absent() -> None:
    item = an_item(spec=dict.fromkeys(FIELDS["spec"]), status=dict.fromkeys(FIELDS["status"]))
    item["metadata"] |= dict.fromkeys(FIELDS["metadata"])

    assert made(item) == an_item(spec={}, status={})


@pytest.mark.parametrize("part", ["spec", "status"])
def test_a_part_that_is_no_object_is_empty_and_broken(part: str) -> None:
    assert made(an_item(**{part: ["x"]})) == an_item(spec={}, status={}) | {"broken": f"{part} is no object"}


@pytest.mark.parametrize(
    ("part", "field", "value", "left", "broken"),
    [
        ("metadata", "labels", "x", {}, "metadata.labels is no object"),
        ("metadata", "labels", {"a": 7, "b": "c"}, {"b": "c"}, "a value in metadata.labels is no text"),
        ("metadata", "annotations", ["x"], {}, "metadata.annotations is no object"),
        ("metadata", "annotations", {"a": 7}, {"a": "7"}, None),
        ("metadata", "deletionTimestamp", 7, None, "metadata.deletionTimestamp is no text"),
        ("metadata", "generation", True, None, "metadata.generation is no whole number"),
        ("spec", "url", ["x"], "", "spec.url is no text"),
        ("spec", "url", f"ssh://a/b{LONE}", "ssh://a/b\ufffd", "spec.url holds half a character (a lone surrogate)"),
        ("spec", "secretRef", "x", None, "spec.secretRef is no object with a name"),
        ("spec", "secretRef", {}, None, "spec.secretRef is no object with a name"),
        ("spec", "secretRef", {"name": ["x"]}, None, "spec.secretRef is no object with a name"),
        ("spec", "secretRef", {"name": ""}, None, "spec.secretRef is no object with a name"),
        ("spec", "secretRef", {"name": "x", "more": 1}, {"name": "x"}, None),
        ("spec", "provider", {}, "generic", "spec.provider is no text"),
        ("spec", "type", 7, "", "spec.type is no text"),
        ("spec", "suspend", "yes", True, "spec.suspend is neither true nor false"),
        ("spec", "events", "push", [], "spec.events is no list"),
        ("spec", "events", ["push", 7], ["push", "7"], None),
        ("spec", "resources", {}, [], "spec.resources is no list"),
        ("spec", "resources", ["x", {"name": "a"}], [{"name": "a"}], "spec.resources[0] is no object"),
        ("spec", "resources", [{"name": 7}], [], "spec.resources[0].name is no text"),
        ("spec", "resources", [{"matchLabels": "x"}], [], "spec.resources[0].matchLabels is no object"),
        (
            "spec",
            "resources",
            [{"matchLabels": {"a": 7}}],
            [],
            "a value in spec.resources[0].matchLabels is no text",
        ),
        ("status", "conditions", "x", [], "status.conditions is no list"),
        ("status", "conditions", [{"type": "Ready", "status": True}], [], "status.conditions[0].status is no text"),
        ("status", "webhookPath", 7, None, "status.webhookPath is no text"),
        ("status", "url", 7, None, "status.url is no text"),
        ("status", "observedGeneration", "7", None, "status.observedGeneration is no whole number"),
    ],
)
def test_an_odd_value_is_mended_and_named(part: str, field: str, value: Any, left: Any, broken: str | None) -> None:
    item = an_item()
    item[part] = {**item.get(part, {}), field: value}

    answer = made(item)

    assert answer[part].get(field) == left
    assert answer.get("broken") == broken


def test_of_several_faults_the_first_is_named() -> None:
    assert made(an_item(spec={"url": 7, "secretRef": 7}))["broken"] == "spec.secretRef is no object with a name"


class TestWholeProgram:
    @pytest.mark.parametrize("kind", ["GitRepository", "Receiver"])
    @pytest.mark.parametrize(
        "odd",
        [
            {"spec": {"secretRef": "text"}},
            {"spec": {}, "status": "text"},
            {"spec": {"url": ["x"], "type": ["x"], "resources": "text", "events": 7}},
            {"spec": {"url": f"ssh://git@code.vt.edu/a/b{LONE}", "type": LONE, "secretRef": {"name": LONE}}},
            {"spec": {"type": "gitlab", "resources": [7, {"kind": [], "name": {}}]}, "status": ["x"]},
        ],
    )
    def test_an_odd_object_stops_no_other(self, kind: str, odd: dict[str, Any]) -> None:
        with a_program(2, samples=False) as p:
            group = "source" if kind == "GitRepository" else "notification"
            apart = {"apiVersion": f"{group}.toolkit.fluxcd.io/v1", "kind": kind}
            p.kubernetes.apply({**apart, "metadata": {"name": "odd", "namespace": NAMESPACE}, **odd})

            done = p.run()

            assert "Traceback" not in done.err
            assert done.report
            self.served(p)

    def served(self, p: Program) -> None:
        for number in (1, 2):
            path = f"aws-prod/tenant-000{number}"
            assert len(p.titles(path)) == 1
            assert len(p.urls(path)) == 1
