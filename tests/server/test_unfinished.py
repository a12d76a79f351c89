"""Messages of which only a part comes have neither time nor memory without end."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import BlobIs, Bye, Published, Resume, Resumed, from_relay
from alcove_server.net.inbox import Everyone
from alcove_server.net.unfinished import MESSAGE_SECONDS, Unfinished
from alcove_server.net.websocket import WebSocket
from alcove_server.ports.outlet import Close
from alcove_server.session.session import Session
from alcove_server.testing.embedded import ManualClock, embedded
from websockets.protocol import OPEN, SERVER, Protocol

from tests.server.keys import Door, Facilitated
from tests.server.scene import Scene
from tests.server.sockets import Client, Running, masked, serving
from tests.server.terms import terms
from tests.server.test_endings import Link, link_of

SECONDS = 60.0


@dataclass(eq=False)
class One:
    """Keeps what it is told."""

    told: list[tuple[int, str]] = field(default_factory=list)

    def give_up(self, code: int, reason: str) -> None:
        self.told.append((code, reason))


IDLE = (Close.REFUSED, "idle")
BUSY = (Close.TRY_AGAIN, "busy")


def test_each_message_has_its_time_from_its_first_byte() -> None:
    clock = ManualClock()
    unfinished, slow, ended, later = Unfinished(clock, SECONDS, 1000), One(), One(), One()
    for one in (slow, ended, later):
        unfinished.hold(one, 1)
    clock.advance(SECONDS - 1)
    unfinished.hold(slow, 2)
    unfinished.discard(ended)
    unfinished.discard(later)
    unfinished.hold(later, 1)
    unfinished.tick()
    assert not slow.told
    clock.advance(1)
    unfinished.tick()
    unfinished.tick()
    assert (slow.told, ended.told, later.told) == ([IDLE], [], [])
    assert (len(unfinished), unfinished.total) == (1, 1)


def test_the_largest_part_goes_when_all_are_too_much() -> None:
    unfinished, ones = Unfinished(ManualClock(), SECONDS, 1000), [One() for _ in range(11)]
    for one, size in zip(ones, [90, 400, 400, *[10] * 8], strict=True):
        unfinished.hold(one, size)
    unfinished.hold(ones[0], 91)  # an even share, and others' are larger
    unfinished.hold(ones[3], 39)
    assert [one.told for one in ones] == [[]] * 11
    unfinished.hold(ones[4], 11)
    assert [one.told for one in ones] == [[], [BUSY], *[[]] * 9]
    assert unfinished.total == 1001 - 400
    unfinished.hold(ones[4], 1001)
    assert ones[4].told == [BUSY]


def test_the_largest_part_of_the_network_gives_way_first() -> None:
    unfinished, crowd, quiet = Unfinished(ManualClock(), SECONDS, 1000), Everyone(), Everyone()
    large = One()
    unfinished.hold(large, 300, quiet)  # one large commit, alone in its network
    many = [One() for _ in range(9)]
    for one in many[:7]:
        unfinished.hold(one, 100, crowd)
    unfinished.hold(many[7], 101, crowd)
    unfinished.hold(many[8], 50, crowd)
    assert large.told == []
    assert [bool(one.told) for one in many] == [True] + [False] * 6 + [True, False]
    assert unfinished.total == 300 + 6 * 100 + 50


class Slow:
    """A client of a real relay, with a transport that takes note and a clock that is told."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.clock = ManualClock()
        self.unfinished = Unfinished(self.clock, SECONDS, limits.MIB)
        shared = terms(self.clock, loop, unfinished=self.unfinished)
        protocol = Protocol(SERVER, state=OPEN, max_size=limits.FRAME_BEFORE_AUTH)
        transport = cast(asyncio.Transport, Link())
        self.socket = WebSocket(transport, protocol, shared, lambda socket: None)
        relay = embedded(self.clock, bytes).relay
        self.socket.attach(relay.connect(host="a", offered="", outlet=self.socket))

    def period(self, data: bytes) -> None:
        """20 seconds, in which this comes."""
        self.socket.data_received(data)
        self.clock.advance(20)
        self.socket.turn()
        self.unfinished.tick()

    @property
    def end(self) -> tuple[str, int]:
        """The last word and the close code."""
        *_, word, close = [one for one in link_of(self.socket).written if one != b"\x89\x00"]
        bye = from_relay(word[4 if word[1] == 126 else 2 :])
        assert isinstance(bye, Bye)
        assert close[0] == 0x88
        return bye.code, int.from_bytes(close[2:4], "big")

    @property
    def closed(self) -> bool:
        return link_of(self.socket).ended or link_of(self.socket).aborted


