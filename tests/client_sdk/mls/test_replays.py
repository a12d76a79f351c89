"""What a member can do with what another member signed: encrypt it again (RFC 9420, 16.11).

A signature covers neither the generation nor the padding, and all members have the keys of all
ratchets. So an insider can send another's proposal, commit or text under that member's next key.
Nobody may lose a key, or stay behind in an old epoch, by it.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from alcove import mls
from alcove.mls.framing import AuthenticatedContent
from alcove.mls.messages import open_message
from alcove.mls.secret_tree import RatchetKind

from tests.client_sdk.mls.refusals import these_three
from tests.client_sdk.mls.support import NOW, SUITE, dropped, epoch_of, release, room, seal
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import refused


def read(insider: mls.Group, message: bytes) -> AuthenticatedContent:
    """What a member signed, as another one reads it."""
    opened = open_message(epoch_of(insider), message)
    return opened.verified.authenticated


def encrypt_again(insider: mls.Group, content: AuthenticatedContent, generation: int) -> bytes:
    """The same content under a generation of its sender that was not used yet."""
    leaf, kind = content.content.sender.leaf_index, RatchetKind.HANDSHAKE
    assert leaf is not None
    if isinstance(content.content.body, bytes):
        kind = RatchetKind.APPLICATION
    ratchet = epoch_of(insider).secret_tree.ratchet(leaf, kind)
    while ratchet.generation < generation:
        ratchet.next()
    return seal(insider, content)


class _Repeated(Exception):
    pass


@pytest.mark.parametrize("generation", [1, 2, 50])
def test_a_proposal_encrypted_again_holds_no_member_up(generation: int) -> None:
    these = these_three()
    alice, bob, carol = these["alice"], these["bob"], these["carol"]
    message = alice.propose(mls.Remove(1), now=NOW)
    content = read(bob, message)
    carol.receive(message)
    again = encrypt_again(bob, content, generation)
    for _ in range(2):
        assert isinstance(carol.receive(again), mls.ReceivedProposal)
    assert len(carol.proposals) == 1
    while epoch_of(alice).secret_tree.ratchet(0, RatchetKind.HANDSHAKE).generation < generation:
        alice.propose(mls.Remove(1), authenticated_data=os.urandom(8), now=NOW)
    commit = alice.commit(now=NOW)
    assert isinstance(carol.receive(commit.message), mls.StagedCommit)
    commit.drop()


def test_a_proposal_that_its_sender_repeats_costs_no_key_of_the_next() -> None:
    these = these_three()
    alice, carol = these["alice"], these["carol"]
    for _ in range(3):
        carol.receive(alice.propose(mls.Remove(1), now=NOW))
    commit = alice.commit(now=NOW)
    assert isinstance(carol.receive(commit.message), mls.StagedCommit)
    commit.drop()


def test_a_dropped_commit_encrypted_again_does_not_leave_its_maker_behind() -> None:
    """The others take it, for it is its maker's. So its maker must not call it burned."""
    these = these_three()
    content = read(these["bob"], dropped(these["alice"].commit(now=NOW)).message)
    again = encrypt_again(these["bob"], content, 1)
    assert isinstance(these["carol"].receive(again), mls.StagedCommit)
    refused(these["alice"], again, mls.OwnCommit, "your own")


def test_a_false_tag_burns_no_commit_that_has_the_true_one() -> None:
    """No signature covers the tag. So an insider can send another's commit with a false one."""
    these = these_three()
    alice, bob, carol = these["alice"], these["bob"], these["carol"]
    commit = alice.commit(now=NOW)
    content = read(bob, commit.message)
    false = encrypt_again(bob, replace(content, confirmation_tag=bytes(32)), 1)
    refused(carol, false, mls.ConfirmationMismatch, "does not confirm")
    assert isinstance(carol.receive(commit.message), mls.StagedCommit)
    commit.drop()


def test_a_burned_commit_is_burned_again_in_whatever_bytes() -> None:
    these = these_three()
    alice, bob, carol = these["alice"], these["bob"], these["carol"]
    message = forging.pathless(alice, mls.Remove(0))
    content = read(bob, message)
    refused(carol, message, mls.InvalidProposalList, "cannot remove itself")
    again = encrypt_again(bob, content, 1)
    for _ in range(2):
        refused(carol, again, mls.InvalidProposalList, "cannot remove itself")
    refused(carol, message, mls.InvalidProposalList, "cannot remove itself")
    commit = alice.commit(now=NOW)
    assert isinstance(carol.receive(commit.message), mls.StagedCommit)
    commit.drop()


def test_a_public_commit_in_my_name_is_judged_as_the_others_judge_it() -> None:
    """Also once I made one: its signature tells, and needs no key that is gone."""
    these = these_three()
    alice, bob = these["alice"], these["bob"]
    real = alice.commit(wire_format="public", now=NOW).message
    forged = real[:-1] + bytes((real[-1] ^ 1,))
    refused(alice, forged, mls.CommitUnreadable, "membership tag")
    refused(bob, forged, mls.CommitUnreadable, "membership tag")
    assert alice.receive(real) is alice._staged.pending
    release(alice)


def test_an_application_keeps_the_key_that_a_repeated_message_would_use_up() -> None:
    these = these_three()
    alice, bob, carol = these["alice"], these["bob"], these["carol"]
    first = alice.encrypt(b"one")
    content = read(bob, first)
    again = encrypt_again(bob, content, 1)

    def fresh(leaf: mls.LeafNode, plaintext: bytes, generation: int) -> None:
        assert leaf == carol.member(0)
        if generation != [b"one", b"two"].index(plaintext):
            raise _Repeated

    carol.receive(first, fresh=fresh)
    for _ in range(2):
        with pytest.raises(_Repeated):
            carol.receive(again, fresh=fresh)
    second = carol.receive(alice.encrypt(b"two"), fresh=fresh)
    assert isinstance(second, mls.ReceivedApplication)
    assert second.plaintext == b"two"


# -- what is burned for good


def test_a_commit_that_only_a_wiped_key_keeps_back_is_held_and_not_burned() -> None:
    these = room("bob", "carol")
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    wiped = mls.Secret(b"k" * 32)
    store = mls.PskStore({b"id": mls.Secret(b"k" * 32)})
    message = these["alice"].commit([psk], psks=store, now=NOW).message
    wiped.wipe()
    gone = mls.PskStore({b"id": wiped})
    refused(these["bob"], message, mls.MissingPsk, "not at hand", gone)
    for name in ("bob", "carol"):
        assert isinstance(these[name].receive(message, store), mls.StagedCommit)
    release(these["alice"])


def test_a_mishap_of_my_own_does_not_burn_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    these = these_three()
    message = these["alice"].commit(now=NOW).message

    def fail(*_arguments: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("alcove.mls.process_commit.derive_epoch", fail)
        with pytest.raises(MemoryError):
            these["bob"].receive(message)
    for name in ("bob", "carol"):
        assert isinstance(these[name].receive(message), mls.StagedCommit)
    release(these["alice"])
