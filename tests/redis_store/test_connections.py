"""One connection a key over all nodes: the newer one stays, in any order in which nodes hear."""

from __future__ import annotations

from collections.abc import Callable
from struct import pack

import pytest
from alcove_server.store.redis.connections import Connections
from alcove_server.store.redis.records import tag_of
from alcove_server.testing.embedded import ManualClock
from hypothesis import given
from hypothesis import strategies as st

from tests.redis_store.groups import Standalone
from tests.redis_store.node import Node, id_of
from tests.redis_store.server import until
from tests.server.store.bench import ANN, BEN, GENERATION, ROOM

CHANNEL = tag_of(ROOM)
Arguments = Callable[[], tuple[bytes, ...]]


class Channel:
    """A room's channel: announcements are done one after the other, and each node hears them in
    this order, sooner or later. A node may miss some, and is told so."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.nodes = [Connections(self.clock, self._announce) for _ in range(2)]
        self.asked: list[Arguments] = []
        self.unheard: list[list[bytes]] = [[], []]
        self.replaced: list[int] = []

    def _announce(self, channel: bytes, arguments: Arguments) -> None:
        self.asked.append(arguments)

    def connect(self, node: int, number: int) -> None:
        self.clock.advance(1)
        self.nodes[node].connected(CHANNEL, ANN, lambda: self.replaced.append(number))

    def do(self, which: int) -> None:
        """The server does one of the announcements: those of one node may overtake another's."""
        if not self.asked:
            return
        id, key, age, at = self.asked.pop(which % len(self.asked))()
        self.clock.advance(0.001)
        at = at or pack(">d", self.clock() - float(age))
        for unheard in self.unheard:
            unheard.append(id + at + key)

    def hear(self, node: int) -> None:
        if self.unheard[node]:
            self.nodes[node].heard(CHANNEL, self.unheard[node].pop(0))

    def miss(self, node: int) -> None:
        self.unheard[node].clear()
        self.nodes[node].again([CHANNEL])

    def settle(self) -> None:
        while self.asked or any(self.unheard):
            self.do(0)
            for node in range(2):
                self.hear(node)


ACTS = st.tuples(st.sampled_from(["do", "hear", "miss"]), st.integers(0, 3))


@given(st.lists(ACTS, max_size=12), st.lists(ACTS, max_size=12), st.booleans())
def test_the_newest_of_two_stays_in_every_order(
    before: list[tuple[str, int]], after: list[tuple[str, int]], swapped: bool
) -> None:
    channel = Channel()
    channel.connect(int(swapped), 1)
    act(channel, before)
    channel.connect(int(not swapped), 2)
    act(channel, after)
    channel.settle()
    assert channel.replaced == [1]


def act(channel: Channel, acts: list[tuple[str, int]]) -> None:
    for kind, which in acts:
        if kind == "do":
            channel.do(which)
        elif kind == "hear":
            channel.hear(which % 2)
        else:
            channel.miss(which % 2)


def test_a_late_announcement_closes_nothing_that_is_newer() -> None:
    """What a node asked while its connection broke may be done long after."""
    channel = Channel()
    channel.connect(0, 1)
    late = channel.asked.pop()
    channel.connect(1, 2)
    channel.settle()
    channel.clock.advance(60)
    channel.asked.append(late)
    channel.settle()
    assert channel.replaced == [1]


def test_a_connection_that_is_closed_is_not_replaced() -> None:
    channel = Channel()
    channel.connect(0, 1)
    channel.settle()
    channel.nodes[0].disconnected(CHANNEL, ANN)
    channel.connect(1, 2)
    channel.settle()
    assert channel.replaced == []


class Two:
    """Two nodes that hold a room on a real server, and which of their connections were replaced."""

    def __init__(self, url: str) -> None:
        self.nodes = [Node(url) for _ in range(2)]
        self.replaced: list[str] = []

    async def begin(self) -> None:
        await self.nodes[0].open()
        assert await self.nodes[1].store.head(ROOM) is not None

    def connect(self, node: int, name: str, key: bytes = ANN) -> None:
        self.nodes[node].store.connected(ROOM, key, lambda: self.replaced.append(name))

    async def until_replaced(self, *names: str) -> None:
        async def holds() -> bool:
            return self.replaced == list(names)

        await until(holds)

    async def talk(self) -> None:
        """A message behind which nothing of before is under way."""
        for number, node in enumerate(self.nodes):
            heard = len(node.heard.blobs)
            await self.nodes[1 - number].publish(id_of(100 + len(node.heard.blobs)))

            async def told(node: Node = node, heard: int = heard) -> bool:
                return len(node.heard.blobs) > heard

            await until(told)

    async def close(self) -> None:
        for node in self.nodes:
            await node.close()


@pytest.fixture
async def two(alone: Standalone) -> Two:
    await alone.server.ask("FLUSHALL")
    two = Two(alone.url)
    await two.begin()
    return two


async def test_a_newer_connection_at_another_node_takes_the_place(two: Two) -> None:
    two.connect(0, "first")
    two.connect(0, "of another key", BEN)
    await two.talk()
    two.connect(1, "second")
    await two.until_replaced("first")
    two.connect(0, "third")
    await two.until_replaced("first", "second")
    await two.talk()
    assert two.replaced == ["first", "second"]
    await two.close()


async def test_what_is_passed_on_reaches_the_other_node_once_and_stays_nowhere(two: Two) -> None:
    one, other = two.nodes
    one.store.pass_on(ROOM, ANN, b"a frame")
    await two.talk()
    assert other.heard.told.count((ROOM, ANN, b"a frame")) == 1
    assert (ROOM, ANN, b"a frame") not in one.heard.told
    await two.close()


async def test_of_two_in_one_moment_one_stays(two: Two) -> None:
    for turn in range(10):
        two.connect(turn % 2, f"{turn} first")
        two.connect((turn + 1) % 2, f"{turn} second")  # neither node has heard of the other one

        async def one_is(turn: int = turn) -> bool:
            return sum(name.startswith(f"{turn} ") for name in two.replaced) == 1

        await until(one_is)
        for node in two.nodes:
            node.store.disconnected(ROOM, ANN)
        await two.talk()
    await two.close()


async def test_a_node_that_missed_the_newer_one_hears_of_it(alone: Standalone, two: Two) -> None:
    one, other = two.nodes
    two.connect(0, "first")
    await two.talk()
    one.store.unwatch(ROOM)  # it hears nothing, as while it has no connection to the server
    assert await one.store.head(ROOM) is not None
    two.connect(1, "second")
    await other.publish(id_of(7))
    one.store.watch(ROOM)
    assert await one.store.head(ROOM) is not None
    assert two.replaced == []
    await alone.server.ask("CLIENT", "KILL", "TYPE", "pubsub")
    await two.until_replaced("first")
    await two.close()


async def test_the_traffic_of_a_room_goes_to_nodes_that_hold_it(
    alone: Standalone, two: Two
) -> None:
    async def hearing() -> int:
        said = await alone.server.ask("PUBSUB", "SHARDNUMSUB", CHANNEL.decode())
        return int(said.rpartition(b":")[2])

    assert await hearing() == 2
    one, other = two.nodes
    other.store.unwatch(ROOM)
    assert await other.store.head(ROOM) is not None
    assert await hearing() == 1
    await one.publish(id_of(1))
    assert await other.store.head(ROOM) is not None
    assert other.heard.told == []
    assert one.heard.told == [(ROOM, GENERATION, id_of(1))]
    await two.close()
