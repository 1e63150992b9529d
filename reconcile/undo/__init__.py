"""Putting back what an earlier run deleted."""
