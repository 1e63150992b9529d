"""Fault injection for both embedded servers."""
