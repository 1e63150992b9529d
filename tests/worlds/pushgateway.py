"""A Pushgateway as its API is described (README of prometheus/pushgateway): POST replaces by name within a group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from cronjob.sandbox.serving import serving

Labels = tuple[tuple[str, str], ...]


@dataclass
class Gateway:
    """*groups* hold the values by the path of the group, the metric's name and its labels; *texts* what was pushed."""

    url: str = ""
    status: int = 200
    groups: dict[str, dict[str, dict[Labels, float]]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def value(self, name: str, group: str = "flux-gitlab-syncer", **labels: str) -> float | None:
        """What Prometheus would scrape."""
        families = self.groups.get(f"/metrics/job/{group}/cluster/aws-prod", {})
        return families.get(f"flux_gitlab_syncer_{name}", {}).get(tuple(sorted(labels.items())))

    async def take(self, request: web.Request) -> web.Response:
        text = await request.text()
        self.texts.append(text)
        if self.status != 200:
            return web.Response(status=self.status, headers={"Location": self.url + "/elsewhere"})
        assert request.method == "POST"
        group = self.groups.setdefault(request.path, {})
        for family in text_string_to_metric_families(text):
            assert family.documentation
            assert family.type == "gauge"
            group[family.name] = {_labels(sample.labels): sample.value for sample in family.samples}
        return web.Response(status=200)


def _labels(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted(labels.items()))


@contextmanager
def a_gateway() -> Iterator[Gateway]:
    """One that is up."""
    gateway = Gateway()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", gateway.take)
    with serving(app) as gateway.url:
        yield gateway
