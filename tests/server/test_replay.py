"""A replay that waits for its client: pages of both streams, and answers in their place."""

import asyncio
import os
from math import inf

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    Frame,
    LobbyItem,
    LobbyKind,
    LobbyRequest,
    Published,
    RequestRefused,
    Resume,
    Resumed,
    Settle,
)
from alcove_protocol.position import Position
from alcove_protocol.roster import Change, Op, Role, Seat
from alcove_protocol.statements import Signed
from alcove_server.ports.runner import OnLoop
from alcove_server.rooms.room import PAGE
from alcove_server.settings import Settings
from alcove_server.store.budget import BLOB_FRAME, PAGE_BLOBS
from alcove_server.store.interface import Publication, StoredBlob, on_the_wire
from alcove_server.testing.embedded import embedded
from alcove_server.wire.says import blob_frame

from tests.server.keys import Door
from tests.server.scene import Person, Scene
from tests.server.sockets import serving
from tests.server.waiting import unheard

ITEM = 32 * limits.KIB


def drain(person: Person) -> None:
    assert person.link.session is not None
    person.link.session.drained()


def waits(person: Person) -> bool:
    assert person.link.session is not None
    return person.link.session.client.resumption is not None


def requested(scene: Scene, count: int) -> list[bytes]:
    """Put so many requests of members into the lobby. Return their ids."""
    ids = [os.urandom(16) for _ in range(count)]
    for at, id in enumerate(ids):
        key = (at // 4).to_bytes(32, "big")
        adding = scene.relay.store.add_item(scene.room.id, LobbyKind.REQUEST, key, id, bytes(ITEM))
        with unheard(scene.relay.relay):
            scene.relay.relay.services.runner.start(adding)
    return ids


def items(person: Person) -> list[bytes]:
    return [frame.id for frame in person.fetch() if isinstance(frame, LobbyItem)]


# --- the lobby --------------------------------------------------------------------------------


def test_a_long_lobby_comes_in_pages_too(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    ids = requested(scene, 40)
    host = scene.host
    host.link.blocked = True
    host.send(Resume(host.next_n(), host.position, 0))
    assert host.link.backlog <= PAGE + 2 * ITEM
    ids.append(os.urandom(16))  # comes when half is told, and in its turn
    ann.send(LobbyRequest(ann.next_n(), ids[-1], b"a new request"))
    heard: list[bytes] = []
    while waits(host):
        assert host.link.backlog <= PAGE + 2 * ITEM
        heard += items(host)
        drain(host)
    assert heard + items(host) == ids
    ann.send(LobbyRequest(ann.next_n(), os.urandom(16), b"another"))
    assert len(items(host)) == 1


def test_a_number_of_the_lobby_that_was_never_given_brings_all_that_is_open(
    scene: Scene, door: Door
) -> None:
    """Another relay, or a fault, gave it. The client would hear of no item for ever."""
    ann, host = scene.member(door), scene.host
    ids = requested(scene, 3)
    host.send(Resume(host.next_n(), host.position, 2**53 - 1))
    assert items(host) == ids
    later = os.urandom(16)
    ann.send(LobbyRequest(ann.next_n(), later, b"a new request"))
    assert items(host) == [later]


def test_a_facilitator_that_is_being_sent_the_lobby_is_live(scene: Scene, door: Door) -> None:
    ann, host = scene.member(door), scene.host
    requested(scene, 40)
    host.link.blocked = True
    host.send(Resume(host.next_n(), host.position, 0))
    host.fetch()
    ann.say(b"meanwhile")
    assert host.blobs() == [b"meanwhile"]
    host.say(b"an answer")
    assert waits(host)


def test_what_is_settled_between_two_pages_is_told(scene: Scene) -> None:
    ids, host = requested(scene, 40), scene.host
    host.link.blocked = True
    host.send(Resume(host.next_n(), host.position, 0))
    host.send(Settle(host.next_n(), ids[0]))
    host.send(Settle(host.next_n(), ids[-1]))
    told: list[LobbyItem] = []
    for _ in range(12):
        told += [frame for frame in host.fetch() if isinstance(frame, LobbyItem)]
        drain(host)
    assert not waits(host)
    assert [item.id for item in told if item.kind != LobbyKind.GONE] == ids[:-1]
    assert [item.id for item in told if item.kind == LobbyKind.GONE] == [ids[0], ids[-1]]


def test_a_new_facilitator_is_told_a_long_lobby_in_pages(scene: Scene, door: Door) -> None:
    ann, ids = scene.member(door), requested(scene, 40)
    ann.fetch()
    ann.link.blocked = True
    scene.land(scene.commit(Change(Op.CHANGE, ann.public, Seat(role=Role.FACILITATOR))))
    heard: list[bytes] = []
    while waits(ann):
        assert ann.link.backlog <= PAGE + 2 * ITEM
        heard += items(ann)
        drain(ann)
    assert heard + items(ann) == ids


def test_a_demoted_facilitator_is_told_no_more_of_it(scene: Scene, door: Door) -> None:
    ann, ids = scene.member(door), requested(scene, 40)
    ann.fetch()
    ann.link.blocked = True
    scene.land(scene.commit(Change(Op.CHANGE, ann.public, Seat(role=Role.FACILITATOR))))
    heard = items(ann)
    scene.land(scene.commit(Change(Op.CHANGE, ann.public, Seat())))
    ann.fetch()
    drain(ann)
    assert 0 < len(heard) < len(ids)
    assert not waits(ann)
    assert items(ann) == []
    scene.host.say(b"and on")
    assert ann.blobs() == [b"and on"]


async def test_a_lobby_larger_than_a_clients_queue_locks_no_facilitator_out() -> None:
    async with serving(rates=0, queue_bytes=limits.FRAME) as running:
        host = await running.client()
        room = await host.open()
        add, count = running.service.store.add_item, 240
        for at in range(count):
            key = (at // 4).to_bytes(32, "big")
            await add(room.id, LobbyKind.REQUEST, key, os.urandom(16), bytes(ITEM))
        again = await running.client(host.key)
        await again.authenticate(room)
        await again.send(Resume(again.next_n(), host.base, 0))
        numbers = [(await again.until(LobbyItem)).number for _ in range(count)]
        assert numbers == list(range(1, count + 1))
        await again.send(again.blob(b"live"))


# --- turns ------------------------------------------------------------------------------------


class Turned(Scene):
    """A room on an event loop, with a store that never waits."""

    def __init__(self) -> None:
        super().__init__()
        self.relay = embedded(self.clock, os.urandom, wall=self.clock, runner=OnLoop())
        self.open()

    async def posted(self, count: int) -> None:
        """So many blobs of a byte each."""
        for _ in range(count):
            await self.relay.store.publish(self.publication())

    def publication(self) -> Publication:
        application, head = BlobClass.APPLICATION, self.room.roster.head
        return Publication(
            self.room.id, bytes(32), os.urandom(16), self.base, application, 600, b"x", head
        )

    def resume(self) -> None:
        self.host.send(Resume(self.host.next_n(), self.base, 0))

    def heard(self) -> list[int]:
        """Numbers of blobs, since the last `Resumed`."""
        numbers: list[int] = []
        for frame in self.host.fetch():
            if isinstance(frame, Resumed):
                numbers = []
            elif isinstance(frame, BlobIs):
                numbers.append(Position.decode(frame.position).number)
        return numbers


async def turn() -> None:
    await asyncio.sleep(0)


async def test_a_turn_brings_no_more_than_two_pages_however_much_the_outlet_takes() -> None:
    scene = Turned()
    count = 5 * PAGE_BLOBS + 1
    await scene.posted(count)
    scene.resume()
    heard = [scene.heard()]
    while waits(scene.host):
        await turn()
        heard.append(scene.heard())
    assert max(map(len, heard)) == 2 * PAGE_BLOBS
    assert [number for numbers in heard for number in numbers] == list(range(1, count + 1))


async def test_no_more_of_the_smallest_blobs_is_queued_than_of_any() -> None:
    scene = Turned()
    await scene.posted(2 * PAGE // 60)
    scene.host.link.blocked = True
    scene.resume()
    for _ in range(40):
        await turn()
    assert waits(scene.host)
    assert PAGE <= scene.host.link.backlog < PAGE + PAGE_BLOBS * BLOB_FRAME


async def test_a_turn_brings_a_part_of_a_long_lobby() -> None:
    scene = Turned()
    ids = [os.urandom(16) for _ in range(350)]
    for at, id in enumerate(ids):
        key = (at // 4).to_bytes(32, "big")
        await scene.relay.store.add_item(scene.room.id, LobbyKind.REQUEST, key, id, b"r")
    scene.resume()
    heard = [items(scene.host)]
    while waits(scene.host):
        await turn()
        heard.append(items(scene.host))
    assert max(map(len, heard)) == 100
    assert [id for some in heard for id in some] == ids


@pytest.mark.parametrize("after", range(7))
async def test_between_two_pages_anything_may_happen(after: int) -> None:
    """Another one posts, the outlet drains, and its member resumes anew or goes."""
    scene = Turned()
    await scene.posted(4 * PAGE_BLOBS)
    scene.resume()
    for _ in range(after):
        await turn()
    publication = scene.publication()
    taken = await scene.relay.store.publish(publication)
    drain(scene.host)
    for _ in range(20):
        await turn()
    everything = list(range(1, taken.number + 1))
    assert scene.heard() == everything
    scene.resume()
    for _ in range(after):
        await turn()
    scene.resume()
    for _ in range(20):
        await turn()
    assert scene.heard() == everything
    assert not waits(scene.host)
    scene.resume()
    for _ in range(after):
        await turn()
    scene.host.link.close()
    scene.heard()
    for _ in range(20):
        await turn()
    assert scene.heard() == []


def test_a_frame_is_no_larger_than_pages_count() -> None:
    largest = limits.REQUEST_NUMBER
    entries = (None, Signed(bytes(limits.ENTRY), bytes(64)), Signed(b"e", bytes(64)))
    for entry in entries:
        for size in (1, 200, 60_000, 70_000):
            blob = StoredBlob(
                largest, BlobClass.COMMIT, bytes(16), bytes(32), 0, inf, bytes(size), entry
            )
            for now in (0, limits.REJOIN_WINDOW):
                framed = len(blob_frame(bytes(8), blob, now))
                assert on_the_wire(blob) - BLOB_FRAME < framed <= on_the_wire(blob)


def test_a_member_that_resumes_again_and_again_is_told_to_wait() -> None:
    scene = Scene(Settings())
    host = scene.open()  # which resumes
    again = [Resume(host.next_n(), bytes(16), 0) for _ in range(4)]
    for frame in again:
        host.send(frame)
    told = [type(frame) for frame in host.fetch()]
    assert told == [Resumed, Resumed, RequestRefused, RequestRefused]
    scene.clock.advance(2)
    host.ask(again[0], Resumed)


def test_a_member_that_comes_back_may_ask_at_once() -> None:
    scene = Scene(Settings())
    host = scene.open()
    for _ in range(3):
        host.come_back()
        for _ in range(80):
            host.beat()


# --- answers ----------------------------------------------------------------------------------


def replaying(scene: Scene, ttl: int = limits.TTL_DEFAULT) -> None:
    """The host is in the middle of a replay."""
    for _ in range(30):
        scene.host.say(bytes(limits.APPLICATION_BUCKET), ttl)
    scene.host.fetch()
    scene.host.link.blocked = True
    scene.host.send(Resume(scene.host.next_n(), scene.base, 0))
    assert waits(scene.host)


def to_the_end(person: Person) -> list[Frame]:
    """What the rest of a replay brings."""
    frames = person.fetch()
    while waits(person):
        drain(person)
        frames += person.fetch()
    return frames


def test_each_repetition_during_a_replay_is_answered_in_the_place_of_the_blob(
    scene: Scene, door: Door
) -> None:
    ann, host = scene.member(door), scene.host
    replaying(scene)
    id = os.urandom(16)
    asked = [host.blob(id=id) for _ in range(3)]
    for frame in asked:
        host.send(frame)
    ann.say(b"after")
    *_, one, two, three, last = to_the_end(host)
    at = Position.decode(scene.base).number + 31
    assert [one, two, three] == [Published(f.n, scene.position(at)) for f in asked]
    assert last == BlobIs(scene.position(at + 1), 2, 0, b"after", key=ann.public)
    again = host.blob(id=id)
    assert host.ask(again, Published).position == scene.position(at)


def test_a_sender_whose_blob_expired_before_the_replay_reached_it_is_answered(
    scene: Scene, door: Door
) -> None:
    ann, host = scene.member(door), scene.host
    replaying(scene)
    beats = [host.blob(b"beat", BlobClass.BEAT, ttl=10) for _ in range(2)]
    for beat in beats:
        host.send(beat)
    ann.say(b"after")
    scene.clock.advance(10)
    *_, one, two, last = to_the_end(host)
    at = Position.decode(scene.base).number + 31
    answers = [Published(beat.n, scene.position(at + i)) for i, beat in enumerate(beats)]
    assert [one, two] == answers
    assert last == BlobIs(scene.position(at + 2), 2, 10, b"after", key=ann.public)


def test_what_expired_is_answered_when_nothing_comes_after_it(scene: Scene) -> None:
    replaying(scene)
    beat = scene.host.blob(b"beat", BlobClass.BEAT, ttl=10)
    scene.host.send(beat)
    scene.clock.advance(10)
    last = to_the_end(scene.host)[-1]
    assert isinstance(last, Published)
    assert last.n == beat.n
    assert not scene.host.link.session.client.answers  # type: ignore[union-attr]  # it is there


def test_a_member_that_resumes_anew_in_the_middle_is_answered_once(scene: Scene) -> None:
    host = scene.host
    replaying(scene)
    asked = host.blob(b"mine")
    host.send(asked)
    host.send(Resume(host.next_n(), scene.base, 0))  # the blob is beyond this one too
    frames = to_the_end(host)
    answer = Published(asked.n, scene.position(Position.decode(scene.base).number + 31))
    assert frames[-1] == answer
    assert frames.count(answer) == 1

    replaying(scene)
    asked = host.blob(b"mine")
    host.send(asked)
    host.fetch()
    number = Position.decode(scene.base).number + 62
    host.send(Resume(host.next_n(), scene.position(number), 0))  # and here it is not
    resumed, last = to_the_end(host)
    assert isinstance(resumed, Resumed)
    assert last == Published(asked.n, scene.position(number))
