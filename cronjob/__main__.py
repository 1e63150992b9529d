"""`python -m cronjob`, and the console script."""

from __future__ import annotations

import io
import sys

from cronjob.cli import program


def main() -> None:
    """Run the program; it ends the process."""
    for stream in (sys.stdout, sys.stderr):
        # A locale without `…` or a tenant's umlaut must not cost the report.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    program(prog_name="flux-gitlab-syncer")


if __name__ == "__main__":
    main()
