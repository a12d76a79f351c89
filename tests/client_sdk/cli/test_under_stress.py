"""What a person reads that mistypes, that another was faster than, or that just came back."""

import pytest
from alcove import events
from alcove.cli import door_words, invite_words, kept_text, state_words, ticket_words, words
from alcove.cli.commands import (
    DoorSayCommand,
    EndCommand,
    HandOverCommand,
    HoldCommand,
    InsideCommand,
    LeaveCommand,
    TicketCommand,
)
from alcove.cli.leaving import LastQuestion
from alcove.cli.naming import Misread
from alcove.cli.own_commands import OwnCommands
from alcove.cli.room_view import RoomView
from alcove.cli.slash_commands import read
from alcove.cli.ui import bar
from alcove.engine.loss_told import OTHERS_BRING, SETTLED
from alcove.engine.outside import NOT_LET_OUT
from alcove.joining.door_watch import NOBODY_THERE
from alcove.joining.door_words import REFUSAL_SENTENCES
from alcove_protocol.limits import KNOCK_TTL

from tests.client_sdk.cli.fake_room import INVITE, KNOCK, FakeMember
from tests.client_sdk.cli.process import start
from tests.client_sdk.cli.test_plain_mode import MARA, Reader

HOST = (FakeMember("Mara", facilitator=True, you=True), FakeMember("Sam"))
LOCKS = events.RulesChanged(False, True, ("locked",), "Mara")


def _waits(*, outside: bool = False) -> RoomView:
    view = RoomView()
    view.apply(events.Knocked("aa01", "Robin", "lamp river", False, outside=outside))
    return view


# --- a name, and where its person is ----------------------------------------------------------


@pytest.mark.parametrize(
    "word",
    ["/appoint", "/handover", "/demote", "/pause", "/unpause", "/fold", "/unfold", "/remove"],
)
def test_who_waits_at_the_door_is_not_said_to_be_nobody(word: str) -> None:
    with pytest.raises(Misread, match=r"^Robin waits at the door.* /admit Robin or /refuse Robin"):
        read(f"{word} robin", _waits(), HOST)
    with pytest.raises(Misread, match=r"^Nobody of that name is here"):
        read(f"{word} zed", _waits(), HOST)


@pytest.mark.parametrize("line", ["/admit sam", "/tolisten sam", "/refuse sam late", "/take sam"])
def test_who_came_in_just_now_is_said_to_be_in(line: str) -> None:
    """Another facilitator was faster."""
    for view in (_waits(), RoomView()):
        with pytest.raises(Misread, match=r"^Sam is in the room already\.$"):
            read(line, view, HOST)


def test_a_wrong_name_at_the_door_says_that_nothing_was_said() -> None:
    with pytest.raises(Misread, match=r"^Nobody of that name waits, so nothing was said"):
        read("/door robni hello", _waits(), HOST)
    with pytest.raises(Misread, match=r"^Say to whom, and what"):
        read("/door robin", _waits(), HOST)


# --- the last question -------------------------------------------------------------------------


def test_a_mistyped_line_stands_between_the_question_and_its_answer() -> None:
    """The person thought of something else meanwhile, so they are asked anew."""
    last, view = LastQuestion(), RoomView()
    for line in ("/end", "/membres", "/end"):
        last.typed()
        with pytest.raises(Misread):
            last.check(read(line, view, HOST), HOST)
    last.typed()
    last.check(read("/end", view, HOST), HOST)  # the very next line answers
    last.typed()
    with pytest.raises(Misread):
        last.check(HandOverCommand(name="Sam"), HOST)


async def test_plain_lines_ask_anew_behind_a_mistyped_line() -> None:
    async with await start("open", *MARA) as room:
        reader = Reader(room)
        await reader.see("You are in")
        for line in ("/end", "/membres", "/end", "/members"):
            await reader.type(line)
        await reader.see("End the room for everybody?", times=2)
        await reader.see("In this room:")


def test_a_facilitator_is_asked_before_they_leave_others_that_are_gone() -> None:
    """The one that crashed is a facilitator still, by the list."""
    max_, ida = FakeMember("Max", True, you=True), FakeMember("Ida", True, presence="away")
    sam = FakeMember("Sam", presence="here")
    with pytest.raises(Misread, match=r"^Nothing is heard of the other facilitators"):
        LastQuestion().check(LeaveCommand(), (max_, ida, sam))
    LastQuestion().check(LeaveCommand(), (max_, ida, FakeMember("Ash", True, presence="here"), sam))
    LastQuestion().check(
        LeaveCommand(), (max_, FakeMember("Ash", True), sam)
    )  # not known to be gone


