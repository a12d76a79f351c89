"""What a connection can do before the relay knows whose it is: open a room, and say who it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alcove_protocol import limits
from alcove_protocol.errors import Malformed, Refusal
from alcove_protocol.frames import Authenticate, Authenticated, ConnectionRole, Done, OpenRoom
from alcove_protocol.labels import room_id_of
from alcove_protocol.position import GENERATION_SIZE
from alcove_protocol.statements import Opening, Signed

from alcove_server.ports.outlet import Close
from alcove_server.requests.proof import Claim, claim
from alcove_server.rooms.room import Room, bye
from alcove_server.rooms.roster_history import begin
from alcove_server.session.states import State

if TYPE_CHECKING:
    from alcove_server.session.connection import Connection

_AT_DOORS = 4 * limits.KNOCKS
"""Connections at the doors of one room: those that wait, and some that still read the card."""


class _Removed(Refusal):
    """Of who was put out, by the entry `proof`."""

    def __init__(self, proof: Signed | None) -> None:
        super().__init__("removed")
        self.proof = proof


async def open_room(connection: Connection, frame: OpenRoom) -> None:
    """docs/protocol.md section 6. Raises `Refusal` (`bad_statement`, `rate_limited`,
    `room_exists`, `ended`, `busy`)."""
    signed = Signed(frame.entry, frame.signature)
    try:
        room = room_id_of(Opening.decode(frame.entry).root_key)
        history = begin(signed, room)
    except Malformed:
        raise Refusal("bad_statement") from None
    if connection.place is not None and not connection.place.allowance.open_room():
        raise Refusal("rate_limited")
    relay = connection.relay
    generation = relay.random(GENERATION_SIZE)
    await relay.store.open(room, signed, history.roster.head, generation)
    connection.send(Done(frame.n))


async def authenticate(connection: Connection, frame: Authenticate) -> None:
    """docs/protocol.md section 5. A refusal closes the connection."""
    assert connection.upgrade is not None  # the state says so
    try:
        who = claim(frame, connection.upgrade, connection.nonce)
    except Refusal as refusal:
        connection.refuse(frame.n, refusal)
        connection.finish(Close.REFUSED)
        return
    try:
        if who.role == ConnectionRole.RESEAT:
            await _as_reseater(connection, frame.n, who)
        elif who.role == ConnectionRole.DOOR:
            await _at_door(connection, frame.n, who)
        else:
            await _as_member(connection, frame.n, who)
    except _Removed as removed:
        connection.refuse(frame.n, removed)
        connection.finish(Close.REMOVED, bye("removed", removed.proof))
    except Refusal as refusal:
        if refusal.code == "ended":
            head = await connection.relay.store.head(who.room)
            connection.refuse(frame.n, refusal)
            connection.finish(Close.ENDED, bye("ended", head.ended if head else None))
        else:
            connection.refuse(frame.n, refusal)
            connection.finish(Close.REFUSED)
    finally:
        connection.relay.release(who.room)


async def _as_member(connection: Connection, n: int, who: Claim) -> None:
    hub = await connection.relay.hub(who.room)
    _refuse_removed(hub, who.key)
    if who.key not in hub.history.roster.seats:
        raise Refusal("not_member")
    await _seat(connection, n, who, hub)


def _refuse_removed(hub: Room, key: bytes) -> None:
    if key in hub.history.removed:
        raise _Removed(hub.history.removed[key])


async def _seat(connection: Connection, n: int, who: Claim, hub: Room) -> None:
    connection.enter(State.MEMBER, who.room, who.key, hub)
    connection.send(Authenticated(n, ConnectionRole.MEMBER, False))
    await hub.give(connection, hub.send_welcome)


async def _at_door(connection: Connection, n: int, who: Claim) -> None:
    relay = connection.relay
    assert who.door is not None  # `claim` saw to it
    door = await relay.store.door(who.room, who.door)
    waiting = await relay.store.waiting(who.room, who.key) is not None
    hub = await relay.hub(who.room)  # last: nothing is waited for between its list and `enter`
    _refuse_removed(hub, who.key)
    if door is not None and not who.door_holds(door.key):
        raise Refusal("auth_failed")
    if who.key in hub.history.roster.seats:
        await _seat(connection, n, who, hub)
        return
    if not waiting:
        if door is None:
            raise Refusal("unknown_door")
        if door.closed is not None:
            raise Refusal(door.closed)
        if hub.newcomers() >= _AT_DOORS:
            raise Refusal("too_many_knocks")
    connection.door = who.door
    connection.enter(State.AT_DOOR, who.room, who.key, hub)
    connection.send(Authenticated(n, ConnectionRole.DOOR, waiting))
    await hub.give(connection, hub.send_refusal)


async def _as_reseater(connection: Connection, n: int, who: Claim) -> None:
    head = await connection.relay.store.head(who.room)
    if head is not None and head.ended is not None:
        raise Refusal("ended")
    connection.enter(State.RESEATING, who.room, who.key, None)
    connection.send(Authenticated(n, ConnectionRole.RESEAT, False))
