"""An item of ours that is newer than its source, which gives something else, is somebody else's work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconcile.actual import FoundKey, FoundWebhook
from reconcile.desired.change_times import object_changed, spec_changed
from reconcile.desired.freshness import Sources
from reconcile.desired.receivers import receiver_requests_from
from reconcile.marks import Mark
from reconcile.model import Ref, Secret
from tests.worlds.builders import (
    NAMESPACE,
    OTHERS_MARK,
    RECEIVER_URL,
    a_key,
    a_mark,
    a_public_key,
    a_url,
    a_webhook,
    some_rules,
)
from tests.worlds.objects import TOKENS, a_path, a_receiver

CHANGED = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
LATE = CHANGED + timedelta(minutes=11)
IN_TIME = CHANGED + timedelta(minutes=10)


def entry(minute: int, *, subresource: str = "", fields: str = "f:spec", **more: object) -> dict[str, Any]:
    return {"time": f"2026-11-30T12:{minute:02}:00Z", "subresource": subresource, "fieldsV1": {fields: {}}, **more}


# when an object last changed


def test_the_newest_entry_counts_whoever_made_it() -> None:
    assert object_changed({"managedFields": [entry(1), entry(3, fields="f:data"), entry(2)]}) == CHANGED + timedelta(
        minutes=3
    )


def test_subresources_do_not_count() -> None:
    metadata = {"managedFields": [entry(1), entry(9, subresource="status")]}

    assert object_changed(metadata) == spec_changed(metadata) == CHANGED + timedelta(minutes=1)


def test_for_a_spec_only_its_managers_count() -> None:
    metadata = {"managedFields": [entry(1), entry(9, fields="f:metadata")]}

    assert spec_changed(metadata) == CHANGED + timedelta(minutes=1)
    assert object_changed(metadata) == CHANGED + timedelta(minutes=9)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"managedFields": None},
        {"managedFields": "x"},
        {"managedFields": [None, "x", 7, {}]},
        {"managedFields": [{"time": None}, {"time": "yesterday"}, {"time": 5}]},
        {"managedFields": [entry(1, subresource="status")]},
    ],
)
def test_what_is_not_there_or_not_readable_is_unknown(metadata: dict[str, Any]) -> None:
    assert (object_changed(metadata), spec_changed(metadata)) == (None, None)


def test_an_entry_without_readable_fields_is_nobodys_spec() -> None:
    for fields in (None, [], "f:spec", 7):
        assert spec_changed({"managedFields": [{**entry(1), "fieldsV1": fields}]}) is None


# keys


def sources(changed: datetime | None = CHANGED, **receiver: Any) -> Sources:
    """A Secret `shop` that gives key 1, and a Receiver `app` with its token's Secret."""
    secrets = {
        Ref("Secret", NAMESPACE, "shop"): Secret(True, a_public_key(1), changed=changed),  # noqa: FBT003
        Ref("Secret", NAMESPACE, TOKENS): Secret(token=b"token", changed=changed),
    }
    item = a_receiver(**receiver)
    item["metadata"]["managedFields"] = [entry(0)]
    return Sources.of(receiver_requests_from([item]), secrets)


def key_made(created: datetime | None, number: int = 2, title: str | None = None) -> FoundKey:
    found = a_key(number, title=title or str(a_mark("shop")))
    return FoundKey(found.id, found.title, found.key, found.mark, found.owner, created=created)


def hook_made(created: datetime | None, path: str, name: str = "app") -> FoundWebhook:
    return a_webhook(url=RECEIVER_URL + path, description=str(a_mark(name)), created=created)


def test_a_key_that_came_after_the_last_change_of_its_secret_is_somebody_elses() -> None:
    found = sources().contradicting(key_made(LATE), some_rules())

    assert found is not None
    assert (str(found.ref), str(found.secret)) == ("Secret/flux-config/shop",) * 2


@pytest.mark.parametrize(
    "found",
    [
        key_made(IN_TIME),
        key_made(CHANGED - timedelta(days=100)),
        key_made(None),
        key_made(LATE, number=1),
        key_made(LATE, title=str(a_mark("left"))),
        key_made(LATE, title=str(a_mark("shop", namespace="attic"))),
        key_made(LATE, title="by hand"),
    ],
    ids=["in time", "long before", "unknown", "the same key", "no such Secret", "former namespace", "unmarked"],
)
def test_any_other_key_gives_no_verdict(found: FoundKey) -> None:
    assert sources().contradicting(found, some_rules(previous_namespaces=["attic"])) is None


def test_a_secret_whose_last_change_is_unknown_gives_no_verdict() -> None:
    assert sources(None).contradicting(key_made(LATE), some_rules()) is None


def test_a_name_that_gitlabs_limit_cut_is_recognised() -> None:
    name = "x" * 253
    secret = Secret(True, a_public_key(1), changed=CHANGED)  # noqa: FBT003
    known = Sources.of([], {Ref("Secret", NAMESPACE, name): secret})

    assert known.contradicting(key_made(LATE, title=str(Mark("prod", NAMESPACE, name))), some_rules())
    assert not known.contradicting(key_made(LATE, title=str(Mark("prod", NAMESPACE, "y" * 253))), some_rules())


# webhooks


def test_a_webhook_that_came_after_the_last_change_of_its_receiver_and_token_is_somebody_elses() -> None:
    found = sources().contradicting(hook_made(LATE, a_path(b"another")), some_rules())

    assert found is not None
    assert (str(found.ref), str(found.secret)) == ("Receiver/flux-config/app", f"Secret/flux-config/{TOKENS}")


@pytest.mark.parametrize(
    "found",
    [
        hook_made(IN_TIME, a_path(b"another")),
        hook_made(None, a_path(b"another")),
        hook_made(LATE, a_path()),
        hook_made(LATE, a_path(b"another"), name="left"),
        a_webhook(url=a_url(base="https://old.example.net"), description=str(a_mark("app")), created=LATE),
        a_webhook(description=OTHERS_MARK, created=LATE),
    ],
    ids=["in time", "unknown", "the same path", "no such Receiver", "another base URL", "another cluster's"],
)
def test_any_other_webhook_gives_no_verdict(found: FoundWebhook) -> None:
    assert sources().contradicting(found, some_rules()) is None


@pytest.mark.parametrize("receiver", [{"status": {}}, {"secret": None}, {"secret": "no-such"}])
def test_a_receiver_of_which_not_all_is_known_gives_no_verdict(receiver: dict[str, Any]) -> None:
    assert sources(**receiver).contradicting(hook_made(LATE, a_path(b"another")), some_rules()) is None