# --- what became of a command -------------------------------------------------------------------


class _Person:
    def __init__(self, *, in_room: bool = True) -> None:
        self.now = 0.0
        self.own = OwnCommands(lambda: self.now)
        if in_room:
            self.own.happened(events.Joined("Mara", True, ("Mara",)))

    def after(self, seconds: float) -> list[str]:
        self.now += seconds
        return self.own.news()


def test_a_hold_that_folds_behind_another_hold_changed_something() -> None:
    """Ash held the room first. Mara's commit folds, and no rule of the room is another."""
    person = _Person()
    number = person.own.begun(HoldCommand(on=True, since="bb01"), "/hold kim")
    person.own.happened(events.Folded(("bb01", "bb02"), by="Mara", why="hold"))
    person.own.over(number, failed=False)
    assert person.after(5) == []


def test_who_asked_to_come_back_is_not_told_that_it_is_done() -> None:
    """The door may be locked: then they are outside for as long as that."""
    person = _Person(in_room=False)
    number = person.own.begun(InsideCommand(), "/inside")
    (waits,) = person.after(3)
    assert waits.startswith(
        'Not done yet: "/inside". Your client goes on asking to be let back in;'
    )
    person.own.over(number, failed=False)
    assert person.after(60) == []
    assert "you are told when you are in" in door_words.COMING
    assert "locked the door" in door_words.COMING
    facilitator = _Person()
    number = facilitator.own.begun(InsideCommand(name="Robin"), "/inside robin")
    facilitator.after(3)
    facilitator.own.over(number, failed=False)
    assert facilitator.after(1) == ['Done now: "/inside robin".']


def test_what_was_said_at_the_door_is_told_as_said_there() -> None:
    """The newcomer may be in the room when it is told, and believe that everybody read it."""
    person = _Person(in_room=False)
    number = person.own.begun(DoorSayCommand(text="are you there"), "are you there")
    person.after(3)
    person.own.happened(events.Joined("Robin", True, ("Mara", "Robin")))
    person.own.over(number, failed=False)
    assert person.after(1) == [
        'Sent at the door, where only the facilitators read: "are you there".'
    ]
    facilitator = _Person()
    command = DoorSayCommand(text="hello", id="aa01")
    number = facilitator.own.begun(command, "/door robin hello")
    facilitator.after(3)
    facilitator.own.over(number, failed=False)
    assert facilitator.after(1) == ['Done now: "/door robin hello".']


def test_who_is_let_outside_late_was_told_that_it_may_happen() -> None:
    assert "still in the room" in NOT_LET_OUT
    assert "One may still do it" in NOT_LET_OUT


# --- the door -----------------------------------------------------------------------------------


def test_a_locked_door_is_told_below_an_invite_and_of_one_that_is_outside() -> None:
    view = RoomView()
    view.apply(events.Joined("Mara", True, ("Mara",)))
    outside = events.Knocked("aa01", "Robin", "", False, outside=True)
    assert "/inside Robin lets them in now" in words.of_event(outside, locked=view.locked)
    view.apply(LOCKS)
    assert view.locked
    said = words.of_event(outside, locked=view.locked)
    assert "once the door is open" in said
    assert "/lock off" in said
    assert "lets them in now" not in said
    view.apply(events.Joined("Mara", True, ("Mara",)))
    assert not view.locked  # what holds is told anew


async def test_an_invite_that_is_shown_while_the_door_is_locked_says_so() -> None:
    async with await start("open", *MARA) as room:
        reader = Reader(room)
        await reader.see("You are in")
        await reader.type("/invite")
        await reader.see(INVITE, times=2)
        assert "nobody can ask to come in by it" not in reader.text
        await reader.type("/lock")
        await reader.see("You locked the door")
        await reader.type("/invite")
        await reader.see(f"[room] {invite_words.LOCKED}")


def test_a_facilitator_reads_how_to_talk_at_the_door() -> None:
    """A line without a command goes to everybody in the room."""
    taken = events.DoorTaken(KNOCK.id, "Mara")
    said = words.of_event(taken, members=HOST, waiting={KNOCK.id: KNOCK})
    assert said.endswith("/door Robin TEXT reaches them; a line without it goes to the whole room.")


