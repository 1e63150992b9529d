"""Flux's controllers as far as their status matters to this program."""
