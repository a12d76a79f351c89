"""Benchmarks: what the goals promise, measured where you stand."""
