"""Check GitLab and the tenants' groups: version, token, projects and the account's role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cronjob.commands.findings import fail, ok, warn
from cronjob.gitlab import routes
from cronjob.gitlab.errors import NoAnswer, Refused
from cronjob.gitlab.group import Scope
from cronjob.gitlab.identity import needed_permissions, prove
from cronjob.gitlab.items import project_from
from cronjob.gitlab.listing import GROUP_PROJECTS, Listing, pages, read_listing
from cronjob.gitlab.session import Session
from reconcile.causes import Cause, CauseCode
from reconcile.errors import MalformedAnswer, SyncerError
from reconcile.findings import Finding

MAINTAINER = 40
_OLDEST_VERSION = (14, 0)
_EXAMPLES = 3


class GroupCheck:
    """Checks one GitLab. *listing* has the tenants' projects once they are listed; it is None before."""

    def __init__(self, session: Session, scope: Scope) -> None:
        self.listing: Listing | None = None
        self._session = session
        self._scope = scope

    def findings(self) -> Iterator[Finding]:
        """Yield the findings, up to the first error that makes further requests useless."""
        parts = {"gitlab": self._version, "token": self._identity, "projects": self._projects, "role": self._roles}
        for check, part in parts.items():
            try:
                yield from part()
            except SyncerError as error:
                yield fail(check, str(error))
                return

    def _version(self) -> Iterator[Finding]:
        try:
            answer, _ = self._session.get(routes.VERSION)
        except Refused as refused:
            if refused.status not in {401, 403} or refused.cause.code is CauseCode.NOT_GITLAB:
                raise _NotGitLab(str(refused)) from refused
            # The next check reports a refused token.
            yield ok("gitlab", "GitLab answers")
            return
        except NoAnswer as error:
            raise NoAnswer(f"{error}; see --gitlab-url, and that GitLab is up.", cause=error.cause) from error
        version = str(answer.get("version")) if isinstance(answer, dict) else ""
        release = re.match(r"(\d{1,4})\.(\d{1,4})", version)
        if not release:
            raise _NotGitLab("it does not tell its version")
        if (int(release[1]), int(release[2])) < _OLDEST_VERSION:
            yield warn("gitlab", f"GitLab {version} is not supported: upgrade it to 14 or newer.")
        else:
            yield ok("gitlab", f"GitLab {version}")

    def _identity(self) -> Iterator[Finding]:
        scope = self._scope
        whoami = prove(self._session, writes=scope.writes, expected_user=scope.user)
        command = "a run" if scope.writes else "a dry run"
        expiry = (
            f"expires on {whoami.expires_at.date()}" if whoami.expires_at else "does not expire, as far as GitLab tells"
        )
        if whoami.fine_grained:
            needed = ", ".join(needed_permissions(writes=scope.writes))
            text = f"GitLab does not tell the permissions of a fine-grained token: {command} needs {needed}"
            yield ok("token", f"the token is {whoami.user}'s, and {expiry}; {text}")
        else:
            yield ok("token", f"the token is {whoami.user}'s, is enough for {command}, and {expiry}")
        yield from (warn("token", problem.message) for problem in whoami.problems(datetime.now(UTC)))
        user, _ = self._session.get(routes.USER)
        yield from _account_findings(user if isinstance(user, dict) else {}, whoami.user)

    def _projects(self) -> Iterator[Finding]:
        scope = self._scope
        listing = Listing(set(scope.hosts))
        read_listing(self._session, listing, groups=scope.groups, extras=scope.extra_projects)
        self.listing = listing
        yield from (warn("projects", problem.message) for problem in listing.problems)
        searched = ", ".join((*scope.groups, *scope.extra_projects))
        if listing.by_path:
            yield ok("projects", f"{len(listing.by_path)} projects of {searched}")
        else:
            yield warn("projects", f"there is no project in {searched}: is --group right?")

    def _roles(self) -> Iterator[Finding]:
        """Compare all projects with those on which the account is Maintainer, which GitLab can list."""
        listing = self.listing
        if listing is None or not listing.by_path:
            return
        params = {**GROUP_PROJECTS, "min_access_level": str(MAINTAINER)}
        managed = {
            project_from(project).id
            for group in self._scope.groups
            for project in pages(self._session, routes.group_projects(group), params)
        }
        managed |= {id_ for id_ in listing.extras if self._is_managed(id_)}
        unmanaged = sorted(project.path for project in listing.by_path.values() if project.id not in managed)
        if not unmanaged:
            yield ok("role", f"Maintainer on all {len(listing.by_path)} projects")
            return
        shown = ", ".join(unmanaged[:_EXAMPLES])
        if len(unmanaged) > _EXAMPLES:
            shown += f" and {len(unmanaged) - _EXAMPLES} more"
        yield fail(
            "role",
            f"not Maintainer on {len(unmanaged)} of {len(listing.by_path)} projects ({shown}), which "
            "cannot even be read then: make the bot account a Maintainer of the group.",
        )

    def _is_managed(self, id_: int) -> bool:
        answer, _ = self._session.get(routes.project(id_))
        match answer:
            case {"permissions": {"project_access": project, "group_access": group}}:
                levels = [access.get("access_level") for access in (project, group) if isinstance(access, dict)]
                return any(isinstance(level, int) and level >= MAINTAINER for level in levels)
        raise MalformedAnswer(f"GitLab does not tell the account's role on project {id_}")


class _NotGitLab(SyncerError):
    """Something else than GitLab answers."""

    def __init__(self, why: str) -> None:
        cause = Cause(CauseCode.NOT_GITLAB)
        super().__init__(f"{cause.sentence_start} ({why}). {cause.next_step}", cause=cause)


def _account_findings(user: dict[str, Any], name: str) -> Iterator[Finding]:
    """Warn of accounts that should not own deploy keys (GitLab, doc/user/project/deploy_keys)."""
    if user.get("is_admin"):
        yield warn("token", f"{name} is an administrator, which no run needs: give the job its own account.")
    if user.get("bot") or re.match(r"(project|group)_\d+_bot", name):
        yield warn(
            "token",
            f"{name} is the bot of a project's or group's access token: when the token expires, GitLab "
            "deletes the bot and its deploy keys. Use a token of an ordinary account or a service account.",
        )
