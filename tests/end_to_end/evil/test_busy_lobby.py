"""A relay that takes nothing of a facilitator's lobby for a while: all goes again, in small rounds.

The relay closes a connection whose requests it refused a hundred times, and the facilitator's
commits and heartbeats go over the same one.
"""

import pytest
from alcove_protocol.frames import RequestRefused, Settle

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rooms import goes_on, three

ITEMS = 200
IN_A_ROUND = 40
"""At most, and so less than the relay takes in the time of a round (`price.RATE`)."""


def settles(world: EvilWorld, since: int) -> list[bytes]:
    return [frame.id for frame in world.seen(Settle)[since:]]


@pytest.mark.parametrize("how", ["busy", "lost"])
def test_what_a_relay_did_not_take_goes_again_in_small_rounds(how: str) -> None:
    world, ann, bob, cleo = three()
    if how == "busy":
        refused = world.answer(ann, Settle, lambda asked: RequestRefused(asked.n, "busy", ""))
    else:
        refused = world.drop(ann, Settle)
    ids = [world.random(16) for _ in range(ITEMS)]
    for id in ids:
        ann.engine.require_facilitator()._settling.settle(id)
    world.settle()
    refused.stop()
    if how == "lost":
        ann.cut()
    told: list[bytes] = []
    for _ in range(60):
        before = len(world.seen(Settle))
        world.advance(1)
        round_of_these = settles(world, before)
        assert len(round_of_these) <= IN_A_ROUND
        told += round_of_these
    assert sorted(told) == sorted(ids)
    goes_on(world, ann, bob, cleo)


def test_what_is_refused_again_and_again_meanwhile_puts_nothing_off() -> None:
    """Each second one more is refused. The first one goes again all the same."""
    world, ann, bob, cleo = three()
    refused = world.answer(ann, Settle, lambda asked: RequestRefused(asked.n, "busy", ""))
    settling = ann.engine.require_facilitator()._settling
    first = world.random(16)
    settling.settle(first)
    for _ in range(20):
        world.advance(1)
        settling.settle(world.random(16))
    assert settles(world, 0).count(first) > 2
    refused.stop()
    goes_on(world, ann, bob, cleo)