def test_an_invite_of_which_nothing_is_known_is_not_said_to_be_open() -> None:
    row = invite_words.listed((events.OpenInvite("0c" * 8, 1, None, None),)).split("\n")[1]
    assert row.startswith("1. Nobody closed it; 1 person here came by it;")
    assert "or of you before your program started anew" in row
    assert row.endswith("Whether the relay has it is not known.")
    known = invite_words.listed((events.OpenInvite("0b" * 8, 1, 1, 1),))
    # By a card that the relay has, one's own of before a return reads like another's.
    assert known.endswith("of another facilitator, or of you before your program started anew.")


def test_a_newcomer_that_is_asked_something_reads_where_the_answer_goes() -> None:
    view = RoomView()
    view.apply(events.AgreementShown(1, "Listen.", "Circle", "en", question="Why?", asked=True))
    with pytest.raises(Misread, match=r"First type /accept and your answer"):
        read("my sister told me", view, ())
    assert "The ground rules stand above." in invite_words.question("Why?")


def test_an_end_that_waits_may_still_come() -> None:
    person = _Person()
    person.own.begun(EndCommand(), "/end")
    assert "the room may still end" in person.after(3)[0]


def test_a_newcomer_reads_how_long_they_may_wait() -> None:
    """The relay drops a knock a quarter of an hour after it came, whoever is there."""
    asked = words.of_event(events.Waiting(""))
    assert KNOCK_TTL == 15 * 60
    assert "this can take a quarter of an hour, and after that you can ask again" in asked
    assert "for a quarter of an hour after you asked" in NOBODY_THERE


def test_who_is_left_without_a_facilitator_reads_how_it_ends() -> None:
    said = words.of_event(events.RoomChanged(events.RoomState.READ_ONLY))
    assert "If none is back within half an hour, the relay deletes the room." in said
    assert said.endswith("You can wait, or go with /leave.")


def test_a_facilitator_that_is_here_is_not_said_to_be_unheard() -> None:
    """A standby has just come in: the list shows them, and what was sent is not confirmed."""
    unheard = events.RoomChanged(events.RoomState.NOT_HEARD)
    members = (FakeMember("Sam", you=True), FakeMember("Max", True, presence="here"))
    assert words.of_event(unheard, members=members[:1]).startswith("No facilitator has been heard")
    said = words.of_event(unheard, members=members)
    assert said.startswith("A facilitator was heard here lately, and has not confirmed yet")
    assert "the relay may be keeping you apart" in said
    view = RoomView()
    view.apply(events.Joined("Sam", True, ("Sam", "Max")))
    view.apply(events.ConnectionChanged(events.ConnectionState.CONNECTED))
    view.apply(unheard)
    assert bar.state_in_short(view, 80) == "connected · no facilitator heard"
    view.hears_facilitator = state_words.hears_facilitator(members)
    assert bar.state_in_short(view, 80) == "connected · not confirmed yet"


def test_who_came_by_the_standbys_link_reads_so_of_themselves() -> None:
    came = events.RoleChanged("Max", True, "Max")
    you = (FakeMember("Max", True, you=True), FakeMember("Sam"))
    assert words.of_event(came, members=you).startswith("You came by the standby's link, and are")
    assert words.of_event(came, members=HOST).startswith("Max came by the standby's link, and is")


def test_whose_room_came_back_reads_of_invites_that_did_not() -> None:
    assert "If an invite from before does not open" in SETTLED


def test_who_waits_for_a_room_without_a_facilitator_is_promised_nothing() -> None:
    """The relay has deleted such a room, and no client brings it."""
    assert "none does after half an hour without a facilitator" in OTHERS_BRING
    assert OTHERS_BRING.endswith("/leave leaves now.")


# --- to come back --------------------------------------------------------------------------------


def test_a_ticket_that_nobody_asked_for_says_why_it_is_shown() -> None:
    person = _Person()
    assert ticket_words.keep(asked=person.own.ticket_is_asked).startswith(
        "The ticket by which you came back is used up"
    )
    person.own.begun(TicketCommand(), "/ticket")
    assert ticket_words.keep(asked=person.own.ticket_is_asked) == ticket_words.KEEP


def test_a_name_that_is_taken_says_what_to_do() -> None:
    """Nothing can be chosen in a program that is over, and the name may have been one's own."""
    said = REFUSAL_SENTENCES["name_taken"]
    assert "Ask again under another name." in said
    assert "tell the facilitators" in said


def test_what_enter_does_with_a_text_that_was_held_back() -> None:
    kept = kept_text.KeptText()
    kept.came_in("my sister told")
    with pytest.raises(Misread) as held:
        kept.check("my sister told me")
    assert words.stays(str(held.value)) == (
        "It stays in your line: Enter says it to everybody, and Ctrl+U clears it."
    )
    assert "later" in words.stays("The room is paused for a moment.")
