"""Decisions of one client, without I/O."""