@pytest.mark.parametrize(
    "parts",
    [
        [masked(0x82, b"", claim=60_000), b"1", b"2"],
        [b"\x82", b"\xfe", b"\xea"],
        [b"\x89", b"\x85", b"\x01"],
        [masked(0x02), masked(0x00, b"a fragment"), masked(0x00)],
        [masked(0x02, b"a"), masked(0x8A), masked(0x89)],
        [masked(0x8A) + b"\x82", b"\xfe", b"\xea"],
    ],
    ids=["payload", "header", "ping", "fragments", "pongs between", "behind a pong"],
)
async def test_a_byte_now_and_then_does_not_keep_a_message_under_way(parts: list[bytes]) -> None:
    slow = Slow()
    for part in parts:
        assert not slow.closed
        slow.period(part)
    assert slow.end == ("idle", Close.REFUSED)
    assert len(slow.unfinished) == 0
    assert slow.unfinished.total == 0


async def test_a_client_that_ends_each_message_in_time_stays_though_each_piece_begins_one() -> None:
    slow = Slow()
    pong, ping = masked(0x8A, b"pong"), masked(0x89, b"ping")
    slow.period(pong[:3])
    for _ in range(20):
        slow.period(pong[3:] + ping[:7])
        slow.period(ping[7:] + pong[:3])
    assert not slow.closed
    slow.period(pong[3:])
    assert len(slow.unfinished) == 0


async def test_a_client_that_is_silent_in_the_middle_of_a_message_is_dropped_as_before() -> None:
    slow = Slow()
    slow.period(masked(0x82, b"", claim=60_000))
    slow.period(b"")
    assert not slow.closed
    slow.clock.advance(20)
    slow.socket._heard = False
    slow.socket.turn()
    assert link_of(slow.socket).aborted


async def test_what_a_closing_client_sends_counts_until_it_is_gone() -> None:
    slow = Slow()
    slow.socket.close(Close.DONE)
    slow.socket.data_received(masked(0x82, bytes(50_000), claim=60_000))
    assert slow.unfinished.total == 50_000
    assert not link_of(slow.socket).aborted
    for _ in range(limits.MIB // 40_000):
        slow.unfinished.hold(One(), 40_000)
    assert link_of(slow.socket).aborted
    slow.socket.connection_lost(None)
    assert slow.unfinished.total == limits.MIB // 40_000 * 40_000


# --- over real sockets --------------------------------------------------------------------------


async def test_a_client_that_gives_way_in_the_middle_of_a_message_hears_why() -> None:
    async with serving(store_bytes=limits.MIB) as running:
        others = [await restoring(running) for _ in range(4)]
        for one in others:
            one.socket.transport.write(masked(0x82, bytes(limits.FRAME - 100), claim=limits.FRAME))
        unfinished = unfinished_of(running)
        await running.until(lambda: unfinished.total == 4 * (limits.FRAME - 100))
        slow = await restoring(running)
        # More than the sockets of both ends hold, so it still sends when it is told.
        slow.socket.transport.write(masked(0x82, bytes(limits.FRAME - 50), claim=limits.FRAME))
        ended = [asyncio.create_task(one.until(Bye)) for one in (*others, slow)]
        done, _ = await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result().code for task in done] == ["busy"]
        (number,) = [at for at, task in enumerate(ended) if task in done]
        for task in ended:
            task.cancel()
        await asyncio.wait(ended)
        assert await (*others, slow)[number].closed() == Close.TRY_AGAIN


def unfinished_of(running: Running) -> Unfinished:
    return running.service._terms.unfinished


async def restoring(running: Running) -> Client:
    client = await running.client()
    await client.authenticate(Facilitated(relay_key=client.key), "reseat")
    return client


