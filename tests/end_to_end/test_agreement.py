"""The life of an agreement: told, committed, shown in each language, accepted, repeated."""

import pytest
from alcove import events
from alcove.errors import InvalidInput, NotNow
from alcove.group.extensions import CORRECTED
from alcove_protocol import limits
from alcove_protocol.card import AgreementText
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    LobbyRequest,
    Publish,
    Published,
    RequestRefused,
)

from tests.end_to_end.agreeing import KIND, PUBLISH, a_text, accept, ask_for, changed, shown
from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import demote, state_of
from tests.end_to_end.evil.rooms import (
    authenticators,
    commit_by,
    forget,
    miss_a_commit,
    problems,
    three,
    two_facilitators,
    with_dora,
)
from tests.end_to_end.facilitating import codes
from tests.end_to_end.world import Client, closed

OTHER = (AgreementText("en", "", "Listen."),)
RULES = KIND[0].text


def names_accepted(client: Client) -> list[str]:
    return [event.name for event in client.of(events.Accepted)]


def let_in_again(client: Client) -> bool:
    told = [event.state for event in client.of(events.ConnectionChanged)]
    return events.ConnectionState.REJOINED in told


# --- a new rule, a correction -------------------------------------------------------------------


def test_a_new_rule_asks_everybody_but_the_person_who_made_it() -> None:
    world, ann, bob, cleo = two_facilitators()
    forget(ann, bob, cleo)
    changed(world, ann, KIND)
    assert shown(ann) == [(2, RULES, False)]
    assert shown(bob) == shown(cleo) == [(2, RULES, True)]
    assert not problems(ann) + problems(bob) + problems(cleo)
    bob.say("not yet")
    ann.say("welcome")
    world.settle()
    assert cleo.texts() == ["welcome"]
    accept(world, bob)
    assert cleo.texts() == ["welcome", "not yet"]
    world.advance(30, step=5)
    accept(world, cleo)
    world.advance(30, step=5)
    assert names_accepted(ann) == ["Bob", "Cleo"]
    assert names_accepted(bob) == ["Cleo"]
    assert not names_accepted(cleo)


def test_each_person_is_shown_the_language_that_they_read() -> None:
    world, ann, bob, cleo = three()
    for client, language in ((ann, "fr"), (bob, "de-AT"), (cleo, "DE")):
        client.engine.agreements.language = language
    forget(ann, bob, cleo)
    changed(world, ann, KIND)
    told = [client.of(events.AgreementShown)[0] for client in (ann, bob, cleo)]
    assert [event.language for event in told] == ["en", "de", "de"]
    assert [event.summary for event in told] == ["Be kind.", *["Seid freundlich."] * 2]
    assert {event.languages for event in told} == {("en", "de")}
    accept(world, bob, cleo)
    bob.say("hallo")
    world.settle()
    assert cleo.texts() == ["hallo"]  # one hash covers all languages


def test_a_correction_is_shown_and_asks_and_mutes_nobody() -> None:
    world, ann, bob, cleo = three()
    before = state_of(ann).agreement
    forget(ann, bob, cleo)
    changed(world, ann, KIND, correction=True)
    assert state_of(cleo).corrected_hashes() == (before,)
    assert shown(bob) == [(2, RULES, False)]
    bob.say("goes on")
    world.settle()
    assert ann.texts() == cleo.texts() == ["goes on"]
    with pytest.raises(NotNow, match="nothing to accept"):
        bob.engine.commands.accept()


def test_a_new_rule_after_a_correction_asks_those_who_accepted_either() -> None:
    world, ann, bob, cleo = three()
    changed(world, ann, KIND, correction=True)
    forget(ann, bob, cleo)
    changed(world, ann, OTHER)
    assert state_of(cleo).corrected_hashes() == ()
    assert shown(bob) == shown(cleo) == [(3, "Listen.", True)]
    bob.say("waits")
    world.settle()
    assert cleo.texts() == []


def test_after_sixteen_corrections_only_a_new_rule_is_possible() -> None:
    world, ann, bob, _cleo = three()
    for number in range(CORRECTED):
        changed(world, ann, (AgreementText("en", "", f"Wording {number}."),), correction=True)
    with pytest.raises(NotNow, match="as a new rule"):
        ask_for(ann, KIND, correction=True)
    bob.say("still good")
    world.settle()
    assert ann.texts() == ["still good"]
    changed(world, ann, KIND)
    assert state_of(bob).corrected == b""


def test_what_is_written_waits_and_leaving_and_taking_back_do_not() -> None:
    world, ann, bob, cleo = three()
    said = bob.say("before")
    world.settle()
    changed(world, ann, KIND)
    bob.engine.commands.retract(said)
    waits = cleo.say("a draft")
    world.settle()
    assert [event.id for event in ann.of(events.Retracted)] == [said]
    assert [event.id for event in cleo.of(events.Queued)] == [waits]
    bob.engine.commands.leave(lambda: None)
    world.settle()
    assert closed(bob).reason is events.CloseReason.LEFT
    assert ann.members() == {"Ann", "Cleo"}


