"""Rooms on Redis, for several nodes: docs/decisions/0012-the-store-door.md."""
