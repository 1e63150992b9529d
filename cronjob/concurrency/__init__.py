"""Worker threads, and what stops them: signals, deadlines, timeouts."""