# --- acceptance is the person's act -------------------------------------------------------------


def test_a_person_accepts_the_version_that_they_read_and_no_later_one() -> None:
    world, ann, bob, _cleo = three()
    changed(world, ann, KIND)
    changed(world, ann, OTHER)
    with pytest.raises(NotNow) as raised:
        bob.engine.commands.accept(2)
    assert raised.value.code == "agreement_changed"
    bob.engine.commands.accept(3)
    assert state_of(bob).agreement == bob.engine.require_member().membership.accepted


def test_an_acceptance_reaches_the_leaf_though_an_older_update_was_on_its_way() -> None:
    world, ann, bob, cleo = three()
    cleo.engine.require_member()._key_updates.hasten()
    world.advance(1)  # her Update waits for others, and has the agreement of before
    changed(world, ann, KIND)
    accept(world, bob, cleo)
    world.advance(120, step=5)
    assert sorted(names_accepted(ann)) == ["Bob", "Cleo"]


def test_who_accepted_stays_accepted_after_being_let_in_again() -> None:
    world, ann, bob, cleo = three()
    changed(world, ann, KIND)
    accept(world, bob, cleo)
    miss_a_commit(world, ann, cleo)
    forget(cleo)
    world.advance(70, step=5)
    assert let_in_again(cleo)
    assert shown(cleo) == []
    cleo.say("here again")
    world.settle()
    assert bob.texts() == ["here again"]


# --- the text comes before the commit -----------------------------------------------------------


def test_the_text_stands_in_the_log_before_the_commit_that_names_it() -> None:
    world, ann, bob, _cleo = three()
    world.record.clear()
    changed(world, ann, KIND)
    classes = [blob.blob_class for blob in world.seen(BlobIs, bob)]
    assert classes == [BlobClass.APPLICATION, BlobClass.COMMIT]


def test_a_committer_who_dies_after_the_text_leaves_the_room_as_it_was() -> None:
    world, ann, bob, cleo = two_facilitators()
    forget(ann, bob, cleo)
    world.drop(bob, Published, most=1)  # so the commit that needs the answer is never made
    result = ask_for(bob, PUBLISH)
    world.settle()
    bob.cut()
    world.advance(5, stay_away=(bob,))
    assert result == []
    assert shown(ann) == shown(cleo) == []
    assert cleo.engine.agreements.of(state_of(cleo)) is not None  # the text that holds is kept
    cleo.say("nothing happened")
    world.settle()
    assert ann.texts() == ["nothing happened"]
    changed(world, ann, KIND)  # another facilitator goes on
    assert shown(cleo) == [(2, RULES, True)]
    bob.back()
    world.advance(5)
    assert codes(result) == ["agreement_race"]
    assert len({state_of(client).agreement for client in (ann, bob, cleo)}) == 1


def test_a_committer_who_comes_back_after_the_text_makes_the_change() -> None:
    world, ann, bob, cleo = two_facilitators()
    world.drop(bob, Published, most=1)
    result = ask_for(bob, KIND)
    world.settle()
    bob.cut()
    world.advance(5, stay_away=(bob,))
    bob.back()
    world.advance(5)
    assert result == [None]
    assert shown(ann)[-1] == shown(cleo)[-1] == (2, RULES, True)


def test_a_facilitator_who_is_demoted_before_the_text_goes_changes_nothing() -> None:
    world, ann, bob, cleo = two_facilitators()
    bob.cut()
    result = ask_for(bob, PUBLISH)
    demote(world, ann, bob)
    bob.back()
    world.advance(2)
    assert codes(result) == ["agreement_not_sent"]
    bob.say("as a participant")
    world.settle()
    assert cleo.texts() == ["as a participant"]
    assert shown(ann) == []


def test_a_text_that_the_relay_refuses_changes_nothing() -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    refusing = world.answer(ann, Publish, lambda frame: RequestRefused(frame.n, "malformed", ""))
    result = ask_for(ann, PUBLISH)
    world.settle()
    refusing.stop()
    assert codes(result) == ["agreement_not_sent"]
    changed(world, ann, KIND)
    assert shown(bob) == shown(cleo) == [(2, RULES, True)]


# --- two at once --------------------------------------------------------------------------------


def test_of_two_facilitators_at_once_the_first_commit_wins_and_the_other_is_told() -> None:
    world, ann, bob, cleo = two_facilitators()
    forget(ann, bob, cleo)
    results = [ask_for(ann, KIND), ask_for(bob, PUBLISH)]
    world.settle()
    world.advance(5)
    assert sorted(map(codes, results), key=str) == [["agreement_race"], [None]]
    assert len({state_of(client).agreement for client in (ann, bob, cleo)}) == 1
    assert len(authenticators(ann, bob, cleo)) == 1
    winner, loser = (ann, bob) if results[0] == [None] else (bob, ann)
    assert [asked for _, _, asked in shown(winner)] == [False]
    assert [asked for _, _, asked in shown(loser)] == [True]
    changed(world, loser, OTHER)  # having read the other's, they may change it again
    assert shown(cleo)[-1] == (3, "Listen.", True)


