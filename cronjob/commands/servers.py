"""The connections of one job: GitLab, and Kubernetes where the command needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from cronjob.commands.invocation import Invocation, gitlab_of
from cronjob.flux.cluster import FluxCluster
from cronjob.gitlab.group import GitLabGroup
from cronjob.gitlab.session import Session
from cronjob.output.logs import log_write
from reconcile.rules import Rules


@dataclass(frozen=True, slots=True)
class Servers:
    """Both servers, connected; `retire` does not use Kubernetes."""

    url: str
    gitlab: GitLabGroup
    session: Session
    flux: FluxCluster | None

    def addresses(self) -> dict[str, str | None]:
        """Return the address and the user of each server, for the report."""
        whoami, api = self.gitlab.whoami, self.flux.api if self.flux else None
        return {
            "gitlab": self.url,
            "user": whoami.user if whoami else None,
            "kubernetes": api.server if api else None,
            "kubernetes_user": api.user if api else None,
        }

    def requests(self) -> dict[str, dict[str, float]]:
        """Return the number of requests to each server, by method."""
        traffic = self.session.traffic
        methods = {method: traffic.requests[method] for method in ("GET", "POST", "PUT", "DELETE")}
        gitlab = {**methods, "retries": traffic.retries, "throttled_seconds": round(traffic.throttled_seconds, 1)}
        return {"gitlab": gitlab, "kubernetes": dict(self.flux.api.requests) if self.flux else {}}


@contextmanager
def connected(call: Invocation, rules: Rules, flux: FluxCluster | None) -> Iterator[Servers]:
    """Connect to GitLab."""
    settings = call.settings
    connection, scope = gitlab_of(settings)
    with (
        closing(Session(connection, stop_control=call.stop_control)) as session,
        closing(GitLabGroup(session, scope, rules, stop_control=call.stop_control, on_write=log_write)) as gitlab,
    ):
        yield Servers(settings.gitlab_url, gitlab, session, flux)
