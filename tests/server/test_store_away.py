"""While the store can promise nothing, clients are sent away for some seconds, and lose nothing."""

from __future__ import annotations

import asyncio

import pytest
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobIs, Bye, ConnectionRole, RequestRefused
from alcove_server.ports.outlet import Close
from alcove_server.ports.services import AWAY_SECONDS
from alcove_server.store.interface import AtDoor, RoomHead
from alcove_server.store.memory.store import MemoryStore
from alcove_server.testing.embedded import ManualClock

from tests.server.keys import Door
from tests.server.scene import Scene
from tests.server.sockets import serving


class Sulking(MemoryStore):
    """A store that refuses whoever wants to come in."""

    away = False

    async def head(self, room: bytes) -> RoomHead | None:
        if self.away:
            raise Refusal("unavailable")
        return await super().head(room)

    async def at_door(self, room: bytes, door: bytes, key: bytes) -> AtDoor:
        if self.away:
            raise Refusal("unavailable")
        return await super().at_door(room, door, key)


@pytest.mark.interpreted  # its store inherits from the store in memory
def test_clients_that_come_are_sent_away_for_different_times() -> None:
    scene = Scene(store=(store := Sulking(ManualClock())))
    scene.open()
    door = scene.put_door()
    store.away = True
    delays = set()
    for turn in range(40):
        role, by = (ConnectionRole.DOOR, door) if turn % 2 else (ConnectionRole.MEMBER, None)
        delays.add(sent_away(scene, role, by))
    assert delays <= set(range(1, AWAY_SECONDS + 1))
    assert len(delays) > 3


def sent_away(scene: Scene, role: str, door: Door | None) -> int:
    """Connect and authenticate in vain. Return the delay that was asked for."""
    scene.host.connect()
    scene.host.send(scene.host.auth_frame(role, door))
    refused, bye = scene.host.fetch()
    assert isinstance(refused, RequestRefused)
    assert isinstance(bye, Bye)
    assert (refused.code, bye.code) == ("unavailable", "unavailable")
    assert scene.host.closed == Close.TRY_AGAIN
    assert bye.delay is not None
    return bye.delay


def test_the_clients_of_a_room_are_asked_to_come_back_and_hear_what_was_said() -> None:
    scene = Scene()
    scene.open()
    door = scene.put_door()
    ann, ben = scene.member(door), scene.member(door)
    newcomer = scene.newcomer(door)
    ann.say(b"before")
    for one in (scene.host, ann, ben):
        one.fetch()
    scene.relay.relay.rooms.on_away(scene.room.id)
    for one in (scene.host, ann, ben, newcomer):
        *_, bye = one.fetch()
        assert isinstance(bye, Bye)
        assert bye.code == "unavailable"
        assert bye.delay in range(1, AWAY_SECONDS + 1)
        assert one.closed == Close.TRY_AGAIN
    assert scene.relay.relay.services.tally.take()["unavailable"] == 4
    ann.come_back()
    ann.say(b"after")
    ben.come_back()
    heard = [frame.blob for frame in [*ben.heard, *ben.fetch()] if isinstance(frame, BlobIs)]
    assert heard.count(b"after") == 1


def test_a_room_without_clients_here_is_nothing_to_close() -> None:
    scene = Scene()
    scene.open()
    scene.relay.relay.rooms.on_away(bytes(32))
    assert scene.host.closed is None


async def test_a_node_that_stops_waits_until_its_clients_have_their_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered = asyncio.Event()

    async def settled(_: MemoryStore) -> None:
        await answered.wait()

    monkeypatch.setattr(MemoryStore, "settled", settled)
    async with serving(auth_seconds=60) as running:
        client = await running.client()
        room = await client.open()
        await client.resume()
        running.service.stop()
        while not running.service.relay.draining:
            assert (await running.get("/healthz"))[0] == 200
        assert await running.get("/readyz") == (503, b"draining")
        raw = await running.raw()
        assert (await raw.ask(running.upgrade()))[0] == 503
        await raw.close()
        door = Door()
        await client.put_door(room, door)  # those who are here go on
        answered.set()
        assert (await client.until(Bye)).code == "draining"
