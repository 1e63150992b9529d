"""PEM as Go's `pem.Decode` reads it: what Flux finds no key in is unusable here too, and the other way round."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cronjob.flux.pem import PemBlock, first_pem_block
from cronjob.flux.private_keys import public_key_from_private
from tests.worlds.go import ask_go
from tests.worlds.key_samples import ED25519, KEYS, OPENSSH, PKCS8, public_of, reason_of, written

KEY = written(ED25519, OPENSSH)
LINES = KEY.splitlines()
BEGIN, *BODY, END = LINES
PKCS8_KEY = written(ED25519, PKCS8)


def joined(*lines: bytes, end: bytes = b"\n") -> bytes:
    return b"".join(line + end for line in lines)


# Each was given to Go 1.26.8.
READ_BY_GO = {
    "as ssh-keygen writes it": KEY,
    "CRLF line ends": KEY.replace(b"\n", b"\r\n"),
    "no final newline": KEY.rstrip(b"\n"),
    "an empty first line": b"\n" + KEY,
    "empty lines at the end": KEY + b"\n\n",
    "indented base64": joined(BEGIN, *(b"  " + line for line in BODY), END),
    "tabs and blanks at the ends of lines": joined(*(line + b" \t" for line in LINES)),
    "an empty line after BEGIN": joined(BEGIN, b"", *BODY, END),
    "all base64 in one line": joined(BEGIN, b"".join(BODY), END),
    "a comment before BEGIN": b"# the tenant's key\n" + KEY,
    "the public key before BEGIN": public_of(ED25519).text.encode() + b"\n" + KEY,
    "text on a line after END": KEY + b"the end\n",
    "a second key behind it": KEY + written(KEYS["p256"], OPENSSH),
    "an unfinished BEGIN line in front": b"-----BEGIN RSA PRIVATE KEY-----\n" + KEY,
    "a damaged block in front": joined(b"-----BEGIN A-----", b"AAA", b"-----END A-----") + KEY,
    "PKCS#8 with a header line": PKCS8_KEY.replace(b"-----\n", b"-----\nComment: x\n\n", 1),
}
NOT_READ_BY_GO = {
    "all in one line": b"".join(LINES),
    "all in one line, with blanks": b" ".join(LINES),
    "PKCS#8 in one line": PKCS8_KEY.replace(b"\n", b""),
    "every line indented": joined(*(b"  " + line for line in LINES)),
    "a blank before BEGIN": b" " + KEY,
    "a tab before BEGIN": b"\t" + KEY,
    "a byte order mark": b"\xef\xbb\xbf" + KEY,
    "a quote before BEGIN": b'"' + KEY + b'"',
    "a YAML key before BEGIN": b"key: " + KEY,
    "END indented": joined(BEGIN, *BODY, b"  " + END),
    "text behind END": joined(BEGIN, *BODY, END + b" the end"),
    "old Mac line ends": KEY.replace(b"\n", b"\r"),
    "a lone CR as the last line end": KEY.rstrip(b"\n") + b"\r",
    "END one dash short": joined(BEGIN, *BODY, END[:-1]),
    "no END": joined(BEGIN, *BODY),
    "another label in END": joined(BEGIN, *BODY, b"-----END RSA PRIVATE KEY-----"),
    "BEGIN in lower case": KEY.replace(b"BEGIN", b"begin"),
    "BEGIN with four dashes": KEY[1:],
    "a character that is not base64": joined(BEGIN, b"!" + BODY[0], *BODY[1:], END),
    "an END line with a colon": joined(b"-----BEGIN A:-----", b"-----END A:-----") + KEY,
}


@pytest.mark.parametrize("shape", READ_BY_GO)
def test_a_shape_that_go_reads_gives_the_public_key(shape: str) -> None:
    assert public_key_from_private(READ_BY_GO[shape], None) == public_of(ED25519)


@pytest.mark.parametrize("shape", NOT_READ_BY_GO)
def test_a_shape_in_which_go_finds_nothing_is_unusable(shape: str) -> None:
    assert first_pem_block(NOT_READ_BY_GO[shape]) is None
    assert reason_of(NOT_READ_BY_GO[shape])


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ("all in one line", "all in one line"),
        ("every line indented", "its BEGIN line does not begin at the start of a line"),
        ("a byte order mark", "byte order mark (BOM)"),
        ("a quote before BEGIN", "its BEGIN line does not begin at the start of a line"),
        ("END indented", "its END line does not begin at the start of a line"),
        ("old Mac line ends", "its lines end in CR alone"),
        ("no END", "its END line is missing"),
        ("END one dash short", "its BEGIN line, its END line or its base64 is damaged"),
    ],
)
def test_the_reason_names_what_go_stumbles_over(shape: str, reason: str) -> None:
    reason_given = reason_of(NOT_READ_BY_GO[shape])

    assert reason_given.startswith("Flux finds no key in it: ")
    assert reason in reason_given


def verdicts_of_go(texts: Sequence[bytes], folder: Path) -> list[Any]:
    """What Go's own `pem.Decode` finds in each text: label, number of headers and content, or None."""
    answer = ask_go(folder, GO_PROGRAM, [base64.b64encode(text).decode() for text in texts])
    return [verdict and (verdict["Type"], verdict["Headers"], verdict["Bytes"]) for verdict in answer]


# Strings in Go's JSON are base64, as []byte is written.
GO_PROGRAM = """
package main

import (
	"encoding/json"
	"encoding/pem"
	"os"
)

type verdict struct {
	Type    []byte
	Headers int
	Bytes   []byte
}

func main() {
	var texts [][]byte
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		panic(err)
	}
	verdicts := []*verdict{}
	for _, text := range texts {
		var found *verdict
		if block, _ := pem.Decode(text); block != nil {
			found = &verdict{[]byte(block.Type), len(block.Headers), block.Bytes}
		}
		verdicts = append(verdicts, found)
	}
	json.NewEncoder(os.Stdout).Encode(verdicts)
}
"""


def in_gos_words(block: PemBlock | None) -> Any:
    if block is None:
        return None
    return (
        base64.b64encode(block.label.encode("latin-1")).decode(),
        len(block.headers),
        base64.b64encode(block.content).decode(),
    )


def variants() -> list[bytes]:
    """A text of two blocks with a fragment put in or bytes cut out at every place."""
    first = b"-----BEGIN A-----\nX: y\n\nAAAA\nAA==\n-----END A-----\n"
    text = b"text\n" + first + b"rest\n-----BEGIN B-----\nBBBB\n-----END B-----\n"
    fragments = [b"", b"\n", b"\r", b"\r\n", b" ", b":", b"-", b"=", b"-----BEGIN ", b"\n-----END ", b"-----", b"\xff"]
    return [
        text[:place] + fragment + text[place + removed :]
        for place in range(len(text) + 1)
        for fragment in fragments
        for removed in (0, 1, 6)
    ]


def test_go_itself_agrees(tmp_path: Path) -> None:
    texts = [*READ_BY_GO.values(), *NOT_READ_BY_GO.values(), *variants()]

    ours = [in_gos_words(first_pem_block(text)) for text in texts]

    assert ours == verdicts_of_go(texts, tmp_path)
    assert sum(verdict is None for verdict in ours) > len(NOT_READ_BY_GO)
