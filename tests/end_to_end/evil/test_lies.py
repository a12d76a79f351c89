"""Unproved claims of a relay about the room. Row 15: pause. Row 26: another version."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.engine.endings import CLAIMS
from alcove.errors import HEARSAY
from alcove.events import CloseReason, ConnectionState
from alcove_protocol import frames
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import (
    Authenticate,
    BlobClass,
    BlobIs,
    Bye,
    Challenge,
    Publish,
    RelayAnswer,
    RequestRefused,
    Resumed,
)
from alcove_protocol.labels import Label
from alcove_protocol.position import Position
from alcove_protocol.roster import Change, Op, Roster, Seat
from alcove_protocol.statements import EndStatement

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    change,
    context,
    entry_by,
    group_of,
    relay_key,
    rogue_text,
    room_of,
    roster_of,
    state_of,
)
from tests.end_to_end.evil.rooms import (
    authenticators,
    commit_by,
    forget,
    goes_on,
    problems,
    three,
    two_facilitators,
)
from tests.end_to_end.world import Client

pytestmark = pytest.mark.second("Bob")


def end(signer: Client, room: bytes, roster: Roster | None = None) -> Bye:
    relay = signer.engine.identity.relay
    roster = roster or roster_of(signer)
    signed = relay.sign(Label.END, EndStatement(room, relay.public, roster.counter, roster.head))
    return Bye("ended", "", signed.body, signed.signature)


def closed(client: Client) -> tuple[CloseReason, str]:
    assert client.engine.closed is not None
    return client.engine.closed.reason, client.engine.closed.code


# --- the end ----------------------------------------------------------------------------------


@pytest.mark.second("Cleo")
@pytest.mark.parametrize(
    "proof",
    ["none", "a participant's", "of another room", "altered", "of earlier", "of another history"],
)
def test_an_end_that_no_facilitator_signed_is_called_lost(proof: str) -> None:
    world, ann, bob, cleo = three()
    bye = {
        "none": Bye("ended", ""),
        "a participant's": end(bob, room_of(ann)),
        "of another room": end(ann, bytes(32)),
        "altered": replace(end(ann, room_of(ann)), signature=bytes(64)),
        "of earlier": end(ann, room_of(ann), replace(roster_of(ann), counter=1)),
        "of another history": end(ann, room_of(ann), replace(roster_of(ann), head=bytes(32))),
    }[proof]
    world.forge(cleo, bye)
    world.settle()
    assert closed(cleo) == (CloseReason.LOST, "lost")


def test_an_end_that_the_facilitator_signed_is_believed() -> None:
    world, ann, _, cleo = three()
    world.forge(cleo, end(ann, room_of(ann)))
    assert closed(cleo) == (CloseReason.ENDED, "")


def test_an_end_of_another_room_closes_no_newcomer() -> None:
    """Who waits at the door knows the first facilitator's key alone."""
    world, ann, _, _ = three()
    dora, eve = (world.knock(ann.invite(), name) for name in ("Dora", "Eve"))
    world.forge(dora, end(ann, bytes(32)))
    assert closed(dora)[0] is not CloseReason.ENDED
    world.forge(eve, end(ann, room_of(ann)))
    assert closed(eve)[0] is CloseReason.ENDED


@pytest.mark.parametrize("won", ["nothing yet", "a commit without an entry", "an entry"])
def test_a_removal_that_lost_its_race_puts_no_member_out(won: str) -> None:
    """Ann signs that Cleo goes, and another commit is taken. The relay shows Cleo what Ann signed.
    Until a later commit has come, no client can know that this one was not taken."""
    world, ann, bob, cleo = two_facilitators()
    change_ = Change(Op.REMOVE, relay_key(cleo))
    lost = entry_by(ann.engine.identity.relay, ann, b"a commit that was not taken", change_)
    if won == "a commit without an entry":
        commit_by(world, bob)
    elif won == "an entry":
        world.join(ann, "Dora")
    world.forge(cleo, Bye("removed", "", lost.body, lost.signature))
    world.settle()
    removed = won == "nothing yet"
    assert closed(cleo)[0] is (CloseReason.REMOVED if removed else CloseReason.LOST)
    goes_on(world, ann, bob)


def test_ended_at_the_door_of_the_relay_without_a_proof_is_called_lost() -> None:
    world, _, _, cleo = three()
    cleo.cut()
    lied = world.answer(cleo, Authenticate, lambda a: RequestRefused(a.n, "ended", ""))
    for _ in range(CLAIMS):
        assert cleo.engine.closed is None
        cleo.back()
        world.advance(2)
        cleo.cut()
    assert len(lied.hits) == CLAIMS
    assert closed(cleo) == (CloseReason.LOST, "lost")


