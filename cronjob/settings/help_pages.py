"""The pages that `--help` prints: examples, options under their headings, exit codes, and links to documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from cronjob.exit_codes import ExitCode

# The heading of what belongs to no group.
OTHERS = "More"

EXIT_CODES = {
    str(ExitCode.OK): "in sync, or everything was applied",
    "N": "--drift-exit-code N: a dry run found changes",
    str(ExitCode.FAILED): "something failed, or objects have problems that --fail-on counts",
    str(ExitCode.REFUSED): "the guard refused deletes, or the plan was not the expected one",
    str(ExitCode.LEASE_HELD): "another run held the Lease for too long",
    str(ExitCode.USAGE): "the command line or the settings are wrong; nothing was written",
    f"{ExitCode.SIGINT}, {ExitCode.SIGTERM}": "a signal: no new write began, and the report is printed",
}
_READ_ONLY = {
    str(ExitCode.OK): "nothing is wrong",
    str(ExitCode.FAILED): "something is wrong; it is named, with how to fix it",
    str(ExitCode.USAGE): "the command line or the settings are wrong",
}


def _without(*codes: ExitCode) -> Mapping[str, str]:
    return {code: text for code, text in EXIT_CODES.items() if code not in map(str, codes)}


_CODES: Mapping[str, Mapping[str, str]] = {
    "retire": _without(ExitCode.REFUSED, ExitCode.LEASE_HELD),
    "undo": _without(ExitCode.REFUSED),
    "check": _READ_ONLY,
    "trace": _READ_ONLY,
    "show": {
        str(ExitCode.OK): "the report was printed",
        str(ExitCode.USAGE): "the command line is wrong, or the file is not such a report",
    },
    "sandbox": {
        str(ExitCode.OK): "every step of the story had the expected result",
        str(ExitCode.FAILED): "a step did not",
        str(ExitCode.USAGE): "the command line is wrong",
    },
}
PAGES = {
    "run": "docs/first-run.md, docs/audit.md and docs/incident.md",
    "retire": "docs/moving.md",
    "undo": "docs/incident.md",
    "check": "README.md, under Check first",
    "trace": "docs/trace.md",
    "show": "docs/reports.md",
}


_TOKEN_FLAGS = ("--token", "--gitlab-token", "--private-token")


class GroupedOption(click.Option):
    """An option that the help lists under a heading."""

    def __init__(self, *names: Any, heading: str = OTHERS, **attributes: Any) -> None:
        super().__init__(*names, **attributes)
        self.heading = heading


class CommandWithManual(click.Command):
    """A command whose help is like the page of a manual."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does; a token as a flag gets its own answer, since a similar name would mislead."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name not in _TOKEN_FLAGS:
                raise
            message = (
                "The token is never a flag's value, which other users can see: use --gitlab-token-file or GITLAB_TOKEN."
            )
            raise click.UsageError(message, ctx) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every option under the heading of its group."""
        _write_options(self.get_params(ctx), ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes, and where the documentation is."""
        with formatter.section("Exit codes"):
            formatter.write_dl(list(codes_of(ctx.info_name or "").items()))
        with formatter.section("Documentation"):
            formatter.write_text(f"{PAGES.get(ctx.info_name or '', 'README.md')}, in the source of this version.")


class CommandGroup(click.Group):
    """The program itself: its help lists the commands as they are declared, and how to begin."""

    command_class = CommandWithManual

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Keep the order in which the commands are declared."""
        return sorted(super().list_commands(ctx), key=list(self.commands).index)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command as click does, which suggests similar names; if there are none, list all commands."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            if error.possibilities:
                raise
            raise click.UsageError(f"{error.message} The commands are {', '.join(self.commands)}.", ctx) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands before the options: most options belong to a command."""
        self.format_commands(ctx, formatter)
        _write_options(self.get_params(ctx), ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what applies to every command."""
        with formatter.section("Settings"):
            formatter.write_text(
                "A flag beats its variable, SYNCER_..., which beats the file of --config. "
                f"'{ctx.info_name} run --help' lists them all; --print-config shows every setting and its origin."
            )
        with formatter.section("Shell completion"):
            formatter.write_text(f'eval "$(_FLUX_GITLAB_SYNCER_COMPLETE=bash_source {ctx.info_name})"')
            formatter.write_text("For zsh and fish see README.md.")
        with formatter.section("Documentation"):
            formatter.write_text("README.md and docs/, in the source of this version.")


def codes_of(command: str) -> Mapping[str, str]:
    """The exit codes of *command*, with what each means."""
    return _CODES.get(command, EXIT_CODES)


def _write_options(params: Iterable[click.Parameter], ctx: click.Context, formatter: click.HelpFormatter) -> None:
    headings: dict[str, list[tuple[str, str]]] = {}
    for param in params:
        record = param.get_help_record(ctx)
        # An argument has no record: the text above describes it.
        if record and record[1]:
            headings.setdefault(getattr(param, "heading", OTHERS), []).append(record)
    headings[OTHERS] = headings.pop(OTHERS, [])
    for heading, records in headings.items():
        with formatter.section(heading if len(headings) > 1 else "Options"):
            formatter.write_dl(records)
