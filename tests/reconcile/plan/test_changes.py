from __future__ import annotations

from reconcile.model import Kind
from reconcile.plan.changes import Create, Delete, Update, described, order_of
from tests.worlds.builders import (
    LEFT_MARK,
    a_create,
    a_delete,
    a_key,
    a_project,
    a_public_key,
    a_url,
    a_wanted_key,
    a_wanted_webhook,
    a_webhook,
    an_update,
    receiver_ref,
    repository_ref,
    secret_ref,
)


def test_a_create_knows_what_and_where_and_for_whom() -> None:
    create = Create(a_wanted_key(), "missing")

    assert (create.action, create.project, create.kind) == ("create", a_project(), Kind.DEPLOY_KEY)
    assert (create.id, create.name, create.fields) == (None, a_public_key().fingerprint, {})
    assert create.sources == (repository_ref(),)


def test_a_create_that_joins_a_key_knows_its_id() -> None:
    assert Create(a_wanted_key(), "missing", a_key()).id == 101


def test_an_update_knows_what_is_there() -> None:
    update = an_update()

    assert (update.action, update.project, update.kind, update.id) == ("update", a_project(), Kind.WEBHOOK, 201)
    assert (update.name, update.sources) == (a_url(), (receiver_ref(), repository_ref()))


def test_a_delete_names_the_object_in_the_mark() -> None:
    key, webhook = a_delete(), a_delete(webhook=True)

    assert (key.action, key.kind, key.id, key.name) == ("delete", Kind.DEPLOY_KEY, 101, a_public_key().fingerprint)
    assert (webhook.kind, webhook.id, webhook.name) == (Kind.WEBHOOK, 201, a_url())
    assert (key.sources, webhook.sources) == ((secret_ref(),), (receiver_ref(),))
    assert (key.fields, webhook.fields) == ({}, {})


def test_a_delete_of_what_carries_no_mark_names_nobody() -> None:
    delete = Delete(a_project(), a_webhook(description=""), "adopted")

    assert (delete.mark, delete.sources) == (None, ())


def test_a_key_is_named_by_its_fingerprint_and_marked_by_its_title() -> None:
    assert a_key(title=LEFT_MARK).name == a_public_key().fingerprint
    assert str(a_key(title=LEFT_MARK).mark) == LEFT_MARK


def test_wanted_and_found_items_are_of_the_same_kinds() -> None:
    assert a_wanted_key().kind is a_key().kind is Kind.DEPLOY_KEY
    assert a_wanted_webhook().kind is a_webhook().kind is Kind.WEBHOOK


def test_changes_go_by_project_without_case_then_creates_updates_deletes_then_keys_first() -> None:
    second = a_project(9, "Tenants/B")
    ordered = [
        Create(a_wanted_key(project=a_project(8, "tenants/A")), ""),
        Create(a_wanted_key(1, project=second), ""),
        Create(a_wanted_webhook(1, project=second), ""),
        Update(a_key(2), a_wanted_key(2, project=second), {}, ""),
        Update(a_webhook(2), a_wanted_webhook(2, project=second), {}, ""),
        Delete(second, a_key(1), ""),
        Delete(second, a_webhook(1), ""),
        Create(a_wanted_key(project=a_project(1, "tenants/c")), ""),
        Create(a_wanted_key(project=a_project(2, "tenants/C")), ""),
    ]

    backwards = ordered[::-1]

    assert sorted(backwards, key=order_of) == ordered


def test_a_line_tells_changes_apart_and_hides_the_digest() -> None:
    line = described(an_update())

    assert line.startswith("update webhook https://flux.example.net/hook/")
    assert line.endswith("… on tenants/shop")
    assert a_url() not in line
    assert described(a_create()) == f"create deploy_key {a_public_key().fingerprint} on tenants/shop"


def test_a_change_never_shows_a_token() -> None:
    assert "token-1" not in repr(an_update())
