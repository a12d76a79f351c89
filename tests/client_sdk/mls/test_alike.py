"""What every member judges alike, whatever was shown to it before: handshakes of one epoch.

All members have the keys of all ratchets, so an insider can seal garbage in any member's name and
under any generation, and encrypt again what another member signed (RFC 9420, 16.11). A lying relay
chooses what it shows to whom, and in which order. No member may answer otherwise than the others
for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from alcove import mls
from alcove.mls.secret_tree import RatchetKind

from tests.client_sdk.mls.refusals import these_three, with_a_false_tag
from tests.client_sdk.mls.support import NOW, Room, dropped, epoch_of, forge, release, seal
from tests.client_sdk.mls.test_replays import encrypt_again, read
from tests.client_sdk.mls.validation import forging


def garbage(insider: mls.Group, leaf: int, generation: int, kind: mls.ContentType) -> bytes:
    """A handshake in a member's name and under a generation of theirs, that no key opens."""
    ratchet = epoch_of(insider).secret_tree.ratchet(leaf, RatchetKind.HANDSHAKE)
    while ratchet.generation < generation:
        ratchet.next()
    body = mls.Commit((), None) if kind is mls.ContentType.COMMIT else mls.Remove(2)
    content = forge(insider, body, sender=mls.Sender.member(leaf))
    return seal(insider, replace(content, signature=os.urandom(64)))


def answers(these: Room, message: bytes) -> set[object]:
    """How the members answer: the class of what they return or raise."""
    found: set[object] = set()
    for group in these.groups.values():
        try:
            found.add(type(group.receive(message)))
        except mls.MLSError as error:
            found.add((type(error), error.verdict))
    return found


def _burned_commit(these: Room) -> bytes:
    return forging.pathless(these["alice"], mls.Remove(0))


def _good_commit(these: Room) -> bytes:
    return dropped(these["alice"].commit(now=NOW)).message


def _false_tag(these: Room) -> bytes:
    message = with_a_false_tag(these["alice"])
    release(these["alice"])
    return message


def _proposal(these: Room) -> bytes:
    return these["alice"].propose(mls.Remove(2), now=NOW)


@pytest.mark.parametrize("first", [_burned_commit, _good_commit, _false_tag, _proposal])
@pytest.mark.parametrize("again", ["garbage", "the same", "in other bytes"])
def test_what_only_one_member_was_shown_parts_it_from_none(
    first: Callable[[Room], bytes], again: str
) -> None:
    these = these_three()
    message = first(these)
    content = read(these["bob"], message)
    try:
        staged = these["carol"].receive(message)
    except mls.InvalidCommit:
        pass
    else:
        if isinstance(staged, mls.StagedCommit):
            staged.drop()
    bobs = these.groups.pop("bob")
    these.groups.pop("alice")
    second = {
        "garbage": lambda: garbage(bobs, 0, 0, content.content.content_type),
        "the same": lambda: message,
        "in other bytes": lambda: encrypt_again(bobs, content, 1),
    }[again]()
    these.groups["fresh"] = bobs
    assert len(answers(these, second)) == 1


def test_garbage_in_the_name_of_a_member_that_committed_is_burned_by_all() -> None:
    these = these_three()
    dropped(these["alice"].commit(now=NOW))
    for generation in (0, 1, 7):
        message = garbage(these["bob"], 0, generation, mls.ContentType.COMMIT)
        assert answers(these, message) == {(mls.CommitUnreadable, mls.Verdict.BURNED)}


def test_a_proposal_shown_to_one_member_first_takes_no_key_of_its_senders_commit() -> None:
    """Bob encrypts Alice's proposal again, under the generation of her next commit."""
    these = these_three()
    alice, bob, carol = these["alice"], these["bob"], these["carol"]
    message = alice.propose(mls.Remove(1), now=NOW)
    again = encrypt_again(bob, read(bob, message), 1)
    carol.receive(again)
    ref = alice.proposals[0].ref
    commit = alice.commit(references=[ref], now=NOW)
    assert isinstance(carol.receive(commit.message), mls.StagedCommit)


def test_a_member_follows_a_commit_of_its_own_update_in_other_bytes() -> None:
    these = these_three()
    alice, bob, carol = these["alice"], these["bob"], these["carol"]
    update = carol.propose_update()
    again = encrypt_again(bob, read(bob, update), 1)
    staged = alice.commit(carried=[alice.read_proposal(again)], now=NOW)
    carried = [carol.read_proposal(again)]
    received = carol.receive(staged.message, carried=carried)
    assert isinstance(received, mls.StagedCommit)
    assert received.merge().epoch_authenticator == staged.merge().epoch_authenticator


def test_a_proposal_in_my_name_that_i_did_not_make_is_read_by_none() -> None:
    these = these_three()
    these["carol"].propose_update()
    message = garbage(these["bob"], 2, 0, mls.ContentType.PROPOSAL)
    for group in these.groups.values():
        with pytest.raises(mls.InvalidSignature):
            group.read_proposal(message)


def test_an_own_commit_that_the_others_burn_is_burned_by_its_maker() -> None:
    these = these_three()
    content = read(these["bob"], _good_commit(these))
    false = encrypt_again(these["bob"], replace(content, confirmation_tag=bytes(32)), 1)
    assert answers(these, false) == {(mls.ConfirmationMismatch, mls.Verdict.BURNED)}
    message = forging.lawless_commit(these["alice"], mls.Remove(0)).message
    assert answers(these, message) == {(mls.InvalidProposalList, mls.Verdict.BURNED)}
