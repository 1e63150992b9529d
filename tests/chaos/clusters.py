"""Two clusters with the same tenants at one GitLab, and what must hold of both, computed from the three worlds."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cronjob.sandbox.fake_gitlab.monitor import Monitor, Wanted
from cronjob.sandbox.fake_gitlab.records import Hook, Project
from cronjob.sandbox.fake_gitlab.world import GitLabWorld
from cronjob.sandbox.samples import CLUSTER, GROUP, NAMESPACE, RECEIVER_URL
from tests.worlds.program import Program

# The group of the tenants' projects, and the project of the hostile one, on which everything is allowed.
HONEST = f"{GROUP}/{CLUSTER}"
OTHER_CLUSTER, OTHER_RECEIVER_URL = "azure-prod", "https://flux-webhook.azure.example"


@dataclass(frozen=True)
class WantedItems:
    """What one tenant of one cluster wants on its project."""

    tenant: str
    project: Project
    key: str
    url: str
    token: str


@dataclass(frozen=True)
class Cluster:
    """One cluster, with the program as it runs there."""

    name: str
    receiver_url: str
    program: Program

    @property
    def mark(self) -> str:
        """How the marks of this cluster's tenants begin."""
        return f"flux-gitlab-syncer {self.name} {NAMESPACE}/"

    def wanted(self) -> Iterator[WantedItems]:
        """What the tenants want whose objects are there; Flux has reconciled them."""
        kubernetes, gitlab = self.program.kubernetes, self.program.gitlab
        for repository in kubernetes.list("GitRepository", NAMESPACE):
            name = repository["metadata"]["name"]
            receiver = kubernetes.get("Receiver", NAMESPACE, name)
            yield WantedItems(
                tenant=name,
                project=gitlab.projects_by_path[f"{HONEST}/{name}"],
                key=" ".join(self._secret(f"{name}-ssh", "identity.pub").split()[:2]),
                url=self.receiver_url + receiver["status"]["webhookPath"],
                token=self._secret(f"{name}-webhook", "token"),
            )

    def urls_in_use(self) -> set[str]:
        """The URLs of the Receivers that name objects of other kinds."""
        receivers = self.program.kubernetes.list("Receiver", NAMESPACE)
        return {
            self.receiver_url + receiver["status"]["webhookPath"]
            for receiver in receivers
            if receiver["spec"]["resources"][0]["kind"] != "GitRepository"
        }

    def _secret(self, name: str, key: str) -> str:
        secret = self.program.kubernetes.get("Secret", NAMESPACE, name)
        return base64.b64decode(secret["data"][key]).decode()


