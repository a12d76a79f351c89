"""Small sentences that said more than the program knew, or said it twice."""

import asyncio
from dataclasses import replace

import pytest
from alcove import FoldReason, events
from alcove.cli import help_words, moderation_words, words
from alcove.cli.commands import (
    DemoteCommand,
    EndCommand,
    HoldCommand,
    RetractCommand,
    RevokeCommand,
    SendCommand,
)
from alcove.cli.kept_text import KeptText
from alcove.cli.leaving import LastQuestion
from alcove.cli.naming import Misread
from alcove.cli.own_commands import OwnCommands
from alcove.cli.room_view import RoomView
from alcove.cli.ui.log import ConversationLog
from alcove.cli.ui.people import People
from alcove.cli.ui.say_input import SayInput
from alcove.cli.ui.sheets import EndScreen
from textual.app import App, ComposeResult
from textual.widgets import Static

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
def test_a_fold_is_told_once_to_the_one_that_did_it(why: FoldReason) -> None:
    name = "Kim" if why == "member" else ""
    event = events.Folded(("aa", "bb"), name, "Mara", why=why)
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


def test_a_second_taking_back_is_answered_while_the_first_is_under_way() -> None:
    own = OwnCommands(lambda: 0.0)
    own.check(RetractCommand(id="aa"))
    number = own.begun(RetractCommand(id="aa"), "/retract")
    with pytest.raises(Misread, match="taken back already"):
        own.check(RetractCommand(id="aa"))
    own.check(RetractCommand(id="bb"))
    own.over(number, failed=True)
    own.check(RetractCommand(id="aa"))
    own.begun(RetractCommand(id="aa"), "/retract")
    own.happened(events.Problem("not_retracted", "The relay did not take it."))
    own.check(RetractCommand(id="aa"))


@pytest.mark.parametrize("state", ["silent", "reconnecting"])
def test_without_a_relay_a_command_is_told_at_once_to_wait(state: str) -> None:
    """A hold was done 80 seconds later, without a word before."""
    own = OwnCommands(lambda: 0.0)
    own.begun(HoldCommand(on=True), "/hold")
    assert own.news() == []
    own.happened(events.ConnectionChanged(events.ConnectionState(state)))
    own.begun(HoldCommand(on=True), "/hold")
    assert own.news()[0].startswith('Not done yet: "/hold". It is kept')
    own.happened(events.ConnectionChanged(events.ConnectionState.RESUMED))
    own.begun(HoldCommand(on=True), "/hold")
    assert own.news() == []


def test_a_bare_yes_near_a_question_is_held_back_once() -> None:
    now = 0.0
    last, wanted = LastQuestion(lambda: now), EndCommand()

    def check(command: EndCommand | SendCommand) -> str:
        last.typed()
        try:
            last.check(command, MARA_ASH)
        except Misread as why:
            return str(why)
        return ""

    yes = SendCommand(text="Yes.")
    assert check(yes) == ""
    assert check(wanted) == words.END_ROOM
    now = 200.0  # the question has gone
    assert check(yes) == words.ANSWERS_NOTHING
    assert words.stays(words.ANSWERS_NOTHING) == words.STAYS_DOUBTED
    assert check(yes) == ""
    assert check(wanted) == words.END_ROOM
    assert check(SendCommand(text="yes, I think so")) == ""
    assert check(wanted) == words.END_ROOM
    assert check(yes) == words.ANSWERS_NOTHING
    assert check(wanted) == ""  # the line itself
    assert check(yes) == ""


def test_a_doubted_line_may_have_a_space_behind_it() -> None:
    """What stays in the line has one, so that what is typed behind it is not one word with it."""
    kept = KeptText()
    with pytest.raises(Misread):
        kept.check("x/remove Kim")
    kept.check("x/remove Kim ")


class _Over(App[None]):
    def __init__(self, *, typing: bool) -> None:
        super().__init__()
        self._typing = typing

    def on_mount(self) -> None:
        self.push_screen(EndScreen("The room has ended.", joined=True, typing=self._typing))


