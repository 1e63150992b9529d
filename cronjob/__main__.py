"""Start the program: `python -m cronjob`, and the console script."""

from __future__ import annotations

import io
import os
import sys

from cronjob.cli import program


def main() -> None:
    """Run the program; it ends the process."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # A locale that has no `…` or no umlauts must not stop the report.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    program(prog_name="flux-gitlab-syncer")


def _open_closed_streams() -> None:
    """Open a stdout or stderr that the caller has closed (`>&-`), which Python sets to None; its text is discarded."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


if __name__ == "__main__":
    main()
