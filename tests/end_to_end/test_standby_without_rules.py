"""The holder of a standby's link comes to a room in which nobody has the text of the ground rules.

The member that is left came back by a ticket, and the facilitator died before it told the text. Its
answer lets the holder in all the same, who is told so before, and gives the rules anew.
"""

from dataclasses import replace

import pytest
from alcove import events
from alcove.engine.following import Following
from alcove.group.standby_entry import Candidate, StandbyAnswer, group_info_of
from alcove.messages.agreements import UNSEEN
from alcove_protocol.card import AgreementText, pack_agreement

from tests.end_to_end.agreeing import PUBLISH, changed
from tests.end_to_end.facilitating import (
    all_agree,
    do,
    facilitators,
    goes_on,
    new_link,
    newcomer,
)
from tests.end_to_end.standing_by import comes, make_link
from tests.end_to_end.test_text_after_a_return import no_word, texts, without_text
from tests.end_to_end.ticketing import codes, crashes, resumes, ticket_of
from tests.end_to_end.world import AGREEMENT, Client, World


def nobody_has_the_text() -> tuple[World, str, Client]:
    """Return the link, and Cleo, who is left without the text."""
    world = World()
    ann = world.open("Ann")
    cleo = world.join(ann, "Cleo")
    link = make_link(world, ann)
    _, member = without_text(world, ann, cleo)
    world.advance(31)
    return world, link, member


def test_it_comes_in_and_gives_the_rules_anew() -> None:
    world, link, member = nobody_has_the_text()
    dora = comes(world, link)
    assert dora.of(events.Joined), codes(dora)
    (shown,) = dora.of(events.AgreementShown)
    assert (shown.text, shown.unseen, shown.title) == (UNSEEN, True, "Thursday circle")
    assert texts(dora) == []
    all_agree(dora, member)
    changed(world, dora, PUBLISH)
    world.advance(2)
    assert member.of(events.AgreementShown)[-1].asked
    member.engine.commands.accept(None)
    world.advance(60)
    goes_on(world, dora, member)
    newcomer(world, new_link(world, dora), "Eve", dora)


def test_the_person_is_asked_whether_to_come_in_unread() -> None:
    world, link, member = nobody_has_the_text()
    dora = world.knock(link, "Dora", accept=False)
    world.advance(200)
    (shown,) = dora.of(events.AgreementShown)
    assert (shown.asked, shown.unseen) == (True, True)
    assert not dora.of(events.Joined)
    dora.engine.commands.accept(shown.version)
    world.advance(60)
    assert dora.of(events.Joined)
    assert len(dora.of(events.AgreementShown)) == 1
    all_agree(dora, member)
    assert facilitators(member) == {"Ann", "Dora"}


def test_it_is_told_that_its_invites_need_rules() -> None:
    world, link, member = nobody_has_the_text()
    dora = comes(world, link)
    results: list[tuple[str | None, object]] = []
    part = dora.engine.require_member().facilitator
    assert part is not None
    part.invite(lambda invite, error: results.append((invite, error)))
    world.advance(2)
    assert results[0][0] is None
    assert "/newrules" in str(results[0][1])
    assert "agreement_corrected" not in codes(dora)
    world.advance(120)
    assert "agreement_corrected" not in codes(dora)
    goes_on(world, dora, member)


@pytest.mark.parametrize("held", [False, True], ids=["in step", "held"])
def test_the_text_of_another_member_is_shown(held: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cleo answers first, and has no text. Bob has, and one that is held answers with it, too."""
    world = World()
    ann = world.open("Ann")
    cleo, bob = world.join(ann, "Cleo"), world.join(ann, "Bob")
    link = make_link(world, ann)
    _, member = without_text(world, ann, cleo)
    world.advance(31)
    answers = bob.engine.require_member().standby_answers
    monkeypatch.setattr(member.engine.require_member().standby_answers, "_turn", lambda id: 0)
    monkeypatch.setattr(answers, "_turn", lambda id: 4)
    if held:
        monkeypatch.setattr(answers, "_following", Following(world.clock))
        answers._following.held = True
    dora = world.knock(link, "Dora", accept=False)
    world.advance(130)
    (shown,) = dora.of(events.AgreementShown)
    assert (shown.text, shown.unseen) == (AGREEMENT, False)


def test_the_text_that_comes_later_is_shown_and_asks_for_nothing() -> None:
    """Ben facilitates too, was away, and tells it when he sees that Cleo came back by a ticket."""
    world = World()
    ann = world.open("Ann")
    ben, cleo = world.join(ann, "Ben"), world.join(ann, "Cleo")
    do(world, ann, "appoint", "Ben")
    world.advance(35)
    link = make_link(world, ann)
    world.advance(5)
    ben.cut()
    away = (ben,)
    ticket = ticket_of(world, cleo)
    crashes(world, cleo)
    ann.to_relay = no_word
    member = resumes(world, ticket, "Cleo", wait=0)
    world.advance(5, stay_away=away)
    crashes(world, ann)
    dora = world.knock(link, "Dora")
    world.advance(150, stay_away=away)
    assert [one.unseen for one in dora.of(events.AgreementShown)] == [True]
    ben.back()
    world.advance(200)
    shown = dora.of(events.AgreementShown)
    assert [(one.text, one.asked) for one in shown[1:]] == [(AGREEMENT, False)]
    assert texts(member) == [AGREEMENT]
    goes_on(world, dora, ben, member)
    newcomer(world, new_link(world, dora), "Eve", dora)


def test_a_text_of_other_rules_is_not_taken_for_these() -> None:
    """A member that is held may know the ground rules of before."""
    world = World()
    ann = world.open("Ann")
    membership = ann.engine.require_member().membership
    context, state = membership.group.context, membership.state
    rules = (AgreementText("en", "", AGREEMENT),)
    info, key = group_info_of(membership)
    said = StandbyAnswer(
        membership.base.encode(), False, key, info, "Circle", pack_agreement(rules), "en", "a line"
    )
    bare = replace(said, agreement=b"", languages="", helplines="")
    has = Candidate(b"has", said, context, state, rules)
    lacks = Candidate(b"lacks", bare, context, state, ())
    taken = lacks.with_texts_of([lacks, has])
    assert (taken.by, taken.texts, taken.answer) == (b"lacks", rules, said)
    later = replace(lacks, state=replace(state, agreement=bytes(32)))
    assert later.with_texts_of([later, has]) == later
