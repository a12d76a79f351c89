"""A removed person reads nothing that the facilitator writes after asking for the removal."""

import pytest
from alcove import events
from alcove_protocol.frames import BlobClass, Publish, RequestRefused

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rooms import three
from tests.end_to_end.world import Client


def a_commit(asked: Publish) -> bool:
    return asked.blob_class == BlobClass.COMMIT


def hold_up(world: EvilWorld, ann: Client, how: str) -> None:
    """The relay never takes Ann's commit, once."""
    if how == "busy":
        world.answer(ann, Publish, lambda p: RequestRefused(p.n, "busy", ""), a_commit, most=1)
    else:
        world.drop(ann, Publish, a_commit, most=1)


@pytest.mark.parametrize("how", ["busy", "silence"])
def test_no_text_goes_before_the_removal_that_was_asked_for_before_it(how: str) -> None:
    world, ann, bob, cleo = three()
    hold_up(world, ann, how)
    result = ann.remove("Bob")
    ann.say("He is gone now.")
    world.settle()
    assert result == []
    assert bob.texts() == []
    assert ann.of(events.Queued)
    if how == "silence":
        ann.cut()
    world.advance(5)
    assert result == [None]
    assert bob.texts() == []
    assert cleo.texts() == ["He is gone now."]
