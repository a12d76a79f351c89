"""A leaf that is used again after a removal: nothing old is its new occupant's."""

from __future__ import annotations

import pytest
from alcove import mls
from alcove_protocol.frames import BlobClass

from tests.client_sdk.mls.support import NOW, Room, limits, person, room
from tests.client_sdk.mls.validation import forging
from tests.end_to_end.evil.rogue import rogue_text, room_of
from tests.end_to_end.evil.rooms import forget, problems, three


def swapped(policy: mls.Policy) -> tuple[Room, bytes, bytes, mls.Group]:
    """Zoe is where Carol was. With a text and a proposal that Carol had sent before."""
    these, zoe = room("bob", "carol", policy=policy), person("zoe")
    carol = these["carol"]
    text, proposal = carol.encrypt(b"carol's"), carol.propose_update()
    these.groups.pop("carol")
    staged = these["alice"].commit([mls.Remove(2), zoe.add], now=NOW)
    received = these["bob"].receive(staged.message)
    assert isinstance(received, mls.StagedCommit)
    assert staged.added == (2,)
    assert staged.welcome is not None
    joined = forging.join(staged.welcome, zoe, policy=policy)
    these.groups = {"alice": staged.merge(), "bob": received.merge(), "zoe": joined}
    these.agree()
    return these, text, proposal, carol


def test_an_old_message_is_of_its_own_epoch_or_of_none() -> None:
    these, text, proposal, _carol = swapped(limits())
    for name in ("alice", "bob", "zoe"):
        for message in (text, proposal):
            with pytest.raises(mls.WrongEpoch):
                these[name].receive(message)


def test_a_late_message_is_shown_with_the_leaf_that_sent_it() -> None:
    these, text, proposal, _carol = swapped(limits(past_epochs=1))
    late = these["bob"].receive(text)
    assert isinstance(late, mls.ReceivedApplication)
    assert (late.sender, late.plaintext) == (2, b"carol's")
    assert late.leaf.credential.identity == b"carol"
    now = these["bob"].member(2)
    assert now is not None
    assert now.credential.identity == b"zoe"
    assert late.epoch == these["bob"].epoch - 1
    with pytest.raises(mls.WrongEpoch):
        these["bob"].receive(proposal)  # a past epoch takes text alone
    with pytest.raises(mls.WrongEpoch):
        these["zoe"].receive(text)  # who came later was not there


def test_who_was_removed_says_nothing_in_the_new_epoch() -> None:
    """Not under the old keys with the new epoch's number either."""
    these, _text, _proposal, carol = swapped(limits(past_epochs=1))
    message = carol.encrypt(b"still carol")
    late = these["bob"].receive(message)
    assert isinstance(late, mls.ReceivedApplication)
    assert late.leaf.credential.identity == b"carol"
    body = bytearray(message)
    at = body.index(these["bob"].group_id) + len(these["bob"].group_id)
    body[at : at + 8] = these["bob"].epoch.to_bytes(8, "big")
    with pytest.raises(mls.MLSError):
        these["bob"].receive(bytes(body))


def test_a_room_reads_nothing_of_an_earlier_epoch() -> None:
    """Dora gets Bob's place. A message that Bob had sent before is shown as nobody's."""
    world, ann, bob, cleo = three()
    old = rogue_text(bob, "bob's")
    ann.remove("Bob")
    world.settle()
    dora = world.join(ann, "Dora")
    forget(ann, cleo, dora)
    world.take(room_of(ann), old, BlobClass.APPLICATION)
    for client in (ann, cleo, dora):
        assert client.texts() == []
        assert problems(client) == ["unreadable"]
