"""The API of deploy keys: list, read, create, update, enable, delete."""

from cronjob.sandbox.fake_gitlab.answers import Answer, Json, forbidden, not_found, refuse, timestamp
from cronjob.sandbox.fake_gitlab.call import Call
from cronjob.sandbox.fake_gitlab.deploy_key_validation import checked_title, new_key_of
from cronjob.sandbox.fake_gitlab.fine_grained_tokens import Permission
from cronjob.sandbox.fake_gitlab.pagination import paged
from cronjob.sandbox.fake_gitlab.records import MAINTAINER, Key, Project
from cronjob.sandbox.fake_gitlab.routes import Route, reading
from cronjob.sandbox.fake_gitlab.views import identity_json

NO_CHANGE = "title, can_push are missing, at least one parameter must be provided"


def key_json(call: Call, key: Key) -> Json:
    """A deploy key in the fields of the world's release."""
    world = call.world
    fields: Json = {"id": key.id, "title": key.title, "created_at": timestamp(key.created_at)}
    if world.release >= (15, 0):
        fields["expires_at"] = timestamp(key.expires_at)
    if world.release >= (18, 10):
        fields["last_used_at"] = timestamp(key.last_used_at)
    fields["key"] = key.key
    if world.release >= (18, 10):
        fields["usage_type"] = "auth_and_signing"
    if not world.fips:
        fields["fingerprint"] = key.public_key.md5
    if world.release >= (15, 2):
        fields["fingerprint_sha256"] = key.public_key.sha256
    return fields


def list_keys(call: Call) -> Answer:
    project = _project(call)
    return paged(call, list(project.keys), lambda key_id: _attached_json(call, project, key_id))


def read_key(call: Call) -> Answer:
    project = _project(call)
    return Answer(200, _attached_json(call, project, _attached(call, project).id))


def create_key(call: Call) -> Answer:
    """
    Attach a key to the project. The posted text, with its comment, is compared with stored texts.

        the text is           what happens
        --------------------  ----------------------------------------------------
        on this project       201, the key as it is; all other parameters ignored
        on one of the user's  201, the key is joined; only can_push is taken
        nowhere               a new key, or 400 where its fingerprint is taken
    """
    project = _project(call)
    call.require("key", "title")
    can_push = bool(call.flag("can_push"))
    known = call.world.keys_by_text.get(str(call.params["key"]).strip())
    if known is None or not (known.id in project.keys or call.world.may_join(call.signed_in(), known)):
        known = new_key_of(call, prefix=_prefix(call))
    if known.id not in project.keys:
        call.world.attach_key(project, known, can_push=can_push)
    return Answer(201, _attached_json(call, project, known.id))


def update_key(call: Call) -> Answer:
    project = _project(call)
    key = _attached(call, project)
    if "title" not in call.params and "can_push" not in call.params:
        refuse(400, error=NO_CHANGE)
    if "title" in call.params and _may_rename(call, key):
        key.title = checked_title(call, key, prefix=_prefix(call))
    can_push = call.flag("can_push")
    if can_push is not None:
        project.keys[key.id] = can_push
    return Answer(200, _attached_json(call, project, key.id))


def enable_key(call: Call) -> Answer:
    """Enable a key that the user may use. It is read-only until a PUT; enabling it twice changes nothing."""
    project = _project(call)
    key = call.world.keys.get(call.number("key_id"))
    if key is None or not call.world.may_join(call.signed_in(), key):
        not_found("Deploy key")
    if key.id not in project.keys:
        call.world.attach_key(project, key, can_push=False)
    return Answer(201, key_json(call, key))


def delete_key(call: Call) -> Answer:
    project = _project(call)
    key = call.world.keys.get(call.number("key_id"))
    if key is None or key.id not in project.keys:
        not_found("Deploy key")
    call.refuse_if_modified(key.created_at)
    call.world.detach_key(project, key)
    return Answer(204)


def list_all_keys(call: Call) -> Answer:
    """List every deploy key of the instance with its projects; for admins only."""
    _administrator(call)
    public_only = call.flag("public", default=False)
    keys = [key for key in call.world.keys.values() if not key.personal and (key.public or not public_only)]
    return paged(call, keys, lambda key: key_json(call, key) | _projects_json(call, key))


def create_public_key(call: Call) -> Answer:
    _administrator(call)
    call.require("key", "title")
    key = new_key_of(call)
    key.public = True
    return Answer(201, key_json(call, key) | _projects_json(call, key))


def _project(call: Call) -> Project:
    call.signed_in()
    return call.project(MAINTAINER)


def _administrator(call: Call) -> None:
    if not call.signed_in().admin:
        forbidden()


def _attached(call: Call, project: Project) -> Key:
    key_id = call.number("key_id")
    return call.world.keys[key_id] if key_id in project.keys else not_found()


def _attached_json(call: Call, project: Project, key_id: int) -> Json:
    return key_json(call, call.world.keys[key_id]) | {"can_push": project.keys[key_id]}


def _projects_json(call: Call, key: Key) -> Json:
    by_right: dict[bool, list[Json]] = {True: [], False: []}
    for project in key.projects.values():
        by_right[project.keys[key.id]].append(identity_json(project))
    fields: Json = {"projects_with_write_access": by_right[True]}
    return fields | {"projects_with_readonly_access": by_right[False]} if call.world.release >= (16, 0) else fields


def _may_rename(call: Call, key: Key) -> bool:
    """Whether the user may change the title: only admins may while several projects have the key."""
    if call.signed_in().admin or call.world.release < (15, 0):
        return True
    return not key.public and len(key.projects) == 1


def _prefix(call: Call) -> str:
    """The prefix of fields in errors of a key that is created through a project; very old servers have none."""
    return "deploy_key." if call.world.release >= (12, 0) else ""


READ, CREATE, UPDATE, DELETE = (
    Permission("project", f"Deploy Key: {action}") for action in ("Read", "Create", "Update", "Delete")
)
ALL_READ, ALL_CREATE = Permission("instance", "Deploy Key: Read"), Permission("instance", "Deploy Key: Create")

ROUTES = [
    reading("projects/:id/deploy_keys", list_keys, READ),
    reading("projects/:id/deploy_keys/:key_id", read_key, READ),
    Route("POST", "projects/:id/deploy_keys", create_key, CREATE),
    Route("PUT", "projects/:id/deploy_keys/:key_id", update_key, UPDATE),
    Route("POST", "projects/:id/deploy_keys/:key_id/enable", enable_key, CREATE),
    Route("DELETE", "projects/:id/deploy_keys/:key_id", delete_key, DELETE),
    reading("deploy_keys", list_all_keys, ALL_READ),
    Route("POST", "deploy_keys", create_public_key, ALL_CREATE, since=(17, 5)),
]
