"""Waiting for something to happen in a room, with a time cap."""

import asyncio
from typing import Final, TypeVar

import alcove

WITHIN: Final = 60.0
"""Seconds. Far beyond what anything takes: only a defect waits so long."""

E = TypeVar("E", bound=alcove.Event)


async def until(room: alcove.Room, kind: type[E]) -> E:
    """The next event of this type; those before it are passed over."""
    async with asyncio.timeout(WITHIN):
        async for event in room:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"the room closed before a {kind.__name__}")
