"""`flux-gitlab-syncer sandbox`: run the whole job against an embedded GitLab and Kubernetes, step by step."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from cronjob.sandbox.fake_gitlab.app import gitlab_app
from cronjob.sandbox.fake_gitlab.monitor import Monitor, Wanted
from cronjob.sandbox.fake_gitlab.world import GitLabWorld
from cronjob.sandbox.fake_kubernetes.app import kubeconfig, kubernetes_app
from cronjob.sandbox.faults.named import ActiveFaults, start_faults
from cronjob.sandbox.faults.names import FAULT_PROFILES
from cronjob.sandbox.samples import (
    CLUSTER,
    EXTRA,
    GROUP,
    MARK,
    NAMESPACE,
    RECEIVER_URL,
    Sandbox,
    reconcile_flux,
    remove_tenant,
    sample_tenants,
)
from cronjob.sandbox.serving import serving

# How soon the embedded Flux notices a new Receiver, in seconds.
_FLUX_INTERVAL = 1.0
# The width of its own sentences, in columns.
_WIDTH = 100
# How many GitRepositories are listed.
_LISTED = 6


@contextmanager
def running(sandbox: Sandbox, latency: float = 0.0) -> Iterator[dict[str, str]]:
    """Serve both servers; yield the environment that points the program and kubectl to them. *latency*: seconds."""
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


@dataclass(frozen=True, slots=True)
class Scene:
    """The options of the sandbox. *latency* is in milliseconds; *faults* is the name of a fault profile."""

    tenants: int = 0
    latency: int = 0
    faults: str | None = None
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Stage:
    """Both served worlds, the *environment* that points the program at them, and the faults in force."""

    sandbox: Sandbox
    environment: Mapping[str, str]
    faults: ActiveFaults | None

    @property
    def injected(self) -> Counter[str]:
        """The number of injected faults so far, by kind."""
        return self.faults.injected if self.faults else Counter()


@contextmanager
def _staged(scene: Scene) -> Iterator[Stage]:
    sandbox = sample_tenants(scene.tenants)
    faults = None
    if scene.faults:
        faults = start_faults(scene.faults, sandbox.gitlab, sandbox.kubernetes, seed=scene.seed)
    with running(sandbox, scene.latency / 1000) as environment:
        yield Stage(sandbox, environment, faults)


def tell(scene: Scene) -> bool:
    """Run the story; return whether it ended as expected, without a write that should not happen."""
    with _staged(scene) as stage:
        sandbox = stage.sandbox
        monitor = _monitored(sandbox.gitlab)
        click.echo(_introduction(stage))
        codes = [_chapter("1. What would be done?", stage, "--dry-run"), _chapter("2. Do it.", stage)]
        click.echo(_what_flux_says(sandbox))
        codes.append(_chapter("3. Once more: is anything left to do?", stage))
        remove_tenant(sandbox, "sample-tenant")
        click.echo("The tenant sample-tenant leaves: its GitRepository and its Receiver are deleted.\n")
        codes.append(_chapter("4. Prune what it leaves behind.", stage))
        # Two tenants' mistakes stay errors, so without faults every run ends with 1; anything else is not the story.
        is_well = _is_well_after(stage, stage.faults) if stage.faults else codes == [1, 1, 1, 1]
        click.echo(_ending(sandbox, monitor))
    return is_well and not monitor.violations


def serve(scene: Scene) -> None:
    """Print the settings for a second terminal and serve both servers until interrupted."""
    with _staged(scene) as stage:
        click.echo("# An embedded GitLab and Kubernetes are up. In a second terminal:\n")
        click.echo(_exports(stage.environment))
        click.echo("\nflux-gitlab-syncer run --dry-run\nflux-gitlab-syncer trace sample-tenant")
        click.echo("kubectl get gitrepositories,receivers -A\n")
        if stage.faults:
            click.echo(f"# {_described(stage.faults)}")
        click.echo("# Ctrl-C ends them.")
        with suppress(KeyboardInterrupt):
            while True:
                began = time.monotonic()
                reconcile_flux(stage.sandbox)
                # Thousands of tenants take a while, and the servers need the processor too.
                time.sleep(max(_FLUX_INTERVAL, 20 * (time.monotonic() - began)))
        if stage.faults:
            click.echo(f"\n# {_counted(stage.injected)}")


def _monitored(gitlab: GitLabWorld) -> Monitor:
    """Return a monitor that reports writes to what people put on the projects by hand."""
    projects = gitlab.projects.values()
    hooks = [hook for project in projects for hook in gitlab.hooks_of(project) if not hook.url.startswith(RECEIVER_URL)]
    keys = [(each, key) for each in projects for key, _ in gitlab.keys_of(each) if not key.title.startswith(MARK)]
    return Monitor(gitlab, Wanted(), foreign_hooks=hooks, foreign_keys=keys)


def _is_well_after(stage: Stage, faults: ActiveFaults) -> bool:
    """Run once without faults; return whether nothing is left to do, whatever the runs before did."""
    faults.stop()
    click.echo("No more faults are injected.\n")
    _chapter("5. One more run, for what is still wrong.", stage)
    # The objects' own errors do not count here, so 0 says that there is nothing to do.
    return (
        _chapter(
            "6. A last look: nothing may be left to do.",
            stage,
            "--dry-run",
            "--fail-on",
            "never",
            "--drift-exit-code",
            "3",
        )
        == 0
    )


def _exports(environment: Mapping[str, str]) -> str:
    return "\n".join(f"export {name}={value}" for name, value in environment.items())


def _introduction(stage: Stage) -> str:
    faults = f"\n{_described(stage.faults)}\n" if stage.faults else ""
    return (
        "An embedded GitLab and Kubernetes are up, with the sample tenants in them.\n"
        f"The program is run against them with these settings:\n\n{_exports(stage.environment)}\n{faults}"
    )


def _described(faults: ActiveFaults) -> str:
    return f"Fault injection is on: {faults.name} (seed {faults.seed}): {FAULT_PROFILES[faults.name]}."


def _chapter(title: str, stage: Stage, *options: str) -> int:
    """Run the program as a user would, print how many requests GitLab received, and return the exit code."""
    click.secho(title, bold=True)
    click.echo(f"$ {' '.join(('flux-gitlab-syncer', 'run', *options))}\n")
    requests, injected = len(stage.sandbox.gitlab.requests), stage.injected
    done = subprocess.run(
        [sys.executable, "-m", "cronjob", "run", *options],
        # The report is shown; errors are logged as well.
        env={**stage.environment, "SYNCER_LOG_FORMAT": "text", "SYNCER_LOG_LEVEL": "error"},
        check=False,
    )
    seen = stage.sandbox.gitlab.requests[requests:]
    writes = sum(request.method != "GET" for request in seen)
    click.echo(f"\nGitLab saw {len(seen)} requests, {writes} of them writes.")
    if stage.faults:
        click.echo(click.wrap_text(_counted(stage.injected - injected), _WIDTH))
    click.echo(f"Exit code {done.returncode}{_why(done.returncode, stage)}.\n")
    return done.returncode


def _counted(injected: Counter[str]) -> str:
    kinds = ", ".join(f"{count} x {kind}" for kind, count in injected.most_common())
    return f"Faults injected: {injected.total()}{f' ({kinds})' if kinds else ''}."


def _why(code: int, stage: Stage) -> str:
    if code != 1:
        return ""
    return ", for the reasons in the report" if stage.faults else ", because two tenants' objects have errors"


def _what_flux_says(sandbox: Sandbox) -> str:
    """Let Flux reconcile and return the Ready conditions of the GitRepositories."""
    reconcile_flux(sandbox)
    lines = ["Flux looks again:"]
    for item in sandbox.kubernetes.list("GitRepository", NAMESPACE)[:_LISTED]:
        ready = next(each for each in item["status"]["conditions"] if each["type"] == "Ready")
        lines.append(f"  {item['metadata']['name']}: Ready={ready['status']} {ready['reason']}")
    return "\n".join(lines) + "\n"


def _ending(sandbox: Sandbox, monitor: Monitor) -> str:
    docs = sandbox.gitlab.projects_by_path[f"{GROUP}/{CLUSTER}/docs-getting-started"]
    keys = ", ".join(f"`{key.title}`" for key, _ in sandbox.gitlab.keys_of(docs))
    hooks = ", ".join(hook.url for hook in sandbox.gitlab.hooks_of(docs))
    now = f"On docs-getting-started GitLab now has the deploy keys {keys} and the webhook {hooks}."
    checked = f"Each of the {monitor.writes} writes was checked as it happened: "
    return (
        f"{click.wrap_text(now, _WIDTH)}\n{checked}"
        + ("\n".join(monitor.violations) or "what people put there by hand is untouched.")
        + "\n\nNext: `flux-gitlab-syncer sandbox --serve` keeps both servers up for trying things yourself."
    )
