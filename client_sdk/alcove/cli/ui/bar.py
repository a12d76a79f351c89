"""The words of the top line, of the bottom line, and of the empty input."""

from typing import Final

from alcove.cli import words
from alcove.cli.room_view import RoomView
from alcove.events import ConnectionState, RoomState

_KEYS: Final = "Ctrl+X or Esc Esc quick exit · /help · Enter send · PgUp scroll"
_INVITE_KEY: Final = " · F2 invite"
WIDE: Final = 72
"""Columns of a screen that has a panel beside the conversation."""


def state_in_short(view: RoomView, width: int, unanswered: int = 0) -> str:
    """Return how the connection and the room are, for a screen of `width` columns. `unanswered` are
    the seconds that a silent relay has not answered."""
    connection = words.CONNECTING_SHORT
    if view.connection is not None:
        connection = words.CONNECTION_SHORT[view.connection].format(unanswered)
    if view.moving:
        connection = words.MOVING_SHORT
    where = words.ROOM_SHORT[view.state or RoomState.OPEN]
    if view.state is RoomState.NOT_HEARD and view.hears_facilitator:
        where = words.UNCONFIRMED_SHORT
    if view.lacks_facilitators:
        where = words.TOO_FEW_SHORT
    if view.held and view.state in (None, RoomState.OPEN):
        where = words.HELD_SHORT
    if not view.joined:
        where = "waiting to be let in" if view.knocked else "not in yet"
    if view.outside:
        where = words.OUTSIDE_SHORT
    well = connection == words.CONNECTION_SHORT[ConnectionState.CONNECTED]
    if not well and (width < WIDE or where == words.ROOM_SHORT[RoomState.OPEN]):
        # What is wrong comes first, where both have no room. And no relay says now that it is open.
        return connection
    return f"{connection} · {where}" if width >= WIDE else where


def keys(*, facilitates: bool) -> str:
    """Return the keys that work while a person types. The quick exit comes first, because a narrow
    screen cuts the end."""
    return _KEYS + (_INVITE_KEY if facilitates else "")


def empty_input(view: RoomView, *, facilitates: bool) -> str:
    """Return what stands in the input while nothing is typed."""
    if view.outside:
        return words.OUTSIDE
    if not view.joined:
        return words.NOT_IN
    if not view.only_reads(facilitates=facilitates):
        return words.SAY
    return words.HELD if view.held else words.PAUSED if view.paused else words.LISTENING
