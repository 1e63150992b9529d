"""
Text that tenants wrote, in a Markdown comment: shown, and never anything else.

GitLab and GitHub look for mentions (`@all`), references (`#1`, `!1`, a commit's digits) and quick actions in the text
that is left once Markdown is gone, so no escape of Markdown's or HTML's keeps them out. A code span does. Everything
that is not an ordinary word is put into one, and nothing a tenant wrote ever begins a line.
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
    """*text*, with an ellipsis for what is beyond *most* characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def code(text: str, most: int = LONGEST_NAME) -> str:
    """*text* on one line as a code span, in which nothing has a meaning."""
    shown = cut(for_terminal(text), most).strip()
    if not shown:
        return "(empty)"
    fence = _fence(shown)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def code_in_html(text: str) -> str:
    """The same for a line of HTML, such as a summary, in which Markdown is not looked for."""
    return f"<code>{html.escape(cut(for_terminal(text)))}</code>"


def prose(text: str) -> str:
    """A sentence: ordinary words as they are, all else as code; backticks around something make it code too."""
    return "".join(code(piece) if strange else piece for piece, strange in _pieces(text))


def prose_in_html(text: str) -> str:
    """The same for a line of HTML."""
    return "".join(code_in_html(piece) if strange else html.escape(piece) for piece, strange in _pieces(text))


def fenced(command: str) -> str:
    """A command as a block that can be copied, whatever it holds."""
    shown = for_terminal(command)
    fence = _fence(shown, 3)
    return f"{fence}sh\n{shown}\n{fence}"


def _fence(text: str, least: int = 1) -> str:
    """Backticks, more of them than stand together anywhere in *text*."""
    return "`" * max(least, 1 + max((len(run) for run in _TICKS.findall(text)), default=0))


def _pieces(text: str) -> list[tuple[str, bool]]:
    """The text in pieces, and of each whether it is anything but ordinary words; strange words in a row are one."""
    pieces: list[tuple[str, bool]] = []
    for piece, strange in _words(cut(for_terminal(text), _LONGEST_PROSE)):
        if strange and pieces and pieces[-1][1]:
            # Two code spans side by side would be neither.
            pieces[-1] = (pieces[-1][0] + piece, True)
        elif strange and len(pieces) > 1 and pieces[-2][1] and pieces[-1][0] == " ":
            pieces[-2:] = [(f"{pieces[-2][0]} {piece}", True)]
        elif piece:
            pieces.append((piece, strange))
    return pieces


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """
    Words, blanks and what stands between backticks.

    A tenant's backtick may turn inside and outside round: then other words are code, and still all strange ones are.
    """
    parts = text.split("`")
    if len(parts) % 2 == 0:
        # The last backtick has no partner, so it is only a character.
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
