"""Long work that many clients cause together takes one piece of a turn, and is done once for all.

Nothing here is timed. What is counted is work in one turn of the loop: signatures, hashes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest
from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import (
    BlobClass,
    Bye,
    Reseat,
    SeatedDoor,
)
from alcove_protocol.labels import Label
from alcove_protocol.roster import (
    NO_HASH,
    Change,
    Op,
    Role,
    Roster,
    RosterEntry,
    Seat,
    entry_hash,
    open_roster,
)
from alcove_protocol.statements import ReseatStatement, signature_holds
from alcove_server.ports.runner import OnLoop
from alcove_server.ports.turn import AT_ONCE, Turn
from alcove_server.requests import restore, unsettled
from alcove_server.rooms import restoring, seated_chain
from alcove_server.rooms.seated_chain import SeatedChain
from nacl.signing import SigningKey

from tests.server.keys import Door, Facilitated, public, sign
from tests.server.scene import Person, Scene
from tests.server.test_unsettled import answered, frame_of
from tests.server.waiting import turns


class Brought:
    """A room that one of its members brought back, in which so many are facilitators."""

    def __init__(self, facilitators: int, entries: int = 0) -> None:
        self.scene = Scene()
        room = self.scene.room = Facilitated(limits.MEMBERS_MAX)
        more = [SigningKey.generate() for _ in range(facilitators - 1)]
        self.keys = [room.relay_key, *more]
        seat = Seat(role=Role.FACILITATOR)
        self.extend(*(Change(Op.ADD, public(key), seat) for key in more))
        for number in range(entries):
            self.extend(
                Change(
                    Op.CHANGE, public(more[-1]), Seat(bytes(8), Role.FACILITATOR, number % 2 == 0)
                )
            )
        bringer = Person(self.scene, room.relay_key)
        bringer.authenticate("reseat")
        assert answered(bringer, frame_of(bringer, room, whole=True)) == ""
        self.people = [Person(self.scene, key) for key in self.keys]
        for person in self.people:
            person.authenticate()

    def extend(self, *changes: Change) -> None:
        room = self.scene.room
        room.take(room.entry(changes, base=bytes(16), commit=b"c"))

    def naming(self, person: Person, head: bytes | None = None, doors: bytes = b"") -> Reseat:
        room = self.scene.room
        head = room.roster.head if head is None else head
        said = sign(
            person.key, Label.RESEAT, ReseatStatement(room.id, person.public, head, NO_HASH)
        )
        return Reseat(person.next_n(), said.body, said.signature, b"", b"", doors)


def on_loop(scene: Scene) -> None:
    """From here on the relay's work takes turns of the loop."""
    services = scene.relay.relay.services
    services.runner = OnLoop()
    services.turn = Turn(services.runner.later)


async def per_turn(count: Callable[[], int], until: int) -> int:
    """The most that is counted in one turn of the loop, until so many are counted in all."""
    counted = [count()]
    while counted[-1] < until:
        await asyncio.sleep(0)
        counted.append(count())
        assert len(counted) < 20_000
    return max((now - then for then, now in pairwise(counted)), default=counted[0])


@pytest.mark.interpreted
async def test_doors_that_many_bring_are_verified_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    brought = Brought(limits.FACILITATORS)
    verified: list[bytes] = []

    def counted(label: Label, body: bytes, signature: bytes, key: bytes) -> bool:
        verified.append(key)
        return signature_holds(label, body, signature, key)

    monkeypatch.setattr("alcove_server.rooms.restoring.signature_holds", counted)
    frames = []
    for person in brought.people:
        put = [
            Door(card=b"").statement(brought.scene.room, person.key) for _ in range(limits.DOORS)
        ]
        doors = [SeatedDoor(one.body, one.signature, b"", 5, 600).encode() for one in put]
        frames.append(brought.naming(person, doors=pack_list(doors)))
    on_loop(brought.scene)
    for person, frame in zip(brought.people, frames, strict=True):
        person.send(frame)
    at_once = len(verified)
    most = await per_turn(lambda: len(verified), limits.FACILITATORS * limits.DOORS)
    assert max(at_once, most) <= AT_ONCE / restoring._DOOR_STEPS + 2
    assert min(at_once, most) > 0


@pytest.mark.interpreted
async def test_heads_of_a_chain_are_worked_out_once_and_in_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    brought = Brought(limits.FACILITATORS, 2_000)
    hashed: list[bytes] = []

    def counted(label: Label, body: bytes) -> bytes:
        hashed.append(body)
        return entry_hash(label, body)

    monkeypatch.setattr("alcove_server.rooms.seated_chain.entry_hash", counted)
    on_loop(brought.scene)
    frames = [
        brought.naming(person, bytes([number]) * 32) for number, person in enumerate(brought.people)
    ]
    for person, frame in zip(brought.people, frames, strict=True):
        person.send(frame)
    length = len(brought.scene.room.chain)
    piece = seated_chain.AT_ONCE / seated_chain._HASH_STEPS
    assert await per_turn(lambda: len(hashed), length) <= (AT_ONCE + 16) * piece < length
    await turns(20)
    for person in brought.people:
        person.fetch()
        assert getattr(person.heard[-1], "code", "") == "bad_roster"
    assert len(hashed) == length


