"""The attacks of the first review on a room, each played to its end with as many people as it was
found with. Beside each, other tests try its parts, and more of its kind."""

from dataclasses import replace

import pytest
from alcove import events, mls
from alcove.events import CloseReason, ConnectionState, RoomState
from alcove.group.keys import SigningKey
from alcove.messages.payload import Void
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import BlobClass, BlobIs, LobbyRequest
from alcove_protocol.labels import Label
from alcove_protocol.roster import Change, Op, Role, Seat
from alcove_protocol.statements import Appointment

from tests.end_to_end.evil.old_epoch import SECOND, Past
from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    Making,
    aside,
    change,
    commit_blob,
    commit_of_next_epoch,
    committer_of,
    context,
    demote,
    entry_by,
    group_of,
    leaf_of,
    now,
    publish,
    relay_key,
    rogue_commit,
    rogue_message,
    rogue_text,
    room_of,
    roster_of,
    state_of,
)
from tests.end_to_end.evil.rogue_updates import (
    ask,
    honest_update,
    nobody_is_held,
    rogue_proposal,
    skip_to,
    waiting,
)
from tests.end_to_end.evil.rooms import (
    a_commit,
    authenticators,
    commit_by,
    epochs,
    forget,
    goes_on,
    named,
    problems,
    state,
    three,
    two_facilitators,
    with_dora,
)
from tests.end_to_end.evil.test_agreement import accepted_in_leaf, other_rules, signed_by
from tests.end_to_end.evil.test_forks import forked
from tests.end_to_end.evil.test_held import states
from tests.end_to_end.evil.test_lost_races import change_rules, code_of, invite_of
from tests.end_to_end.evil.test_lost_welcome import admitted_without_welcome, restart
from tests.end_to_end.evil.test_roster_roles import end_by
from tests.end_to_end.world import Client, closed


def test_an_update_beyond_what_the_others_derive_throws_nobody_out() -> None:
    """A proposal at 16,000 moves the facilitator's ratchet alone, were it not bounded. Then a true
    Update at 32,000 fits the facilitator and no other, and any commit brings it."""
    world = EvilWorld()
    ann = world.open("Ann")
    mal, cleo, dora, eve = (world.join(ann, name) for name in ("Mal", "Cleo", "Dora", "Eve"))
    world.advance(31, step=31)
    forget(ann, mal, cleo, dora, eve)
    skip_to(mal, 16_000)
    ask(world, mal, rogue_proposal(mal, mls.Remove(leaf_of(cleo))))
    skip_to(mal, 32_000)
    ask(world, mal, honest_update(mal))
    assert waiting(ann) == 0
    before = group_of(ann).epoch
    invite_of(world, ann)
    assert epochs(ann, mal, cleo, dora, eve) == {before + 1}
    nobody_is_held(world, ann, mal, cleo, dora, eve)


def junk_appointment(world: EvilWorld, of: Client) -> bytes:
    stranger = SigningKey.generate(world.random)
    claimed = Appointment(room_of(of), stranger.public, bytes(32), bytes(32))
    return pack_list([stranger.sign(Label.APPOINT, claimed).encode()])


def test_a_junk_appointment_shuts_the_room_to_nobody() -> None:
    """Bob, who facilitates, appends it once. He is demoted and removed, and after it newcomers come
    in by an invite of before and by one made since, and a member who lost a commit comes back."""
    world, ann, bob, cleo = two_facilitators()
    old = invite_of(world, ann)
    forget(ann, bob, cleo)
    longer = replace(
        state_of(bob), appointments=state_of(bob).appointments + junk_appointment(world, bob)
    )
    refused: list[Exception | None] = []
    making = Making(refused.append, lambda m: (context(longer),))
    committer_of(bob).committer.want(making)  # by his own client
    world.settle()
    assert code_of(refused) == "appointment"
    staged = aside(group_of(bob).commit([context(longer)], now=now(bob)))
    world.take(room_of(bob), commit_blob(staged.message), BlobClass.COMMIT)  # by one without rules
    assert problems(ann) == problems(cleo) == ["commit_refused"]
    assert len(authenticators(ann, cleo)) == 1
    demote(world, ann, bob)
    assert ann.remove("Bob") == []
    world.settle()
    assert closed(bob).reason is CloseReason.REMOVED
    newcomers = []
    for invite, name in ((invite_of(world, ann), "Dora"), (old, "Eve")):
        newcomers.append(world.knock(invite, name))
        ann.admit(ann.of(events.Knocked)[-1])
        world.settle()
        assert newcomers[-1].of(events.Joined), newcomers[-1].told
    lost = world.drop(cleo, BlobIs, a_commit, most=1)
    commit_by(world, ann)
    commit_by(world, ann)
    world.advance(200)
    assert len(lost.hits) == 1
    assert ConnectionState.REJOINED in states(cleo)
    assert ann.members() == {"Ann", "Cleo", "Dora", "Eve"}
    goes_on(world, ann, cleo, *newcomers)


