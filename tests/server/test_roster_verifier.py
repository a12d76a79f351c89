"""Roster chains are verified in turn, and their histories are kept for a while."""

import asyncio

import pytest
from alcove_protocol import limits
from alcove_protocol.errors import Malformed, Refusal
from alcove_protocol.roster import Change, Op, Seat
from alcove_protocol.statements import Signed
from alcove_server.rooms import roster_verifier as chains
from alcove_server.rooms.roster_history import RosterHistory, begin
from alcove_server.rooms.roster_verifier import KEPT_SECONDS, SHORT, RosterVerifier
from alcove_server.testing.embedded import ManualClock

from tests.server.keys import Facilitated
from tests.server.waiting import turns


async def at_once() -> None:
    """A room with one connection."""


def long_room() -> Facilitated:
    """A room whose chain is just not short."""
    room = Facilitated(limits.MEMBERS_MAX)
    changes = [Change(Op.ADD, bytes([n // 256, n % 256] * 16), Seat()) for n in range(999)]
    room.take(room.entry(changes, base=bytes(16), commit=b""))
    while sum(len(entry.body) for entry in room.chain) <= SHORT:
        room.take(room.entry([], base=bytes(16), commit=b""))
    return room


class Held:
    """A `breathe` that lasts until `go`."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(self) -> None:
        self.asked.set()
        await self.go.wait()


def history(room: Facilitated) -> RosterHistory:
    return begin(room.chain[0], room.id)


async def test_a_short_chain_waits_for_no_long_one() -> None:
    known, long, short, held = RosterVerifier(ManualClock()), long_room(), Facilitated(), Held()
    first = asyncio.create_task(known.verify(long.chain, long.id, held))
    await held.asked.wait()
    second = asyncio.create_task(known.verify(long.chain, long.id, at_once))
    third = asyncio.create_task(known.verify(short.chain, short.id, at_once))
    await turns(10)
    assert third.done()
    assert third.result().roster.room == short.id
    assert not first.done()
    assert not second.done()
    held.go.set()
    assert (await first).roster.head == (await second).roster.head == long.roster.head


async def test_a_client_that_has_gone_gives_up_its_turn() -> None:
    known, long, held = RosterVerifier(ManualClock()), long_room(), Held()

    async def gone() -> None:
        raise Refusal("idle")

    first = asyncio.create_task(known.verify(long.chain, long.id, held))
    await held.asked.wait()
    second = asyncio.create_task(known.verify(long.chain, long.id, gone))
    await asyncio.sleep(0)
    held.go.set()
    await first
    with pytest.raises(Refusal, match="The relay heard nothing"):
        await second
    assert (await known.verify(long.chain, long.id, at_once)).roster.head == long.roster.head


async def test_too_many_that_wait_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "WAITING", 2)
    known, long, held = RosterVerifier(ManualClock()), long_room(), Held()
    waiting = [asyncio.create_task(known.verify(long.chain, long.id, held)) for _ in range(2)]
    await held.asked.wait()
    await asyncio.sleep(0)
    more = asyncio.create_task(known.verify(long.chain, long.id, held))
    await turns(10)
    assert more.done()
    with pytest.raises(Refusal) as refused:
        await more
    assert refused.value.code == "busy"
    held.go.set()
    await asyncio.gather(*waiting)
    await known.verify(long.chain, long.id, held)


def test_a_history_is_known_by_its_last_entry_until_it_is_old() -> None:
    clock = ManualClock()
    known, room = RosterVerifier(clock), Facilitated()
    kept = history(room)
    known.keep(kept)
    assert known.known(room.id, kept.roster.head) is kept
    assert known.known(room.id, bytes(32)) is None
    clock.advance(KEPT_SECONDS)
    known.expire()
    assert known.known(room.id, kept.roster.head) is None
    assert len(known) == 0


def test_histories_are_kept_up_to_a_number_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "KEPT", 10)  # a new room has two
    known, rooms = RosterVerifier(ManualClock()), [Facilitated() for _ in range(6)]
    for room in rooms:
        known.keep(history(room))
        known.keep(history(room))
    assert [known.known(one.id, one.roster.head) is not None for one in rooms] == [False] + [
        True
    ] * 5
    for room in rooms:
        known.forget(room.id)
    assert len(known) == 0
    known.keep(history(rooms[0]))
    assert len(known) == 1


async def test_a_chain_that_does_not_hold_is_no_history() -> None:
    known, room = RosterVerifier(ManualClock()), Facilitated()
    signed = room.entry([], base=bytes(16), commit=b"")
    with pytest.raises(Malformed, match="signature"):
        await known.verify([*room.chain, Signed(signed.body, bytes(64))], room.id, at_once)
