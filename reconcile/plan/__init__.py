"""The difference between desired and actual state, and whether it may be applied."""
