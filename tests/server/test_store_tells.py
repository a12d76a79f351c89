"""What the store tells reaches the clients, and publishes may wait for the store together."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    Bye,
    CardIs,
    Done,
    LobbyKind,
    LobbyRequest,
    Published,
    ReadCard,
    Request,
    RequestRefused,
    Resume,
    Resumed,
    from_relay,
)
from alcove_protocol.position import Position
from alcove_server.ports.outlet import Close
from alcove_server.rooms.roster_verifier import KEPT_SECONDS
from alcove_server.store.interface import Page, Publication, PublishDone, Store
from alcove_server.store.memory.store import MemoryStore
from alcove_server.testing.embedded import ManualClock

from tests.server.scene import Person, Scene
from tests.server.waiting import STEPS, Waited, Waiting, items, turns


def answered(person: Person) -> list[tuple[type, int]]:
    """Kinds and request numbers of the answers that arrived since."""
    kinds = (Published, Done, RequestRefused, Resumed)
    return [(type(one), one.n) for one in person.fetch() if isinstance(one, kinds)]


def numbers(frames: Sequence[Request]) -> list[int]:
    return [one.n for one in frames]


class Counting(Waiting):
    """Counts the publications of each batch."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.batches: list[int] = []
        self.asked = 0

    def publish_soon(self, publication: Publication, done: PublishDone) -> None:
        self.asked += 1
        super().publish_soon(publication, done)

    async def before(self, name: str) -> None:
        if name == "publish_soon":
            self.batches.append(self.asked - sum(self.batches))
        await super().before(name)


class Telling(MemoryStore):
    """Keeps what the relay says of its connections, as a store with other nodes does."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.here: dict[bytes, Callable[[], None]] = {}

    def connected(self, room: bytes, key: bytes, on_replaced: Callable[[], None]) -> None:
        self.here[key] = on_replaced

    def disconnected(self, room: bytes, key: bytes) -> None:
        del self.here[key]


class Reading(MemoryStore):
    """Keeps the pages that were read."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.pages: list[Page] = []

    async def read(self, room: bytes, after: Position, most: int) -> Page:
        self.pages.append(await super().read(room, after, most))
        return self.pages[-1]


# --- connections --------------------------------------------------------------------------------


@pytest.mark.interpreted  # its store inherits from the store in memory
def test_a_connection_that_another_node_replaced_is_closed() -> None:
    store = Telling(ManualClock())
    scene = Scene(store=store)
    scene.open()
    older = scene.host.link
    store.here[scene.host.public]()
    assert older.closed == Close.REPLACED
    assert isinstance(said := from_relay(older.outgoing()[-1]), Bye)
    assert said.code == "replaced"
    assert store.here == {}


@pytest.mark.interpreted  # its store inherits from the store in memory
def test_the_store_knows_the_newest_connection_of_each_key() -> None:
    store = Telling(ManualClock())
    scene = Scene(store=store)
    scene.open()
    ann = scene.newcomer(scene.put_door())
    assert set(store.here) == {scene.host.public, ann.public}
    older, before = ann.link, store.here[ann.public]
    ann.connect()
    ann.authenticate("door", ann.door)
    older.close()
    assert store.here[ann.public] != before
    ann.link.close()
    assert set(store.here) == {scene.host.public}


# --- cards ----------------------------------------------------------------------------------


@pytest.mark.interpreted  # its store inherits from the store in memory
def test_a_card_costs_the_store_no_blob() -> None:
    """A newcomer may ask again and again, and the first blob of a log may be a commit of 2 MB."""
    store = Reading(ManualClock())
    scene = Scene(store=store)
    scene.open()
    ann = scene.newcomer(scene.put_door())
    scene.land(scene.commit())
    scene.host.beat()
    store.pages.clear()
    assert not ann.ask(ReadCard(ann.next_n()), CardIs).read_only
    assert [page.blobs for page in store.pages] == [()]


