"""
Escape tenants' text for a Markdown comment, so that it cannot mention, link, refer or run a quick action.

GitLab and GitHub look for mentions (`@all`), references (`#1`, `!1`, a commit's digits) and quick actions in the
rendered text, so escaping Markdown or HTML does not prevent them. A code span does: everything that is not an ordinary
word is put into one, and no line starts with tenants' text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from cronjob.output.render.escaping import for_terminal

LONGEST_NAME = 200
_LONGEST_PROSE = 800
_WORD = re.compile(r"(?P<before>[(\"']*)(?P<core>.*?)(?P<after>[)\"',.;:?!]*)", re.DOTALL)
_PLAIN = re.compile(r"(?:[A-Za-z]+(?:['-][A-Za-z]+)*|[0-9]{1,6}(?:\.[0-9]{1,6})*%?)?", re.ASCII)
_TICKS = re.compile("`+")


def cut(text: str, most: int = LONGEST_NAME) -> str:
    """Return *text* cut to *most* characters, with an ellipsis where it was longer."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def code(text: str, most: int = LONGEST_NAME) -> str:
    """Return *text* on one line as a code span, in which no markup is interpreted."""
    shown = cut(for_terminal(text), most).strip()
    if not shown:
        return "(empty)"
    fence = _fence(shown)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def code_in_html(text: str) -> str:
    """Return *text* as a code element, for a line of HTML in which Markdown is not interpreted."""
    return f"<code>{html.escape(cut(for_terminal(text)))}</code>"


def prose(text: str) -> str:
    """Return a sentence with its ordinary words as they are, and everything else or between backticks as code."""
    return "".join(code(piece) if is_code else piece for piece, is_code in _pieces(text))


def prose_in_html(text: str) -> str:
    """Return the same as `prose`, for a line of HTML."""
    return "".join(code_in_html(piece) if is_code else html.escape(piece) for piece, is_code in _pieces(text))


def fenced(command: str) -> str:
    """Return a command as a code block that can be copied, whatever characters it has."""
    shown = for_terminal(command)
    fence = _fence(shown, 3)
    return f"{fence}sh\n{shown}\n{fence}"


def _fence(text: str, least: int = 1) -> str:
    """Return a run of backticks that is longer than any in *text*."""
    return "`" * max(least, 1 + max((len(run) for run in _TICKS.findall(text)), default=0))


def _pieces(text: str) -> list[tuple[str, bool]]:
    """Split the text into pieces, each with whether it is shown as code; neighbouring code is one piece."""
    pieces: list[tuple[str, bool]] = []
    for piece, is_code in _words(cut(for_terminal(text), _LONGEST_PROSE)):
        if is_code and pieces and pieces[-1][1]:
            # Two adjacent code spans would be parsed as one with backticks in it.
            pieces[-1] = (pieces[-1][0] + piece, True)
        elif is_code and len(pieces) > 1 and pieces[-2][1] and pieces[-1][0] == " ":
            pieces[-2:] = [(f"{pieces[-2][0]} {piece}", True)]
        elif piece:
            pieces.append((piece, is_code))
    return pieces


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """
    Yield words, blanks and the text between backticks, each with whether it is shown as code.

    A backtick of a tenant may swap inside and outside; words that are not ordinary are code on both sides.
    """
    parts = text.split("`")
    if len(parts) % 2 == 0:
        # The last backtick is not part of a pair.
        parts[-2:] = ["`".join(parts[-2:])]
    for number, part in enumerate(parts):
        if number % 2:
            yield part, True
        else:
            yield from _plain_words(part)


def _plain_words(text: str) -> Iterator[tuple[str, bool]]:
    for word in re.findall(r"\s+|\S+", text):
        if word.isspace():
            yield " ", False
        elif split := _WORD.fullmatch(word):
            yield split["before"], False
            yield split["core"], not _PLAIN.fullmatch(split["core"])
            yield split["after"], False
