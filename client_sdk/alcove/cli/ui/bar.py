"""The words of the top line."""

from typing import Final

from alcove.cli import words
from alcove.cli.room_view import RoomView
from alcove.events import ConnectionState, RoomState

WIDE: Final = 72
"""Columns of a screen that has a panel beside the conversation."""


def state_in_short(view: RoomView, width: int) -> str:
    """Return how the connection and the room are, for a screen of `width` columns."""
    connection = words.CONNECTING_SHORT
    if view.connection is not None:
        connection = words.CONNECTION_SHORT[view.connection]
    where = words.ROOM_SHORT[view.state or RoomState.OPEN]
    if not view.joined:
        where = "waiting to be let in" if view.knocked else "not in yet"
    if width >= WIDE:
        return f"{connection} · {where}"
    # What is wrong comes first, where both have no room.
    well = connection == words.CONNECTION_SHORT[ConnectionState.CONNECTED]
    return where if well or view.knocked else connection
