"""A stranger's restores leave places to others, when all rooms of a relay are restored at once."""

import pytest
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import Done
from alcove_server.net.admission import Admission
from alcove_server.ports.place import Quota
from alcove_server.rooms.restores import OF_A_PREFIX, WAITING, Restores
from alcove_server.testing.embedded import ManualClock

from tests.server.scene import Scene
from tests.server.test_restore import restore_frame, restoring
from tests.server.test_strangers import Guarded


def parts(*addresses: str) -> list[Quota]:
    """The parts of the network of these addresses. 192.0.2.1 is one that many people share."""
    doorkeeper = Admission(
        ManualClock(), bytes, connections=100, per_prefix=10, shared=frozenset({"192.0.2.1"})
    )
    return [doorkeeper.enter(address).allowance for address in addresses]


def fill(restores: Restores, part: Quota | None) -> int:
    """Begin restores until one is refused. Return how many were begun."""
    before = len(restores)
    try:
        for _ in range(2 * WAITING):
            restores.begin(part)
    except Refusal as refusal:
        if refusal.code != "busy":
            raise
    return len(restores) - before


def test_a_part_of_the_network_has_a_few_restores_and_a_shared_address_half_of_all() -> None:
    restores = Restores()
    one, other, shared = parts("198.51.100.1", "203.0.113.1", "192.0.2.1")
    assert fill(restores, one) == OF_A_PREFIX
    assert fill(restores, shared) == WAITING // 2
    assert fill(restores, other) == OF_A_PREFIX
    restores.end(one)
    assert fill(restores, one) == 1
    assert len(restores) == WAITING // 2 + 2 * OF_A_PREFIX


def test_all_restores_together_are_bounded() -> None:
    restores = Restores()
    assert fill(restores, None) == WAITING
    (one,) = parts("198.51.100.1")
    assert fill(restores, one) == 0
    restores.end(None)
    assert fill(restores, one) == 1


def test_restores_that_are_over_leave_nothing_behind() -> None:
    restores = Restores()
    for part in (None, *parts("198.51.100.1")):
        restores.begin(part)
        restores.end(part)
    assert len(restores) == 0
    assert not restores._of


def test_a_room_is_restored_while_a_stranger_has_all_restores_that_it_may() -> None:
    scene = Guarded()
    stranger = scene.stranger()
    mine = stranger.link.session
    assert mine is not None
    rooms = scene.relay.relay.rooms
    fill(rooms.restores, mine.client.part)
    assert stranger.refused(restore_frame(stranger, scene.room.chain)) == "busy"
    honest = scene.stranger()
    theirs = honest.link.session
    assert theirs is not None
    theirs.client.place = scene.doorkeeper.enter("203.0.113.1")
    honest.ask(restore_frame(honest, scene.room.chain), Done)


@pytest.mark.parametrize("chain", ["good", "bad"])
def test_a_restore_gives_its_place_back_however_it_ends(chain: str) -> None:
    scene = Scene()
    person = restoring(scene)
    frame = restore_frame(person, scene.room.chain if chain == "good" else [])
    person.send(frame)
    assert len(scene.relay.relay.rooms.restores) == 0