# --- publishes that wait together ---------------------------------------------------------------


async def test_the_blobs_of_one_turn_are_given_to_the_store_together() -> None:
    scene = Waited(slow=False)
    ann = scene.member(scene.put_door())
    counting = scene.store = Counting(scene.memory)
    scene.slowly()
    blobs = [one.blob(b"%d" % at) for at in range(4) for one in (scene.host, ann)]
    for frame in blobs[::2]:
        scene.host.send(frame)
    for frame in blobs[1::2]:
        ann.send(frame)
    await turns(20)
    assert counting.batches == [8]
    assert answered(scene.host) == [(Published, n) for n in numbers(blobs[::2])]
    assert answered(ann) == [(Published, n) for n in numbers(blobs[1::2])]


@STEPS
async def test_another_request_waits_for_the_answers_to_publishes(step: int) -> None:
    scene = Waited()
    host = scene.host
    blobs = [host.blob(), host.blob()]
    request = LobbyRequest(host.next_n(), bytes(16), b"a request")
    last = host.blob()
    for frame in (*blobs, request, last):
        host.send(frame)
        await turns(step % 5)
    await turns(80)
    kinds = [(Published, blobs[0].n), (Published, blobs[1].n), (Done, request.n)]
    assert answered(host) == [*kinds, (Published, last.n)]
    assert not scene.session.congested


@STEPS
async def test_a_resume_waits_for_the_answers_to_publishes(step: int) -> None:
    scene = Waited()
    host = scene.host
    blobs = [host.blob(), host.blob()]
    resume = Resume(host.next_n(), scene.base, 0)
    for frame in blobs:
        host.send(frame)
    await turns(step)
    host.send(resume)
    await turns(80)
    heard = answered(host)
    assert heard[:3] == [(Published, blobs[0].n), (Published, blobs[1].n), (Resumed, resume.n)]
    assert not [one for one in heard[3:] if one[0] is not Published]


async def test_an_id_that_is_given_twice_is_answered_twice() -> None:
    scene = Waited()
    first, second = scene.host.blob(id=b"i" * 16), scene.host.blob(id=b"i" * 16)
    scene.host.send(first)
    scene.host.send(second)
    await turns(50)
    told = [one for one in scene.host.fetch() if isinstance(one, Published)]
    assert [one.n for one in told] == [first.n, second.n]
    assert told[0].position == told[1].position


async def test_a_store_that_fails_is_told_to_each_publish_of_the_batch() -> None:
    scene = Waited()
    blobs = [scene.host.blob(), scene.host.blob()]
    scene.store.failing["publish_soon"] = 1
    for frame in blobs:
        scene.host.send(frame)
    await turns(50)
    refused = [one for one in scene.host.fetch() if isinstance(one, RequestRefused)]
    assert [(one.n, one.code) for one in refused] == [(n, "unavailable") for n in numbers(blobs)]
    assert not scene.session.client.answers


@STEPS
async def test_a_publish_whose_roster_moves_is_answered_once(step: int) -> None:
    scene = Waited(slow=False)
    door = scene.put_door()
    ann, ben = scene.member(door), scene.newcomer(door)
    ben.knock()
    admission = scene.admission(ben)
    scene.slowly()
    blobs = [ann.blob(), ann.blob()]
    scene.host.send(admission)
    await turns(step)
    for frame in blobs:
        ann.send(frame)
    await turns(200)
    heard = answered(ann)
    assert [n for _, n in heard] == numbers(blobs)
    assert {kind for kind, _ in heard} <= {Published, RequestRefused}
    assert not scene.relay.relay.rooms.loaded[scene.room.id].live[ann.public].answers


@STEPS
async def test_a_client_that_goes_before_its_answers_leaves_nothing(step: int) -> None:
    scene = Waited(slow=False)
    ann = scene.member(scene.put_door())
    scene.slowly()
    ann.send(ann.blob(b"said"))
    ann.send(LobbyRequest(ann.next_n(), bytes(16), b"a request"))
    await turns(step)
    ann.link.close()
    await turns(80)
    assert scene.host.blobs() == [b"said"]
    assert ann.public not in scene.relay_room.clients


