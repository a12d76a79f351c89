"""What a newcomer at a door may ask: the card, to be let in, and to be forgotten again.

docs/protocol.md section 7.
"""

from __future__ import annotations

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import CardIs, Done, Knock, ReadCard, Withdraw
from alcove_protocol.roster import RoomFlag

from alcove_server.client.states import ClientState
from alcove_server.requests.requester import Requester


async def read_card(requester: Requester, frame: ReadCard) -> None:
    """Raises `Refusal` (`unknown_door`, `rate_limited`, or what closed the door)."""
    assert requester.door is not None  # the state says so
    door = await requester.services.store.door(requester.seated.id, requester.door)
    if door is None:
        raise Refusal("unknown_door")
    if door.closed is not None:
        raise Refusal(door.closed)
    if not requester.may_tell(len(door.card)):
        raise Refusal("rate_limited")
    requester.client.send(CardIs(frame.n, door.card_number, door.card))


async def knock(requester: Requester, frame: Knock) -> None:
    """Raises `Refusal` (`locked`, `rate_limited`, `already_waiting`, `too_many_knocks`, `busy`, or
    what closed the door)."""
    assert requester.door is not None  # the state says so
    room, client = requester.seated, requester.client
    if room.history.roster.flags & RoomFlag.LOCKED:
        raise Refusal("locked")
    if not requester.may_knock():
        raise Refusal("rate_limited")
    store = requester.services.store
    await store.knock(room.id, client.key, requester.door, frame.id, frame.blob)
    if client.state is ClientState.AT_DOOR:  # it may have gone, or become a member, meanwhile
        requester.rooms.doorstep.knocked(client, requester.door)
    client.send(Done(frame.n))


async def withdraw(requester: Requester, frame: Withdraw) -> None:
    """Raises `Refusal` (`unknown_knock`)."""
    room, client = requester.seated, requester.client
    await requester.services.store.withdraw(room.id, client.key)
    requester.rooms.doorstep.answered(client)
    client.send(Done(frame.n))