@pytest.mark.interpreted
async def test_votes_are_counted_for_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    brought = Brought(limits.FACILITATORS)
    room = brought.scene.room
    seats = [Change(Op.ADD, key, seat) for key, seat in room.roster.seats.items()]
    listed = [Change(Op.ADD, bytes([n % 256, n // 256]) * 16, Seat()) for n in range(900)]
    brought.extend(Change(Op.RESET, bytes(32)), *seats, *listed)
    again = Person(brought.scene, room.relay_key)
    again.authenticate("reseat")
    assert answered(again, frame_of(again, room, whole=True)) == ""
    brought.people = [Person(brought.scene, key) for key in brought.keys]
    for person in brought.people:
        person.authenticate()
    counted: list[int] = []

    async def counting(*asked: object) -> bool:
        counted.append(1)
        return False

    monkeypatch.setattr("alcove_server.rooms.settling.is_over", counting)
    on_loop(brought.scene)
    asked = 4
    for person in brought.people:
        for _ in range(asked):
            person.send(person.blob(b"a commit", BlobClass.COMMIT, base=bytes(16)))
    at_once = len(counted)
    most = await per_turn(lambda: len(counted), asked * len(brought.people))
    assert max(at_once, most) <= 1 + AT_ONCE * unsettled._MEMBERS_A_STEP / 900 + 1


async def test_those_that_ask_for_one_list_wait_for_one_answer() -> None:
    chain, asked = SeatedChain(), []
    roster = Facilitated().roster

    async def verified() -> object:
        asked.append(1)
        await asyncio.sleep(0)
        return roster

    found = await asyncio.gather(*(chain.list_at(3, verified) for _ in range(9)))  # type: ignore[arg-type]  # it is a roster
    assert (set(map(id, found)), len(asked)) == ({id(roster)}, 1)
    await chain.list_at(2, verified)  # type: ignore[arg-type]  # as above
    assert len(asked) == 2


async def test_a_door_that_is_revoked_is_closed_in_parts() -> None:
    scene = Scene()
    scene.open(limits.MEMBERS_MAX)
    door = scene.put_door(Door(uses=1000))
    people = [scene.newcomer(door) for _ in range(150)]
    door.uses = 0
    frame = scene.door_frame(door)
    on_loop(scene)
    scene.host.send(frame)
    at_once = sum(one.closed is not None for one in people)
    most = await per_turn(lambda: sum(one.closed is not None for one in people), len(people))
    assert max(at_once, most) < 50
    assert all(isinstance(one.fetch()[-1], Bye) for one in people)


async def test_a_newcomer_that_became_a_member_meanwhile_is_not_shown_out() -> None:
    scene = Scene()
    scene.open(limits.MEMBERS_MAX)
    door = scene.put_door(Door(uses=1000))
    people = [scene.newcomer(door) for _ in range(150)]
    lucky = people[-1]
    door.uses = 0
    on_loop(scene)
    scene.host.send(scene.door_frame(door))
    assert lucky.closed is None
    session = lucky.link.session
    assert session is not None
    scene.relay.relay.rooms.loaded[scene.room.id]._promote(session.client)
    await turns(200)
    assert all(one.closed for one in people[:-1])
    assert lucky.closed is None


def first_of(room: Facilitated) -> Roster:
    """The list at the opening."""
    return open_roster(room.chain[0], room.id)[0]


async def test_members_that_a_list_leaves_out_are_closed_in_parts() -> None:
    scene = Scene()
    scene.open(limits.MEMBERS_MAX)
    door = scene.put_door(Door(uses=1000))
    people = [scene.member(door) for _ in range(100)]
    own = [Change(Op.ADD, scene.host.public, Seat(role=Role.FACILITATOR))]
    frame = scene.commit(Change(Op.RESET, bytes(32)), *own)
    on_loop(scene)
    scene.host.send(frame)
    at_once = sum(one.closed is not None for one in people)
    most = await per_turn(lambda: sum(one.closed is not None for one in people), len(people))
    assert max(at_once, most) < 50


@pytest.mark.interpreted
async def test_two_long_chains_are_compared_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    brought = Brought(2)
    start = Facilitated(limits.MEMBERS_MAX, brought.scene.room.root, brought.scene.room.relay_key)
    start.chain, start.roster = brought.scene.room.chain[:1], first_of(brought.scene.room)
    for number in range(600):
        seat = Seat(role=Role.FACILITATOR, paused=number % 2 == 0)
        change = Change(Op.CHANGE, public(start.relay_key), seat)
        start.take(start.entry([change], base=bytes(16), commit=b"other"))
    decoded: list[bytes] = []
    decode = RosterEntry.decode

    def counted(data: bytes, *, limit: int) -> RosterEntry:
        decoded.append(data)
        return decode(data, limit=limit)

    person = Person(brought.scene, start.relay_key)
    person.authenticate("reseat")
    frame = frame_of(person, start, whole=True)
    on_loop(brought.scene)
    stand_in = type("RosterEntry", (), {"decode": staticmethod(counted)})
    monkeypatch.setattr("alcove_server.requests.restore.RosterEntry", stand_in)
    person.send(frame)
    most = await per_turn(lambda: len(decoded), 600)
    assert most <= AT_ONCE / restore._ENTRY_STEPS * seated_chain.AT_ONCE + 2 * seated_chain.AT_ONCE
    await turns(100)
    assert [getattr(one, "code", "") for one in person.fetch()] == ["roster_conflict"]