@dataclass
class BothClusters:
    """Both clusters; *figures* adds up what went wrong in their runs."""

    clusters: tuple[Cluster, Cluster]
    figures: Counter[str] = field(default_factory=Counter)

    @property
    def gitlab(self) -> GitLabWorld:
        return self.clusters[0].program.gitlab

    def honest_projects(self) -> list[Project]:
        return [one for one in self.gitlab.projects.values() if one.path_with_namespace.startswith(f"{HONEST}/")]

    def monitor(self) -> Monitor:
        """A monitor of what no run may do, whatever the other cluster's run does at the same time."""
        keys: dict[int, set[str]] = {}
        urls: dict[int, set[str]] = {}
        tokens: dict[str, str] = {}
        for cluster in self.clusters:
            for wanted in cluster.wanted():
                keys.setdefault(wanted.project.id, set()).add(wanted.key)
                urls.setdefault(wanted.project.id, set()).add(wanted.url)
                tokens[wanted.url] = wanted.token
        self.gitlab.after_write.clear()
        projects = self.honest_projects()
        return Monitor(
            self.gitlab,
            Wanted(keys, urls, tokens),
            foreign_hooks=[
                hook for project in projects for hook in self.gitlab.hooks_of(project) if self._is_foreign(hook)
            ],
            foreign_keys=[
                (project, key)
                for project in projects
                for key, _ in self.gitlab.keys_of(project)
                if not key.title.startswith(self._marks)
            ],
        )

    def count(self, monitor: Monitor, in_use: set[int]) -> None:
        """Add the violations that *monitor* saw; *in_use* are the webhooks that were in use before."""
        gone = in_use - {hook.id for project in self.honest_projects() for hook in self.gitlab.hooks_of(project)}
        self.figures["in use removed"] += len(gone)
        for name, text in {"doubled": "there are now", "lost": "the wanted", "foreign touched": "the foreign"}.items():
            self.figures[name] += sum(text in violation for violation in monitor.violations)
        self.figures["writes watched"] += monitor.writes
        assert monitor.violations == []
        assert gone == set()

    def webhooks_in_use(self) -> set[int]:
        """The unmarked webhooks of the honest projects at the URL of a Receiver of another kind."""
        urls = {url for cluster in self.clusters for url in cluster.urls_in_use()}
        hooks = [hook for project in self.honest_projects() for hook in self.gitlab.hooks_of(project)]
        return {hook.id for hook in hooks if hook.url in urls and not self._is_marked(hook)}

    def differences(self) -> Iterator[str]:
        """The differences from what both clusters want, on the projects of the honest tenants."""
        all_wanted = [(cluster, wanted) for cluster in self.clusters for wanted in cluster.wanted()]
        for cluster, wanted in all_wanted:
            where = f"{cluster.name}, {wanted.tenant}"
            if wanted.key not in self._materials(wanted.project):
                yield f"{where}: its deploy key is missing"
            hooks = [hook for hook in self.gitlab.hooks_of(wanted.project) if hook.url == wanted.url]
            if [(hook.token, hook.description) for hook in hooks] != [(wanted.token, cluster.mark + wanted.tenant)]:
                yield f"{where}: there is not one right webhook"
        yield from (f"leaked: {text}" for text in self._leaked([wanted for _, wanted in all_wanted]))

    def _leaked(self, all_wanted: list[WantedItems]) -> Iterator[str]:
        keys = {(wanted.project.id, wanted.key) for wanted in all_wanted}
        urls = {(wanted.project.id, wanted.url) for wanted in all_wanted}
        for project in self.honest_projects():
            for key, _ in self.gitlab.keys_of(project):
                material = " ".join(key.key.split()[:2])
                if key.title.startswith(self._marks) and (project.id, material) not in keys:
                    yield f"the deploy key {key.title} on {project.path_with_namespace}"
            for hook in self.gitlab.hooks_of(project):
                if self._is_marked(hook) and (project.id, hook.url) not in urls:
                    yield f"the webhook {hook.description} on {project.path_with_namespace}"

    def _materials(self, project: Project) -> set[str]:
        return {" ".join(key.key.split()[:2]) for key, _ in self.gitlab.keys_of(project)}

    @property
    def _marks(self) -> tuple[str, ...]:
        return tuple(cluster.mark for cluster in self.clusters)

    def _is_marked(self, hook: Hook) -> bool:
        return (hook.description or "").startswith(self._marks)

    def _is_foreign(self, hook: Hook) -> bool:
        """Unmarked, and not below a URL of ours, where `--adopt` removes what no Receiver has."""
        in_use = {url for cluster in self.clusters for url in cluster.urls_in_use()}
        ours = tuple(f"{cluster.receiver_url}/hook/" for cluster in self.clusters)
        return not self._is_marked(hook) and (hook.url in in_use or not hook.url.startswith(ours))


def first_cluster(program: Program) -> Cluster:
    """The cluster of the sandbox."""
    return Cluster(CLUSTER, RECEIVER_URL, program)


def second_cluster(program: Program, kubernetes: Any, kubeconfig: str) -> Cluster:
    """Another one at the same GitLab; *kubeconfig* is the path of the file that leads to it."""
    environment = {
        **program.environment,
        "KUBECONFIG": kubeconfig,
        "SYNCER_CLUSTER": OTHER_CLUSTER,
        "SYNCER_RECEIVER_URL": OTHER_RECEIVER_URL,
    }
    sandbox = type(program.sandbox)(program.gitlab, kubernetes, program.sandbox.token)
    return Cluster(OTHER_CLUSTER, OTHER_RECEIVER_URL, Program(sandbox, environment))
