"""The preflight: is everything there that a run needs? Nothing is changed by it."""
