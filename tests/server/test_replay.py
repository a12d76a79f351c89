"""A replay that waits for its client: pages of both streams, and answers in their place."""

import os

from alcove_protocol import limits
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    Frame,
    LobbyItem,
    LobbyKind,
    LobbyRequest,
    Published,
    Resume,
    Resumed,
    Settle,
)
from alcove_protocol.position import Position
from alcove_protocol.roster import Change, Op, Role, Seat
from alcove_server.hub import PAGE

from tests.server.keys import Door
from tests.server.scene import Person, Scene
from tests.server.sockets import serving

ITEM = 32 * limits.KIB


def drain(person: Person) -> None:
    assert person.link.connection is not None
    person.link.connection.drained()


def waits(person: Person) -> bool:
    assert person.link.connection is not None
    return person.link.connection.replay is not None


def requested(scene: Scene, count: int) -> list[bytes]:
    """So many requests of members wait in the lobby; their ids."""
    ids = [os.urandom(16) for _ in range(count)]
    for at, id in enumerate(ids):
        key = (at // 4).to_bytes(32, "big")
        adding = scene.relay.store.add_item(scene.room.id, LobbyKind.REQUEST, key, id, bytes(ITEM))
        scene.relay.relay.runner.start(adding)
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


def test_who_is_being_told_the_lobby_is_live(scene: Scene, door: Door) -> None:
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


def test_who_is_no_facilitator_any_more_is_told_no_more_of_it(scene: Scene, door: Door) -> None:
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
    assert last == BlobIs(scene.position(at + 1), 2, 0, b"after")
    again = host.blob(id=id)
    assert host.ask(again, Published).position == scene.position(at)


def test_who_published_what_expired_before_the_replay_came_there_is_answered(
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
    assert last == BlobIs(scene.position(at + 2), 2, 10, b"after")


def test_what_expired_is_answered_when_nothing_comes_after_it(scene: Scene) -> None:
    replaying(scene)
    beat = scene.host.blob(b"beat", BlobClass.BEAT, ttl=10)
    scene.host.send(beat)
    scene.clock.advance(10)
    last = to_the_end(scene.host)[-1]
    assert isinstance(last, Published)
    assert last.n == beat.n
    assert not scene.host.link.connection.unanswered  # type: ignore[union-attr]


def test_who_resumes_anew_in_the_middle_is_answered_once(scene: Scene) -> None:
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
