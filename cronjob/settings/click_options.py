"""The options for people: on the command line, and in the README."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from cronjob.settings import value_kinds as kinds
from cronjob.settings.help_pages import Flag
from cronjob.settings.option import Group, Option
from cronjob.settings.option_table import OPTIONS, options_of
from cronjob.settings.value_kinds import ValueKind

Function = TypeVar("Function", bound=Callable[..., Any])

# What a shell completes with the names of files.
_FILES = (kinds.PATH, kinds.SECRET_FILE, kinds.CERTIFICATES, kinds.EXPECTED_PLAN)


def decorated(command: str) -> Callable[[Function], Function]:
    """
    A decorator that gives a click command the flags of *command*.

    Every value arrives as text, so that all complaints about it come from one place, and together.
    """

    def decorate(function: Function) -> Function:
        for option in reversed([one for one in options_of(command) if one.flags]):
            function = _click_option(option)(function)
        return function

    return decorate


def _click_option(option: Option) -> Callable[[Function], Function]:
    kind = option.kind
    attributes: dict[str, Any] = {
        "cls": Flag,
        "heading": option.group.value,
        "help": f"{option.help[0].upper()}{option.help[1:]}{_notes(option)}",
    }
    if kind.is_switch:
        attributes |= {"is_flag": True, "default": None}
    else:
        attributes |= {"metavar": kind.metavar, "multiple": kind.several, "shell_complete": _completer(kind)}
    return click.option(*option.flags, option.key, **attributes)


def _completer(kind: ValueKind[Any]) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """What a shell offers for a value: the words there are, names of files, or nothing."""
    words = kind.metavar.split("|") if kind.metavar.islower() else []

    def complete(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[CompletionItem]:
        if kind in _FILES:
            return [CompletionItem(begun, type="file")]
        return [CompletionItem(word) for word in words if word.startswith(begun)]

    return complete


def _notes(option: Option) -> str:
    default = option.default_text
    # `required` is not what the option is without a value.
    noted = default if default.endswith("required") else default and f"default: {default}"
    notes = "; ".join(filter(None, [option.env, noted]))
    return f"  [{notes}]" if notes else ""


def as_markdown() -> str:
    """The README's tables of options, a table for each group."""
    return "\n\n".join(_table(group, [one for one in OPTIONS if one.group is group]) for group in Group)


def _table(group: Group, options: list[Option]) -> str:
    head = [f"**{group.value}**", "", "| option | environment | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(_cells(one))} |" for one in options)])


def _cells(option: Option) -> tuple[str, str, str, str]:
    repeated = " (repeat)" if option.kind.several and option.flags else ""
    commands = " and ".join(f"`{command}`" for command in option.commands)
    only = f" ({commands} only)" if "run" not in option.commands else ""
    return _names(option) + repeated, f"`{option.env}`" if option.env else "", option.default_text, option.help + only


def _names(option: Option) -> str:
    if not option.flags:
        return f"`{option.key}`"
    whole, *short = option.flags
    # A bar would end the cell, even within a code span.
    value = f" {option.kind.metavar}".rstrip().replace("|", "\\|")
    forms = [f"`{form}{value}`" for form in whole.split("/")]
    return ", ".join([" / ".join(forms), *(f"`{form}`" for form in short)])
