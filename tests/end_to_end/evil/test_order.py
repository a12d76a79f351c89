"""Rules of order one by one: what a client does with what no honest relay would have taken."""

from dataclasses import replace

import pytest
from alcove import events, mls
from alcove.group.extensions import RoomExtension
from alcove.group.framing import check_class
from alcove.group.outcomes import Burned, Held, PutOut
from alcove.group.rights import NotAllowed
from alcove.messages.payload import Text
from alcove.mls.secret_tree import RatchetKind
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import BlobClass
from alcove_protocol.labels import Label
from alcove_protocol.roster import Change, Op, RosterEntry
from alcove_protocol.statements import LeaveStatement, Signed

from tests.client_sdk.mls.support import forge, seal
from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    aside,
    change,
    commit_blob,
    committer_of,
    context,
    entry_by,
    group_of,
    leaf_of,
    now,
    relay_key,
    rogue_commit,
    rogue_message,
    rogue_text,
    room_of,
    state_of,
)
from tests.end_to_end.evil.rogue_requests import psk_of, rejoin_of, tell
from tests.end_to_end.evil.rooms import forget, gaps, goes_on, problems, three, two_facilitators
from tests.end_to_end.evil.test_commits import other_name
from tests.end_to_end.world import Client


def take_text(world: EvilWorld, by: Client, text: str, counter: int) -> None:
    world.take(room_of(by), rogue_text(by, text, counter=counter), BlobClass.APPLICATION)


# --- messages ---------------------------------------------------------------------------------


def test_a_counter_is_used_once() -> None:
    """Nor is a lower one, and no message but a heartbeat has the counter 0."""
    world, ann, bob, cleo = three()
    forget(ann, cleo)
    take_text(world, bob, "zero", 0)  # Cleo, who came after Bob, has not heard a number of his
    for text, counter in (("one", 1), ("two", 2), ("two again", 2), ("one again", 1)):
        take_text(world, bob, text, counter)
    assert ann.texts() == cleo.texts() == ["one", "two"]
    for client in (ann, cleo):  # the rest with the next minute: they came later than its first
        assert [(gap.missed, gap.sender) for gap in client.of(events.Gap)] == [(1, "Bob")]


def test_who_has_no_anchor_yet_disagrees_with_nobody() -> None:
    world, ann, bob, _cleo = three()
    take_text(world, bob, "my log hash is 32 zeros", 1)
    assert ann.texts() == ["my log hash is 32 zeros"]
    assert not ann.of(events.Problem)
    assert ann.engine.require_member().presence.state is events.RoomState.OPEN


def test_a_counter_left_out_is_told() -> None:
    world, ann, bob, _cleo = three()
    take_text(world, bob, "one", 1)
    forget(ann)
    take_text(world, bob, "four", 4)
    assert ann.texts() == ["four"]
    assert gaps(ann) == [2]


def test_a_garbled_blob_is_told_once() -> None:
    world, ann, bob, _cleo = three()
    forget(ann)
    garbled = bytearray(rogue_text(bob, "hello"))
    garbled[-1] ^= 1
    for _ in range(2):
        world.take(room_of(ann), bytes(garbled), BlobClass.APPLICATION)
        world.advance(61)  # within a minute it would not be told again in any case
    assert problems(ann) == ["unreadable"]


def test_a_paused_members_message_is_not_shown_though_the_relay_takes_it() -> None:
    world, ann, bob, cleo = three()

    def pause(state: RoomExtension) -> RoomExtension:
        return replace(state, paused=bob.engine.identity.signature.public)

    change(world, ann, lambda m: (context(pause(m.state)),))
    forget(ann, cleo)
    take_text(world, bob, "heard?", 1)
    assert ann.texts() == cleo.texts() == []
    unknown = rogue_message(bob, Text("?"), kind="dance", counter=2)
    world.take(room_of(ann), unknown, BlobClass.APPLICATION)
    assert ann.of(events.Unknown) == cleo.of(events.Unknown) == []


def test_a_public_message_is_no_message_of_a_room() -> None:
    """A proposal in a PublicMessage, or any handshake, is not taken where messages come."""
    world, ann, bob, _cleo = three()
    before = len(group_of(ann).proposals)
    for wire_format in ("public", "private"):
        forget(ann)
        world.advance(61)
        proposal = group_of(bob).propose_update(wire_format=wire_format)
        world.take(room_of(ann), proposal, BlobClass.APPLICATION)
        assert problems(ann) == ["unreadable"]
        assert len(group_of(ann).proposals) == before


# --- commits ----------------------------------------------------------------------------------


