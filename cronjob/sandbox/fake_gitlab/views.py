"""The JSON of users, tokens, groups and projects."""

from cronjob.sandbox.fake_gitlab.answers import Json, timestamp
from cronjob.sandbox.fake_gitlab.call import Call
from cronjob.sandbox.fake_gitlab.records import MAINTAINER, Group, Project, Token, User


def user_json(call: Call, user: User) -> Json:
    fields: Json = {
        "id": user.id,
        "username": user.username,
        "name": user.username,
        "state": "active",
        "avatar_url": None,
        "web_url": f"{call.external_url}/{user.username}",
        "created_at": timestamp(user.created_at),
        "bot": call.token is not None and call.token.kind == "project",
        "email": f"{user.username}@sandbox.example",
    }
    return fields | {"is_admin": True} if user.admin else fields


def token_json(call: Call, token: Token) -> Json:
    return {
        "id": token.id,
        "name": token.name,
        "revoked": token.revoked,
        "created_at": timestamp(token.created_at),
        "description": None,
        "scopes": list(token.scopes),
        "user_id": token.user.id,
        "last_used_at": timestamp(call.world.now()),
        "active": True,
        "expires_at": token.expires_at,
        **({"granular": token.permissions is not None} if call.world.release >= (19, 2) else {}),
    }


def group_json(call: Call, group: Group) -> Json:
    full_path = group.full_path
    return {
        "id": group.id,
        "web_url": f"{call.external_url}/groups/{full_path}",
        "name": group.path,
        "path": group.path,
        "description": "",
        "visibility": group.visibility,
        "avatar_url": None,
        "full_name": full_path.replace("/", " / "),
        "full_path": full_path,
        "created_at": timestamp(group.created_at),
        "parent_id": group.parent.id if group.parent else None,
        **_deletion_fields(call, group),
    }


def namespace_json(call: Call, group: Group) -> Json:
    full_path = group.full_path
    web_path = full_path if group.kind == "user" else f"groups/{full_path}"
    return {
        "id": group.id,
        "name": group.path,
        "path": group.path,
        "kind": group.kind,
        "full_path": full_path,
        "parent_id": group.parent.id if group.parent else None,
        "avatar_url": None,
        "web_url": f"{call.external_url}/{web_path}",
    }


def identity_json(project: Project) -> Json:
    """The smallest JSON of a project, as in the instance's list of deploy keys."""
    path = project.path_with_namespace
    return {
        "id": project.id,
        "description": project.description,
        "name": project.path,
        "name_with_namespace": path.replace("/", " / "),
        "path": project.path,
        "path_with_namespace": path,
        "created_at": timestamp(project.created_at),
    }


def basic_project_json(call: Call, project: Project) -> Json:
    """A project as ``simple=true`` shows it: without archived, permissions and secrets."""
    fields = identity_json(project)
    path = fields["path_with_namespace"]
    url = f"{call.external_url}/{path}"
    fields |= {
        "tag_list": [],
        "topics": [],
        "ssh_url_to_repo": call.world.ssh_url(path),
        "http_url_to_repo": f"{url}.git",
        "web_url": url,
        "avatar_url": None,
        "star_count": 0,
        "last_activity_at": fields["created_at"],
        "namespace": namespace_json(call, project.namespace),
        "default_branch": None if project.empty_repo else "main",
        "readme_url": None if project.empty_repo else f"{url}/-/blob/main/README.md",
        "forks_count": 0,
    }
    return fields | {"visibility": project.visibility} if call.world.release >= (18, 10) else fields


def full_project_json(call: Call, project: Project) -> Json:
    """A project with its settings; Maintainers see secrets in it."""
    fields = basic_project_json(call, project) | {
        "_links": {"self": f"{call.external_url}/api/v4/projects/{project.id}"},
        "visibility": project.visibility,
        "archived": project.archived,
        "empty_repo": project.empty_repo,
        "creator_id": 1,
        "import_type": None,
        "import_status": "none",
        "issues_enabled": True,
        "merge_requests_enabled": True,
        "jobs_enabled": True,
        "lfs_enabled": True,
        "shared_runners_enabled": True,
        "updated_at": timestamp(project.created_at),
        "shared_with_groups": [
            {"group_id": group.id, "group_full_path": group.full_path, "group_access_level": level}
            for group, level in project.shares.items()
        ],
    }
    fields |= _deletion_fields(call, project)
    if call.world.role(call.user, project) >= MAINTAINER or (call.user and call.user.admin):
        fields |= {"runners_token": project.runners_token, "import_url": project.import_url}
    return fields


def _deletion_fields(call: Call, record: Group | Project) -> Json:
    """The date of a scheduled deletion under both of its names, which a listing with simple=true does not have."""
    if call.world.release < (18, 0) and not call.world.enterprise:
        return {}
    day = record.marked_for_deletion_on.isoformat() if record.marked_for_deletion_on else None
    names = ("marked_for_deletion_at", "marked_for_deletion_on") if isinstance(record, Project) else ()
    return dict.fromkeys(names or ("marked_for_deletion_on",), day)


def permissions_json(call: Call, project: Project) -> Json:
    """The user's own roles, which only the answer for a single project has."""
    user_id = call.user.id if call.user else 0
    inherited = max(group.members.get(user_id, 0) for group in project.namespace.lineage)
    return {
        "project_access": _access(project.members.get(user_id, 0)),
        "group_access": _access(inherited),
    }


def _access(level: int) -> Json | None:
    return {"access_level": level, "notification_level": 3} if level else None
