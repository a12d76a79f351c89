"""Ground rules that change while newcomers come, and on whose cards the new ones stand."""

from alcove import events
from alcove.engine.agreement import CHANGED_WITHOUT_YOU
from alcove_protocol.frames import BlobIs, PutDoor

from tests.end_to_end.agreeing import KIND, PUBLISH, a_text, accept, ask_for, changed, shown
from tests.end_to_end.evil.rogue import committer_of
from tests.end_to_end.evil.rooms import problems, three, two_facilitators
from tests.end_to_end.facilitating import Result, codes, do, new_link
from tests.end_to_end.world import AGREEMENT, World, closed

RULES = KIND[0].text


def test_a_newcomer_reads_the_new_agreement_by_an_old_invite() -> None:
    world, ann, bob, _cleo = three()
    changed(world, ann, KIND)
    dora = world.join(ann, "Dora")
    assert shown(dora) == [(2, RULES, False)]
    accept(world, bob)
    dora.say("hello")
    world.settle()
    assert bob.texts() == ["hello"]


def test_who_waits_with_the_old_agreement_is_told_to_read_the_new_one() -> None:
    world, ann, _bob, _cleo = three()
    dora = world.knock(ann.invite(), "Dora")
    changed(world, ann, KIND)
    assert closed(dora).code == "agreement"
    assert [event.id for event in ann.of(events.KnockGone)]
    assert world.join(ann, "Emil").members() == {"Ann", "Bob", "Cleo", "Emil"}


def test_who_waits_over_a_correction_comes_in_and_is_shown_it() -> None:
    world, ann, bob, _cleo = three()
    dora = world.knock(ann.invite(), "Dora")
    changed(world, ann, KIND, correction=True)
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    world.advance(1)
    assert [event.version for event in dora.of(events.AgreementShown)] == [1, 2]
    assert problems(dora) == []
    dora.say("hello")
    world.settle()
    assert bob.texts() == ["hello"]


def test_an_appointed_facilitator_puts_the_new_agreement_on_their_own_cards() -> None:
    world, ann, bob, _cleo = two_facilitators()
    invite = new_link(world, bob)
    changed(world, ann, KIND)
    dora = world.knock(invite, "Dora")
    assert shown(dora) == [(2, RULES, False)]
    bob.admit(bob.of(events.Knocked)[-1])
    world.settle()
    assert dora.of(events.Joined)


def test_a_facilitator_without_the_text_makes_no_invite_until_it_comes() -> None:
    world, ann, bob, _cleo = two_facilitators()
    withheld = world.drop(bob, BlobIs, a_text)
    changed(world, ann, KIND)
    made: Result = []
    bob.engine.commands.invite(lambda url, error: made.append(error))
    world.settle()
    assert codes(made) == ["no_agreement"]
    withheld.stop()
    world.advance(70, step=5)
    made.clear()
    bob.engine.commands.invite(lambda url, error: made.append(error))
    world.settle()
    assert made == [None]


def test_the_relay_dies_after_the_change_and_newcomers_read_the_new_agreement() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    world.advance(31, step=31)
    changed(world, ann, KIND)
    accept(world, bob)
    world.kill_relay()
    world.start_relay()
    world.advance(90, step=5)
    dora = world.join(ann, "Dora")
    assert dora.of(events.AgreementShown)[0].text == RULES != AGREEMENT
    bob.say("still here")
    world.settle()
    assert ann.texts() == ["still here"]


def test_another_facilitator_puts_the_cards_anew_when_the_committer_dies() -> None:
    world, ann, bob, cleo = two_facilitators()
    invite = ann.invite()  # its secret came to Bob in a vault
    world.drop(ann, PutDoor)
    changed(world, ann, KIND)
    ann.cut()
    world.advance(100, step=5, stay_away=(ann,))
    dora = world.knock(invite, "Dora")
    assert shown(dora) == [(2, RULES, False)]
    bob.admit(bob.of(events.Knocked)[-1])
    world.settle()
    assert dora.of(events.Joined)
    assert shown(cleo)[-1] == (2, RULES, True)


def test_a_facilitator_without_the_text_puts_no_earlier_card() -> None:
    world, ann, bob, _cleo = two_facilitators()
    invite = ann.invite()
    world.drop(bob, BlobIs, a_text)
    changed(world, ann, KIND)
    for _ in range(3):  # as after a new lobby key
        committer_of(bob).door_keeper.cards_changed(own=True)
        world.advance(1)
    dora = world.knock(invite, "Dora")
    assert shown(dora) == [(2, RULES, False)]


def test_a_facilitator_appointed_after_the_change_puts_the_new_agreement_on_cards() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    changed(world, ann, KIND)
    accept(world, bob)
    do(world, ann, "appoint", "Bob")
    world.advance(40, step=5)
    dora = world.knock(new_link(world, bob), "Dora")
    assert shown(dora) == [(2, RULES, False)]
    ann.cut()
    world.advance(10, step=5, stay_away=(ann,))
    bob.admit(bob.of(events.Knocked)[-1])
    world.settle()
    assert dora.of(events.Joined)


def test_who_comes_between_the_text_and_the_commit_is_told_it_at_once() -> None:
    world = World()
    ann = world.open("Ann")
    world.join(ann, "Bob")
    cleo = world.knock(ann.invite(), "Cleo")
    ask_for(ann, KIND)
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    world.advance(5, step=1)
    assert cleo.of(events.Joined)
    assert shown(cleo)[-1] == (2, RULES, True)


def test_a_lone_facilitator_without_the_text_is_told_to_give_the_rules_anew() -> None:
    world, ann, bob, cleo = two_facilitators()
    world.drop(bob, BlobIs, a_text)
    changed(world, ann, KIND)
    ann.cut()
    world.advance(300, step=10, stay_away=(ann,))
    told = [e.text for e in bob.of(events.Problem) if e.code == "agreement_changed"]
    assert told == [CHANGED_WITHOUT_YOU]
    changed(world, bob, PUBLISH)
    bob.say("on we go")
    world.settle()
    assert cleo.texts() == ["on we go"]
    assert not bob.engine.require_member().membership.agreement_due
