"""Options from flags, environment and file, checked and typed."""
