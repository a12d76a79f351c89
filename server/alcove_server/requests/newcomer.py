"""What a newcomer at a door may ask: the card, to be let in, and to be forgotten again.

docs/protocol.md section 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import CardIs, Done, Knock, ReadCard, Withdraw
from alcove_protocol.roster import RoomFlag

if TYPE_CHECKING:
    from alcove_server.session.connection import Connection


async def read_card(connection: Connection, frame: ReadCard) -> None:
    """Raises `Refusal` (`unknown_door`, or what closed the door)."""
    assert connection.door is not None  # the state says so
    door = await connection.relay.store.door(connection.room, connection.door)
    if door is None:
        raise Refusal("unknown_door")
    if door.closed is not None:
        raise Refusal(door.closed)
    connection.send(CardIs(frame.n, door.card_number, door.card))


async def knock(connection: Connection, frame: Knock) -> None:
    """Raises `Refusal` (`locked`, `rate_limited`, `already_waiting`, `too_many_knocks`, `busy`, or
    what closed the door)."""
    assert connection.door is not None  # the state says so
    hub = connection.seated
    if hub.history.roster.flags & RoomFlag.LOCKED:
        raise Refusal("locked")
    if connection.place is not None and not connection.place.allowance.knock():
        raise Refusal("rate_limited")
    store = connection.relay.store
    await store.knock(connection.room, connection.key, connection.door, frame.id, frame.blob)
    connection.send(Done(frame.n))
    await connection.relay.ring_or_later(connection.room)


async def withdraw(connection: Connection, frame: Withdraw) -> None:
    """Raises `Refusal` (`unknown_knock`)."""
    await connection.relay.store.withdraw(connection.room, connection.key)
    connection.send(Done(frame.n))
    await connection.relay.ring_or_later(connection.room)
