"""Waiting for an event of a room, with a time cap."""

import asyncio
from typing import Final, TypeVar

import alcove

WITHIN: Final = 60.0
"""Seconds. Only a defect takes so long."""

E = TypeVar("E", bound=alcove.Event)


async def until(room: alcove.Room, kind: type[E]) -> E:
    """The next event of this type. Those before it are passed over."""
    async with asyncio.timeout(WITHIN):
        async for event in room:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"the room closed before a {kind.__name__}")
