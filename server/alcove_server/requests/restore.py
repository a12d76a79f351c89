"""A member brings back a room that the relay forgot, or names its chain.

docs/protocol.md section 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import Done, Reseat
from alcove_protocol.position import GENERATION_SIZE
from alcove_protocol.roster import NO_HASH, RosterEntry
from alcove_protocol.statements import Signed

from alcove_server.client.states import ClientState
from alcove_server.requests.requester import Requester
from alcove_server.requests.unsettled import roster_at
from alcove_server.rooms import restoring, settling
from alcove_server.rooms.restores import size_of
from alcove_server.rooms.restoring import Comparison
from alcove_server.rooms.roster_history import RosterHistory
from alcove_server.rooms.roster_verifier import Breathe
from alcove_server.rooms.seated_chain import AT_ONCE, Pause, counters_of, head_of
from alcove_server.store.interface import RoomHead, RosterMoved, SeatedRoom, Vote

_ENTRY_STEPS: Final = 16.0
"""Steps (`ports.turn`) of decoding `AT_ONCE` entries."""


class _Gone(Refusal):
    """The client went while its chain was verified. It does not hear this refusal."""

    def __init__(self) -> None:
        super().__init__("idle")


def _require_here(requester: Requester) -> None:
    if requester.client.state is ClientState.CLOSED:
        raise _Gone


async def restore(requester: Requester, frame: Reseat) -> None:
    """Raises `Refusal` (`bad_roster`, `bad_statement`, `roster_conflict`, `not_member`, `ended`,
    `not_allowed`, `rate_limited`, `busy`), `RosterMoved`."""
    # As `open`, it lets an unknown client make a room.
    if not requester.may_open_room():
        raise Refusal("rate_limited")
    restores, client = requester.rooms.restores, requester.client
    restores.clients.add(client)
    try:
        await _in_turn(requester, frame)
    finally:
        restores.clients.discard(client)
    requester.client.send(Done(frame.n))


async def _in_turn(requester: Requester, frame: Reseat) -> None:
    size = size_of(frame)
    line = requester.rooms.restores.line_of(size)
    waits = len(line) > 0
    await line.enter(requester.client.part, size, requester.client)
    try:
        if waits:
            _require_here(requester)
        await _restore(requester, frame)
    finally:
        line.leave()


async def name(requester: Requester, frame: Reseat) -> None:
    """A member names the head of its chain, in a log that it did not know. Without a chain the
    relay has the entries already. A facilitator's doors are put, as far as the relay lost them.
    Raises `Refusal` (`bad_roster` when the head is of another chain), and as `restore`."""
    if frame.chain:
        await restore(requester, frame)
        return
    room, client, store = requester.seated, requester.client, requester.services.store
    said = restoring.named(frame, room.id, client.key)
    history, common = room.history, room.history.roster.counter
    votes = await store.unsettled(room.id) is not None
    if votes and said.head != history.roster.head:
        # Before the doors: one may be of an entry that this chain lacks, and that is to be brought.
        common = await _counter_of(requester, said.head)
    doors = await restoring.doors_of(frame, history, client.key, _pause_of(requester))
    for door in doors:
        if await store.door(room.id, door.id) is None:
            await store.put_door(room.id, door, history.roster.head, requester.payer)
    if votes:
        await store.vote(room.id, room.generation, client.key, Vote(said.head, common, False))
    client.send(Done(frame.n))


def _pause_of(requester: Requester) -> Pause:
    services, part = requester.services, requester.client.part
    return lambda steps: services.pause(steps, part)


async def _counter_of(requester: Requester, head: bytes) -> int:
    """The counter of the seated entry with this hash. Raises `Refusal` (`bad_roster`)."""
    room, services = requester.seated, requester.services
    found = await room.seated.counter_of(
        head, lambda: services.store.chain(room.id, 0), _pause_of(requester)
    )
    if found is None:
        raise Refusal("bad_roster")
    return found


async def _restore(requester: Requester, frame: Reseat) -> None:
    services, rooms, client = requester.services, requester.rooms, requester.client
    store, id = services.store, client.room_id

    async def verify(chain: Sequence[Signed], room: bytes, breathe: Breathe) -> RosterHistory:
        return await rooms.verifier.verify(chain, room, breathe, client.part)

    async def breathe() -> None:
        await services.runner.breathe()
        _require_here(requester)

    async def pause(steps: float) -> None:
        await services.pause(steps, client.part)
        _require_here(requester)

    generation = services.random(GENERATION_SIZE)
    brought, history = await restoring.room(
        frame, id, client.key, generation, verify, breathe, pause
    )
    brought = replace(brought, holding=requester.holding)
    head = await store.head(id)
    if head is not None and head.ended is not None:
        if not restoring.goes_past(brought.chain, head.ended):
            raise Refusal("ended")
        await store.reseat(brought, None, over=head.ended)
    elif head is None:
        await store.reseat(brought, None)
    elif not await _takes_over(requester, brought, head, pause):
        return
    else:
        await store.reseat(brought, head.roster)
    await _seated(requester, brought, history)


async def _takes_over(
    requester: Requester, brought: SeatedRoom, head: RoomHead, pause: Pause
) -> bool:
    """Whether a chain takes the place of the seated one. The bringer's vote is noted. Raises
    `Refusal` (`roster_conflict`), `RosterMoved`, and what `pause` raises."""
    store, key = requester.services.store, requester.client.key
    seated = await store.chain(brought.room, 0)
    if not seated or head_of(seated, len(seated) - 1) != head.roster:
        raise RosterMoved
    comparison, common = restoring.compare(seated, brought.chain)
    if comparison is Comparison.NEW:
        return True
    other = comparison is Comparison.OTHER
    if other and common < 0:
        raise Refusal("roster_conflict")  # of two openings no key is common
    vote = Vote(brought.head, common, other)
    await store.vote(brought.room, head.generation, key, vote)
    if not other:
        return False
    both = await _signers(seated, common, pause) & await _signers(brought.chain, common, pause)
    for signer in both:
        await store.vote(brought.room, head.generation, signer, Vote(NO_HASH, common, True, True))
    log = await store.unsettled(brought.room)
    counters = await counters_of(brought.chain, pause)
    heads = frozenset(head for head, counter in counters.items() if counter > common)
    at = roster_at(requester, seated, brought.room)
    if log is None or not await settling.wins(log, common, heads, at):
        raise Refusal("roster_conflict")
    return True


async def _signers(chain: Sequence[Signed], after: int, pause: Pause) -> set[bytes]:
    signers: set[bytes] = set()
    for number, one in enumerate(chain[after + 1 :]):
        if number % AT_ONCE == 0:
            await pause(_ENTRY_STEPS)
        signers.add(RosterEntry.decode(one.body, limit=limits.ENTRY).signer)
    return signers


async def _seated(requester: Requester, brought: SeatedRoom, history: RosterHistory) -> None:
    rooms, store = requester.rooms, requester.services.store
    vote = Vote(brought.head, history.roster.counter, False)
    await store.vote(brought.room, brought.generation, requester.client.key, vote)
    # Clients that are here leave the old log, and the room's history is forgotten with it.
    await rooms.answer_ring(brought.room)
    rooms.verifier.keep(history)
