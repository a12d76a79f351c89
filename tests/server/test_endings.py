"""A client that leaves, returns or stops listening at an awkward moment harms no other."""

from __future__ import annotations

import asyncio
import os
from typing import Any, cast

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import Authenticated, BlobIs, Bye, Done, Published, Resume
from alcove_protocol.roster import extend
from alcove_protocol.statements import Signed
from alcove_server.net.incoming import AFTER_CLOSE
from alcove_server.net.websocket import WebSocket
from alcove_server.ports.outlet import Close
from alcove_server.ports.runner import OnLoop
from alcove_server.testing.embedded import embedded
from websockets.protocol import OPEN, SERVER, Protocol

from tests.server.keys import Door
from tests.server.scene import Person, Scene
from tests.server.sockets import masked, serving
from tests.server.terms import terms
from tests.server.test_restore import restore_frame


class Link:
    """A transport that takes note, and takes nothing after its end."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.ended = self.aborted = False

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None

    def write(self, data: bytes) -> None:
        if self.ended:
            raise RuntimeError("Cannot call write() after write_eof()")
        self.written.append(data)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def abort(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return 0


@pytest.fixture
async def socket() -> WebSocket:
    loop = asyncio.get_running_loop()
    protocol = Protocol(SERVER, state=OPEN, max_size=limits.FRAME_BEFORE_AUTH)
    shared = terms(loop.time, loop, slots=10)
    return WebSocket(cast(asyncio.Transport, Link()), protocol, shared, lambda socket: None)


def link_of(socket: WebSocket) -> Link:
    return cast(Link, socket._transport)


async def test_after_a_clients_fin_nothing_is_written_and_nothing_fails(socket: WebSocket) -> None:
    socket.eof_received()
    socket.write(b"for everybody")
    socket.turn()
    socket.close(Close.RESTARTING)
    assert link_of(socket).ended
    assert b"for everybody" not in link_of(socket).written


async def test_a_client_that_could_not_be_pinged_is_not_dropped_for_its_silence(
    socket: WebSocket,
) -> None:
    socket.pause_writing()
    socket.turn()
    socket.resume_writing()
    socket.turn()
    assert link_of(socket).written == [b"\x89\x00"]
    assert not link_of(socket).aborted
    socket.turn()
    assert link_of(socket).aborted


async def test_a_client_that_waits_to_be_read_is_not_silent(socket: WebSocket) -> None:
    """Its answer to the ping may be among what waits."""
    socket.probe()
    assert socket.silent
    socket._waiting = masked(0x8A)
    assert not socket.silent


@pytest.mark.parametrize("full", [False, True])
async def test_pings_after_a_close_frame_are_answered_by_nothing(
    socket: WebSocket, full: bool
) -> None:
    socket.close(Close.TEXT_FRAME)
    if full:
        socket.pause_writing()
    before = len(link_of(socket).written)
    ping = masked(0x89, b"p" * 125)
    socket.data_received(ping * AFTER_CLOSE)
    assert not link_of(socket).aborted
    socket.data_received(ping)
    assert link_of(socket).aborted
    assert len(link_of(socket).written) == before


async def test_a_tick_that_fails_does_not_end_the_others(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("alcove_server.net.keepalive.Stalled.tick", broken)
    async with serving(auth_seconds=10) as running:
        raw = await running.upgraded()
        await running.time.advance(11)
        assert await raw.close_code() == Close.REFUSED
    assert "ZeroDivisionError at" in caplog.text


def test_a_member_that_returns_while_alone_in_the_room_still_hears_others(
    scene: Scene, door: Door
) -> None:
    older = scene.host
    scene.host = Person(scene, scene.room.relay_key)
    scene.host.authenticate()
    scene.host.resume(scene.base)
    assert older.closed == Close.REPLACED
    scene.newcomer(door).knock()
    assert [type(one).__name__ for one in scene.host.fetch()] == ["LobbyItem"]


class LoopScene(Scene):
    """A room without connections, whose chain is so long that others have a turn while it is
    verified."""

    def __init__(self, entries: int) -> None:
        super().__init__()
        self.relay = embedded(self.clock, os.urandom, wall=self.clock, runner=OnLoop())
        self.entries = entries

    async def fill(self) -> Door:
        self.open()
        door = self.put_door()
        for _ in range(self.entries):
            frame = self.commit()
            self.host.send(frame)
            await asyncio.sleep(0)
            self.host.fetch()
            assert frame.entry is not None
            assert frame.signature is not None
            self.room.take(Signed(frame.entry, frame.signature))
            self.base = self.host.position
        self.host.link.close()
        assert not self.relay.relay.rooms.loaded
        self.relay.relay.rooms.verifier.forget(self.room.id)  # as some minutes later
        return door


async def settled() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


async def test_a_client_that_leaves_while_the_chain_is_verified_gets_no_place() -> None:
    scene = LoopScene(20)
    door = await scene.fill()
    for _ in range(10):
        passing = Person(scene)
        passing.send(passing.auth_frame("door", door))
        passing.link.close()
    await settled()
    assert len(scene.relay.relay) == 0
    assert scene.relay.relay.rooms.loaded == {}


async def test_a_chain_is_verified_once_for_all_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = LoopScene(40)
    door = await scene.fill()
    count, real = 0, extend

    def counted(*given: Any) -> Any:
        nonlocal count
        count += 1
        return real(*given)

    monkeypatch.setattr("alcove_server.rooms.roster_history.extend", counted)
    people = [Person(scene) for _ in range(20)]
    for one in people:
        one.send(one.auth_frame("door", door))
    await settled()
    for one in people:
        one.fetch()
        assert isinstance(one.heard[-1], Authenticated)
    assert count == len(scene.room.chain) - 1


async def test_a_room_restored_while_a_client_authenticates() -> None:
    scene = LoopScene(40)
    await scene.fill()
    scene.room.take(scene.room.entry([], base=scene.base, commit=b""))
    host = Person(scene, scene.room.relay_key)
    host.send(host.auth_frame("reseat"))
    await settled()
    host.fetch()
    member = Person(scene, scene.room.relay_key)
    host.send(restore_frame(host, scene.room.chain))
    member.send(member.auth_frame("member"))
    await settled()
    assert isinstance(host.fetch()[0], Done)
    (relay_room,) = scene.relay.relay.rooms.loaded.values()
    head = await scene.relay.store.head(scene.room.id)
    assert head is not None
    assert relay_room.generation == head.generation
    member.send(Resume(member.next_n(), bytes(16), 0))
    member.fetch()
    assert member.closed is None


async def test_a_resume_into_a_log_that_is_another_by_now_is_told_to_come_again() -> None:
    scene = Scene()
    scene.open()
    connection = scene.host.link.session
    assert connection is not None
    scene.relay.relay.rooms.loaded[scene.room.id].generation = b"another."
    scene.host.fetch()
    scene.host.send(Resume(scene.host.next_n(), bytes(16), 0))
    assert scene.host.closed == Close.RESTARTING
    assert [one.code for one in scene.host.fetch() if isinstance(one, Bye)] == ["draining"]


ENDINGS = {
    "goodbye": (masked(0x88, b"\x03\xe8"), Close.DONE),
    "unmasked": (masked(0x82, b"x", mask=False), 1002),
    "not utf-8": (masked(0x81, b"\xff"), Close.NOT_UTF8),
    "fin": (b"", None),
}


@pytest.mark.parametrize("how", ENDINGS)
async def test_what_was_asked_before_the_end_is_answered_before_it(how: str) -> None:
    last, code = ENDINGS[how]
    async with serving() as running:
        host, guest = await running.client(), await running.client()
        room, door = await host.open(), Door()
        await host.put_door(room, door)
        await guest.knock(room, door)
        await host.admit(room, guest, door)
        asked = [guest.blob(b"said %d" % number) for number in range(50)]
        burst = [masked(0x82, one.to_bytes()) for one in asked]
        guest.socket.transport.write(b"".join([*burst, last]))
        if how == "fin":
            guest.socket.transport.write_eof()
        answers = [await guest.until(Published) for _ in asked]
        assert [one.n for one in answers] == [one.n for one in asked]
        assert await guest.closed() == code
        told = [await host.until(BlobIs) for _ in asked]
        assert [one.position for one in told] == [one.position for one in answers]
