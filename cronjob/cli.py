"""The command line. What a command needs is imported when it runs, so that `--help` answers at once."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from cronjob.concurrency.signals import Signals
from cronjob.exit_codes import ExitCode
from cronjob.sandbox.faults.names import FAULT_PROFILES
from cronjob.settings.click_options import with_options
from cronjob.settings.help_pages import CommandGroup
from cronjob.settings.values import REPORT_FORMATS

# New objects before the garbage collector looks for cycles among them.
_GC_THRESHOLD = 5_000


def _show_versions(ctx: click.Context, _param: click.Parameter, is_wanted: object) -> None:
    if is_wanted and not ctx.resilient_parsing:
        from cronjob.commands.versions import versions

        for name, version in versions():
            click.echo(f"{name} {version}")
        ctx.exit()


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_versions,
    help="Show the version of the program and of its libraries.",
)
def program() -> None:
    """
    Keep GitLab's deploy keys and webhooks in sync with Flux's GitRepositories and Receivers.

    \b
    Examples:
      # try it without a cluster or a GitLab
      flux-gitlab-syncer sandbox
      # show what would change, then apply exactly that plan
      export SYNCER_CONFIG=settings.yaml
      flux-gitlab-syncer run --dry-run --report json=plan.json
      flux-gitlab-syncer run --expect-plan plan.json
    """


@program.command()
@with_options("run")
def run(**flags: Any) -> None:
    """
    Run the job: read, decide, apply, report.

    Reads GitRepositories, Receivers and the group's projects, finds the deploy keys and webhooks that differ from what
    is wanted, and corrects them. What the program created and nothing wants any more is removed; what others created
    is never changed. With --dry-run nothing is written.

    \b
    Examples:
      # an audit that writes nothing, with all settings on the command line
      GITLAB_TOKEN=... flux-gitlab-syncer run --dry-run --cluster prod \\
        --gitlab-url https://gitlab.example.com --group platform/tenants \\
        --receiver-url https://flux-webhook.example.com
      # review, then apply exactly what was reviewed, with the settings in a file
      export SYNCER_CONFIG=settings.yaml
      flux-gitlab-syncer run --dry-run --report json=plan.json
      flux-gitlab-syncer run --expect-plan plan.json
      # one project only, without removing anything
      flux-gitlab-syncer run --project '**/canary' --no-prune
    """
    _run("run", flags)


@program.command()
@with_options("retire")
def retire(**flags: Any) -> None:
    """
    Remove everything that carries this cluster's mark.

    Without --confirm this is a dry run. It does not read Kubernetes and holds no Lease: suspend the CronJob first.

    \b
    Examples:
      flux-gitlab-syncer retire
      flux-gitlab-syncer retire --confirm prod --report json=retired.json
    """
    _run("retire", flags)


@program.command()
@click.argument("path", metavar="FILE|-")
@click.option("--output", "-o", type=click.Choice(REPORT_FORMATS), default="text", help="The format to print.")
@click.option("--project", "globs", multiple=True, metavar="GLOB", help="Only what concerns these projects.")
def show(path: str, output: str, globs: tuple[str, ...]) -> None:
    """
    Print a saved JSON report in any format.

    Nothing is grouped or cut. It needs no settings and asks no server.

    \b
    Examples:
      flux-gitlab-syncer show report.json
      flux-gitlab-syncer show report.json -o html > report.html
      flux-gitlab-syncer show report.json --project 'platform/shop/*'
    """
    from cronjob.commands.show import show as shown
    from reconcile.errors import SettingsError

    try:
        text = shown(path, output, globs)
    except SettingsError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(ExitCode.USAGE) from None
    click.echo(text, nl=False)


@program.command()
@click.argument("path", metavar="REPORT.json|LOG|-")
@with_options("undo")
def undo(path: str, **flags: Any) -> None:
    """
    Restore what a run removed, from its JSON report or its JSON log.

    Without --confirm this is a dry run. A webhook is restored if its Receiver and Secret still exist. What cannot be
    restored is listed.

    \b
    Examples:
      flux-gitlab-syncer undo report.json
      flux-gitlab-syncer undo report.json --confirm prod
      kubectl logs -n flux-config job/JOB > run.log
      flux-gitlab-syncer undo run.log
    """
    _run("undo", flags, path)


@program.command()
@with_options("check")
def check(**flags: Any) -> None:
    """
    Check everything that a run needs.

    Rights, versions, token, roles, addresses: one line each, with what to do. Changes nothing.

    \b
    Examples:
      flux-gitlab-syncer check
      flux-gitlab-syncer check --dry-run    # what a dry run needs
    """
    _run("check", flags)


@program.command()
@click.argument("target", metavar="NAME|PROJECT|URL")
@with_options("trace")
def trace(target: str, **flags: Any) -> None:
    """
    Trace one tenant, from its GitRepository to what is applied.

    Shows each link, which one is broken, and how to fix it. Changes nothing. The argument is a GitRepository's name,
    NAMESPACE/NAME or GitRepository/NAMESPACE/NAME, a project's path or id, a Git URL, or the address of a project's
    page.

    \b
    Examples:
      flux-gitlab-syncer trace sample-tenant
      flux-gitlab-syncer trace platform/tenants/sample-tenant
    """
    _run("trace", flags, target)


@program.command()
@click.option("--serve", is_flag=True, help="Keep both servers running, and print the settings for a second terminal.")
@click.option("--tenants", type=click.IntRange(0, 100_000), default=0, help="Number of additional ordinary tenants.")
@click.option(
    "--latency", type=click.IntRange(0, 60_000), default=0, metavar="MS", help="Milliseconds that each answer takes."
)
@click.option("--faults", type=click.Choice(list(FAULT_PROFILES)), help="Inject faults at both servers.")
@click.option(
    "--seed", type=int, default=1, metavar="N", help="Seed of the random faults; the same seed injects the same faults."
)
def sandbox(*, serve: bool, **scene: Any) -> None:
    """
    Try the program with an embedded GitLab and Kubernetes.

    They hold sample tenants, and the job runs against them four times. Nothing else is needed, and the program connects
    to nothing else.

    \b
    Examples:
      flux-gitlab-syncer sandbox
      flux-gitlab-syncer sandbox --serve --tenants 1000 --latency 50
      flux-gitlab-syncer sandbox --faults storm --seed 7
    """
    try:
        from cronjob.commands import sandbox_story as story
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed; `pip install aiohttp` installs it."
        click.echo(f"Error: {message}", err=True)
        raise SystemExit(ExitCode.USAGE) from None
    if serve:
        story.serve(story.Scene(**scene))
    elif not story.tell(story.Scene(**scene)):
        raise SystemExit(ExitCode.FAILED)


def _run(command: str, flags: Mapping[str, object], argument: str = "") -> NoReturn:
    # A run makes many objects that it keeps and few cycles; collecting at every 700 objects costs 1 % of its CPU.
    gc.set_threshold(_GC_THRESHOLD)
    # Handle signals from the start: a container's first process ignores those that it does not handle.
    with Signals() as signals:
        from cronjob.commands.dispatch import run_command

        code = run_command(command, flags, signals, argument)
    raise SystemExit(code)