async def test_a_message_without_end_is_given_up() -> None:
    async with serving(ping_seconds=600) as running:
        host, slow = await running.client(), await restoring(running)
        await host.open()
        slow.socket.transport.write(masked(0x82, bytes(1000), claim=limits.FRAME))
        await running.until(lambda: len(unfinished_of(running)) == 1)
        await running.time.advance(MESSAGE_SECONDS + 1)
        assert (await slow.until(Bye)).code == "idle"
        assert await slow.closed() == Close.REFUSED
        assert isinstance(await host.ask(host.blob(), Published), Published)
        assert len(unfinished_of(running)) == 0


async def test_parts_of_messages_are_bounded_together_and_harm_no_small_ones() -> None:
    size, bound = limits.FRAME - 100, 4 * limits.FRAME
    async with serving(store_bytes=limits.MIB) as running:
        host = await running.client()
        await host.open()
        unfinished = unfinished_of(running)
        frame = masked(0x82, host.blob(b"in two pieces").to_bytes())
        host.socket.transport.write(frame[:-1])
        await running.until(lambda: len(unfinished) == 1)
        crowd = [await restoring(running) for _ in range(10)]
        for one in crowd:
            one.socket.transport.write(masked(0x82, bytes(size), claim=limits.FRAME))
        relay = running.service.relay
        await running.until(lambda: len(relay) == 1 + 4 and unfinished.total > 4 * size)
        assert unfinished.total <= bound
        host.socket.transport.write(frame[-1:])
        await host.until(Published)
        tasks = [asyncio.create_task(one.until(Bye)) for one in crowd]
        await running.until(lambda: sum(task.done() for task in tasks) == 6)
        assert [task.result().code for task in tasks if task.done()] == ["busy"] * 6
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert unfinished.total == 0


async def test_a_newcomer_at_a_door_sends_no_larger_frames_than_before() -> None:
    async with serving() as running:
        host, newcomer, greedy = [await running.client() for _ in range(3)]
        room, door = await host.open(), Door()
        await host.put_door(room, door)
        await greedy.authenticate(room, "door", door)
        greedy.socket.transport.write(masked(0x82, claim=limits.FRAME_BEFORE_AUTH + 1))
        assert await greedy.closed() == Close.TOO_LARGE
        # A newcomer who was let in sends a large one at once, in one piece with its first request.
        await newcomer.knock(room, door)
        await host.admit(room, newcomer, door)
        resume = Resume(newcomer.next_n(), newcomer.base, 0)
        large = newcomer.blob(bytes(limits.APPLICATION_BLOB))
        frames = [masked(0x82, one.to_bytes()) for one in (resume, large)]
        newcomer.socket.transport.write(b"".join(frames))
        await newcomer.until(Resumed)
        await newcomer.until(Published)
        assert len((await host.until(BlobIs)).blob) == limits.APPLICATION_BLOB


def test_the_relay_itself_takes_no_larger_frame_of_a_newcomer(scene: Scene, door: Door) -> None:
    newcomer = scene.newcomer(door)
    newcomer.link.receive(bytes(limits.FRAME_BEFORE_AUTH + 1))
    assert newcomer.closed == Close.TOO_LARGE


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Of all that is read meanwhile nothing is left, without a collector of cycles."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield
        assert tracemalloc.get_traced_memory()[0] - before < 100 * limits.KIB
    finally:
        tracemalloc.stop()
        gc.enable()


class Forgetful:
    """A connection that does nothing with what it is told."""

    takes_large = True
    congested = False

    def receive(self, data: bytes, fragments: int) -> None:
        assert len(data) == 1_000_000

    def lost(self) -> None:
        """Nothing is kept."""


async def test_a_large_message_is_not_kept_once_it_was_read() -> None:
    many = [Slow() for _ in range(5)]
    for slow in many:
        slow.socket.attach(cast(Session, Forgetful()))
    with nothing_kept():
        for slow in many:
            slow.socket.data_received(masked(0x82, b"", claim=1_000_000))
            slow.socket.data_received(bytes(1_000_000))
    assert all(not slow.closed for slow in many)


async def test_half_a_message_goes_with_its_connection() -> None:
    many = [Slow() for _ in range(20)]
    with nothing_kept():
        while many:
            slow = many.pop()
            slow.socket.data_received(masked(0x82, b"", claim=60_000))
            slow.socket.data_received(bytes(59_000))
            slow.socket.connection_lost(None)
            del slow