@pytest.mark.parametrize("restated", [True, False], ids=["restated", "ended"])
def test_who_changes_the_list_alone_gains_no_right_by_it_and_is_named(restated: bool) -> None:
    """In one entry Bob, who facilitates, disarms Ann, mutes Cleo and promotes Dora. After a while
    Ann removes Dora, and Dora ends the room."""
    world, ann, bob, cleo, dora = with_dora(two_facilitators())
    change(
        world,
        bob,
        lambda m: (),
        Change(Op.CHANGE, relay_key(ann), Seat(role=Role.PARTICIPANT)),
        Change(Op.CHANGE, relay_key(cleo), Seat(paused=True)),
        Change(Op.CHANGE, relay_key(dora), Seat(role=Role.FACILITATOR)),
    )
    assert not roster_of(ann).is_facilitator(relay_key(ann))
    for client in (ann, cleo, dora):
        assert named(client, "roster_mismatch") == ["Bob"]
        people = client.engine.require_member().membership.people()
        assert {p.name for p in people if p.facilitator} == {"Ann", "Bob"}
    world.advance(120)
    said = cleo.say("can anybody hear me?")
    removed = ann.remove("Dora")
    world.advance(60)
    assert events.Queued(said) in cleo.told
    assert removed == []
    assert problems(ann) == ["roster_mismatch", "change_waits"]  # she is told that it waits
    if restated:
        commit_by(world, bob)  # any commit of a facilitator who still may: his client says it anew
        world.advance(60)
        assert removed == [None]
        assert bob.texts() == ["can anybody hear me?"]
        assert closed(dora).reason is CloseReason.REMOVED
        assert named(cleo, "roster_mismatch") == ["Bob"]
        return
    end_by(world, dora)
    for client in (ann, bob, cleo):
        assert closed(client).reason is CloseReason.LOST  # the relay's word alone is no end
        assert "no facilitator that you know of signed it" in closed(client).text


def test_one_false_hash_and_one_high_counter_divide_nobody() -> None:
    world, ann, mal, cleo, dora = with_dora(three())
    at = (mal.engine.require_member().stream.log.current or (None, b""))[0]
    assert at is not None
    blob = rogue_message(mal, Void(), kind="void", counter=1, log=b"\7" * 32, at=at)
    publish(world, mal, blob)
    world.advance(600, step=5)
    for client in (ann, cleo, dora):
        assert named(client, "conversation_differs") == ["Bob"]
        assert problems(client) == ["conversation_differs"]
        assert not client.of(events.RoomChanged)
    publish(world, mal, rogue_text(mal, "hi", counter=5_000_000))
    for client in (ann, cleo, dora):
        assert client.of(events.Gap) == [events.Gap(None, "Bob")]
        assert client.texts() == ["hi"]
        assert state(client) is RoomState.OPEN