def test_one_change_at_a_time_and_none_without_a_difference() -> None:
    world, ann, bob, _cleo = three()
    ask_for(ann, KIND)
    with pytest.raises(NotNow, match="on its way"):
        ask_for(ann, OTHER)
    world.settle()
    with pytest.raises(NotNow, match="already"):
        ask_for(ann, KIND)
    with pytest.raises(NotNow, match="Only a facilitator"):
        ask_for(bob, OTHER)
    with pytest.raises(InvalidInput):
        ask_for(ann, (KIND[0], KIND[0]))
    with pytest.raises(InvalidInput):
        ask_for(ann, (AgreementText("en", "", "x" * (limits.AGREEMENT + 1)),))


# --- who missed the text ------------------------------------------------------------------------


def test_who_is_shown_no_text_is_told_so_and_cannot_accept_it_unread() -> None:
    world, ann, bob, cleo = three()
    withheld = world.drop(bob, BlobIs, a_text, most=1)
    forget(ann, bob, cleo)
    changed(world, ann, KIND)
    assert len(withheld.hits) == 1
    world.advance(6, step=1)
    assert problems(bob) == ["agreement_changed"]
    with pytest.raises(NotNow, match="not come here"):
        bob.engine.commands.accept()
    bob.say("waits")
    world.settle()
    assert cleo.texts() == []
    world.advance(70, step=5)  # the facilitator's client tells it again
    assert shown(bob) == [(2, RULES, True)]
    assert shown(cleo) == [(2, RULES, True)]  # once
    accept(world, bob, cleo)
    assert cleo.texts() == ["waits"]


def test_another_facilitator_repeats_the_text_when_its_author_is_gone() -> None:
    world, ann, bob, cleo, dora = with_dora(two_facilitators())
    world.drop(dora, BlobIs, a_text, most=1)
    changed(world, ann, KIND)
    ann.cut()
    world.advance(80, step=5, stay_away=(ann,))
    assert shown(dora) == [(2, RULES, True)]
    assert shown(cleo) == [(2, RULES, True)]
    assert bob.of(events.AgreementShown)


def test_a_text_is_repeated_less_and_less_often_and_not_when_all_have_accepted() -> None:
    world, ann, bob, cleo = three()
    changed(world, ann, KIND)
    bob_has = bob.engine.require_member()
    world.record.clear()
    world.advance(1800, step=5)
    told = len([blob for blob in world.seen(BlobIs, bob) if a_text(blob)])
    assert 4 <= told <= 6  # after 60, 120, 240, 480 and 900 seconds
    accept(world, bob, cleo)
    world.advance(120, step=5)
    world.record.clear()
    world.advance(1800, step=5)
    assert not [blob for blob in world.seen(BlobIs, bob) if a_text(blob)]
    assert not bob_has.membership.agreement_due


def test_a_member_who_slept_until_the_text_had_expired_is_shown_it() -> None:
    world = EvilWorld()
    ann = world.open("Ann", ttl=60)
    bob = world.join(ann, "Bob")
    world.advance(31, step=31)
    bob.cut()
    changed(world, ann, KIND)
    world.advance(300, step=5, stay_away=(bob,))
    bob.back()
    world.advance(130, step=5)
    assert shown(bob)[-1] == (2, RULES, True)
    accept(world, bob)
    bob.say("awake")
    world.settle()
    assert ann.texts() == ["awake"]


def test_a_member_held_over_the_change_is_shown_the_text_when_they_are_back() -> None:
    world, ann, bob, cleo = three()
    miss_a_commit(world, ann, cleo)
    asks = world.drop(cleo, LobbyRequest)
    commit_by(world, ann)
    assert "held" in problems(cleo)
    changed(world, ann, KIND)
    asks.stop()
    forget(cleo)
    world.advance(70, step=5)
    assert let_in_again(cleo)
    assert shown(cleo) == [(2, RULES, True)]
    accept(world, bob, cleo)
    cleo.say("here again")
    world.settle()
    assert bob.texts() == ["here again"]


def test_who_lacks_a_corrections_text_is_told_later_and_goes_on() -> None:
    world, ann, bob, _cleo = three()
    world.drop(bob, BlobIs, a_text, most=1)
    forget(bob)
    changed(world, ann, KIND, correction=True)
    assert problems(bob) == []
    world.advance(61, step=5)
    assert problems(bob) == ["agreement_corrected"]
    bob.say("goes on")
    world.settle()
    assert ann.texts() == ["goes on"]


def test_commits_that_follow_do_not_put_off_what_is_said_of_a_missing_text() -> None:
    world, ann, bob, _cleo = two_facilitators()
    world.drop(bob, BlobIs, a_text)
    forget(bob)
    changed(world, ann, KIND)
    for _ in range(4):
        ann.engine.require_facilitator().refresh_keys()
        world.advance(2, step=1)
    assert problems(bob) == ["agreement_changed"]
