"""The process's exit codes, part of the public interface (README, "Exit codes")."""

from __future__ import annotations

# Unusable settings, a mistyped command line, or a missing extra.
USAGE = 2
