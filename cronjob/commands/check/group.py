"""GitLab and the tenants' group, as a run would meet them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from cronjob.commands.findings import fail, ok, warn
from cronjob.gitlab.group import Scope
from cronjob.gitlab.identity import prove
from cronjob.gitlab.listing import GROUP_PROJECTS, Listing, pages, read_listing
from cronjob.gitlab.session import NoAnswer, Refused, Session
from reconcile.actual import project_from
from reconcile.errors import MalformedAnswer, SyncerError
from reconcile.findings import Finding

MAINTAINER = 40
_OLDEST = (14, 0)
_SHOWN = 3


class GroupCheck:
    """Looks at one GitLab; *listing* is what there is of the tenants' projects, once they were listed."""

    def __init__(self, session: Session, scope: Scope) -> None:
        self.listing: Listing | None = None
        self._session = session
        self._scope = scope

    def look(self) -> Iterator[Finding]:
        """One finding after the other, up to the one without which nothing more can be asked."""
        parts = {"gitlab": self._version, "token": self._identity, "projects": self._projects, "role": self._roles}
        for check, part in parts.items():
            try:
                yield from part()
            except SyncerError as error:
                yield fail(check, str(error))
                return

    def _version(self) -> Iterator[Finding]:
        try:
            answer, _ = self._session.get("/version")
        except Refused as refused:
            if refused.status not in {401, 403}:
                raise _NoGitLab(str(refused)) from refused
            # A token that is refused is told next, in its own words.
            yield ok("gitlab", "GitLab answers")
            return
        except NoAnswer as none:
            raise NoAnswer(f"{none}; see --gitlab-url, and that GitLab is up.") from none
        version = str(answer.get("version")) if isinstance(answer, dict) else ""
        release = re.match(r"(\d{1,4})\.(\d{1,4})", version)
        if not release:
            raise _NoGitLab("it does not say its version")
        if (int(release[1]), int(release[2])) < _OLDEST:
            yield warn("gitlab", f"GitLab {version} is older than what this was made for: upgrade it to 14 or newer.")
        else:
            yield ok("gitlab", f"GitLab {version}")

    def _identity(self) -> Iterator[Finding]:
        scope = self._scope
        whoami = prove(self._session, writes=scope.writes, expected_user=scope.user)
        enough = "a run" if scope.writes else "a dry run"
        expires = f"expires on {whoami.expires_at.date()}" if whoami.expires_at else "does not say when it expires"
        yield ok("token", f"the token is {whoami.user}'s, is enough for {enough}, and {expires}")
        yield from (warn("token", problem.message) for problem in whoami.problems(datetime.now(UTC)))
        user, _ = self._session.get("/user")
        yield from _of_account(user if isinstance(user, dict) else {}, whoami.user)

    def _projects(self) -> Iterator[Finding]:
        scope = self._scope
        listing = Listing(set(scope.hosts))
        read_listing(self._session, listing, groups=scope.groups, extras=scope.extra_projects)
        self.listing = listing
        yield from (warn("projects", problem.message) for problem in listing.problems)
        places = ", ".join((*scope.groups, *scope.extra_projects))
        if listing.by_path:
            yield ok("projects", f"{len(listing.by_path)} projects of {places}")
        else:
            yield warn("projects", f"there is no project in {places}: is --group right?")

    def _roles(self) -> Iterator[Finding]:
        """GitLab is asked for the projects on which we are Maintainer; the others are those that are left."""
        listing = self.listing
        if listing is None or not listing.by_path:
            return
        params = {**GROUP_PROJECTS, "min_access_level": str(MAINTAINER)}
        managed = {
            project_from(project).id
            for group in self._scope.groups
            for project in pages(self._session, f"/groups/{quote(group, safe='')}/projects", params)
        }
        managed |= {id_ for id_ in listing.extras if self._is_managed(id_)}
        lacking = sorted(one.path for one in listing.by_path.values() if one.id not in managed)
        if not lacking:
            yield ok("role", f"Maintainer on all {len(listing.by_path)} projects")
            return
        shown = ", ".join(lacking[:_SHOWN]) + (f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else "")
        yield fail(
            "role",
            f"not Maintainer on {len(lacking)} of {len(listing.by_path)} projects ({shown}), which then cannot even be "
            "read: make the bot account a Maintainer of the group.",
        )

    def _is_managed(self, id_: int) -> bool:
        answer, _ = self._session.get(f"/projects/{id_}")
        match answer:
            case {"permissions": {"project_access": project, "group_access": group}}:
                levels = [one.get("access_level") for one in (project, group) if isinstance(one, dict)]
                return any(isinstance(level, int) and level >= MAINTAINER for level in levels)
        raise MalformedAnswer(f"GitLab does not say what our role on project {id_} is")


class _NoGitLab(SyncerError):
    """Something else is at the address."""

    def __init__(self, why: str) -> None:
        super().__init__(f"what answers is no GitLab ({why}): see --gitlab-url.")


def _of_account(user: dict[str, Any], name: str) -> Iterator[Finding]:
    """Deploy keys hang on the account that made them (doc/user/project/deploy_keys)."""
    if user.get("is_admin"):
        yield warn("token", f"{name} is an administrator, which no run needs: give the job an account of its own.")
    if user.get("bot") or re.match(r"(project|group)_\d+_bot", name):
        yield warn(
            "token",
            f"{name} is the bot of a project's or group's access token: when that expires it is deleted, and with it "
            "the deploy keys that it made. Use a token of an ordinary account or a service account.",
        )
