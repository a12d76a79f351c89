"""What a newcomer at a door may ask: the card, to be let in, and to be forgotten again.

docs/protocol.md section 7.
"""

from __future__ import annotations

import contextlib

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import CardIs, Done, Knock, ReadCard, Withdraw
from alcove_protocol.position import Position
from alcove_protocol.roster import RoomFlag

from alcove_server.client.states import ClientState
from alcove_server.ports.outlet import Close
from alcove_server.requests.requester import Requester
from alcove_server.wire.says import bye


async def read_card(requester: Requester, frame: ReadCard) -> None:
    """Raises `Refusal` (`not_allowed` for another door's, `unknown_door`, `rate_limited`, or what
    closed the door)."""
    assert requester.door is not None  # the state says so
    if frame.door not in (None, requester.door):
        raise Refusal("not_allowed")
    door = await requester.services.store.door(requester.seated.id, requester.door)
    if door is None:
        raise Refusal("unknown_door")
    if door.closed is not None:
        raise Refusal(door.closed)
    if not requester.may_tell(len(door.card)):
        raise Refusal("rate_limited")
    # For whether a facilitator holds the room. From the end, because the first blob of a log may be
    # a commit of 2 MB.
    room = requester.seated
    end = Position(room.generation, room.number)
    page = await requester.services.store.read(room.id, end, 1)
    requester.client.send(CardIs(frame.n, door.card_number, door.card, page.read_only))


async def knock(requester: Requester, frame: Knock) -> None:
    """Raises `Refusal` (`locked`, `rate_limited`, `already_waiting`, `too_many_knocks`, `busy`, or
    what closed the door)."""
    assert requester.door is not None  # the state says so
    room, client = requester.seated, requester.client
    if room.history.roster.flags & RoomFlag.LOCKED:
        raise Refusal("locked")
    if not requester.may_knock():
        raise Refusal("rate_limited")
    try:
        await _take(requester, frame)
    except Refusal as refused:
        if refused.code != "too_many_knocks" or not await _show_out(requester):
            raise
        await _take(requester, frame)
    if client.state is ClientState.AT_DOOR:  # it may have gone, or become a member, meanwhile
        requester.rooms.doorstep.knocked(client, requester.door)
    client.send(Done(frame.n))


async def _take(requester: Requester, frame: Knock) -> None:
    """Raises `Refusal` as `Store.knock`."""
    assert requester.door is not None  # the state says so
    room, client = requester.seated, requester.client
    store = requester.services.store
    payer = requester.payer
    await store.knock(room.id, client.key, requester.door, frame.id, frame.blob, payer)
    requester.rooms.waiting_knocks.add(room.id, client.key, requester.door, client.part)


async def _show_out(requester: Requester) -> bool:
    """Have a knock of the part of the network with the most give way. Return whether there is one.
    Its newcomer is asked to come back later."""
    room, client, waiting = requester.seated, requester.client, requester.rooms.waiting_knocks
    assert requester.door is not None  # the state says so
    key = waiting.giving_way(room.id, requester.door, client.part)
    if key is None:
        return False
    waiting.discard(room.id, key)
    with contextlib.suppress(Refusal):  # it was settled in this moment
        await requester.services.store.withdraw(room.id, key)
    newcomer = room.clients.get(key)
    if newcomer is not None and newcomer.state is ClientState.AT_DOOR:
        requester.services.tally.count("busy")
        newcomer.finish(Close.TRY_AGAIN, bye("busy"))
    return True


async def withdraw(requester: Requester, frame: Withdraw) -> None:
    """Raises `Refusal` (`unknown_knock`)."""
    room, client = requester.seated, requester.client
    await requester.services.store.withdraw(room.id, client.key)
    requester.rooms.doorstep.answered(client)
    client.send(Done(frame.n))
