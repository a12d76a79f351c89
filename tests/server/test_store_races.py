"""Clients come, go and are judged while the relay waits for its store. No client is left deaf, none
stays at a door where it may not be, and none is told anything twice."""

from __future__ import annotations

import asyncio
import os
from typing import Any, cast

import pytest
from alcove_protocol.frames import (
    Authenticated,
    BlobClass,
    BlobIs,
    KnockRefused,
    LobbyKind,
    RefuseKnock,
    RequestRefused,
    Resume,
    WelcomeIs,
)
from alcove_protocol.roster import Change, Op
from alcove_server.ports.outlet import Close
from alcove_server.store.interface import SeatedRoom, Store

from tests.server.keys import Door
from tests.server.scene import Person
from tests.server.waiting import STEPS, Waited, Waiting, client_of, items, turns

# --- a member resumes -------------------------------------------------------------------------


@STEPS
async def test_a_connection_that_replaces_a_resuming_one_is_not_deaf(step: int) -> None:
    scene = Waited(slow=False)
    older = scene.host
    scene.slowly()
    older.send(Resume(77, bytes(16), 0))
    await turns(step)
    scene.at_once()
    newer = Person(scene, scene.room.relay_key)
    newer.authenticate()
    newer.resume(bytes(16))
    assert older.closed == Close.REPLACED
    await turns(50)
    newer.fetch()
    await scene.elsewhere(size=10)
    await scene.ring()
    await turns(2)
    assert newer.blobs() == [bytes(10)]
    assert scene.relay_room.live == {newer.public: client_of(newer)}


@STEPS
async def test_a_client_that_goes_during_its_resume_is_gone(step: int) -> None:
    scene = Waited(slow=False)
    scene.slowly()
    scene.host.send(Resume(77, bytes(16), 0))
    await turns(step)
    scene.host.link.close()
    await turns(50)
    assert scene.relay_room.live == {}


@STEPS
async def test_a_blob_of_a_client_that_went_meanwhile_is_told(step: int) -> None:
    """No other client is there, so another room is loaded before the store answers."""
    scene = Waited(slow=False)
    ann = scene.member(scene.put_door())
    ann.link.close()
    scene.slowly()
    scene.host.send(scene.host.blob(b"mine", BlobClass.BEAT))
    await turns(step)
    scene.host.link.close()
    scene.at_once()
    ann.connect()
    ann.authenticate()
    ann.heard.clear()
    ann.resume()
    await turns(50)
    ann.fetch()
    head = await scene.memory.head(scene.room.id)
    assert head is not None
    told = [frame.blob for frame in ann.heard if isinstance(frame, BlobIs)]
    assert told == [b"mine"] * (head.number - 1)  # the first was the commit that let Ann in


# --- somebody comes ---------------------------------------------------------------------------


@STEPS
async def test_a_newcomer_admitted_while_coming_back_to_the_door_gets_the_welcome(
    step: int,
) -> None:
    scene = Waited(slow=False)
    door = scene.put_door()
    ann = scene.newcomer(door)
    ann.knock()
    admission = scene.admission(ann)
    ann.link.close()
    ann.connect()
    scene.slowly()
    ann.send(ann.auth_frame("door", door))
    await turns(step)
    scene.at_once()
    scene.host.send(admission)
    await turns(50)
    kinds = [type(frame) for frame in ann.fetch()]
    assert kinds == [Authenticated, WelcomeIs]


@STEPS
async def test_a_member_removed_while_coming_to_a_door_does_not_stay_there(step: int) -> None:
    scene = Waited(slow=False)
    ann = scene.member(scene.put_door())
    another = scene.put_door(Door())
    removal = scene.commit(Change(Op.REMOVE, ann.public))
    ann.link.close()
    ann.connect()
    scene.slowly()
    ann.send(ann.auth_frame("door", another))
    await turns(step)
    scene.at_once()
    scene.host.send(removal)
    await turns(50)
    assert ann.closed == Close.REMOVED


@STEPS
async def test_a_newcomer_that_comes_back_while_it_is_refused_is_told_once(step: int) -> None:
    scene = Waited(slow=False)
    door = scene.put_door()
    older = scene.newcomer(door)
    older.knock()
    newer = Person(scene, older.key)
    scene.slowly()
    newer.send(newer.auth_frame("door", door))
    await turns(step)
    scene.host.send(RefuseKnock(77, older.knock_id, b"no"))
    await turns(100)
    told = [frame for frame in older.fetch() + newer.fetch() if isinstance(frame, KnockRefused)]
    assert told == [KnockRefused(older.knock_id, b"no")]


class Held(Waiting):
    """A store that answers `chain` only when `go` is set, and everything else at once."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.go = asyncio.Event()

    async def before(self, name: str) -> None:
        if name == "chain":
            await self.go.wait()

    async def after(self) -> None: ...


async def test_clients_that_wait_for_a_chain_take_no_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Waited(slow=False)
    scene.host.link.close()
    scene.pass_time(600)  # what this node knew of the chain is forgotten
    held = Held(scene.memory)
    scene.relay.relay.services.store = cast(Store, held)
    loop = asyncio.get_running_loop()
    taken, real = 0, loop.call_soon

    def counted(*given: Any, **named: Any) -> asyncio.Handle:
        nonlocal taken
        taken += 1
        return real(*given, **named)

    people = [Person(scene) for _ in range(20)]
    for one in people:
        one.send(one.auth_frame("member"))
    await turns(3)
    monkeypatch.setattr(loop, "call_soon", counted)
    await turns(50)
    assert taken == 50  # this test's own
    held.go.set()
    await turns(50)
    assert [one.one(RequestRefused).code for one in people] == ["not_member"] * 20


# --- the room is another by now ---------------------------------------------------------------


@STEPS
async def test_a_room_seated_again_while_it_is_read_is_left(step: int) -> None:
    scene = Waited(slow=False)
    await scene.elsewhere(3, 10)
    scene.slowly()
    reading = asyncio.create_task(scene.ring())
    await turns(step)
    head = await scene.memory.head(scene.room.id)
    assert head is not None
    chain = await scene.memory.chain(scene.room.id, 0)
    seated = SeatedRoom(scene.room.id, chain, head.roster, os.urandom(8), b"the commit", ())
    await scene.memory.reseat(seated, head.roster)
    await turns(50)
    assert reading.done()
    assert len(scene.host.blobs()) <= 3
    await scene.ring()
    assert scene.host.closed == Close.RESTARTING


async def test_a_client_that_resumes_ahead_of_the_room_is_not_told_items_again() -> None:
    scene = Waited(slow=False)
    for _ in range(3):
        await scene.request()
    scene.host.send(Resume(77, scene.base, 0))
    assert [number for _, number in items(scene.host)] == [1, 2, 3]
    scene.host.send(Resume(78, scene.base, 3))
    await scene.ring()
    assert items(scene.host) == []


async def test_the_end_of_an_item_is_told_by_a_room_that_has_read_none() -> None:
    scene = Waited(slow=False)
    id = await scene.request()
    scene.host.send(Resume(77, scene.base, 0))
    assert items(scene.host) == [(LobbyKind.REQUEST, 1)]
    await scene.memory.settle(scene.room.id, id)
    await scene.ring()
    assert items(scene.host) == [(LobbyKind.GONE, 2)]
