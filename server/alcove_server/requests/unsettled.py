"""Whether a room's log, which a client brought back, is settled. docs/protocol.md section 9."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from alcove_protocol.errors import Refusal
from alcove_protocol.roster import Roster
from alcove_protocol.statements import Signed

from alcove_server.requests.requester import Requester
from alcove_server.rooms import settling
from alcove_server.rooms.room import LocalRoom
from alcove_server.rooms.settling import RosterAt
from alcove_server.store.interface import Unsettled

_MEMBERS_A_STEP: Final = 16.0
"""Members on the list for whose votes counting takes one step (`ports.turn`)."""


def roster_at(requester: Requester, chain: Sequence[Signed], room: bytes) -> RosterAt:
    """The list after each entry of a chain that was verified before."""

    async def at(counter: int) -> Roster:
        known = chain[: counter + 1]
        breathe = requester.services.runner.breathe
        history = await requester.rooms.verifier.verify(known, room, breathe, requester.client.part)
        return history.roster

    return at


async def look(requester: Requester) -> Unsettled | None:
    """The votes while the log is unsettled, or None. A log that is settled stays so."""
    room, store = requester.seated, requester.services.store
    if room.settled:
        return None
    steps = len(room.history.roster.seats) / _MEMBERS_A_STEP
    await requester.services.pause(steps, requester.client.part)
    log = await store.unsettled(room.id)
    if log is None or log.generation != room.generation:
        room.settled = log is None
        return log
    if not await settling.is_over(log, room.history.roster, _lists(requester, room)):
        return log
    await store.settle_log(room.id, room.generation)
    room.settled = True
    room.seated.forget()
    return None


def _lists(requester: Requester, room: LocalRoom) -> RosterAt:
    """The list after an entry, verified once for all who ask."""

    store = requester.services.store

    async def at(counter: int) -> Roster:
        async def verified() -> Roster:
            chain = await store.chain(room.id, 0, counter + 1)
            return await roster_at(requester, chain, room.id)(counter)

        return await room.seated.list_at(counter, verified)

    return at


async def require_settled(requester: Requester) -> None:
    """Raises `Refusal` (`unsettled`)."""
    if await look(requester) is not None:
        raise Refusal("unsettled")
