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
from alcove_protocol.frames import BlobClass, Bye, LobbyRequest, Reseat, SeatedDoor
from alcove_protocol.labels import Label
from alcove_protocol.roster import NO_HASH, Change, Op, Role, Seat, entry_hash
from alcove_protocol.statements import ReseatStatement, signature_holds
from alcove_server.net.admission import Allowance
from alcove_server.ports.place import Quota
from alcove_server.ports.runner import OnLoop
from alcove_server.ports.turn import AT_ONCE, Turn
from alcove_server.requests import unsettled
from alcove_server.rooms import restoring, seated_chain
from alcove_server.rooms.seated_chain import SeatedChain
from nacl.signing import SigningKey

from tests.server.keys import Door, Facilitated, public, sign
from tests.server.scene import Person, Scene
from tests.server.test_fairness import Limited
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
    assert max(at_once, most) <= AT_ONCE / restoring._DOOR_STEPS + len(frames)
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


# --- what is sent for a client counts -----------------------------------------------------------


def left(part: Quota) -> float:
    """Bytes that may still be sent for a part of the network."""
    assert isinstance(part, Allowance)
    return part._told._tokens


def used_up(scene: Limited, person: Person) -> None:
    """Of the part of the network from which this person came."""
    session = person.link.session
    assert session is not None
    assert session.client.place is not None
    while session.client.place.allowance.tell(64 * limits.MIB):
        pass


def test_requests_count_for_each_facilitator_that_is_told() -> None:
    scene = Limited()
    scene.open()
    scene.comes_from(scene.host, "192.0.2.1")
    asked = LobbyRequest(scene.host.next_n(), bytes(16), b"wish", None)
    used_up(scene, scene.host)
    assert scene.host.refused(asked) == "rate_limited"
    scene.clock.advance(60)
    scene.host.send(asked)
    assert not any(getattr(one, "code", "") for one in scene.host.fetch())


def test_a_facilitator_that_reads_the_lobby_pays_for_it() -> None:
    scene = Limited()
    scene.open()
    ann = scene.member(scene.put_door())
    for number in range(4):
        asked = LobbyRequest(ann.next_n(), bytes([number]) * 16, bytes(limits.REQUEST), None)
        ann.send(asked)
    scene.comes_from(scene.host, "192.0.2.1")
    place = scene.host.link.session
    assert place is not None
    assert place.client.place is not None
    before = left(place.client.place.allowance)
    scene.host.resume(bytes(16))
    assert before - left(place.client.place.allowance) >= 4 * limits.REQUEST


def test_a_member_that_comes_for_its_welcome_again_and_again_pays_for_it() -> None:
    scene = Limited()
    scene.open()
    bob = scene.newcomer(scene.put_door())
    bob.knock()
    assert bob.door is not None
    welcome = bytes(100_000)
    scene.land(
        scene.commit(scene.room.add(bob.public, bob.door.id), welcomes={bob.public: welcome})
    )
    bob.link.close()
    again = Person(scene, bob.key)
    scene.comes_from(again, "192.0.2.1")
    session = again.link.session
    assert session is not None
    assert session.client.place is not None
    before = left(session.client.place.allowance)
    again.send(again.auth_frame("member"))
    assert before - left(session.client.place.allowance) >= 100_000