def outcome(client: Client, blob: bytes) -> object:
    return client.engine.require_member().membership._judge(blob)


def test_what_a_class_lets_through() -> None:
    world, _ann, bob, _cleo = three()
    group = group_of(bob)
    text = group.encrypt(b"text")
    commit = aside(group.commit(force_path=True, now=now(bob))).message
    public = aside(group.commit(force_path=True, wire_format="public", now=now(bob))).message
    fits = {
        (name, kind)
        for name, message in (("text", text), ("commit", commit), ("public", public))
        for kind in mls.ContentType
        if _fits(message, kind)
    }
    assert fits == {("text", mls.ContentType.APPLICATION), ("commit", mls.ContentType.COMMIT)}
    assert world.head(room_of(bob)).number > 0


def _fits(message: bytes, kind: mls.ContentType) -> bool:
    try:
        check_class(message, kind)
    except NotAllowed:
        return False
    return True


def test_a_public_commit_is_burned() -> None:
    world, ann, bob, cleo = two_facilitators()
    staged = group_of(bob).commit(force_path=True, wire_format="public", now=now(bob))
    blob = commit_blob(aside(staged).message)
    for client in (ann, cleo):
        assert outcome(client, blob) == Burned("class")
    goes_on(world, ann, bob, cleo)


def test_a_commit_that_nobody_can_follow_holds_nobody() -> None:
    """It refers to a proposal that only its author has, and that it does not bring."""
    _world, ann, bob, cleo = two_facilitators()
    for author, victim in ((cleo, bob), (bob, cleo)):
        group = group_of(author)
        proposal = group.propose(mls.Remove(leaf_of(ann)), now=now(author))
        ref = group.proposals[-1].ref
        staged = group.commit(references=(ref,), now=now(author))
        assert proposal  # it is sent to nobody
        assert isinstance(outcome(victim, commit_blob(aside(staged).message)), Burned)


def test_garbage_in_a_facilitators_name_is_burned_by_all_whatever_they_were_shown() -> None:
    """Bob's first commit is refused by the relay, which shows it to Cleo alone. Then an insider's
    garbage comes in Bob's name, under the generation of that commit or a later one."""
    world, ann, bob, cleo = two_facilitators()
    shown = rogue_commit(bob, context(replace(state_of(bob), absent=60)))
    assert isinstance(outcome(cleo, shown), Burned)
    for generation in (0, 1):
        group = group_of(cleo)
        content = forge(group, mls.Commit((), None), sender=mls.Sender.member(leaf_of(bob)))
        ratchet = group._epoch.secret_tree.ratchet(leaf_of(bob), RatchetKind.HANDSHAKE)
        ratchet.generation = generation
        blob = commit_blob(seal(group, replace(content, signature=world.random(64))))
        outcomes = [outcome(client, blob) for client in (ann, bob, cleo)]
        assert outcomes == [Burned("commit_unreadable")] * 3


def test_a_participants_own_commit_that_comes_back_does_not_hold_its_author() -> None:
    """No member follows it. A facilitator's may have been followed, so it holds its author."""
    world, ann, bob, cleo = two_facilitators()
    for author, expected in ((cleo, Burned), (bob, Held)):
        staged = group_of(author).commit(force_path=True, now=now(author))
        staged.drop()
        assert isinstance(outcome(author, commit_blob(staged.message)), expected)
    assert world.head(room_of(ann)).number > 0


def test_the_only_facilitators_own_commit_that_the_others_took_holds_its_author() -> None:
    """A relay answers that it refused a commit, and delivers it all the same. The others follow it,
    so its author must not call it burned and go on alone in the old epoch."""
    _world, ann, bob, cleo = three()
    staged = group_of(ann).commit(force_path=True, now=now(ann))
    staged.drop()
    blob = commit_blob(staged.message)
    assert isinstance(outcome(ann, blob), Held)
    assert all(isinstance(outcome(other, blob), mls.StagedCommit) for other in (bob, cleo))


def test_an_entry_of_another_commit_is_no_part_of_the_chain() -> None:
    """Rightly signed, rightly following, but for another blob than the one it came with."""
    _world, ann, bob, _cleo = three()
    membership = bob.engine.require_member().membership
    before = membership.roster
    entry = entry_by(
        ann.engine.identity.relay, bob, b"another blob", Change(Op.REJOIN, relay_key(bob))
    )
    assert membership._extend_roster(b"this blob", entry) == {}
    assert (membership.roster, membership.alarm) == (before, "bad_roster")
    right = entry_by(
        ann.engine.identity.relay, bob, b"this blob", Change(Op.REJOIN, relay_key(bob))
    )
    assert membership._extend_roster(b"this blob", right) == {relay_key(bob): Op.REJOIN}


