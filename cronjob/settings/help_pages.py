"""The pages that `--help` prints: examples, options under their headings, exit codes, and where more is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

OTHERS = "More"

EXIT_CODES = {
    "0": "in sync, or everything was applied",
    "N": "--drift-exit-code N: a dry run found changes",
    "1": "something failed, or objects have problems that --fail-on counts",
    "4": "the guard refused deletes, or the plan was not the expected one",
    "5": "another run held the Lease for too long",
    "2": "the command line or the settings are wrong; nothing was written",
    "130, 143": "a signal: no new write began, and the report is printed",
}
_LOOKING = {
    "0": "nothing is wrong",
    "1": "something is; it is named, with what mends it",
    "2": "the command line or the settings are wrong",
}
_CODES: Mapping[str, Mapping[str, str]] = {
    "retire": {code: text for code, text in EXIT_CODES.items() if code not in {"4", "5"}},
    "undo": {code: text for code, text in EXIT_CODES.items() if code != "4"},
    "check": _LOOKING,
    "trace": _LOOKING,
    "sandbox": {"0": "the story ended as it should", "1": "it did not", "2": "the command line is wrong"},
}
PAGES = {
    "run": "docs/first-run.md, docs/audit.md and docs/incident.md",
    "retire": "docs/moving.md",
    "undo": "docs/incident.md",
    "check": "README.md, under Check first",
    "trace": "docs/trace.md",
}


class Flag(click.Option):
    """An option that stands under a heading."""

    def __init__(self, *names: Any, heading: str = OTHERS, **attributes: Any) -> None:
        super().__init__(*names, **attributes)
        self.heading = heading


class Manual(click.Command):
    """A command whose help is the page of a manual."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every option, under the heading of what it is about."""
        _write_options(self.get_params(ctx), ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Exit codes, and where more is written."""
        with formatter.section("Exit codes"):
            formatter.write_dl(list(codes_of(ctx.info_name or "").items()))
        with formatter.section("Documentation"):
            formatter.write_text(f"{PAGES.get(ctx.info_name or '', 'README.md')}, in the source of this version.")


class CommandGroup(click.Group):
    """The program itself: its commands in the order in which they are declared, and a way in."""

    command_class = Manual

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the source."""
        return sorted(super().list_commands(ctx), key=list(self.commands).index)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, which names commands that are spelt alike; where there are none, all are named."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            if error.possibilities:
                raise
            raise click.UsageError(f"{error.message} The commands are {', '.join(self.commands)}.", ctx) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Commands first: each has options of its own."""
        self.format_commands(ctx, formatter)
        _write_options(self.get_params(ctx), ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What holds for every command."""
        with formatter.section("Settings"):
            formatter.write_text(
                "A flag beats its variable, SYNCER_..., which beats the file of --config. "
                f"'{ctx.info_name} run --help' lists them all; --print-config shows what is set, and where."
            )
        with formatter.section("Shell completion"):
            formatter.write_text(f'eval "$(_FLUX_GITLAB_SYNCER_COMPLETE=bash_source {ctx.info_name})"')
            formatter.write_text("For zsh and fish see README.md.")
        with formatter.section("Documentation"):
            formatter.write_text("README.md and docs/, in the source of this version.")


def codes_of(command: str) -> Mapping[str, str]:
    """What *command* exits with, and what that means."""
    return _CODES.get(command, EXIT_CODES)


def _write_options(params: Iterable[click.Parameter], ctx: click.Context, formatter: click.HelpFormatter) -> None:
    headings: dict[str, list[tuple[str, str]]] = {}
    for one in params:
        record = one.get_help_record(ctx)
        # An argument is told of in the text above.
        if record and record[1]:
            headings.setdefault(getattr(one, "heading", OTHERS), []).append(record)
    headings[OTHERS] = headings.pop(OTHERS, [])
    for heading, records in headings.items():
        with formatter.section(heading if len(headings) > 1 else "Options"):
            formatter.write_dl(records)
