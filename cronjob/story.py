"""`flux-gitlab-syncer sandbox`: the whole job, end to end, against an embedded GitLab and Kubernetes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from cronjob.sandbox.gitlab_app import gitlab_app
from cronjob.sandbox.kubernetes_app import kubeconfig, kubernetes_app
from cronjob.sandbox.samples import (
    CLUSTER,
    EXTRA,
    GROUP,
    NAMESPACE,
    RECEIVER_URL,
    Sandbox,
    flux_looks,
    remove_tenant,
    sample_tenants,
)
from cronjob.sandbox.serving import serving

# How soon the embedded Flux notices a new Receiver, in seconds.
_FLUX_INTERVAL = 1.0
# How many GitRepositories the story speaks of.
_SHOWN = 6


@contextmanager
def running(sandbox: Sandbox, latency: float = 0.0) -> Iterator[dict[str, str]]:
    """Both servers, up; the environment that points the program, and kubectl, at them. *latency* is in seconds."""
    sandbox.gitlab.latency = latency
    sandbox.kubernetes.latency = latency
    with (
        serving(gitlab_app(sandbox.gitlab)) as gitlab,
        serving(kubernetes_app(sandbox.kubernetes)) as kubernetes,
        tempfile.TemporaryDirectory(prefix="flux-gitlab-syncer-") as folder,
    ):
        config = Path(folder) / "kubeconfig"
        config.write_text(kubeconfig(kubernetes, namespace=NAMESPACE))
        yield {
            "KUBECONFIG": str(config),
            "GITLAB_TOKEN": sandbox.token,
            "SYNCER_GITLAB_URL": gitlab,
            "SYNCER_GROUP": GROUP,
            "SYNCER_EXTRA_PROJECT": EXTRA,
            "SYNCER_CLUSTER": CLUSTER,
            "SYNCER_NAMESPACE": NAMESPACE,
            "SYNCER_RECEIVER_URL": RECEIVER_URL,
        }


def tell(tenants: int, latency: float) -> bool:
    """Play the story to stdout; whether every run ended as it should."""
    sandbox = sample_tenants(tenants)
    with running(sandbox, latency) as environment:
        click.echo(_introduction(environment))
        codes = [
            _chapter("1. What would be done?", sandbox, environment, "--dry-run"),
            _chapter("2. Do it.", sandbox, environment),
        ]
        click.echo(_what_flux_says(sandbox))
        codes.append(_chapter("3. Once more: nothing is left to do.", sandbox, environment))
        remove_tenant(sandbox, "sample-tenant")
        click.echo("The tenant sample-tenant leaves: its GitRepository and its Receiver are deleted.\n")
        codes.append(_chapter("4. What it leaves behind is pruned.", sandbox, environment))
        click.echo(_ending(sandbox))
    # Two tenants' mistakes stay errors, so every run ends with 1; anything else is not the story.
    return codes == [1, 1, 1, 1]


def serve(tenants: int, latency: float) -> None:
    """Keep both servers up until interrupted; prints the settings for a second terminal."""
    sandbox = sample_tenants(tenants)
    with running(sandbox, latency) as environment:
        click.echo("# An embedded GitLab and Kubernetes are up. In a second terminal:\n")
        click.echo(_exports(environment))
        click.echo("\nflux-gitlab-syncer run --dry-run\nkubectl get gitrepositories,receivers -A\n")
        click.echo("# Ctrl-C ends them.")
        with suppress(KeyboardInterrupt):
            while True:
                began = time.monotonic()
                flux_looks(sandbox)
                # Thousands of tenants take a while to look at, and the servers need the processor too.
                time.sleep(max(_FLUX_INTERVAL, 20 * (time.monotonic() - began)))


def _exports(environment: Mapping[str, str]) -> str:
    return "\n".join(f"export {name}={value}" for name, value in environment.items())


def _introduction(environment: Mapping[str, str]) -> str:
    return (
        "An embedded GitLab and Kubernetes are up, with the sample tenants in them.\n"
        "The program is run against them with these settings:\n\n" + _exports(environment) + "\n"
    )


def _chapter(title: str, sandbox: Sandbox, environment: Mapping[str, str], *options: str) -> int:
    """Run the program as a user would, and say what GitLab saw of it; its exit code."""
    click.secho(title, bold=True)
    click.echo(f"$ {' '.join(('flux-gitlab-syncer', 'run', *options))}\n")
    before = len(sandbox.gitlab.requests)
    done = subprocess.run(
        [sys.executable, "-m", "cronjob", "run", *options],
        # A reader of the story sees the report; what goes wrong would still be logged.
        env={**environment, "SYNCER_LOG_FORMAT": "text", "SYNCER_LOG_LEVEL": "error"},
        check=False,
    )
    seen = sandbox.gitlab.requests[before:]
    writes = sum(request.method != "GET" for request in seen)
    click.echo(
        f"\nGitLab saw {len(seen)} requests, {writes} of them writes.\nExit code {done.returncode}{_why(done)}.\n"
    )
    return done.returncode


def _why(done: subprocess.CompletedProcess[bytes]) -> str:
    return ", because two tenants' objects have errors" if done.returncode == 1 else ""


def _what_flux_says(sandbox: Sandbox) -> str:
    """The GitRepositories' Ready conditions, after Flux has looked again."""
    flux_looks(sandbox)
    lines = ["Flux looks again, with the keys in place:"]
    for item in sandbox.kubernetes.list("GitRepository", NAMESPACE)[:_SHOWN]:
        ready = next(one for one in item["status"]["conditions"] if one["type"] == "Ready")
        lines.append(f"  {item['metadata']['name']}: Ready={ready['status']} {ready['reason']}")
    return "\n".join(lines) + "\n"


def _ending(sandbox: Sandbox) -> str:
    docs = sandbox.gitlab.projects_by_path[f"{GROUP}/{CLUSTER}/docs-getting-started"]
    keys = ", ".join(f"`{key.title}`" for key, _ in sandbox.gitlab.keys_of(docs))
    hooks = ", ".join(hook.url for hook in sandbox.gitlab.hooks_of(docs))
    return (
        f"On docs-getting-started GitLab now has the deploy keys {keys} and the webhook {hooks}:\n"
        "what people put there by hand is untouched.\n\n"
        "Next: `flux-gitlab-syncer sandbox --serve` keeps both servers up for trying things yourself."
    )
