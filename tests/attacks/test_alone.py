"""One member alone: pinged to see whether they answer, or drained by another member."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from alcove import mls
from alcove.mls.treekem import Ciphertexts, UpdatePathNode
from alcove_protocol.frames import BlobClass, BlobIs
from alcove_protocol.position import Position

from tests.attacks.test_numbers import with_sender_data
from tests.client_sdk.mls.support import NOW, forge, limits, person, room, seal
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.test_commits import _these, _with_nodes
from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import rogue_text
from tests.end_to_end.evil.rooms import three
from tests.end_to_end.world import Client


def sent_by(world: EvilWorld, client: Client) -> int:
    return sum(seen.client is client and seen.from_client for seen in world.record)


def ping(world: EvilWorld, client: Client, blob: bytes, number: int) -> None:
    at = client.engine.require_member().stream.cursor
    position = Position(at.generation, number).encode()
    world.forge(client, BlobIs(position, BlobClass.APPLICATION, 0, blob))


def test_a_member_who_is_pinged_alone_answers_nothing() -> None:
    """A true message, a garbled one, a repeated one, a number left out: no frame goes up. So
    neither a message nor its like tells the relay, or its author, that somebody is there."""
    world, _ann, bob, cleo = three()
    blob = rogue_text(bob, "are you there?", counter=1)
    garbled = bytearray(blob)
    garbled[-1] ^= 1
    cursor = cleo.engine.require_member().stream.cursor.number
    before = sent_by(world, cleo)
    for step, body in enumerate((blob, bytes(garbled), blob, b"\x00", b"\x00" * 40)):
        ping(world, cleo, body, cursor + 1 + 2 * step)
        world.settle()
    assert sent_by(world, cleo) == before
    assert cleo.texts() == ["are you there?"]


def fill(group: mls.Group, propose: Callable[[], bytes]) -> None:
    """Send it proposals until it has no room for this sender's."""
    for _ in range(100):
        try:
            group.receive(propose())
        except mls.ProposalsFull:
            return
    raise AssertionError("the proposals of one sender have no bound")


def test_a_member_who_fills_their_own_quota_takes_nobody_elses() -> None:
    these = room("bob", "carol", policy=limits(sender_proposals=4096, outsider_proposals=4096))
    alice, bob = these["alice"], these["bob"]

    def from_outside() -> bytes:
        zoe = person("zoe")
        package = zoe.bundle.key_package
        return mls.propose_oneself(zoe.signer, alice.group_id, alice.epoch, package)

    fill(alice, lambda: seal(bob, forge(bob, forging.update_of(bob))))
    fill(alice, from_outside)
    received = alice.receive(these["carol"].propose_update())
    assert isinstance(received, mls.ReceivedProposal)
    assert alice.commit(references=(received.ref,), now=NOW).updated == (2,)


def test_a_refusal_for_want_of_room_costs_its_sender_no_message() -> None:
    """The key is not consumed: once there is room the same bytes are taken."""
    these = room("bob", policy=limits(sender_proposals=300))
    message = these["bob"].propose_update(padding=lambda size: size)
    other = these["alice"]
    other._cache.add(mls.CachedProposal(b"r" * 32, mls.Remove(0), mls.Sender.member(1)), 250)
    with pytest.raises(mls.ProposalsFull):
        other.receive(message)
    other._cache.clear()
    assert isinstance(other.receive(message), mls.ReceivedProposal)


def test_a_member_whose_keys_are_drained_by_a_forgery_loses_none() -> None:
    """Messages far ahead that are not the sender's own consume nothing, however many come."""
    these = room("bob", "carol")
    honest = these["alice"].encrypt(b"honest")
    for generation in (1, 50, 900):
        forged = with_sender_data(these["carol"], honest, generation=generation)
        forging.refused(these["bob"], forged, mls.DecryptionFailed, "does not open")
    received = these["bob"].receive(honest)
    assert isinstance(received, mls.ReceivedApplication)


def test_one_path_ciphertext_that_does_not_open_holds_one_member_and_the_room_goes_on() -> None:
    """Only its victim can see it. The others merge; the victim is held, and told by the verdict."""

    these = _these()

    def spoil(nodes: tuple[UpdatePathNode, ...]) -> tuple[UpdatePathNode, ...]:
        data = bytearray(nodes[0].encrypted_path_secret.data)
        data[-1] ^= 1
        return (replace(nodes[0], encrypted_path_secret=Ciphertexts(bytes(data))), *nodes[1:])

    staged = _with_nodes(these["alice"], spoil)
    with pytest.raises(mls.PathNotDecryptable) as caught:
        these["bob"].receive(staged.message)
    assert caught.value.verdict is mls.Verdict.HELD
    for name in ("carol", "dave"):
        assert isinstance(these[name].receive(staged.message), mls.StagedCommit)