def test_rules_that_nobody_was_shown_are_accepted_by_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither in what a member says, nor in the keys that the client renews by itself."""
    world, ann, bob, cleo = three()
    old = state_of(bob).agreement
    forget(ann, bob, cleo)
    new = other_rules(world, ann)
    said = signed_by(bob, monkeypatch)
    for text in ("something private", "more"):
        bob.say(text)
        world.settle()
    assert cleo.texts() == ann.texts() == []
    world.advance(900, step=5)
    assert cleo.texts() == ann.texts() == []
    assert problems(bob) == problems(cleo) == ["agreement_changed"]
    for client in (bob, cleo):
        assert accepted_in_leaf(client, ann) == old != new
    assert new not in {payload.agreement for payload in said}
    assert len(bob.of(events.Queued)) == 2


def test_a_facilitator_cannot_say_that_a_member_left_by_wish() -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    left = Change(Op.LEFT, relay_key(bob))
    refused: list[Exception | None] = []
    committer_of(ann).committer.want(
        Making(refused.append, lambda m: (mls.Remove(leaf_of(bob)),), (left,))
    )
    world.settle()
    assert code_of(refused) == "bad_roster"  # the relay takes no such entry
    assert cleo.told == bob.told == []

    def with_entry(blob: BlobIs) -> BlobIs:
        entry = entry_by(ann.engine.identity.relay, cleo, blob.blob, left)
        return replace(blob, entry=entry.body, signature=entry.signature)

    for client in (bob, cleo):  # a relay that hands it over all the same
        world.alter(client, BlobIs, with_entry, a_commit, most=1)
    blob = rogue_commit(ann, mls.Remove(leaf_of(bob)))
    world.take(room_of(ann), blob, BlobClass.COMMIT)
    assert closed(bob).reason is CloseReason.REMOVED
    assert [event.name for event in cleo.of(events.Removed)] == ["Bob"]
    assert not cleo.of(events.Left)


def test_a_newcomer_whose_welcome_died_is_in_an_hour_later_and_there_once() -> None:
    world, ann, bob, cleo = admitted_without_welcome()
    restart(world)
    world.advance(3600, step=5)
    assert bob.engine.member is not None
    assert ann.members() == bob.members() == cleo.members() == {"Ann", "Bob", "Cleo"}
    twin = world.knock(ann.invite(), "Bob")
    world.advance(10)
    assert closed(twin).code == "name_taken"
    goes_on(world, ann, bob, cleo)


def test_who_was_held_by_junk_and_let_go_is_told_of_what_it_missed() -> None:
    """The relay keeps Bob's request alone. Cleo, in whose name the junk came, asks and is let in,
    and that is the true commit by which Bob goes on."""
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    world.drop(bob, LobbyRequest)
    world.take(room_of(ann), commit_of_next_epoch(cleo), BlobClass.COMMIT)
    assert problems(bob)[0] == "held"
    cleo.say("I am going to hurt myself")
    world.settle()
    commit_by(world, ann)
    world.advance(300, step=5)
    ann.say("anything else?")
    world.settle()
    assert bob.texts() == ["I am going to hurt myself", "anything else?"]
    assert not bob.of(events.Gap)
    assert state(bob) is RoomState.OPEN
    goes_on(world, ann, bob, cleo)


@pytest.mark.interpreted  # copies the store's memory
@pytest.mark.parametrize("talk", [(), ("one", "two", "three")], ids=["silent", "talk"])
def test_who_was_in_the_other_part_of_a_fork_comes_back_by_true_commits(
    talk: tuple[str, ...],
) -> None:
    world, (ann, bob, cleo, dora) = forked(talk)
    world.advance(60, step=5)
    for _ in range(6):
        commit_by(world, ann)
        world.advance(60, step=5)
    for client in (bob, dora):
        assert "commit_refused" not in problems(client)
        assert ConnectionState.REJOINED in states(client)
    assert {state(client) for client in (ann, bob, cleo, dora)} == {RoomState.OPEN}
    goes_on(world, ann, bob, cleo, dora)


def test_a_facilitator_overtaken_by_other_rules_stays_with_the_others() -> None:
    """Finn accepted the old rules. What all others would burn, Ann's client does not merge alone:
    Finn is told, and what she does next is done in the room of all."""
    world, ann, bob, cleo = two_facilitators()
    finn = world.knock(ann.invite(), "Finn")
    forget(bob, cleo)
    change_rules(world, bob)
    result = ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert code_of(result) == "agreement"
    assert closed(finn).code == "agreement"
    world.advance(300, step=5)
    for client in (ann, bob, cleo):
        assert client.members() == {"Ann", "Bob", "Cleo"}
        assert state(client) is RoomState.OPEN
    assert len(authenticators(ann, bob, cleo)) == 1
    removed = ann.remove("Cleo")
    world.advance(5)
    assert removed in ([], [None])
    assert closed(cleo).reason is CloseReason.REMOVED
    assert ann.members() == bob.members() == {"Ann", "Bob"}
    assert len(authenticators(ann, bob)) == 1


@pytest.mark.parametrize("generation", [None, SECOND], ids=["same log", "second log"])
def test_a_relay_that_changes_the_order_is_found_out_in_whatever_log(
    generation: bytes | None,
) -> None:
    """Bob alone is shown the log, as it is or as if it were another, with a question and its answer
    in each other's places."""
    world, ann, bob, cleo = three()
    world.advance(65, step=5)
    past = Past(world, bob, generation=generation)
    forget(ann, bob, cleo)
    past.begin()
    past.go(70)
    assert state(bob) is (RoomState.OPEN if generation is None else RoomState.SPLIT)
    ann.say("Are you safe with him tonight?")
    world.settle()
    cleo.say("Yes.")
    world.settle()
    past.swap()
    past.go(300)
    waits = bob.say("Bob agrees")
    past.go(5)
    ann.say("bye")
    past.go(60)
    assert ann.texts() == ["Yes."]
    assert cleo.texts() == ["Are you safe with him tonight?", "bye"]
    assert bob.texts()[:2] == ["Yes.", "Are you safe with him tonight?"]  # the attack took place
    assert state(bob) is RoomState.SPLIT
    assert events.Queued(waits) in bob.told
    assert "Ann" in named(bob, "conversation_differs")
    assert state(ann) is state(cleo) is RoomState.OPEN
