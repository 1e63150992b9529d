"""The options as click's flags, and as the README's tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from cronjob.settings import value_kinds as kinds
from cronjob.settings.help_pages import GroupedOption
from cronjob.settings.option import READERS, Group, Option
from cronjob.settings.option_table import OPTIONS, PLAIN_OUTPUT, options_of
from cronjob.settings.value_kinds import ValueKind

Function = TypeVar("Function", bound=Callable[..., Any])

# Values that a shell completes with the names of files.
_FILES = (kinds.PATH, kinds.SECRET_FILE, kinds.CERTIFICATES, kinds.EXPECTED_PLAN)


def with_options(command: str) -> Callable[[Function], Function]:
    """
    Return a decorator that gives a click command the flags of *command*.

    Values stay text: they are checked together later, so that all complaints are reported at once.
    """

    def decorate(function: Function) -> Function:
        # Decorators apply from the last to the first.
        for option in reversed(options_of(command)):
            function = _click_option(option, command)(function) if option.flags else function
        return function

    return decorate


def _click_option(option: Option, command: str) -> Callable[[Function], Function]:
    kind = PLAIN_OUTPUT if option.key == "output" and command in READERS else option.kind
    attributes: dict[str, Any] = {
        "cls": GroupedOption,
        "heading": option.group.value,
        "help": f"{option.help[0].upper()}{option.help[1:]}{_notes(option)}",
    }
    if kind.is_switch:
        attributes |= {"is_flag": True, "default": None}
    else:
        attributes |= {"metavar": kind.metavar, "multiple": kind.several, "shell_complete": _completer(kind)}
    return click.option(*option.flags, option.key, **attributes)


def _completer(kind: ValueKind[Any]) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Complete a value in a shell: from the words of a choice, with names of files, or not at all."""
    words = kind.metavar.split("|") if kind.metavar.islower() else []

    def complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        if kind in _FILES:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]

    return complete


def _notes(option: Option) -> str:
    default = option.default_text
    # An option that is required has no default.
    note = default if default.endswith("required") else default and f"default: {default}"
    notes = "; ".join(filter(None, [option.env, note]))
    return f"  [{notes}]" if notes else ""


def as_markdown() -> str:
    """Render the README's tables of options, one for each group."""
    return "\n\n".join(_table(group, [option for option in OPTIONS if option.group is group]) for group in Group)


def _table(group: Group, options: list[Option]) -> str:
    head = [f"**{group.value}**", "", "| option | environment | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(_cells(option))} |" for option in options)])


def _cells(option: Option) -> tuple[str, str, str, str]:
    repeated = " (repeat)" if option.kind.several and option.flags else ""
    commands = " and ".join(f"`{command}`" for command in option.commands)
    only = f" ({commands} only)" if "run" not in option.commands else ""
    return _names(option) + repeated, f"`{option.env}`" if option.env else "", option.default_text, option.help + only


def _names(option: Option) -> str:
    if not option.flags:
        return f"`{option.key}`"
    long, *short = option.flags
    # A bar would end the cell, even within a code span.
    value = f" {option.kind.metavar}".rstrip().replace("|", "\\|")
    forms = [f"`{form}{value}`" for form in long.split("/")]
    return ", ".join([" / ".join(forms), *(f"`{form}`" for form in short)])
