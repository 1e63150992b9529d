"""The preflight check: tell whether everything that a run needs is in place. It changes nothing."""
