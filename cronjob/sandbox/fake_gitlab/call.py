"""One API request: the account, the parameters, and the group or project of its path."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from cronjob.sandbox.fake_gitlab import answers
from cronjob.sandbox.fake_gitlab.records import Group, Project, Token, User
from cronjob.sandbox.fake_gitlab.world import GitLabWorld

YES = frozenset({"true", "t", "1", "on", "y", "yes"})
NO = frozenset({"false", "f", "0", "off", "n", "no"})


@dataclass
class Call:
    """
    *path* is the raw path as it was sent, *external_url* the URL in GitLab's settings.

    *params* are query and body together; *names* are the placeholders of the route, decoded.
    """

    world: GitLabWorld
    method: str
    path: str
    external_url: str
    query: dict[str, str]
    params: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    token: Token | None = None

    @property
    def user(self) -> User | None:
        return self.token.user if self.token else None

    def signed_in(self) -> User:
        """The user of the token; without a token the request is refused."""
        return self.user or answers.unauthorized()

    def number(self, name: str) -> int:
        """The placeholder *name* as a number; otherwise the request is refused."""
        text = self.names[name]
        return int(text) if text.isdecimal() else answers.refuse(400, error=f"{name} is invalid")

    def group(self) -> Group:
        """The group in the path, if the user may see it. Former paths are not followed."""
        name = self.names["id"]
        world = self.world
        found = world.groups.get(int(name)) if _is_id(name) else world.groups_by_path.get(name.lower())
        if found is None or found.kind != "group" or not world.can_see(self.user, found):
            answers.not_found("Group")
        return found

    def project(self, role: int = 0) -> Project:
        """The project in the path, if the user may see it and has at least *role* there."""
        project = self._found_project()
        if project is None or not self.world.can_see(self.user, project):
            answers.not_found("Project")
        self._refuse_old_path(project)
        admin = self.user is not None and self.user.admin
        if role and not admin and self.world.role(self.user, project) < role:
            answers.forbidden()
        return project

    def _found_project(self) -> Project | None:
        name = self.names["id"]
        if _is_id(name):
            return self.world.projects.get(int(name))
        path = name.lower()
        return self.world.projects_by_path.get(path) or self.world.redirects.get(path)

    def _refuse_old_path(self, project: Project) -> None:
        name = self.names["id"]
        if _is_id(name) or name.lower() == project.path_with_namespace.lower():
            return
        if self.world.release < (16, 7):
            return
        if self.method not in {"GET", "HEAD"}:
            answers.refuse(405, message="Non GET methods are not allowed for moved projects")
        before, _, after = self.path.partition("/projects/")
        _, slash, rest = after.partition("/")
        query = urlencode(self.query)
        root = before.removeprefix(self.world.url_root)
        url = f"{self.external_url}{root}/projects/{project.id}{slash}{rest}"
        answers.moved(f"{url}?{query}" if query else url)

    def flag(self, name: str, *, default: bool | None = None) -> bool | None:
        """The parameter *name* as a boolean, in any of the spellings that GitLab accepts."""
        value = self.params.get(name, default)
        if value is None or isinstance(value, bool):
            return value
        text = str(value).lower()
        if text in YES or text in NO:
            return text in YES
        return answers.refuse(400, error=f"{name} is invalid") if text else None

    def integer(self, name: str, default: int) -> int:
        value = self.params.get(name, default)
        text = str(value).removeprefix("-")
        return int(value) if text.isdecimal() else answers.refuse(400, error=f"{name} is invalid")

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = str(self.params.get(name, default))
        return value if value in allowed else answers.refuse(400, error=f"{name} does not have a valid value")

    def require(self, *names: str) -> None:
        """Refuse unless all these parameters were sent; the message lists all that are missing."""
        missing = [f"{name} is missing" for name in names if name not in self.params]
        if missing:
            answers.refuse(400, error=", ".join(missing))

    def refuse_if_modified(self, updated_at: datetime) -> None:
        """Honour If-Unmodified-Since, the precondition of deletes; an unreadable date is ignored."""
        since = self.headers.get("If-Unmodified-Since")
        if since is None:
            return
        try:
            limit = parsedate_to_datetime(since).replace(tzinfo=UTC)
        except ValueError:
            return
        # The header has no fractions of a second.
        if updated_at.replace(microsecond=0) > limit:
            answers.refuse(412, message="412 Precondition Failed")


def _is_id(name: str) -> bool:
    return name.removeprefix("-").isdecimal()
