"""
PEM blocks, found by the same rules as Go's `pem.Decode`, since Flux reads private keys with it.

Checked against encoding/pem of Go 1.26: BEGIN and END stand at the start of a line, nothing follows them on their line,
lines end in LF or CRLF, header lines hold a colon, and blanks and tabs inside the base64 are ignored. A block that
breaks a rule is skipped, and the next one counts.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

_BEGIN, _END, _DASHES = b"-----BEGIN ", b"\n-----END ", b"-----"
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_UTF8_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, repr=False)
class PemBlock:
    """One PEM block. *content* may be a private key, so the block has no repr."""

    label: str
    headers: Mapping[str, str]
    content: bytes


def first_pem_block(data: bytes) -> PemBlock | None:
    """The first block that is complete, or None where Go finds none."""
    position = 0
    while (end := data.find(_END, position)) >= 0:
        search_start, position = position, end + len(_END)
        # BEGIN lines without an END are skipped: the last one before this END counts.
        begin = data.rfind(_BEGIN, search_start, end)
        if begin < 0 or (begin > search_start and data[begin - 1] != ord("\n")):
            continue
        first_line, start = _line(data, begin + len(_BEGIN))
        label = first_line.removesuffix(_DASHES)
        if label == first_line:
            continue
        headers, start = _headers(data, start)
        if start > position:
            # The END line has a colon and was read as a header; Go gives up here.
            return None
        content = None if headers and end < start else _content(data[start:end])
        trailer = data[position : position + len(label) + len(_DASHES)]
        rest, _ = _line(data, position + len(trailer))
        if content is not None and trailer == label + _DASHES and not rest:
            return PemBlock(label.decode("latin-1"), headers, content)
    return None


def why_no_pem_block(data: bytes) -> str:
    """Why `first_pem_block` finds none in text that has BEGIN somewhere, as a clause for people."""
    begin, text = data.find(_BEGIN), data.strip()
    is_one_line = b"\n" not in text
    causes = (
        (
            data.startswith(_UTF8_BOM),
            "a byte order mark (BOM) stands before its BEGIN line; save it as UTF-8 without BOM",
        ),
        (is_one_line and b"\r" in text, "its lines end in CR alone; write them with LF"),
        (is_one_line, "it is all in one line; keep its line breaks (in YAML: `identity: |`)"),
        (
            begin > 0 and data[begin - 1] != ord("\n"),
            "its BEGIN line does not begin at the start of a line; remove what stands before it (blanks, quotes)",
        ),
        (b"-----END " not in data[begin:], "its END line is missing, as if it had been cut off"),
        (
            _END not in data[begin:],
            "its END line does not begin at the start of a line; remove what stands before it (blanks, quotes)",
        ),
    )
    damaged = "its BEGIN line, its END line or its base64 is damaged"
    return next((clause for is_the_cause, clause in causes if is_the_cause), damaged)


def _line(data: bytes, start: int) -> tuple[bytes, int]:
    """The line from *start* on, without its end and blanks before that, and where the next line starts."""
    end = data.find(b"\n", start)
    if end < 0:
        return data[start:].rstrip(b" \t"), len(data)
    return data[start:end].removesuffix(b"\r").rstrip(b" \t"), end + 1


def _headers(data: bytes, start: int) -> tuple[dict[str, str], int]:
    """The header lines from *start* on, and where the first other line starts."""
    headers: dict[str, str] = {}
    line, next_start = _line(data, start)
    while b":" in line:
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip()] = value.strip()
        start = next_start
        line, next_start = _line(data, start)
    return headers, start


def _content(text: bytes) -> bytes | None:
    """The decoded base64, or None where it is damaged."""
    characters = text.translate(None, b" \t\r\n")
    return base64.b64decode(characters) if _BASE64.fullmatch(characters) else None
