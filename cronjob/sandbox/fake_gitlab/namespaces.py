"""Namespaces: groups, projects, former paths, and who may see them."""

from datetime import datetime
from itertools import count
from typing import TypedDict, Unpack

from cronjob.sandbox.fake_gitlab.accounts import Accounts
from cronjob.sandbox.fake_gitlab.records import MAINTAINER, OWNER, Group, Project, User


class NamespaceFields(TypedDict, total=False):
    """Optional fields of a new group or project. Groups are public by default."""

    id: int | None
    visibility: str
    created_at: datetime


class Namespaces(Accounts):
    """Groups and projects by id and by path."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: dict[int, Group] = {}
        self.projects: dict[int, Project] = {}
        self.groups_by_path: dict[str, Group] = {}
        self.projects_by_path: dict[str, Project] = {}
        self.redirects: dict[str, Project] = {}
        self._group_ids = count(100)
        self._project_ids = count(1000)
        self._listings: dict[tuple[int, bool], tuple[Project, ...]] = {}

    def add_user(self, username: str, *, admin: bool = False) -> User:
        """Add a user and the personal namespace of the same name."""
        with self.lock:
            user = super().add_user(username, admin=admin)
            namespace = self._new_group(username, None, None)
            namespace.kind = "user"
            namespace.members[user.id] = OWNER
            return user

    def add_group(self, path: str, **fields: Unpack[NamespaceFields]) -> Group:
        """Add the group at the full path *path*, and the groups above it that do not exist yet."""
        with self.lock:
            if path.lower() in self.groups_by_path:
                raise ValueError(f"there is a namespace {path} already")
            above, _, name = path.rpartition("/")
            parent = self.groups_by_path.get(above.lower())
            visibility = fields.get("visibility", "public")
            if above and parent is None:
                parent = self.add_group(above, visibility=visibility)
            group = self._new_group(name, parent, fields.get("id"))
            group.visibility = visibility
            group.created_at = fields.get("created_at", group.created_at)
            return group

    def rename_group(self, group: Group, new_path: str) -> None:
        """Move *group* to another full path. Only its projects get redirects from their former paths."""
        with self.lock:
            above, _, name = new_path.rpartition("/")
            moved = list(group.all_projects)
            old_paths = [project.path_with_namespace for project in moved]
            if group.parent:
                del group.parent.subgroups[group.id]
            group.path, group.parent = name, self.groups_by_path[above.lower()] if above else None
            if group.parent:
                group.parent.subgroups[group.id] = group
            self.groups_by_path = {each.full_path.lower(): each for each in self.groups.values()}
            for project, old_path in zip(moved, old_paths, strict=True):
                self._reindex(project, old_path)

    def add_member(self, place: Group | Project, user: User, access_level: int) -> None:
        """Make *user* a member; the role counts for everything below *place*."""
        with self.lock:
            place.members[user.id] = access_level

    def add_project(self, path: str, **fields: Unpack[NamespaceFields]) -> Project:
        """Add a private project to an existing namespace. A redirect from its path is removed."""
        with self.lock:
            if path.lower() in self.projects_by_path:
                raise ValueError(f"there is a project {path} already")
            above, _, name = path.rpartition("/")
            new_id = _free_id(self.projects, self._project_ids, fields.get("id"))
            created_at = fields.get("created_at") or self.now()
            project = Project(new_id, name, self.groups_by_path[above.lower()], created_at)
            project.visibility = fields.get("visibility", project.visibility)
            self.projects[new_id] = project
            self._attach(project)
            return project

    def move_project(self, project: Project, new_path: str) -> None:
        """Rename or transfer *project*; the former path redirects to it until another project takes that path."""
        with self.lock:
            above, _, name = new_path.rpartition("/")
            target = self.groups_by_path[above.lower()]
            old_path = project.path_with_namespace
            del project.namespace.projects[project.id]
            project.path, project.namespace = name, target
            self._reindex(project, old_path)

    def schedule_project_deletion(self, project: Project) -> None:
        """Mark *project* for deletion as GitLab 18 does (projects/mark_for_deletion_service.rb)."""
        with self.lock:
            self.move_project(project, f"{project.path_with_namespace}-deletion_scheduled-{project.id}")
            project.archived, project.marked_for_deletion_on = True, self.now().date()

    def schedule_group_deletion(self, group: Group) -> None:
        """Mark *group* for deletion: it is renamed like a project; its projects are neither archived nor marked."""
        with self.lock:
            self.rename_group(group, f"{group.full_path}-deletion_scheduled-{group.id}")
            group.marked_for_deletion_on = self.now().date()

    def share(self, project: Project, group: Group, *, access_level: int = MAINTAINER) -> None:
        """Share *project* with *group*, whose members get at most *access_level* in it."""
        with self.lock:
            project.shares[group] = access_level
            group.shared[project.id] = project
            self._listings.clear()

    def remove_project(self, project: Project) -> None:
        with self.lock:
            del self.projects[project.id]
            del self.projects_by_path[project.path_with_namespace.lower()]
            del project.namespace.projects[project.id]
            for group in project.shares:
                del group.shared[project.id]
            self.redirects = {old: to for old, to in self.redirects.items() if to is not project}
            self._listings.clear()

    def role(self, user: User | None, place: Group | Project) -> int:
        """The access level of *user*, direct, inherited or by sharing; 0 for others, also for admins."""
        if user is None:
            return 0
        namespace = place.namespace if isinstance(place, Project) else place
        levels = [group.members.get(user.id, 0) for group in namespace.lineage]
        if isinstance(place, Project):
            levels.append(place.members.get(user.id, 0))
            levels += [min(most, self.role(user, group)) for group, most in place.shares.items()]
        return max(levels)

    def can_see(self, user: User | None, place: Group | Project) -> bool:
        if place.visibility == "public" or (user and (user.admin or place.visibility == "internal")):
            return True
        if self.role(user, place) > 0:
            return True
        return isinstance(place, Group) and any(self.can_see(user, each) for each in place.all_projects)

    def projects_of(self, group: Group, *, subgroups: bool = True) -> tuple[Project, ...]:
        """The group's own projects by id. The list is cached, since each page of a listing reads it."""
        known = self._listings.get((group.id, subgroups))
        if known is None:
            found = group.all_projects if subgroups else group.projects.values()
            known = tuple(sorted(found, key=lambda project: project.id))
            self._listings[(group.id, subgroups)] = known
        return known

    def _new_group(self, name: str, parent: Group | None, wanted_id: int | None) -> Group:
        group = Group(_free_id(self.groups, self._group_ids, wanted_id), name, parent, self.now())
        self.groups[group.id] = self.groups_by_path[group.full_path.lower()] = group
        if parent:
            parent.subgroups[group.id] = group
        return group

    def _reindex(self, project: Project, old_path: str) -> None:
        del self.projects_by_path[old_path.lower()]
        self._attach(project)
        if old_path.lower() not in self.projects_by_path:
            self.redirects[old_path.lower()] = project

    def _attach(self, project: Project) -> None:
        path = project.path_with_namespace.lower()
        self.projects_by_path[path] = project
        self.redirects.pop(path, None)
        project.namespace.projects[project.id] = project
        self._listings.clear()


def _free_id(taken: dict[int, Group] | dict[int, Project], ids: "count[int]", wanted: int | None) -> int:
    if wanted in taken:
        raise ValueError(f"the id {wanted} is in use")
    return next(each for each in ids if each not in taken) if wanted is None else wanted
