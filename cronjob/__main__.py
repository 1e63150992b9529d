"""`python -m cronjob`, and the console script."""

from __future__ import annotations

from cronjob.cli import program


def main() -> None:
    """Run the program; it ends the process."""
    program(prog_name="flux-gitlab-syncer")


if __name__ == "__main__":
    main()