@pytest.mark.parametrize("typing", [True, False])
async def test_the_enter_of_one_that_types_on_does_not_close_the_end(typing: bool) -> None:
    app = _Over(typing=typing)
    async with app.run_test() as pilot:
        said = app.screen.query_one("#explain", Static)
        assert str(said.render()).endswith("Press Enter to close.") is not typing
        await pilot.press(*([] if typing else ["a", "b"]))
        assert str(said.render()).endswith("Press Enter twice to close.")
        await pilot.press("enter")
        assert str(said.render()).endswith("Press Enter to close.")
        assert isinstance(app.screen, EndScreen)
        assert app.is_running
        await pilot.press("enter")
        await pilot.pause()
        assert not app._running or app._exit


class _Talk(App[None]):
    CSS = ".entry { height: auto; } .clock { width: 7; } .body { width: 1fr; }"

    def compose(self) -> ComposeResult:
        yield ConversationLog()


async def test_one_that_reads_further_up_sees_that_something_came() -> None:
    """Behind a long help nothing changed when a facilitator spoke at the door."""
    app = _Talk()
    async with asyncio.timeout(60), app.run_test(size=(40, 10)) as pilot:
        log = app.query_one(ConversationLog)
        log.read_from(log.system("\n".join(f"line {n}." for n in range(30))))
        await pilot.pause()
        assert log.border_subtitle == "PgDn: more below"
        log.at_door("", "Welcome, one moment.")
        await pilot.pause()
        assert log.border_subtitle == "PgDn: new below"
        log.scroll_end(animate=False)
        await pilot.pause()
        await pilot.pause()
        assert not log.has_more_below
        assert log.border_subtitle == ""


async def test_the_mark_of_one_of_whom_nothing_comes_any_more_goes_without_an_event() -> None:
    """At a participant the mark stayed until something else happened."""
    people = People(lambda text: None)
    here = (FakeMember("Mara", facilitator=True, presence="here"), FakeMember("Kim", you=True))
    gone = (replace(here[0], presence="unknown"), here[1])

    class Panel(App[None]):
        def compose(self) -> ComposeResult:
            yield people

    async with asyncio.timeout(60), Panel().run_test():
        people.show(here, ())
        assert not people.is_old(here)
        assert people.is_old(gone)
        people.show(gone, ())
        assert not people.is_old(gone)


def test_an_end_that_the_relay_may_refuse_is_asked_for_so() -> None:
    """In the minute after a loss it said "To do it, type /end once more", which was refused."""
    with pytest.raises(Misread) as asked:
        LastQuestion().check(EndCommand(), MARA_ASH, end_hint=words.END_UNSETTLED)
    assert str(asked.value) == words.END_ROOM + words.END_UNSETTLED
    view = RoomView()
    view.apply(events.ConnectionChanged(events.ConnectionState.CONNECTED))
    assert words.end_hint(view) == ""
    view.apply(events.Problem("room_forgotten", "The relay had lost this room."))
    assert words.end_hint(view) == words.END_UNSETTLED
    view.apply(events.ConnectionChanged(events.ConnectionState.RECONNECTING))
    assert words.end_hint(view) == words.END_UNREACHED


async def test_one_that_scrolled_back_to_the_end_follows_what_is_said() -> None:
    """A PgDn more than needed, and what was said next stayed below the edge."""
    app = _Talk()
    async with asyncio.timeout(60), app.run_test(size=(40, 10)) as pilot:
        log = app.query_one(ConversationLog)
        for n in range(30):
            log.system(f"line {n}.")
        await pilot.pause()
        for pages in (-1, 1, 1):
            log.scroll_relative(y=pages * 8, animate=False)
            await pilot.pause()
        log.system("A new line.")
        await pilot.pause()
        assert not log.has_more_below
        assert log.border_subtitle == ""


class _Line(App[None]):
    def compose(self) -> ComposeResult:
        yield SayInput(self.take, begins={"f3": "/hold"}.get)

    async def take(self, line: str) -> bool:
        return True


async def test_a_text_that_was_cleared_does_not_come_back() -> None:
    """It came back behind the next command, and the command after it was said to everybody."""
    app = _Line()
    async with asyncio.timeout(60), app.run_test() as pilot:
        line = app.query_one(SayInput)
        await pilot.press("n", "o", "f3")
        assert line.value == "/hold"
        await pilot.press("f3")
        assert line.value == "no"
        await pilot.press("ctrl+u", "slash", "x", "enter")
        assert line.value == ""
