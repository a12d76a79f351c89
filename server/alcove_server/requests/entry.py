"""A client proves its key and enters: as a member, at a door, or to restore a room.

docs/protocol.md section 5. A refusal closes the connection.
"""

from __future__ import annotations

from functools import partial

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import Authenticate, Authenticated, Bye, ConnectionRole
from alcove_protocol.statements import Signed

from alcove_server.client.client import Client
from alcove_server.client.states import ClientState
from alcove_server.ports.outlet import Close
from alcove_server.requests.proof import Claim, claim
from alcove_server.requests.requester import Requester
from alcove_server.rooms.room import LocalRoom
from alcove_server.wire import fast_out
from alcove_server.wire.says import away, bye, item_frame


class _Removed(Refusal):
    """The key was removed from the list, by the entry `proof`."""

    def __init__(self, proof: Signed | None) -> None:
        super().__init__("removed")
        self.proof = proof


async def authenticate(requester: Requester, frame: Authenticate) -> None:
    """Answer the proof. Refusals are answered here too, because each closes the connection."""
    assert requester.upgrade is not None  # the state says so
    try:
        claimed = claim(frame, requester.upgrade, requester.nonce)
    except Refusal as refusal:
        _turn_away(requester, frame.n, refusal, Close.REFUSED)
        return
    try:
        await _enter(requester, frame.n, claimed)
    except _Removed as removed:
        reason = bye("removed", removed.proof)
        _turn_away(requester, frame.n, removed, Close.REMOVED, reason)
    except Refusal as refusal:
        close, end = Close.REFUSED, None
        if refusal.code == "ended":
            head = await requester.services.store.head(claimed.room)
            close, end = Close.ENDED, bye("ended", head.ended if head else None)
            if head is not None and head.ended is not None:
                requester.client.generation = head.generation
        elif refusal.code == "unavailable":
            close, end = Close.TRY_AGAIN, away(requester.services.away_delay())
        _turn_away(requester, frame.n, refusal, close, end)
    finally:
        requester.rooms.release(claimed.room)


def _turn_away(
    requester: Requester, n: int, refusal: Refusal, close: int, reason: Bye | None = None
) -> None:
    requester.services.tally.count(refusal.code)
    requester.client.refuse(n, refusal)
    requester.client.finish(close, reason)


async def _enter(requester: Requester, n: int, claimed: Claim) -> None:
    if claimed.role == ConnectionRole.RESEAT:
        await _to_restore(requester, n, claimed)
    elif claimed.role == ConnectionRole.DOOR:
        await _at_door(requester, n, claimed)
    elif claimed.role == ConnectionRole.STANDBY:
        await _as_standby(requester, n, claimed)
    elif claimed.role == ConnectionRole.AWAY:
        await _as_member(requester, n, claimed, away=True)
    else:
        await _as_member(requester, n, claimed)


async def _as_member(requester: Requester, n: int, claimed: Claim, *, away: bool = False) -> None:
    """Who comes back in role `away` and is on the list is a member, as after any connection."""
    head = await requester.services.store.head(claimed.room)
    room = await requester.rooms.load(claimed.room, head, requester.client.part)
    requester.client.generation = room.generation
    _refuse_removed(room, claimed.key)
    if room.history.roster.is_member(claimed.key):
        await _seat(requester, n, claimed, room)
    elif away and room.away.may_return(claimed.key):
        requester.authenticated(ClientState.AWAY, claimed.room, claimed.key, room)
        requester.client.send(Authenticated(n, ConnectionRole.AWAY, False))
    else:
        raise Refusal("not_member")


async def _as_standby(requester: Requester, n: int, claimed: Claim) -> None:
    """A key of the standby: the link's, or one that enters by it. One that was listed as a
    facilitator meanwhile is told that it is a member."""
    head = await requester.services.store.head(claimed.room)
    room = await requester.rooms.load(claimed.room, head, requester.client.part)
    requester.client.generation = room.generation
    _refuse_removed(room, claimed.key)
    if room.history.roster.is_facilitator(claimed.key):
        await _seat(requester, n, claimed, room)
        return
    if claimed.key not in room.history.roster.standbys():
        raise Refusal("not_member")
    requester.authenticated(ClientState.STANDBY, claimed.room, claimed.key, room)
    requester.client.send(Authenticated(n, ConnectionRole.STANDBY, False))


def _refuse_removed(room: LocalRoom, key: bytes) -> None:
    if key in room.history.removed:
        raise _Removed(room.history.removed[key])


async def _seat(requester: Requester, n: int, claimed: Claim, room: LocalRoom) -> None:
    requester.authenticated(ClientState.MEMBER, claimed.room, claimed.key, room)
    requester.client.send(Authenticated(n, ConnectionRole.MEMBER, False))
    await room.give(requester.client, room.send_welcome)


async def _at_door(requester: Requester, n: int, claimed: Claim) -> None:
    assert claimed.door is not None  # `claim` saw to it
    found = await requester.services.store.at_door(claimed.room, claimed.door, claimed.key)
    door, waiting = found.door, found.waiting
    # Last, because the room's list must not change before the client is `authenticated`.
    room = await requester.rooms.load(claimed.room, found.head, requester.client.part)
    requester.client.generation = room.generation
    _refuse_removed(room, claimed.key)
    if door is not None and not claimed.door_holds(door.key):
        raise Refusal("auth_failed")
    if room.history.roster.is_member(claimed.key):
        await _seat(requester, n, claimed, room)
        return
    if not waiting:
        if door is None:
            # Who brought the room back may not know the doors, which their facilitators put again.
            gone = claimed.door in room.history.revoked
            known = gone or await requester.services.store.unsettled(room.id) is None
            raise Refusal("unknown_door" if known else "unsettled")
        if door.closed is not None:
            raise Refusal(door.closed)
        requester.rooms.doorstep.make_room(room.id, claimed.door, requester.client.part)
    requester.door = claimed.door
    requester.authenticated(ClientState.AT_DOOR, claimed.room, claimed.key, room)
    if requester.client.state is ClientState.AT_DOOR:  # it may have gone meanwhile
        doorstep = requester.rooms.doorstep
        (doorstep.knocked if waiting else doorstep.stand)(requester.client, claimed.door)
    requester.client.send(Authenticated(n, ConnectionRole.DOOR, waiting))
    if waiting:
        await room.give(requester.client, partial(_send_talk, requester))
    await room.give(requester.client, room.send_refusal)


async def _send_talk(requester: Requester, newcomer: Client) -> None:
    """Send again what was said to a newcomer who waits: it may have missed some."""
    page = await requester.services.store.talk_to(requester.seated.id, newcomer.key)
    for item in page.items:
        newcomer.send_framed(fast_out.framed(item_frame(item, page.now).to_bytes()))


async def _to_restore(requester: Requester, n: int, claimed: Claim) -> None:
    requester.authenticated(ClientState.RESTORING, claimed.room, claimed.key, None)
    requester.client.send(Authenticated(n, ConnectionRole.RESEAT, False))
