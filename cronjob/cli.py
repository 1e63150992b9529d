"""The command line. What a command needs is imported when it runs, so that `--help` answers at once."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from cronjob.concurrency.signals import Signals
from cronjob.exit_codes import ExitCode
from cronjob.sandbox.faults.names import FAULT_PROFILES
from cronjob.settings.click_options import decorated
from cronjob.settings.help_pages import CommandGroup

# So many new things before cycles are looked for among them.
_YOUNG = 5_000


def _show_versions(ctx: click.Context, _param: click.Parameter, wanted: object) -> None:
    if wanted and not ctx.resilient_parsing:
        from cronjob.commands.versions import versions

        for name, version in versions():
            click.echo(f"{name} {version}")
        ctx.exit()


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_versions, help="What runs here."
)
def program() -> None:
    """
    Keep GitLab's deploy keys and webhooks in step with Flux's GitRepositories and Receivers.

    \b
    Examples:
      # try it: neither a cluster nor a GitLab is needed
      flux-gitlab-syncer sandbox
      # what would be done? then exactly that, or nothing
      export SYNCER_CONFIG=settings.yaml
      flux-gitlab-syncer run --dry-run --report json=plan.json
      flux-gitlab-syncer run --expect-plan plan.json
    """


@program.command()
@decorated("run")
def run(**flags: Any) -> None:
    """
    The job: read, decide, apply, report.

    Reads GitRepositories, Receivers and the group's projects, works out which deploy keys and webhooks differ from
    what is wanted, and corrects that. What it made and nobody wants any more is removed; what others made is never
    touched. With --dry-run nothing is written.

    \b
    Examples:
      # an audit that writes nothing, with everything on the command line
      GITLAB_TOKEN=... flux-gitlab-syncer run --dry-run --cluster prod \\
        --gitlab-url https://gitlab.example.com --group platform/tenants \\
        --receiver-url https://flux-webhook.example.com
      # review, then apply exactly what was reviewed; the settings are in a file
      export SYNCER_CONFIG=settings.yaml
      flux-gitlab-syncer run --dry-run --report json=plan.json
      flux-gitlab-syncer run --expect-plan plan.json
      # one project only, and nothing is removed
      flux-gitlab-syncer run --project '**/canary' --no-prune
    """
    _carry_out("run", flags)


@program.command()
@decorated("retire")
def retire(**flags: Any) -> None:
    """
    Remove everything that carries this cluster's mark.

    Without --confirm it is a dry run. It does not ask Kubernetes and takes no Lease: suspend the CronJob first.

    \b
    Examples:
      flux-gitlab-syncer retire
      flux-gitlab-syncer retire --confirm prod --report json=retired.json
    """
    _carry_out("retire", flags)


@program.command()
@click.argument("asked", metavar="REPORT.json")
@decorated("undo")
def undo(asked: str, **flags: Any) -> None:
    """
    Put back what a run removed, by its JSON report.

    Without --confirm it is a dry run. A webhook comes back where its Receiver and Secret are still there. What cannot
    be put back is named.

    \b
    Examples:
      flux-gitlab-syncer undo report.json
      flux-gitlab-syncer undo report.json --confirm prod
    """
    _carry_out("undo", flags, asked)


@program.command()
@decorated("check")
def check(**flags: Any) -> None:
    """
    See that all is there that a run needs.

    Rights, versions, token, roles, addresses: one line each, with what to do. Changes nothing.

    \b
    Examples:
      flux-gitlab-syncer check
      flux-gitlab-syncer check --dry-run    # what a dry run needs
    """
    _carry_out("check", flags)


@program.command()
@click.argument("asked", metavar="NAME|PROJECT|URL")
@decorated("trace")
def trace(asked: str, **flags: Any) -> None:
    """
    Follow one tenant, from its GitRepository to what is applied.

    Link by link: which one is broken, and what mends it. Changes nothing. What is asked for may be a GitRepository's
    name, NAMESPACE/NAME or GitRepository/NAMESPACE/NAME, a project's path or id, a Git URL, or the address of a
    project's page.

    \b
    Examples:
      flux-gitlab-syncer trace sample-tenant
      flux-gitlab-syncer trace platform/tenants/sample-tenant
    """
    _carry_out("trace", flags, asked)


@program.command()
@click.option("--serve", is_flag=True, help="Keep both servers up, and print the settings for a second terminal.")
@click.option("--tenants", type=click.IntRange(0, 100_000), default=0, help="So many ordinary tenants more.")
@click.option(
    "--latency", type=click.IntRange(0, 60_000), default=0, metavar="MS", help="Milliseconds an answer takes."
)
@click.option("--faults", type=click.Choice(list(FAULT_PROFILES)), help="Inject faults at both servers.")
@click.option("--seed", type=int, default=1, metavar="N", help="Another number, other faults; the same, the same ones.")
def sandbox(*, serve: bool, **scene: Any) -> None:
    """
    Try it: an embedded GitLab and Kubernetes.

    They hold sample tenants, and the job is run against them four times. Nothing else is needed, and nothing else is
    connected to.

    \b
    Examples:
      flux-gitlab-syncer sandbox
      flux-gitlab-syncer sandbox --serve --tenants 1000 --latency 50
      flux-gitlab-syncer sandbox --faults storm --seed 7
    """
    try:
        from cronjob.commands import sandbox_story as story
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed; `pip install 'flux-gitlab-syncer[sandbox]'` installs it."
        click.echo(f"Error: {message}", err=True)
        raise SystemExit(ExitCode.USAGE) from None
    if serve:
        story.serve(story.Scene(**scene))
    elif not story.tell(story.Scene(**scene)):
        raise SystemExit(ExitCode.FAILED)


def _carry_out(command: str, flags: Mapping[str, object], query: str = "") -> NoReturn:
    # A run makes many things that it keeps and few cycles; looking for these every 700 things costs 1 % of its CPU.
    gc.set_threshold(_YOUNG)
    # From the first moment: a container's first process is deaf to signals that it does not handle.
    with Signals() as signals:
        from cronjob.commands.dispatch import run_command

        code = run_command(command, flags, signals, query)
    raise SystemExit(code)
