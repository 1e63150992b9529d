"""The command line. What a command needs is imported when it runs, so that `--help` answers at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import click

from cronjob.options import decorated
from cronjob.sandbox.forecast import WEATHERS
from cronjob.signals import Signals

USAGE = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="flux-gitlab-syncer", prog_name="flux-gitlab-syncer")
def program() -> None:
    """Keep GitLab's deploy keys and webhooks in step with Flux's GitRepositories and Receivers."""


@program.command()
@decorated("run")
def run(**flags: Any) -> None:
    """
    The job: read Flux and GitLab, work out the difference, apply it, report it.

    \b
    Example, an audit that writes nothing:
      GITLAB_TOKEN=... flux-gitlab-syncer run --dry-run --gitlab-url https://gitlab.example.com \\
        --group platform/tenants --cluster prod --receiver-url https://flux-webhook.example.com
    """
    _carry_out("run", flags)


@program.command()
@decorated("retire")
def retire(**flags: Any) -> None:
    """Remove everything that carries this cluster's mark; without --confirm CLUSTER a dry run."""
    _carry_out("retire", flags)


@program.command()
@click.argument("asked", metavar="REPORT.json")
@decorated("undo")
def undo(asked: str, **flags: Any) -> None:
    """
    Put back what a run removed, by its JSON report; without --confirm CLUSTER a dry run.

    A webhook comes back where its Receiver and Secret are still there. What cannot be put back is named.
    """
    _carry_out("undo", flags, asked)


@program.command()
@decorated("check")
def check(**flags: Any) -> None:
    """Is everything there that a run needs: rights, versions, token, roles, addresses. Changes nothing."""
    _carry_out("check", flags)


@program.command()
@click.argument("asked", metavar="NAME|PROJECT|URL")
@decorated("trace")
def trace(asked: str, **flags: Any) -> None:
    """
    One tenant's chain, link by link, from its GitRepository to what is applied: which link is broken, and what mends
    it. Changes nothing.

    \b
    What is asked for may be a GitRepository's name, NAMESPACE/NAME or GitRepository/NAMESPACE/NAME, a project's path
    or id, a Git URL, or the address of a project's page.
    """
    _carry_out("trace", flags, asked)


@program.command()
@click.option("--serve", is_flag=True, help="Keep both servers up, and print the settings for a second terminal.")
@click.option("--tenants", type=click.IntRange(0, 100_000), default=0, help="So many ordinary tenants more.")
@click.option(
    "--latency", type=click.IntRange(0, 60_000), default=0, metavar="MS", help="Milliseconds an answer takes."
)
@click.option("--faults", type=click.Choice(list(WEATHERS)), help="Bad weather between the program and both servers.")
@click.option("--seed", type=int, default=1, metavar="N", help="Another number, other faults; the same, the same ones.")
def sandbox(*, serve: bool, **scene: Any) -> None:
    """An embedded GitLab and Kubernetes with sample tenants, and the job run against them."""
    try:
        from cronjob import story
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed; `pip install 'flux-gitlab-syncer[sandbox]'` installs it."
        click.echo(f"Error: {message}", err=True)
        raise SystemExit(USAGE) from None
    if serve:
        story.serve(story.Scene(**scene))
    elif not story.tell(story.Scene(**scene)):
        raise SystemExit(1)


def _carry_out(command: str, flags: Mapping[str, object], asked: str = "") -> NoReturn:
    # From the first moment: a container's first process is deaf to signals that it does not handle.
    with Signals() as signals:
        from cronjob.calling import called

        code = called(command, flags, signals, asked)
    raise SystemExit(code)