# --- what other nodes do ------------------------------------------------------------------------


async def another_blob(scene: Waited, content: bytes) -> None:
    """Another node takes a blob, and the store says so."""
    room, beat, id = scene.room, BlobClass.BEAT, os.urandom(16)
    await scene.memory.publish(
        Publication(room.id, bytes(32), id, scene.base, beat, 60, content, room.roster.head)
    )


async def test_a_blob_and_an_item_of_another_node_are_told() -> None:
    scene = Waited()
    await another_blob(scene, b"from elsewhere")
    room = scene.room.id
    await scene.memory.add_item(room, LobbyKind.REQUEST, bytes(32), bytes(16), b"a request")
    await turns(30)
    frames = scene.host.fetch()
    assert [one.blob for one in frames if isinstance(one, BlobIs)] == [b"from elsewhere"]
    scene.host.heard.clear()
    await scene.memory.settle(room, bytes(16))
    await turns(30)
    assert items(scene.host) == [(LobbyKind.GONE, 2)]


@STEPS
async def test_what_changes_while_a_room_is_loaded_is_not_missed(step: int) -> None:
    scene = Waited(slow=False)
    scene.host.link.close()
    scene.relay.relay.rooms.verifier.forget(scene.room.id)  # as some minutes later
    await scene.relay.relay.tick()
    assert watched(scene) == set()
    scene.slowly()
    person = Person(scene, scene.room.relay_key)
    person.send(person.auth_frame("member"))
    await turns(step)
    await another_blob(scene, b"meanwhile")
    await turns(80)
    room = scene.relay.relay.rooms.loaded[scene.room.id]
    head = await scene.memory.head(scene.room.id)
    assert head is not None
    assert (room.number, room.lobby) == (head.number, head.lobby)
    await another_blob(scene, b"afterwards")
    await turns(20)
    assert room.number == head.number + 1


# --- which rooms are watched --------------------------------------------------------------------


def watched(scene: Scene) -> set[bytes]:
    assert isinstance(scene.relay.store, MemoryStore)
    return scene.relay.store._watched


async def test_a_room_is_watched_as_long_as_anything_of_it_is_here() -> None:
    scene = Waited(slow=False)
    assert watched(scene) == {scene.room.id}
    scene.host.link.close()
    await scene.relay.relay.tick()
    assert watched(scene) == {scene.room.id}  # its roster is kept for a client that comes back
    scene.clock.advance(KEPT_SECONDS)
    await scene.relay.relay.tick()
    assert watched(scene) == set()
    person = Person(scene, scene.room.relay_key)
    person.authenticate()
    assert watched(scene) == {scene.room.id}


async def test_nothing_is_kept_of_a_room_that_ends_without_clients() -> None:
    scene = Waited(slow=False)
    scene.clock.advance(limits.ABANDONED_AFTER - 60)
    scene.host.link.close()
    assert len(scene.relay.relay.rooms.verifier) == 1
    scene.clock.advance(60)
    await scene.relay.relay.tick()
    assert len(scene.relay.relay.rooms.verifier) == 0
    assert watched(scene) == set()


@pytest.mark.parametrize("role", ["member", "door"])
async def test_a_room_that_is_not_there_is_not_watched(role: str) -> None:
    scene = Waited(slow=False)
    door = scene.put_door()
    scene.clock.advance(limits.ABANDONED_AFTER)
    await scene.relay.relay.tick()
    await turns(2)
    person = Person(scene, scene.room.relay_key)
    person.send(person.auth_frame(role, door if role == "door" else None))
    await turns(2)
    assert person.one(RequestRefused).code == "unknown_room"
    await scene.relay.relay.tick()
    assert watched(scene) == set()
