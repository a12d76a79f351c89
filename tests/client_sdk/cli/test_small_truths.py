"""Small sentences that said more than the program knew, or said it twice."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.cli import help_words, moderation_words, words
from alcove.cli.commands import DemoteCommand, RevokeCommand
from alcove.cli.own_commands import OwnCommands
from alcove.cli.room_view import RoomView

from tests.client_sdk.cli.fake_room import RULES, FakeMember, FakeRoom, FakeScene
from tests.client_sdk.cli.test_own_acts import MARA_ASH

ROBIN_READS = (FakeMember("Mara", facilitator=True), FakeMember("Robin", you=True))


def test_a_mark_that_only_this_client_knows_of_is_told_beside_what_facilitators_see() -> None:
    view = RoomView()
    view.joined = True
    heard = (*ROBIN_READS, FakeMember("Sam"))
    assert words.who_is_here(heard, view)[0].endswith("only facilitators see:")
    heading, *lines = words.who_is_here((*ROBIN_READS, FakeMember("Sam", heard=False)), view)
    assert "marked as not heard yet, nothing has come to you" in heading
    assert lines[-1] == "Sam [not heard yet]"


def test_one_that_comes_in_is_told_of_members_and_not_of_those_that_are_there() -> None:
    """A member whose program died is on the list for a while."""
    me = events.Joined("Robin", True, ("Mara", "Ash", "Robin"))
    assert words.of_event(me) == (
        "You are in; the room has 2 other members. What was said before you came stays unseen."
    )
    back = words.of_event(me, outside=True)
    assert back.startswith("You are in again; the room has 2 other members.")
    assert back.endswith("What was said while you were outside stays unseen.")
    alone = replace(me, members=("Robin",))
    assert words.of_event(alone).endswith("Nobody else is here yet.")
    assert words.of_event(alone, outside=True) == "You are in. Nobody else is here."


def test_help_at_the_door_lists_what_can_be_typed_there() -> None:
    view = RoomView()
    assert help_words.help_at_door(view) == "/leave: go, and do not come in"
    view.apply(RULES)
    shown = help_words.help_at_door(view)
    assert "/accept: " in shown
    assert "/word WORD: " in shown
    assert "facilitators" not in shown
    assert "/word" not in help_words.help_at_door(view, word=False)
    view.apply(events.Waiting(""))
    shown = help_words.help_at_door(view, help_words.PLAIN_KEYS)
    assert shown.startswith("a text: say it to the facilitators; nobody else reads it\n")
    assert "Ctrl+C: leave at once" in shown
    for word in ("/word", "/inside", "/retract", "/outside", "/members", "/ticket"):
        assert word not in shown
    view.apply(events.Outside("Robin", you=True))
    assert "/inside: come back into the room" in help_words.help_at_door(view)


@pytest.mark.parametrize("why", ["member", "hold", "message"])
def test_a_fold_is_told_once_to_the_one_that_did_it(why: str) -> None:
    name = "Kim" if why == "member" else ""
    event = events.Folded(("aa", "bb"), name, "Mara", why=why)  # type: ignore[arg-type]
    for told in (moderation_words.folded, moderation_words.fold_told):
        for here in ((), ("Mara",)):  # the second after /remove Kim fold
            (said,) = told(event, facilitates=True, me="Mara", here=here)
            begins = {"member": "You folded what Kim wrote", "hold": "The pause folded 2 messages"}
            assert said.startswith(begins.get(why, "You folded 2 messages"))
        assert len(told(event, facilitates=True, me="Ash")) <= 1


def test_what_this_person_asked_for_is_told_as_their_act() -> None:
    own = OwnCommands(lambda: 0.0)
    demoted, revoked = events.RoleChanged("Ash", False, "Mara"), events.InviteRevoked("0a", "Mara")
    for event in (demoted, revoked):
        assert not own.asked_for(event)
        assert not words.of_event(event, members=MARA_ASH).startswith("You")
    own.begun(DemoteCommand(name="Ash"), "/demote Ash")
    own.begun(RevokeCommand(door="0a"), "/revoke 1")
    assert not own.asked_for(events.InviteRevoked("0b", "Mara"))
    assert not own.asked_for(replace(demoted, name="Kim"))
    said = [
        words.of_event(one, members=MARA_ASH, own=own.asked_for(one)) for one in (demoted, revoked)
    ]
    assert said[0].startswith("You made Ash a participant.")
    assert said[1].startswith("You closed an invite: ")
    by_ash = replace(demoted, name="Kim", by="Ash")
    assert words.of_event(by_ash, members=MARA_ASH, own=True).startswith("Kim is a participant")


def test_the_fold_of_one_that_wrote_nothing_claims_no_fold_of_before() -> None:
    event = events.Folded((), "Kim", "Mara", why="member")
    for here in ((), ("Mara",)):
        (said,) = moderation_words.folded(event, facilitates=True, me="Mara", here=here)
        assert said.startswith("Nothing that Kim wrote stands open here")
        assert "already" not in said


def test_ground_rules_in_another_language_than_was_asked_for_say_so() -> None:
    room = FakeRoom(FakeScene())
    for shown in (None, RULES):
        known = {tag: words.rules_here(shown, room, tag) for tag in ("fr", "de", "de-AT", "")}
        assert all(known.values())
        said = {tag: found[1] for tag, found in known.items() if found}
        assert said["fr"].startswith("No text of the ground rules is marked as fr, so another one")
        assert not any("is marked as" in said[tag] for tag in ("de", "de-AT", ""))
