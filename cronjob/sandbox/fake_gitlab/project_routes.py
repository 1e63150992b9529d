"""The API of users, tokens, the version, groups and projects."""

from collections.abc import Sequence

from cronjob.sandbox.fake_gitlab.answers import Answer, refuse
from cronjob.sandbox.fake_gitlab.call import Call
from cronjob.sandbox.fake_gitlab.fine_grained_tokens import Permission
from cronjob.sandbox.fake_gitlab.pagination import paged
from cronjob.sandbox.fake_gitlab.records import OWNER, Group, Project
from cronjob.sandbox.fake_gitlab.routes import READING, Route, reading
from cronjob.sandbox.fake_gitlab.views import (
    basic_project_json,
    full_project_json,
    group_json,
    permissions_json,
    token_json,
    user_json,
)

ORDERS = ("id", "name", "path", "created_at", "updated_at", "last_activity_at", "similarity", "star_count")
VISIBILITIES = ("private", "internal", "public")


def read_user(call: Call) -> Answer:
    return Answer(200, user_json(call, call.signed_in()))


def read_own_token(call: Call) -> Answer:
    call.signed_in()
    if call.token is None or call.token.kind == "oauth":
        why = "This endpoint requires token type to be a personal access token"
        refuse(400, message=f"400 Bad request - {why}")
    return Answer(200, token_json(call, call.token))


def read_version(call: Call) -> Answer:
    call.signed_in()
    world = call.world
    return Answer(200, {"version": world.version, "revision": "0badc0ffee1", "enterprise": world.enterprise})


def read_group(call: Call) -> Answer:
    group = call.group()
    fields = group_json(call, group)
    if call.flag("with_projects", default=True):
        projects = _visible(call, group, call.world.projects_of(group, subgroups=False))[:100]
        fields["projects"] = [basic_project_json(call, project) for project in projects]
        shared = _visible(call, None, list(group.shared.values()))
        fields["shared_projects"] = [basic_project_json(call, project) for project in shared]
    return Answer(200, fields)


def list_group_projects(call: Call) -> Answer:
    group = call.group()
    own = call.world.projects_of(group, subgroups=bool(call.flag("include_subgroups")))
    found = _visible(call, group, own)
    # Sharing is looked up for the named group only, whatever include_subgroups says.
    if call.flag("with_shared", default=True) and group.shared:
        shared = _visible(call, None, list(group.shared.values()))
        found = sorted({*found, *shared}, key=lambda project: project.id)
    found = _ordered(call, _filtered(call, found))
    view = basic_project_json if call.flag("simple") else full_project_json
    return paged(call, found, lambda project: view(call, project))


def read_project(call: Call) -> Answer:
    project = call.project()
    fields = full_project_json(call, project)
    return Answer(200, fields | {"permissions": permissions_json(call, project)} if call.user else fields)


def _visible(call: Call, group: Group | None, projects: Sequence[Project]) -> Sequence[Project]:
    """The *projects* that the user may see: all of them for a member of their *group*."""
    user = call.user
    if user and (user.admin or (group and call.world.role(user, group) > 0)):
        return projects
    return [project for project in projects if call.world.can_see(user, project)]


def _filtered(call: Call, projects: Sequence[Project]) -> Sequence[Project]:
    """Apply the filters that were sent. Unknown parameters are ignored."""
    archived = call.flag("archived")
    if archived is not None:
        projects = [project for project in projects if project.archived is archived]
    if "visibility" in call.params:
        visibility = call.choice("visibility", VISIBILITIES, "private")
        projects = [project for project in projects if project.visibility == visibility]
    if "search" in call.params:
        text = str(call.params["search"]).lower()
        projects = [project for project in projects if text in project.path.lower()]
    # owned wins over min_access_level when both are sent.
    least = OWNER if call.flag("owned") else call.integer("min_access_level", 0)
    if least:
        projects = [project for project in projects if call.world.role(call.user, project) >= least]
    return projects


def _ordered(call: Call, projects: Sequence[Project]) -> Sequence[Project]:
    """Order projects, which are given by id. Orders by time are orders by id here."""
    order = call.choice("order_by", ORDERS, "created_at")
    descending = call.choice("sort", ("asc", "desc"), "desc") == "desc"
    # Without a search, similarity silently becomes the name, ascending.
    if order == "similarity":
        order, descending = "name", False
    if order in {"name", "path"}:
        return sorted(projects, key=lambda each: (each.path.lower(), each.id), reverse=descending)
    return projects[::-1] if descending else projects


USER, OWN_TOKEN = Permission("user", "User: Read"), Permission("user", "Personal Access Token: Read")
METADATA, GROUP = Permission("instance", "Metadata: Read"), Permission("group", "Group: Read")

ROUTES = [
    Route("GET", "user", read_user, USER, scopes=(*READING, "read_user")),
    Route("GET", "personal_access_tokens/self", read_own_token, OWN_TOKEN, since=(15, 5), scopes=()),
    Route("GET", "version", read_version, METADATA, scopes=(*READING, "read_user")),
    Route("GET", "metadata", read_version, METADATA, since=(15, 2), scopes=(*READING, "read_user")),
    reading("groups/:id", read_group, GROUP),
    reading("groups/:id/projects", list_group_projects, Permission("group", "Project: Read")),
    reading("projects/:id", read_project, Permission("project", "Project: Read")),
]
