"""A stranger's restores leave places to others, when all rooms of a relay are restored at once."""

import asyncio

import pytest
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import Done, RequestRefused
from alcove_server.net.admission import Admission
from alcove_server.ports.place import Quota
from alcove_server.ports.runner import OnLoop
from alcove_server.rooms.restores import OF_A_PREFIX, WAITING, Restores
from alcove_server.rooms.roster_verifier import SHORT
from alcove_server.testing.embedded import ManualClock

from tests.server.scene import Scene
from tests.server.test_restore import restore_frame, restoring
from tests.server.test_strangers import Guarded
from tests.server.waiting import turns

LONG = SHORT + 1
"""Bytes of a restore that is just not short."""


def parts(*addresses: str) -> list[Quota]:
    """The parts of the network of these addresses. 192.0.2.1 is one that many people share."""
    doorkeeper = Admission(
        ManualClock(), bytes, connections=100, per_prefix=10, shared=frozenset({"192.0.2.1"})
    )
    return [doorkeeper.enter(address).allowance for address in addresses]


async def fill(restores: Restores, part: Quota | None, size: int = LONG) -> int:
    """Begin restores, until none is begun any more. Return how many were, and wait."""
    before = len(restores)
    line = restores.line_of(size)
    waiting = [asyncio.create_task(line.enter(part, size)) for _ in range(2 * WAITING)]
    await turns(2)
    for one in waiting:
        assert not one.done() or one.exception() is None or code_of(one) == "busy"
    return len(restores) - before


def code_of(task: asyncio.Task[None]) -> str:
    error = task.exception()
    assert isinstance(error, Refusal)
    return error.code


async def test_a_part_of_the_network_has_a_few_restores_and_a_shared_address_half_of_all() -> None:
    restores = Restores()
    one, other, shared = parts("198.51.100.1", "203.0.113.1", "192.0.2.1")
    assert await fill(restores, one) == OF_A_PREFIX
    assert await fill(restores, shared) == WAITING // 2
    assert await fill(restores, other) == OF_A_PREFIX
    restores.line_of(LONG).leave()
    await turns(2)
    assert await fill(restores, one) == 1
    assert len(restores) == WAITING // 2 + 2 * OF_A_PREFIX


async def test_all_restores_together_are_bounded_and_one_who_had_none_gets_a_place() -> None:
    restores = Restores()
    assert await fill(restores, None) == WAITING
    assert await fill(restores, None) == 0
    (one,) = parts("198.51.100.1")
    line = restores.line_of(LONG)
    honest = asyncio.create_task(line.enter(one, LONG - 1))
    await turns(2)
    assert len(restores) == WAITING
    line.leave()
    await turns(2)
    assert honest.done()
    assert honest.exception() is None


async def test_a_short_restore_waits_for_no_long_one() -> None:
    restores = Restores()
    await fill(restores, None)
    await asyncio.wait_for(restores.line_of(SHORT).enter(None, SHORT), 30)
    assert len(restores) == WAITING + 1


async def test_a_stranger_with_all_restores_that_it_may_have_leaves_places_to_others() -> None:
    scene = Guarded()
    scene.relay.relay.services.runner = OnLoop()
    stranger = scene.stranger()
    mine = stranger.link.session
    assert mine is not None
    rooms = scene.relay.relay.rooms
    await fill(rooms.restores, mine.client.part, SHORT)
    assert stranger.refused(restore_frame(stranger, scene.room.chain)) == "busy"
    honest = scene.stranger()
    theirs = honest.link.session
    assert theirs is not None
    theirs.client.place = scene.doorkeeper.enter("203.0.113.1")
    honest.send(restore_frame(honest, scene.room.chain))
    await turns(5)
    assert honest.fetch() == []
    rooms.restores.line_of(SHORT).leave()
    await turns(20)
    assert [type(one) for one in honest.fetch()] == [Done]


async def test_a_client_that_went_while_it_waited_is_as_if_it_had_not_come() -> None:
    scene = Guarded()
    scene.relay.relay.services.runner = OnLoop()
    restores = scene.relay.relay.rooms.restores
    await fill(restores, None, SHORT)
    person = scene.stranger()
    session = person.link.session
    assert session is not None
    part = scene.doorkeeper.enter("203.0.113.1")
    session.client.place = part
    restores.line_of(SHORT).leave()
    await turns(5)
    held = len(restores)
    person.send(restore_frame(person, scene.room.chain))
    await turns(5)
    assert len(restores) == held + 1
    session.lost()
    await turns(5)
    assert len(restores) == held
    assert not restores.clients
    assert restores.line_of(SHORT)._had.get(part.allowance, 0) == 0


async def test_who_gives_way_in_the_line_is_told_so() -> None:
    scene = Guarded()
    scene.relay.relay.services.runner = OnLoop()
    restores = scene.relay.relay.rooms.restores
    await fill(restores, None, SHORT)
    person = scene.stranger()
    session = person.link.session
    assert session is not None
    session.client.place = scene.doorkeeper.enter("203.0.113.1")
    person.send(restore_frame(person, scene.room.chain))
    await turns(5)
    assert person.fetch() == []
    line = restores.line_of(SHORT)
    one = next(one for one in line._waiting if one.who is session.client)
    line._put_out(one, "busy")
    await turns(5)
    assert [answer.code for answer in person.fetch() if isinstance(answer, RequestRefused)] == [
        "busy"
    ]
    assert not restores.clients


@pytest.mark.parametrize("chain", ["good", "bad"])
def test_a_restore_gives_its_place_back_however_it_ends(chain: str) -> None:
    scene = Scene()
    person = restoring(scene)
    frame = restore_frame(person, scene.room.chain if chain == "good" else [])
    person.send(frame)
    assert len(scene.relay.relay.rooms.restores) == 0
