"""Benchmarks: this program, alone and beside others."""