def removal_of_bob(op: Op, *leaves: Signed) -> tuple[Client, Client, bytes, Signed]:
    """Ann's commit that removes Bob, and the entry to it. Bob has not seen them."""
    _world, ann, bob, _cleo = three()
    blob = rogue_commit(ann, mls.Remove(leaf_of(bob)))
    signer = ann.engine.identity.relay
    entry = entry_by(signer, bob, blob, Change(op, relay_key(bob)))
    if op is Op.LEFT:
        roster = bob.engine.require_member().membership.roster
        wish = LeaveStatement(room_of(bob), relay_key(bob), roster.counter)
        signed = bob.engine.identity.relay.sign(Label.LEAVE, wish)
        body = replace(RosterEntry.decode(entry.body), leaves=pack_list([signed.encode()]))
        entry = signer.sign(Label.ROSTER, body)
    return ann, bob, blob, entry


@pytest.mark.parametrize("op", [Op.LEFT, Op.REMOVE])
def test_who_asked_to_go_is_told_so(op: Op) -> None:
    _ann, bob, blob, entry = removal_of_bob(op)
    membership = bob.engine.require_member().membership
    gone = membership.follow(blob, entry, membership.base)
    assert gone == PutOut(by_wish=op is Op.LEFT)
    assert relay_key(bob) not in membership.roster.seats


@pytest.mark.parametrize("forged", ["signature", "no leave", "another commit", "the relay's key"])
def test_a_relay_cannot_tell_a_removed_member_that_they_left(forged: str) -> None:
    """The relay chooses the entry's bytes. Only the verified chain counts."""
    op = Op.REMOVE if forged == "no leave" else Op.LEFT
    ann, bob, blob, entry = removal_of_bob(op)
    membership = bob.engine.require_member().membership
    if forged == "signature":
        entry = Signed(entry.body, bytes(64))
    elif forged == "no leave":
        entry = entry_by(ann.engine.identity.relay, bob, blob, Change(Op.LEFT, relay_key(bob)))
    elif forged == "another commit":
        body = replace(RosterEntry.decode(entry.body), commit=bytes(32))
        entry = ann.engine.identity.relay.sign(Label.ROSTER, body)
    else:
        entry = bob.world.client("Relay").engine.identity.relay.sign(
            Label.ROSTER, RosterEntry.decode(entry.body)
        )
    assert membership.follow(blob, entry, membership.base) == PutOut(by_wish=False)


def test_a_removal_that_was_burned_and_restated_closes_nobody_later() -> None:
    """The relay keeps the entry that came with a burned commit, and shows it as a proof."""
    world, _ann, bob, cleo = two_facilitators()
    blob = other_name(world, bob, cleo)
    kept = entry_by(bob.engine.identity.relay, cleo, blob, Change(Op.REMOVE, relay_key(cleo)))
    membership = cleo.engine.require_member().membership
    assert isinstance(membership.follow(blob, kept, membership.base), Burned)
    assert membership.puts_me_out(kept)  # the list is without Cleo until it is restated
    membership.roster = replace(membership.roster, seats=membership.known_seats())
    assert not membership.puts_me_out(kept)


@pytest.mark.parametrize("with_entry", [True, False])
def test_after_a_burned_commit_with_an_entry_the_list_is_restated(with_entry: bool) -> None:
    world, ann, bob, cleo = two_facilitators()
    membership = cleo.engine.require_member().membership
    before = membership.roster
    blob = other_name(world, bob, cleo)
    entry = entry_by(bob.engine.identity.relay, cleo, blob, Change(Op.REMOVE, relay_key(ann)))
    burned = membership.follow(blob, entry if with_entry else None, membership.base)
    assert isinstance(burned, Burned)
    assert membership.restate is with_entry
    assert (membership.roster == before) is not with_entry


def test_a_request_from_before_a_rejoin_is_not_granted_after_it() -> None:
    """With a KeyPackage of its own, sealed with the secret of an epoch that is still kept."""
    world, ann, _bob, cleo = three()
    rejoins = committer_of(ann).lobby.requests.rejoins
    kept, secret = rejoin_of(world, cleo), psk_of(ann)
    tell(world, ann, cleo, rejoin_of(world, cleo), cleo, None)
    world.advance(130)  # she replaces the leaf that she was given, a minute after that return
    assert group_of(ann).epoch == group_of(cleo).epoch
    granted = len(rejoins._commits)
    tell(world, ann, cleo, kept, cleo, secret)
    world.advance(62)  # a minute lies between two returns of one member
    assert len(rejoins._commits) == granted