def test_removed_is_believed_by_its_proof_when_the_first_one_was_cut_off() -> None:
    world, ann, _, cleo = three()
    cleo.cut()
    ann.remove("Cleo")
    world.settle()
    cut_off = world.drop(cleo, Bye, most=1)
    cleo.back()
    world.advance(5)
    assert cut_off.hits
    assert closed(cleo) == (CloseReason.REMOVED, "removed")


# --- unknown_room, lost, another log ----------------------------------------------------------


def test_unknown_room_means_wait_and_the_room_goes_on() -> None:
    world, ann, bob, cleo = three()
    tricks = [
        world.answer(c, Authenticate, lambda a: RequestRefused(a.n, "unknown_room", ""), most=3)
        for c in (bob, cleo)
    ]
    bob.cut()
    cleo.cut()
    world.advance(10)
    assert [len(trick.hits) for trick in tricks] == [3, 3]
    assert bob.engine.closed is None
    assert cleo.engine.closed is None
    goes_on(world, ann, bob, cleo)


def test_unknown_room_to_the_facilitator_changes_nothing_at_an_honest_log() -> None:
    """She restores the room. The same chain is harmless."""
    world, ann, bob, cleo = three()
    lied = world.answer(
        ann, Authenticate, lambda a: RequestRefused(a.n, "unknown_room", ""), most=1
    )
    ann.cut()
    before = world.head(room_of(bob)).generation
    world.advance(5)
    assert len(lied.hits) == 1
    assert world.head(room_of(bob)).generation == before
    goes_on(world, ann, bob, cleo)


def test_a_false_lost_shows_as_a_gap_and_nothing_else() -> None:
    world, ann, bob, cleo = three()
    cleo.cut()
    world.alter(cleo, Resumed, lambda r: replace(r, lost=True), most=1)
    forget(cleo)
    world.advance(2)
    assert [e.missed for e in cleo.of(events.Gap)] == [None]
    goes_on(world, ann, bob, cleo)


def test_a_wrong_commit_in_a_log_that_began_anew_makes_a_member_ask_to_be_let_in_again() -> None:
    """Otherwise the member would wait for ever, unable to post."""
    world, ann, bob, cleo = three()
    room = room_of(ann)
    commits = group_of(cleo).epoch
    world.kill_relay()
    world.start_relay()
    lied = world.alter(cleo, Resumed, lambda r: replace(r, commit=bytes(32), head=r.base), most=1)
    hidden = world.drop(cleo, BlobIs, lambda b: b.blob_class == BlobClass.COMMIT, commits)
    world.advance(150)
    assert (len(lied.hits), len(hidden.hits)) == (1, commits)
    assert room_of(cleo) == room
    assert ConnectionState.REJOINED in [e.state for e in cleo.of(events.ConnectionChanged)]
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def test_a_position_of_another_log_moves_no_client() -> None:
    world, ann, bob, cleo = three()
    bob.say("here")
    world.settle()
    blob = world.last_blob(cleo, BlobClass.APPLICATION)
    cursor = cleo.engine.require_member().stream.cursor
    forget(cleo)
    world.forge(cleo, replace(blob, position=Position(bytes(8), 10**9).encode()))
    assert cleo.told == []
    assert cleo.engine.require_member().stream.cursor == cursor
    goes_on(world, ann, bob, cleo)


def test_answers_without_a_request_are_ignored() -> None:
    world, ann, bob, cleo = three()
    at = cleo.engine.require_member().stream.cursor.encode()
    forget(cleo)
    for n in range(1, 30):
        world.forge(cleo, frames.Published(n, at))
        world.forge(cleo, RequestRefused(n, "removed", ""))
    assert cleo.told == []
    goes_on(world, ann, bob, cleo)


def test_refused_for_ever_leaves_the_message_queued_or_failed_never_sent() -> None:
    world, ann, bob, cleo = three()
    lied = world.answer(
        cleo,
        Publish,
        lambda p: RequestRefused(
            p.n, "stale", "", cleo.engine.require_member().membership.base.encode()
        ),
    )
    cleo.say("hello")
    world.advance(5)
    assert lied.hits
    assert not cleo.of(events.Sent)
    lied.stop()
    world.advance(2)
    assert len(cleo.of(events.Sent)) == 1
    assert ann.texts() == bob.texts() == ["hello"]


# --- row 26 -----------------------------------------------------------------------------------


def test_another_version_of_the_protocol_is_not_spoken() -> None:
    _world, _ann, _bob, cleo = three()
    cleo.cut()
    cleo.back()
    good = Challenge(1, bytes(32), 0).to_bytes()
    with pytest.raises(Malformed):
        Challenge(2, bytes(32), 0).to_bytes()
    cleo.engine.connected("relay.test")
    cleo.engine.received(good.replace(b"\xa7version\x01", b"\xa7version\x02"))
    assert cleo.engine.link.hang_up
    assert not cleo.engine.link.outgoing  # nothing was signed for it


