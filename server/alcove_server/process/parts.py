"""What each of several workers is given of the limits."""

from __future__ import annotations

from alcove_server.settings import Settings


def part_of(settings: Settings, number: int) -> Settings:
    """The settings of one worker, from 1: its part of the connections, and a port of its own for
    health. `serving` divides rates and memory."""
    parts = settings.workers
    host, _, own = settings.management.rpartition(":")
    return settings.model_copy(
        update={
            "connections": max(1, settings.connections // parts),
            "connections_per_prefix": max(1, settings.connections_per_prefix // parts),
            "management": f"{host}:{int(own) + number - 1}" if host else "",
        }
    )
