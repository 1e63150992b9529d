"""
The embedded GitLab and Kubernetes in a process of their own, with tenants that have nothing yet, for one tool.

    python server.py PROJECTS LATENCY [--kubernetes-latency MS] [--refuse-one]

The first line on stdout is JSON, `Offer` of `offer.py`: where everything is and what is wanted there. Each line on
stdin is answered with another, `RequestTally`: what was asked since the line before, and how much of what is wanted is
there.
At the line `leave` the objects of one tenant go first. The end of stdin ends it.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web

from cronjob.sandbox.fake_gitlab.app import gitlab_app
from cronjob.sandbox.fake_gitlab.records import Hook, Project
from cronjob.sandbox.fake_kubernetes.app import kubeconfig, kubernetes_app
from cronjob.sandbox.samples import CLUSTER, GROUP, NAMESPACE, RECEIVER_URL, Sandbox, remove_tenant, sample_tenants
from cronjob.sandbox.serving import serving

FOREIGN_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIImIrwV2uvJO9fJd6SGcHclJXgaz5VsdYpP5VClloXzq"
FOREIGN_URL = "https://chat.platform.example/hooks/builds"


@dataclass(frozen=True)
class Wanted:
    """One project, and the deploy key (without comment) and the webhook that belong on it."""

    project: str
    key: str
    url: str
    token: str


def wanted_of(sandbox: Sandbox) -> list[Wanted]:
    """What the tenants' objects ask for, which our program would find out by itself."""
    return [_wanted(sandbox, item) for item in sandbox.kubernetes.list("Receiver", NAMESPACE)]


def _wanted(sandbox: Sandbox, receiver: dict[str, Any]) -> Wanted:
    name = receiver["metadata"]["name"]
    key, token = (_secret(sandbox, f"{name}-ssh", "identity.pub"), _secret(sandbox, f"{name}-webhook", "token"))
    url = RECEIVER_URL + receiver["status"]["webhookPath"]
    return Wanted(f"{GROUP}/{CLUSTER}/{name}", " ".join(key.split()[:2]), url, token)


def _secret(sandbox: Sandbox, name: str, key: str) -> str:
    secret = sandbox.kubernetes.get("Secret", NAMESPACE, name) or {}
    return base64.b64decode(secret["data"][key]).decode()


class Bench:
    """Counts what goes over the wire; *sandbox* is what it serves."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.wanted = wanted_of(sandbox)
        self.app = gitlab_app(sandbox.gitlab)
        self.app.on_response_prepare.append(self._weigh)
        self._bytes = 0
        self._left: Wanted | None = None

    def tally(self) -> dict[str, Any]:
        """What was asked since the last tally, and how many projects have exactly what they should."""
        gitlab, kubernetes = self.sandbox.gitlab, self.sandbox.kubernetes
        with gitlab.lock:
            found = {
                "gitlab": Counter(one.method for one in gitlab.requests),
                "kubernetes": Counter(one.method for one in kubernetes.requests),
                "bytes": self._bytes,
                "keys": self._count(self._has_key),
                "webhooks": self._count(self._has_webhook),
                "left": self._items_of_the_left(),
            }
            gitlab.requests.clear()
            kubernetes.requests.clear()
            self._bytes = 0
        return found

    def refuse_one(self) -> None:
        """From now on the keys and webhooks of the project in the middle answer 403, as to who is no Maintainer."""
        path = self.wanted[len(self.wanted) // 2].project
        place = f"/projects/({self._project(path).id}|{quote(path, safe='')})/(deploy_keys|hooks)"
        self.sandbox.gitlab.fail(path=place, status=403, body={"message": "403 Forbidden"}, times=None)

    def leave(self) -> None:
        """
        Delete the last tenant's objects.

        Its project keeps what is on it, and gets a key and a webhook that people put there by hand.
        """
        gone = self.wanted.pop()
        remove_tenant(self.sandbox, gone.project.rpartition("/")[2])
        project = self._project(gone.project)
        self.sandbox.gitlab.add_deploy_key(project, FOREIGN_KEY, title="our own robot")
        self.sandbox.gitlab.add_hook(project, FOREIGN_URL)
        self._left = gone

    async def _weigh(self, _request: web.Request, response: web.StreamResponse) -> None:
        self._bytes += response.content_length or 0

    def _project(self, path: str) -> Project:
        return self.sandbox.gitlab.projects_by_path[path.lower()]

    def _items_of_the_left(self) -> dict[str, int]:
        """How many of its keys and webhooks are there, by whose they are."""
        if self._left is None:
            return {}
        project = self._project(self._left.project)
        found = [key.key for key, _ in self.sandbox.gitlab.keys_of(project)]
        found += [hook.url for hook in self.sandbox.gitlab.hooks_of(project)]
        whose = {self._left.key: "ours", self._left.url: "ours"}
        return Counter(whose.get(one, "foreign") for one in found)

    def _count(self, has: Callable[[Project, Wanted], bool]) -> int:
        return sum(has(self._project(one.project), one) for one in self.wanted)

    def _has_key(self, project: Project, wanted: Wanted) -> bool:
        return [(key.key, may_push) for key, may_push in self.sandbox.gitlab.keys_of(project)] == [(wanted.key, False)]

    def _has_webhook(self, project: Project, wanted: Wanted) -> bool:
        return [_shown(hook) for hook in project.hooks.values()] == [(wanted.url, wanted.token, True, True, True)]


def _shown(hook: Hook) -> tuple[object, ...]:
    return hook.url, hook.token, hook.push_events, hook.tag_push_events, hook.enable_ssl_verification


def main() -> None:
    """Serve until stdin ends."""
    options = _options()
    sandbox = sample_tenants(options.projects, samples=False)
    sandbox.gitlab.latency = options.latency / 1000
    sandbox.kubernetes.latency = options.kubernetes_latency / 1000
    bench = Bench(sandbox)
    if options.refuse_one:
        bench.refuse_one()
    with serving(bench.app) as gitlab, serving(kubernetes_app(sandbox.kubernetes)) as kubernetes:
        _say(
            {
                "gitlab": gitlab,
                "kubeconfig": kubeconfig(kubernetes, namespace=NAMESPACE),
                "access": sandbox.token,
                "names": {"group": GROUP, "cluster": CLUSTER, "namespace": NAMESPACE, "receiver": RECEIVER_URL},
                "wanted": [vars(one) for one in bench.wanted],
            }
        )
        for line in sys.stdin:
            if line.strip() == "leave":
                bench.leave()
            _say(bench.tally())


def _say(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("projects", type=int)
    parser.add_argument("latency", type=float, help="of GitLab, in milliseconds")
    parser.add_argument("--kubernetes-latency", type=float, default=0)
    parser.add_argument("--refuse-one", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
