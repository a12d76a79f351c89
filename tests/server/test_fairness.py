"""However much comes at once, a turn of the loop does a bounded amount of work, in a fair order.

Nothing here is timed. Work is counted: messages, steps (`ports.turn`) and bytes in one turn.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, Bye, EndRoom, Published, Resume
from alcove_server.client.feed import Feed
from alcove_server.net.admission import Admission
from alcove_server.net.inbox import SHARE, Everyone
from alcove_server.net.shares import Shares
from alcove_server.net.terms import Terms
from alcove_server.net.unfinished import Unfinished
from alcove_server.net.websocket import WebSocket
from alcove_server.ports.outlet import Close
from alcove_server.ports.runner import OnLoop
from alcove_server.ports.turn import AT_ONCE, BYTES, Turn
from alcove_server.rooms import fanout
from alcove_server.rooms.fanout import Fanout, Turns
from alcove_server.session import price
from alcove_server.settings import Settings
from alcove_server.testing.embedded import ManualClock
from websockets.protocol import OPEN, SERVER, Protocol

from tests.server.keys import Door
from tests.server.scene import Person, Scene
from tests.server.sockets import masked, serving
from tests.server.terms import terms
from tests.server.test_fanout import Member
from tests.server.test_strangers import Guarded

COST = 1.0
"""Steps of one request of the sessions below."""


class Turned:
    """A loop whose turns a test ends."""

    def __init__(self) -> None:
        self.due: list[Callable[[], object]] = []

    def later(self, act: Callable[[], object]) -> None:
        self.due.append(act)

    call_soon = later

    def turn(self) -> bool:
        due, self.due = self.due, []
        for act in due:
            act()
        return bool(due)


class Counting:
    """A session that counts the requests of each turn."""

    takes_large = True
    congested = False

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self.heard: list[bytes] = []

    def receive(self, data: bytes, fragments: int) -> None:
        self._turn.spend(COST)
        self.heard.append(data)

    def lost(self) -> None:
        """Nothing is kept."""


class Pipe:
    """A transport that knows whether it is read."""

    def __init__(self) -> None:
        self.reading = True

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Crowd:
    """Connections to one node, whose turns the test ends."""

    def __init__(self) -> None:
        self.loop = Turned()
        clock = ManualClock()
        unfinished = Unfinished(clock, 60.0, 100 * limits.MIB)
        self.terms: Terms = terms(clock, self.loop, later=self.loop.later, unfinished=unfinished)
        self.turn = self.terms.inbox.turn

    def one(self, part: Everyone) -> tuple[WebSocket, Counting, Pipe]:
        protocol = Protocol(SERVER, state=OPEN, max_size=limits.FRAME)
        pipe, session = Pipe(), Counting(self.turn)
        link = cast(asyncio.Transport, pipe)
        socket = WebSocket(link, protocol, self.terms, lambda socket: None, part)
        socket.attach(cast(Any, session))
        return socket, session, pipe


def test_a_turn_takes_a_few_requests_of_each_connection_and_no_more_than_its_budget() -> None:
    crowd, part = Crowd(), Everyone()
    burst = b"".join(masked(0x82, b"%04d" % number) for number in range(300))
    many = [crowd.one(part) for _ in range(57)]
    for socket, _, _ in many:
        socket.data_received(burst)
    counts = [len(session.heard) for _, session, _ in many]
    # A share may be overdrawn by what one slice of the parser holds.
    assert 0 < max(counts) <= 3 * SHARE
    assert sum(counts) <= AT_ONCE + 2 * SHARE
    assert not any(pipe.reading for _, _, pipe in many)
    before = sum(counts)
    while crowd.loop.turn():
        now = sum(len(session.heard) for _, session, _ in many)
        assert now - before <= AT_ONCE + 2 * SHARE
        before = now
    expected = [b"%04d" % number for number in range(300)]
    assert all(session.heard == expected for _, session, _ in many)
    assert all(pipe.reading for _, _, pipe in many)
    assert len(crowd.terms.inbox) == len(crowd.terms.unfinished) == 0


def test_a_client_of_another_network_waits_for_one_share_and_not_for_a_crowd() -> None:
    crowd, hostile = Crowd(), Everyone()
    burst = b"".join(masked(0x82, b"x") for _ in range(2000))
    for _ in range(200):
        crowd.one(hostile)[0].data_received(burst)
    socket, session, _ = crowd.one(Everyone())
    socket.data_received(masked(0x82, b"good"))
    assert session.heard == []  # this turn has done enough
    crowd.loop.turn()
    assert session.heard == [b"good"]


class Rented(Everyone):
    """One of the many networks of a provider, which all count together as two."""

    def __init__(self, whole: Everyone) -> None:
        self.whole = whole


class Provider(Everyone):
    weight = 2  # type: ignore[misc]  # another class of network than that of single tests


def test_the_networks_of_one_provider_have_its_places_in_a_round_and_not_one_each() -> None:
    crowd, provider = Crowd(), Provider()
    burst = b"".join(masked(0x82, b"x") for _ in range(2000))
    for _ in range(200):
        crowd.one(Rented(provider))[0].data_received(burst)
    socket, session, _ = crowd.one(Everyone())
    socket.data_received(masked(0x82, b"good"))
    assert session.heard == []
    crowd.loop.turn()
    assert session.heard == [b"good"]


def test_a_large_message_takes_turns_too() -> None:
    crowd = Crowd()
    socket, session, _ = crowd.one(Everyone())
    whole = masked(0x82, bytes(limits.FRAME - 1))
    turns = 0
    for at in range(0, len(whole), 1 << 18):
        socket.data_received(whole[at : at + (1 << 18)])
        while crowd.loop.turn():
            turns += 1
    assert [len(one) for one in session.heard] == [limits.FRAME - 1]
    assert turns >= 3  # 2,560 slices, each a third of a step


# --- what is sent -------------------------------------------------------------------------------


def told(room: Fanout, members: list[Member], message: bytes) -> None:
    for member in members:
        room.subscribe(Feed(member))
    room.add(message, {})


def test_a_turn_of_the_fan_out_is_bounded_in_bytes_and_shared_by_rooms() -> None:
    loop = Turned()
    turns = Turns(loop.later)
    large, small = [Member() for _ in range(200)], [Member() for _ in range(5)]
    told(Fanout(turns), large, bytes(limits.MIB))
    told(Fanout(turns), small, b"a line")
    loop.turn()
    most = fanout.AT_ONCE * BYTES + limits.MIB
    assert sum(len(one) for member in large for one in member.written) <= most
    assert all(member.written == [b"a line"] for member in small)
    while loop.turn():
        pass
    assert all(len(member.written) == 1 for member in large)


def test_a_flood_is_counted_for_its_authors_too() -> None:
    loop = Turned()
    room = Fanout(Turns(loop.later))
    authors = [Member() for _ in range(50)]
    for author in authors:
        room.subscribe(author.feed)
    for author in authors:
        for _ in range(100):
            room.add(bytes(200), {author.feed: b"answer"})
    loop.turn()
    assert 0 < sum(bool(author.written) for author in authors) < 50
    while loop.turn():
        pass
    assert all(b"".join(author.written).count(b"answer") == 100 for author in authors)


def test_a_room_that_is_behind_lets_its_members_wait() -> None:
    loop = Turned()
    room = Fanout(Turns(loop.later))
    room.subscribe(Member().feed)
    while not room.crowded:
        room.add(bytes(100_000), {})
    assert fanout.BEHIND_BYTES < room._messages.size <= fanout.BEHIND_BYTES + 100_000
    while loop.turn():
        pass
    assert not room.crowded


def test_what_is_told_to_a_room_counts_for_its_author() -> None:
    quiet = price.of_message(30_000, 1, 0)
    assert price.of_message(30_000, 1, 57 * 30_000) > quiet + 6
    largest = price.of_message(limits.FRAME, 1, limits.MEMBERS_MAX * limits.FRAME)
    assert price.bounded(largest) < price.BURST


class Limited(Guarded):
    """A room with rates, whose people come from parts of the network that a test chooses."""

    def __init__(self) -> None:
        super().__init__()
        self.relay.relay.services.settings = Settings(rates=1.0)

    def comes_from(self, person: Person, address: str) -> None:
        session = person.link.session
        assert session is not None
        session.client.place = self.doorkeeper.enter(address)


def admission(clock: ManualClock) -> Admission:
    return Admission(clock, os.urandom, connections=500, per_prefix=500, shared=frozenset())


def test_bytes_sent_because_of_a_network_are_bounded_and_come_back() -> None:
    clock = ManualClock()
    ann, ben = (admission(clock).enter(at).allowance for at in ("192.0.2.1", "198.51.100.1"))
    sent = 0
    while ann.tell(limits.MIB):
        sent += 1
    assert 256 <= sent <= 258
    assert ben.tell(limits.MIB)
    clock.advance(1)
    assert ann.tell(limits.MIB)


def test_members_may_not_keep_a_facilitator_from_a_heartbeat() -> None:
    scene = Scene(Settings(rates=1.0))
    scene.open()
    ann = scene.member(scene.put_door())
    room = scene.relay.relay.rooms.loaded[scene.room.id]
    while room.may_tell(64 * limits.MIB):
        pass
    big = bytes(limits.APPLICATION_BLOB)
    assert ann.refused(ann.blob(big)) == "rate_limited"
    ann.say(b"a line")  # the room is asked once for some messages
    for _ in range(3):
        scene.host.ask(scene.host.blob(big, BlobClass.BEAT, ttl=90), Published)


def test_a_network_that_had_too_much_sent_resumes_later() -> None:
    scene = Limited()
    scene.open()
    scene.comes_from(scene.host, "192.0.2.1")
    session = scene.host.link.session
    assert session is not None
    assert session.client.place is not None
    while session.client.place.allowance.tell(64 * limits.MIB):
        pass
    assert scene.host.refused(Resume(77, bytes(16), 0)) == "rate_limited"
    scene.clock.advance(60)
    scene.host.resume()


# --- what waits to be sent ----------------------------------------------------------------------


class Full(Pipe):
    """A transport that takes nothing."""

    aborted = False

    def get_write_buffer_size(self) -> int:
        return 1000

    def abort(self) -> None:
        self.aborted = True


def test_what_waits_for_all_has_one_bound_and_the_largest_network_gives_way_first() -> None:
    loop = Turned()
    shared = terms(ManualClock(), loop, later=loop.later, queue_bytes=limits.FRAME, unsent=100_000)
    crowded, quiet = Everyone(), Everyone()

    class Told(Counting):
        def evict(self, close: int, code: str) -> None:
            evicted.append((self, close, code))

    evicted: list[tuple[Counting, int, str]] = []

    def slow(part: Everyone, size: int) -> Told:
        protocol = Protocol(SERVER, state=OPEN, max_size=limits.FRAME)
        link = cast(asyncio.Transport, Full())
        socket = WebSocket(link, protocol, shared, lambda socket: None, part)
        session = Told(shared.inbox.turn)
        socket.attach(cast(Any, session))
        socket.pause_writing()
        socket.write(bytes(size))
        return session

    slow(quiet, 30_000)
    many = [slow(crowded, 10_000 + number) for number in range(6)]
    assert not shared.unsent.too_many
    assert not evicted
    many.append(slow(crowded, 9_000))
    loop.turn()
    assert evicted == [(many[5], Close.SLOW_CONSUMER, "slow_consumer")]
    assert shared.unsent.total <= 100_000


def test_a_shared_address_counts_as_many_networks() -> None:
    class Shared(Everyone):
        weight = 16  # type: ignore[misc]  # another class of network than that of single tests

    shares, shared, other = Shares[str](100), Shared(), Everyone()
    for number in range(10):
        shares.set(f"behind the proxy {number}", shared, 9)
    shares.set("alone", other, 11)
    assert shares.too_many
    assert shares.largest() == ("alone", other)
    shares.discard("alone", other)
    assert (shares.total, len(shares)) == (90, 10)


def test_the_networks_of_one_provider_hold_bytes_together() -> None:
    shares, provider, other = Shares[str](100), Provider(), Everyone()
    for number in range(10):
        shares.set(f"rented {number}", Rented(provider), 6)
    larger = Rented(provider)
    for name in ("small", "smaller"):
        shares.set(name, larger, 5)
    shares.set("alone", other, 34)  # less than half of what the provider's networks hold
    assert shares.too_many
    assert shares.largest() == ("small", larger)


# --- many at once -------------------------------------------------------------------------------


async def test_a_room_that_ends_is_closed_in_parts() -> None:
    scene = Scene()
    services = scene.relay.relay.services
    services.runner = OnLoop()
    services.turn = Turn(services.runner.later)
    scene.open(limits.MEMBERS_MAX)
    door = scene.put_door(Door(uses=1000))
    people = [scene.newcomer(door) for _ in range(150)]
    signed = scene.room.end()
    scene.host.send(EndRoom(9, signed.body, signed.signature))
    closed = [0]
    while closed[-1] < len(people):
        await asyncio.sleep(0)
        closed.append(sum(one.closed is not None for one in people))
    assert max(now - then for then, now in pairwise(closed)) < 50


async def test_clients_that_are_late_together_are_closed_in_parts() -> None:
    scene = Scene()
    services = scene.relay.relay.services
    services.runner = OnLoop()
    services.turn = Turn(services.runner.later)
    people = [Person(scene) for _ in range(300)]
    scene.clock.advance(11)
    task = asyncio.create_task(scene.relay.relay.tick())
    closed = [0]
    while closed[-1] < len(people):
        await asyncio.sleep(0)
        closed.append(sum(one.closed is not None for one in people))
    await task
    assert max(now - then for then, now in pairwise(closed)) < 100
    assert all(isinstance(one.fetch()[-1], Bye) for one in people)


async def test_thousands_are_told_to_come_again_in_parts() -> None:
    scene = Scene()
    services = scene.relay.relay.services
    services.runner = OnLoop()
    services.turn = Turn(services.runner.later)
    people = [Person(scene) for _ in range(300)]
    scene.relay.relay.drain()
    closed = [0]
    while closed[-1] < len(people):
        await asyncio.sleep(0)
        told = [one.closed is not None for one in people]
        closed.append(sum(told))
        assert all(told[: closed[-1]])  # in the order in which they came
    assert max(now - then for then, now in pairwise(closed)) < 100
    assert all(isinstance(one.fetch()[-1], Bye) for one in people)


async def test_a_connection_serves_one_page() -> None:
    async with serving() as running:
        raw = await running.raw()
        raw.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 50)
        assert (await raw.ended()).count(b"HTTP/1.1 200") == 1