def test_an_answer_made_for_one_relay_is_refused_by_another() -> None:
    """A relay in the middle hands its own client the challenge of the honest one."""
    world, _ann, _bob, cleo = three()
    cleo.cut()
    assert world.relay is not None
    honest = world.relay.connect(host="relay.test")
    cleo.engine.connected("evil.test")
    for data in honest.outgoing():
        cleo.engine.received(data)
    (answer,) = cleo.engine.link.outgoing
    honest.receive(answer)
    (refusal, *_) = [frames.from_relay(data) for data in honest.outgoing()]
    assert isinstance(refusal, RequestRefused)
    assert refusal.code == "wrong_host"


# --- row 15: pause ----------------------------------------------------------------------------


def pause(world: EvilWorld, ann: Client, bob: Client, *, at_relay: bool, in_group: bool) -> None:
    key = bob.engine.identity
    changes = (Change(Op.CHANGE, key.relay.public, Seat(paused=True)),) if at_relay else ()
    paused = key.signature.public if in_group else b""
    change(world, ann, lambda m: (context(replace(m.state, paused=paused)),), *changes)


def test_the_relay_drops_posts_of_paused_members_even_if_their_client_sends_them() -> None:
    world, ann, bob, _ = three()
    pause(world, ann, bob, at_relay=True, in_group=False)
    base = bob.engine.require_member().membership.base.encode()
    answers: list[RelayAnswer | None] = []
    blob = rogue_text(bob, "hear me")
    bob.engine.link.request(
        lambda n: Publish(n, world.random(16), base, BlobClass.APPLICATION, 600, blob),
        answers.append,
    )
    world.settle()
    assert [a.code for a in answers if isinstance(a, RequestRefused)] == ["paused"]
    assert ann.texts() == []


@pytest.mark.second("Cleo")
def test_clients_hide_posts_of_paused_members_even_if_the_relay_lets_them_through() -> None:
    world, ann, bob, cleo = three()
    world.take(room_of(ann), rogue_text(bob, "before", counter=1), BlobClass.APPLICATION)
    assert ann.texts() == cleo.texts() == ["before"]  # the control
    pause(world, ann, bob, at_relay=False, in_group=True)
    assert state_of(cleo).paused == bob.engine.identity.signature.public
    world.take(room_of(ann), rogue_text(bob, "hear me", counter=2), BlobClass.APPLICATION)
    assert world.last_blob(ann, BlobClass.APPLICATION).blob
    assert ann.texts() == cleo.texts() == ["before"]


@pytest.mark.second("Cleo")
def test_a_removed_member_is_not_heard_even_if_the_relay_lets_them_through() -> None:
    world, ann, bob, cleo = three()
    group = group_of(bob)
    before = rogue_text(bob, "of the old epoch")
    world.drop(bob, BlobIs)
    world.drop(bob, Bye)
    ann.remove("Bob")
    world.settle()
    assert ann.members() == cleo.members() == {"Ann", "Cleo"}
    assert bob.engine.closed is None  # Bob's client was told nothing
    after = group.encrypt(b"still the old epoch")
    forget(ann, cleo)
    for blob in (before, after):
        world.take(room_of(ann), blob, BlobClass.APPLICATION)
        world.advance(61)
    assert ann.texts() == cleo.texts() == []
    assert problems(ann) == problems(cleo) == ["unreadable", "unreadable"]
    goes_on(world, ann, cleo)


# --- what is said of the relay's word ---------------------------------------------------------


@pytest.mark.parametrize("code", sorted(HEARSAY))
def test_a_newcomer_is_told_the_relays_word_as_the_relays(code: str) -> None:
    """A newcomer has nothing to hold it against, and no facilitator's name is used for it."""
    world, ann, _, _ = three()
    dora = world.client("Dora")
    lied = world.answer(dora, Authenticate, lambda a: RequestRefused(a.n, code, ""), most=CLAIMS)
    world.knock_with(dora, ann.invite())
    world.advance(10)
    assert lied.hits
    assert dora.engine.closed is not None
    assert dora.engine.closed.code == code
    assert dora.engine.closed.text.startswith("The relay says: ")


@pytest.mark.parametrize("code", ["unknown_door", "door_used", "room_full", "paused"])
def test_a_member_is_told_the_relays_word_as_the_relays(code: str) -> None:
    """It may be any word. No honest relay says these to a member."""
    world, _, bob, _ = three()
    lied = world.answer(bob, Authenticate, lambda a: RequestRefused(a.n, code, ""), most=CLAIMS)
    bob.cut()
    world.advance(2)
    assert lied.hits
    assert bob.engine.closed is not None
    assert bob.engine.closed.text.startswith("The relay says: ")


@pytest.mark.second("Cleo")
def test_a_proved_removal_is_told_as_a_facilitators() -> None:
    world, ann, bob, _ = three()
    ann.remove("Bob")
    world.settle()
    assert closed(bob)[0] is CloseReason.REMOVED
    assert "The relay says" not in bob.of(events.Closed)[0].text
