"""What a person reads of their own acts: that they did it, that it waits, or that it was so."""

import asyncio
import re
import signal
from dataclasses import replace

import pytest
from alcove import events
from alcove.cli import act_words, door_words, help_words, moderation_words, words
from alcove.cli.commands import (
    AcceptCommand,
    AdmitAllCommand,
    AdmitCommand,
    AnyCommand,
    DoorTakeCommand,
    EndCommand,
    FoldCommand,
    HandOverCommand,
    InsideCommand,
    InviteNewCommand,
    LockCommand,
    MembersCommand,
    OutsideCommand,
    PauseCommand,
    RefuseCommand,
    RemoveCommand,
    RetractCommand,
    SendCommand,
    StepDownCommand,
)
from alcove.cli.leaving import LastQuestion
from alcove.cli.naming import Misread
from alcove.cli.own_commands import OwnCommands
from alcove.cli.performer import _HELD, Performer
from alcove.cli.room_view import RoomView
from alcove.cli.slash_commands import hides_command, read
from alcove.cli.ui import bar
from alcove.errors import AlcoveError, NoAnswerYet, NotNow, RoomClosed

from tests.client_sdk.cli.fake_room import (
    INVITE,
    KNOCK,
    NEW_RULES,
    PAST,
    FakeMember,
    FakeRoom,
    FakeScene,
)
from tests.client_sdk.cli.process import WITHIN, start
from tests.client_sdk.cli.record_evening import _join, _open, _played
from tests.client_sdk.cli.terminal import CLEAR, ENTER, Terminal
from tests.client_sdk.cli.test_plain_mode import MARA, ROBIN_HERE, Reader

MARA_ASH = (FakeMember("Mara", facilitator=True, you=True), FakeMember("Ash", facilitator=True))
SILENT = events.ConnectionChanged(events.ConnectionState.SILENT, 7)
GOES = events.ConnectionChanged(events.ConnectionState.RECONNECTING, moving=True)
CONNECTED = events.ConnectionChanged(events.ConnectionState.CONNECTED)
Told = asyncio.Queue[events.AnyEvent]
HELD = ("hold", "listen_only", "locked")
SAYS_SO = re.compile(r"can write|write again|write\.|write as|everybody", re.I)
OWN = (
    events.Paused("Kim", "Mara"),
    events.Unpaused("Kim", "Mara"),
    events.RulesChanged(True, False, ("listen_only",), "Mara"),
    events.RulesChanged(False, False, ("listen_only",), "Mara"),
    events.RulesChanged(False, True, ("locked",), "Mara"),
    events.RulesChanged(False, False, ("locked",), "Mara"),
    events.RulesChanged(True, True, HELD, "Mara", True, ("Mara", "Ash")),
    events.RulesChanged(False, True, ("hold", "listen_only"), "Mara"),
    events.RulesChanged(False, False, ("slow",), "Mara", slow=60),
    events.RulesChanged(False, False, ("slow",), "Mara"),
    events.Removed("Kim", "Mara"),
    events.Joined(KNOCK.name, by="Mara"),
    events.RoleChanged("Ash", True, "Mara"),
    events.StandbyChanged(True, "Mara"),
    events.StandbyChanged(False, "Mara"),
)


@pytest.mark.parametrize("event", OWN, ids=lambda event: str(event)[:60])
def test_an_own_act_begins_with_you_and_another_facilitators_does_not(
    event: words.ToldEvent,
) -> None:
    waiting = {KNOCK.id: KNOCK}
    said = words.of_event(event, facilitates=True, members=MARA_ASH, waiting=waiting)
    assert said.startswith("You ")
    assert "Mara" not in said
    ash = (FakeMember("Mara", facilitator=True), FakeMember("Ash", facilitator=True, you=True))
    other = words.of_event(event, facilitates=True, members=ash, waiting=waiting)
    assert not other.startswith("You ") or isinstance(event, events.RoleChanged)


@pytest.mark.parametrize(
    "event",
    [
        events.Unpaused("Kim", "Mara"),
        events.RulesChanged(False, False, ("slow",), "Mara"),
        events.RulesChanged(True, True, ("slow",), "Mara", True, ("Mara",)),
        events.RulesChanged(False, False, ("listen_only",), "Mara"),
    ],
)
@pytest.mark.parametrize("me", ["Mara", "Ash", "Kim"])
def test_the_end_of_one_rule_does_not_say_that_a_person_can_write(
    event: words.ToldEvent, me: str
) -> None:
    """Another rule may hold them still: a pause, a hold, that only facilitators write."""
    people = (("Mara", True), ("Ash", True), ("Kim", False))
    here = tuple(FakeMember(name, facilitator=it, you=name == me) for name, it in people)
    said = words.of_event(event, facilitates=me != "Kim", members=here)
    assert not SAYS_SO.search(said), said


def test_nor_does_the_list_of_acts() -> None:
    acts: tuple[events.FacilitatorAct, ...] = ("unpause", "listen_only_off", "slow")
    for act in acts:
        said = act_words.act(events.PastAct(act, "Kim", "Mara", 5))
        assert not SAYS_SO.search(said), said


def test_one_that_comes_back_by_rule_is_not_let_in_by_the_person() -> None:
    """The client of a facilitator adds a member that was outside, and its person did nothing."""
    back = events.Joined("Robin", by="Mara")
    knock = events.Knocked("aa05", "Robin", "", False, outside=True)
    told = {"Robin joined.": {}, "Robin is back from outside.": {knock.id: knock}}
    for sentence, waiting in told.items():
        said = words.of_event(back, facilitates=True, members=MARA_ASH, waiting=waiting)
        assert said == sentence


def test_that_a_newcomer_is_in_may_be_told_behind_the_end_of_the_knock() -> None:
    """The room says that it is done, and tells the event, in either order."""
    view = RoomView()
    view.apply(KNOCK)
    view.decided(KNOCK.id)
    joined = events.Joined(KNOCK.name, by="Mara")
    said = words.of_event(joined, facilitates=True, members=MARA_ASH, waiting=view.knocks)
    assert said == "You let Robin in."
    view.apply(events.Outside(KNOCK.name))  # and they come back by rule
    said = words.of_event(joined, facilitates=True, members=MARA_ASH, waiting=view.knocks)
    assert said == "Robin joined."


def test_who_was_let_in_to_listen_is_not_told_that_they_were_paused() -> None:
    listens = events.Paused("Robin", you=True, to_listen=True)
    said = words.of_event(listens)
    assert said.startswith("You are in to listen: you can read, and not write for now.")
    assert "paused" not in said
    assert "paused" in words.of_event(events.Paused("Robin", "Mara", you=True))
    told = words.of_event(
        events.Paused("Robin", "Mara", to_listen=True), facilitates=True, members=MARA_ASH
    )
    assert told.startswith("Robin is in and can only read until /unpause Robin.")
    assert "paused" not in words.of_event(events.Unpaused("Robin", you=True))


async def test_one_that_comes_in_to_listen_reads_so() -> None:
    async with await start("in-to-listen", *ROBIN_HERE) as room:
        reader = Reader(room)
        await reader.see("[room] You are in to listen: you can read, and not write for now.")
        assert "paused" not in reader.text


def test_the_list_of_acts_has_what_people_did_and_no_bookkeeping() -> None:
    said = act_words.listed(PAST).split("\n")
    assert said[1:] == [
        "Mara let Robin in, to listen, 2 min ago.",
        "Mara made an invite, just now.",
    ]
    aside = events.PastAct("lobby_key", "", "Mara", 5, aside=True)
    assert act_words.listed((aside,)) == "No facilitator did anything since your program came in."
    own = act_words.listed(PAST, "Mara").split("\n")
    assert own[1:] == ["You let Robin in, to listen, 2 min ago.", "You made an invite, just now."]
    appointed = events.PastAct("appoint", "Robin", "Mara", 5)
    assert act_words.act(appointed, "Robin") == "Mara made you a facilitator, just now."
    came = act_words.act(events.PastAct("appoint", "Lou", "Lou", 5), "Lou")
    assert came == "You came by the standby's link, and facilitate, just now."
    standby = act_words.act(events.PastAct("appoint", "Lou", "Lou", 5))
    assert standby == "Lou came by the standby's link, and facilitates, just now."


def test_the_list_of_acts_tells_one_message_from_all_and_a_wish_from_a_decision() -> None:
    def told(act: events.FacilitatorAct, name: str, by: str, me: str = "Mara") -> str:
        return act_words.act(events.PastAct(act, name, by, 5), me)

    assert told("fold_message", "Kim", "Mara") == "You folded a message of Kim, just now."
    assert told("fold", "Kim", "Mara") == "You folded what Kim wrote, just now."
    assert told("demote", "Ash", "Mara") == "You made Ash a participant, just now."
    assert told("remove", "Kim", "Mara") == "You took Kim out of the room, just now."
    away = events.PastAct("remove", "Kim", "Mara", 5, away=True)
    assert act_words.act(away, "Mara") == "You removed Kim while they were away, just now."
    assert act_words.act(away, "Ash") == "Mara removed Kim while they were away, just now."
    granted = "asked to be a participant, and another facilitator's client made"
    assert told("demote", "Ash", "Ash") == f"Ash {granted} them one, just now."
    assert told("demote", "Ash", "Ash", "Ash") == f"You {granted} you one, just now."
    assert told("fold_message", "Kim", "Mara", "Kim") == "Mara folded a message of yours, just now."
    stopped = told("unfold", "Kim", "Mara", "Kim")
    assert stopped == "Mara stopped folding what you write, just now."
    assert told("pause", "Kim", "Mara", "Kim") == "Mara paused you, just now."
    other = told("demote", "Ash", "Mara", "Kim")  # whose client never saw the wish
    assert other == "Mara made Ash a participant, perhaps by wish, just now."


def test_a_fold_is_told_to_the_one_that_did_it_also_where_its_text_is_out_of_sight() -> None:
    one = events.Folded(("bb01",), by="Mara")
    beside = moderation_words.fold_told(one, facilitates=True, me="Mara")
    opened = "for everybody. Each reader can still open what is folded."
    assert beside == [f"You folded a message, {opened}"]
    assert moderation_words.fold_told(one, facilitates=True, me="Ash") == []
    lines = moderation_words.folded(one, facilitates=True, me="Mara")
    assert lines == [f"You folded a message above, {opened}"]
    (other,) = moderation_words.folded(one, facilitates=True, me="Ash")
    assert other.startswith("Mara folded a message above.")  # as of each other act
    (kim,) = moderation_words.folded(one, facilitates=False, me="Kim")
    assert kim.startswith("A facilitator folded a message above.")
    whole = events.Folded(("bb01",), "Robin", "Mara", why="member")
    (said,) = moderation_words.fold_told(whole, facilitates=True, me="Mara")
    assert said.startswith("You folded what Robin wrote, for everybody.")


def test_to_fold_the_last_message_twice_says_that_it_is_folded() -> None:
    view = RoomView()
    view.apply(events.Message("bb01", "Robin", "abuse", 60))
    assert read("/foldlast robin", view, MARA_ASH) == FoldCommand(id="bb01")
    view.apply(events.Folded(("bb01",), by="Mara"))
    with pytest.raises(Misread, match="folded already"):
        read("/foldlast robin", view, MARA_ASH)
    view.apply(events.Expired("bb01"))
    assert view.folded == set()


@pytest.mark.parametrize("mode", [("--plain",), ()])
async def test_who_steps_outside_is_not_told_that_they_are_not_connected(
    mode: tuple[str, ...],
) -> None:
    async with Terminal("open", *MARA, *mode, columns=80, rows=40) as screen:
        await screen.see("You are in")
        screen.type("/outside" + ENTER)
        await screen.see("You asked to step outside.", "You are outside: nothing of the room")
        assert "not connected" not in screen.shown
        assert screen.shown.count("Connected.") <= 1  # of the beginning, in plain lines


def test_the_top_line_says_that_a_person_goes_to_the_door() -> None:
    view = RoomView()
    view.connection, view.joined = events.ConnectionState.CONNECTED, True
    assert view.is_no_news(GOES)
    view.apply(GOES)
    assert bar.state_in_short(view, 80) == words.MOVING_SHORT
    assert view.is_no_news(CONNECTED)
    view.apply(CONNECTED)
    lost = events.ConnectionChanged(events.ConnectionState.RECONNECTING)
    assert not view.is_no_news(lost)
    view.apply(lost)
    assert not view.is_no_news(CONNECTED)


class _Followed:
    """Commands of one person, and a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.own = OwnCommands(lambda: self.now)
        self.own.happened(events.Joined("Mara", True, ("Mara",)))

    def after(self, seconds: float) -> list[str]:
        self.now += seconds
        return self.own.news()


def test_a_command_that_waits_is_told_once_and_again_when_it_is_done() -> None:
    person = _Followed()
    number = person.own.begun(PauseCommand(name="Robin"), "/pause robin")
    assert person.after(1.9) == []
    (waits,) = person.after(0.2)
    assert waits.startswith('Not done yet: "/pause robin". It is kept, and goes to the relay')
    assert person.after(20) == []
    person.own.happened(events.Paused("Robin", "Mara"))
    person.own.over(number, failed=False)
    assert person.after(0.1) == ['Done now: "/pause robin".']
    assert person.after(60) == []


@pytest.mark.parametrize(
    ("command", "line", "what"),
    [
        (EndCommand(), "/end", "An end is not sent again by itself"),
        (OutsideCommand(), "/outside", "Your client asks again for a minute"),
        (DoorTakeCommand(id="aa01"), "/take robin", "It is kept"),
        (RetractCommand(id="bb01"), "/retract", "goes out once you can write"),
        (FoldCommand(id="bb01"), "/foldlast robin", "It is kept, and goes to the relay"),
    ],
)
def test_each_kind_says_what_becomes_of_it(command: AnyCommand, line: str, what: str) -> None:
    person = _Followed()
    number = person.own.begun(command, line)
    if not isinstance(command, EndCommand):
        person.own.over(number, failed=False)  # the room takes it at once, and an event is to come
    (said,) = person.after(2)
    assert said.startswith(f'Not done yet: "{line}".')
    assert what in said


def test_a_command_that_failed_or_is_done_in_time_gets_no_line() -> None:
    person = _Followed()
    person.own.over(person.own.begun(EndCommand(), "/end"), failed=True)
    person.own.over(person.own.begun(AcceptCommand(), "/accept"), failed=False)
    person.own.over(person.own.begun(MembersCommand(), "/members"), failed=False)
    person.own.begun(OutsideCommand(), "/outside")
    person.own.happened(events.Outside("Mara", you=True))
    person.own.begun(RetractCommand(id="bb01"), "/retract")
    person.own.happened(events.Retracted("bb01"))
    person.own.begun(FoldCommand(id="bb02"), "/foldlast robin")
    person.own.happened(events.Folded(("bb02",), by="Mara"))
    person.own.begun(FoldCommand(id="bb03"), "/foldlast robin")
    person.own.happened(events.Retracted("bb03"))  # its author was first
    assert person.after(60) == []


@pytest.mark.parametrize(
    ("command", "line"),
    [(HandOverCommand(name="Ash"), "/handover ash"), (StepDownCommand(), "/stepdown")],
)
def test_whoever_steps_down_waits_for_another_and_not_for_the_relay(
    command: HandOverCommand | StepDownCommand, line: str
) -> None:
    person = _Followed()
    person.own.begun(command, line)
    (said,) = person.after(3)
    assert said.startswith(f'Not done yet: "{line}". It is asked again until the relay answers and')
    assert "confirms it. Until then you still facilitate." in said


def test_a_refusal_without_a_relay_says_when_it_is_told() -> None:
    view, knock = RoomView(), events.Knocked("a1", "Lee", "lamp", door_revoked=False)
    view.apply(knock)
    refusal = RefuseCommand(id="a1")

    def said() -> str | None:
        answers = view.reaches_relay
        return door_words.done(refusal, view.waiting, joined=True, connected=answers)

    view.apply(events.ConnectionChanged(events.ConnectionState.RESUMED))
    assert said() == "You did not let Lee in; your client tells them so."
    for state in (events.ConnectionState.RECONNECTING, events.ConnectionState.SILENT):
        view.apply(events.ConnectionChanged(state))
        assert str(said()).startswith("You did not let Lee in. Your client tells them so once it")


def test_an_acceptance_at_the_door_waits_for_the_knock() -> None:
    person = _Followed()
    person.own.happened(events.Outside("Mara", you=True))
    person.own.over(person.own.begun(AcceptCommand(), "/accept"), failed=False)
    assert len(person.after(2)) == 1
    person.own.happened(events.Waiting("1"))
    assert person.after(60) == []


def test_what_changes_nothing_is_answered_too() -> None:
    person = _Followed()
    person.own.over(person.own.begun(LockCommand(on=True), "/lock"), failed=False)
    assert person.after(0.5) == []  # its event may be on its way
    assert person.after(0.5) == ['There was nothing to change for "/lock": it is so already.']
    assert person.after(60) == []


def test_who_is_out_and_reaches_no_door_is_told_where_they_are() -> None:
    person = _Followed()
    person.own.begun(OutsideCommand(), "/outside")
    assert len(person.after(3)) == 1
    person.own.happened(GOES)
    assert person.after(1.9) == []
    (said,) = person.after(0.2)
    assert said.startswith("You are out of the room, and its door is not reached yet.")


def test_who_has_to_accept_rules_on_the_way_out_is_not_told_to_do_nothing() -> None:
    person = _Followed()
    person.own.begun(OutsideCommand(), "/outside")
    assert len(person.after(3)) == 1
    person.own.happened(GOES)
    person.own.happened(NEW_RULES)
    assert person.after(60) == []
    view = RoomView()
    view.apply(events.Joined("Sam", you=True, members=("Mara", "Sam")))
    view.apply(GOES)
    assert read("/inside", view, ()) == InsideCommand()  # they are not "in already"


@pytest.mark.parametrize("mode", [("--plain",), ()])
async def test_a_command_typed_while_the_relay_is_silent_says_that_it_waits(
    mode: tuple[str, ...],
) -> None:
    async with Terminal("silent-facilitator", *MARA, *mode, columns=80, rows=40) as screen:
        await screen.see("You are in")
        screen.type("/lock" + ENTER)
        await screen.see('Not done yet: "/lock". It is kept')


async def test_a_pipe_is_told_that_nothing_changed() -> None:
    async with await start("locked", *MARA) as room:
        reader = Reader(room)
        await reader.see(INVITE, "You are in")
        await reader.type("/lock")
        await reader.see('There was nothing to change for "/lock": it is so already.')


async def test_real_programs_say_what_is_so() -> None:
    """Let in to listen, outside and back, with a real relay, in plain lines."""
    async with _played("plain-80", 0.0) as played:
        mara = await _open(played)
        robin = await _join(played, "Robin")
        await mara.see("Robin (code")
        await mara.type("/tolisten robin")
        await robin.see("You are in to listen: you can read")
        await mara.see("You let Robin in.")
        await mara.see("Robin is in and can only read")
        await robin.type("/outside")
        await robin.see("You asked to step outside.")
        await robin.see("You are outside: nothing of the room")
        await mara.see("is outside and comes back by themselves")
        await robin.type("/inside")
        await robin.see("You asked to come back.")
        await robin.see("You are in again; the room has one other member.")
        await mara.see("Robin is back from outside.")  # by rule: no person let them in
        await mara.type("/lock off")
        await mara.see('There was nothing to change for "/lock off"')
        await mara.type("/acts")
        await mara.see(
            "What facilitators did since your program came in: You let Robin in, to listen"
        )
        for one in (mara, robin):
            assert not one.sees("not connected")
            assert not one.sees("paused")
        assert not mara.sees("made an invite")  # the way back of one outside


async def test_a_removal_of_one_outside_says_that_they_do_not_come_back() -> None:
    async with _played("plain-80", 0.0) as played:
        mara = await _open(played)
        robin = await _join(played, "Robin")
        await mara.see("Robin (code")
        await mara.type("/admit robin")
        await mara.see("You let Robin in.")
        await robin.type("/outside")
        await mara.see("is outside and comes back by themselves")
        for _ in range(2):
            await mara.type("/remove robin")
        await mara.see("You removed Robin while they were away.")
        await mara.see("Robin was outside, and does not come back by themselves any more.")
        assert not mara.sees("They can come back by themselves")
        await robin.see("Your way back into this room was closed.")


@pytest.mark.parametrize("plain", [True, False])
async def test_what_was_begun_at_the_door_is_not_sent_to_the_room_unasked(*, plain: bool) -> None:
    """A person types for the facilitators, and is let in meanwhile. Everybody would read it."""
    flag, mine = (("--plain",), "[you] he hit me") if plain else ((), "[you] Robin  he hit me")
    async with Terminal("waiting", *ROBIN_HERE, "--accept", *flag) as screen:
        await screen.see("You asked to be let in")
        screen.type("he hit me")
        await screen.see("he hit me")
        screen.process.send_signal(signal.SIGUSR1)
        await screen.see("You are in")
        screen.type(ENTER)
        await screen.see("You began this", "not sent", "clears")
        assert mine not in screen.shown
        screen.type(ENTER)
        await screen.see("[you]")
        screen.type("begun in the room" + ENTER)
        await screen.see("begun in the room")
        assert screen.shown.count("You began this") == 1


async def test_whoever_reads_the_help_of_the_door_sees_that_they_are_in() -> None:
    """It fills a small screen, and says that facilitators alone read what is typed."""
    async with Terminal("waiting", *ROBIN_HERE, "--accept", columns=40, rows=20) as screen:
        await screen.see("You asked to be let in")
        screen.type("/help" + ENTER)
        await screen.see("What you can type:", "facilitators")
        screen.process.send_signal(signal.SIGUSR1)
        await screen.see("You are in;")
        await screen.see_no("What you can type:")


@pytest.mark.parametrize("plain", [True, False])
async def test_what_is_begun_in_the_room_is_sent_at_once(*, plain: bool) -> None:
    flag = ("--plain",) if plain else ()
    async with Terminal("waiting", *ROBIN_HERE, "--accept", *flag) as screen:
        await screen.see("You asked to be let in")
        screen.type("he hit me")
        await screen.see("he hit me")
        screen.process.send_signal(signal.SIGUSR1)
        await screen.see("You are in")
        screen.type(CLEAR)
        await screen.see_no("he hit me")
        screen.type("hello all" + ENTER)
        await screen.see("[you]")
        assert "You began this" not in screen.shown


def test_who_comes_back_is_not_told_that_the_room_is_paused_still() -> None:
    """While they were outside the room was opened again, and they were let write."""
    view = RoomView()
    view.apply(events.Joined("Robin", True, ("Mara", "Robin")))
    view.connection, view.state = events.ConnectionState.CONNECTED, events.RoomState.OPEN
    view.apply(events.RulesChanged(True, True, ("hold",), hold=True))
    view.apply(events.Paused("Robin", you=True))
    view.apply(events.Outside("Robin", you=True))
    view.apply(events.Joined("Robin", True, ("Mara", "Robin")))
    assert (view.held, view.listen_only, view.paused) == (False, False, False)
    assert bar.state_in_short(view, 80) == "connected · room open"
    assert bar.empty_input(view, facilitates=False) == words.SAY


def entered() -> asyncio.Event:
    """That the room was entered."""
    event = asyncio.Event()
    event.set()
    return event


def test_who_stepped_outside_is_not_listed_as_waiting_nor_let_in_with_all() -> None:
    """They come back by themselves. `/members` called them waiting, and `/admit all`, meant for
    newcomers, brought them into the room while they wrote to the facilitators."""
    view = RoomView()
    view.apply(events.Joined("Mara", True, ("Mara",)))
    view.apply(replace(KNOCK, id="aa05", name="Kim", code="lamp", outside=True))
    assert words.who_is_here(MARA_ASH, view)[-1] == "outside: Kim"
    assert words.waiter(view.waiting["aa05"]) == "Kim (outside)"
    with pytest.raises(Misread, match="Nobody waits"):
        read("/admit", view, MARA_ASH)
    assert read("/admit kim", view, MARA_ASH) == AdmitCommand(id="aa05")
    view.apply(KNOCK)
    assert read("/admit", view, MARA_ASH) == AdmitCommand(id=KNOCK.id)
    assert words.who_is_here(MARA_ASH, view)[-2:] == [
        f"waiting: {words.waiter(KNOCK)}",
        "outside: Kim",
    ]


async def test_all_are_those_that_ask_to_be_let_in() -> None:
    outside, told = replace(KNOCK, id="aa05", name="Kim", outside=True), Told()
    room = FakeRoom(FakeScene((outside, KNOCK)))
    performer = Performer(room, told.put, lambda: None, entered())
    await performer.perform(AdmitAllCommand())
    await anext(aiter(room))
    performer.stop()
    assert room.calls == [("admit", KNOCK.id)]
    performer = Performer(FakeRoom(FakeScene((outside,))), told.put, lambda: None, entered())
    await performer.perform(AdmitAllCommand())
    problem = await told.get()
    performer.stop()
    assert isinstance(problem, events.Problem)
    assert problem.code == "nobody_waits"


def test_who_is_in_already_is_told_so() -> None:
    view = RoomView()
    view.apply(events.Joined("Robin", True, ("Mara", "Robin")))
    robin = (FakeMember("Mara", facilitator=True), FakeMember("Robin", you=True))
    with pytest.raises(Misread, match=r"^You are in already\.$"):
        read("/inside", view, robin)
    with pytest.raises(Misread, match=r"^Say whom: /inside NAME\.$"):
        read("/inside", view, MARA_ASH)


def test_who_asked_to_go_outside_is_not_told_that_they_are_in_already() -> None:
    """A second later they were outside."""
    view = RoomView()
    view.apply(events.Joined("Robin", True, ("Mara", "Robin")))
    robin = (FakeMember("Mara", facilitator=True), FakeMember("Robin", you=True))
    for ends in (events.Problem("not_outside", ""), events.Outside("Robin", you=True)):
        view.did(OutsideCommand())
        with pytest.raises(Misread, match="You asked to step outside, and") as told:
            read("/inside", view, robin)
        assert "/inside comes back" in str(told.value)
        view.apply(ends)
        assert not view.asked_out
    assert read("/inside", view, ()) == InsideCommand()
    view.did(OutsideCommand())  # late, of a wish that is granted
    view.apply(events.Joined("Robin", True, ("Mara", "Robin")))
    with pytest.raises(Misread, match=r"^You are in already\.$"):
        read("/inside", view, robin)


@pytest.mark.parametrize("mode", [(), ("--plain",)])
async def test_a_wish_to_go_outside_is_kept_in_mind_by_each_screen(mode: tuple[str, ...]) -> None:
    async with Terminal("silent", *ROBIN_HERE, *mode, columns=80, rows=40) as screen:
        await screen.see("You are in")
        screen.type("/outside" + ENTER)
        await screen.see("You asked to step outside. A")
        screen.type("/inside" + ENTER)
        await screen.see("cannot be taken back")
        assert "in already" not in screen.shown


def test_who_is_outside_is_not_said_to_be_let_in_now_while_nobody_can_be() -> None:
    """A facilitator was just told so, after the relay had lost the room."""
    view, knock = RoomView(), replace(KNOCK, name="Sam", outside=True)
    lost, settled = (events.Problem(f"room_{it}", "") for it in ("forgotten", "settled"))
    appointed = events.RoleChanged("Mara", True, "Ash")
    came = events.Joined("Kim", False, ("Mara", "Kim"))
    for over in (settled, came, appointed, replace(appointed, facilitator=False)):
        view.apply(lost)
        said = words.of_event(knock, locked=view.locked, unsettled=view.unsettled)
        assert "lets them in now" not in said
        assert "once the room is settled, /inside Sam works" in said
        view.apply(over)
        assert "lets them in now" in words.of_event(
            knock, locked=view.locked, unsettled=view.unsettled
        )


@pytest.mark.parametrize("mode", [(), ("--plain",)])
async def test_a_loss_is_kept_in_mind_by_each_screen(mode: tuple[str, ...]) -> None:
    async with Terminal("lost-with-one-outside", *MARA, *mode, columns=100, rows=40) as screen:
        await screen.see("Kim is outside", "once the room is")
        assert "lets them in now" not in screen.shown


def test_a_hold_from_nobody_says_that_the_room_is_not_paused() -> None:
    with pytest.raises(Misread, match=r"So the room is not paused; /hold alone pauses it\.$"):
        read("/hold Zed", RoomView(), MARA_ASH)


def test_nobody_is_asked_whether_to_remove_themselves() -> None:
    """The room refuses it, and says what to do. The question claimed a link by which they came."""
    people = (*MARA_ASH, FakeMember("Kim"))
    LastQuestion().check(RemoveCommand(name="Mara"), people)
    with pytest.raises(Misread, match="Remove Kim"):
        LastQuestion().check(RemoveCommand(name="Kim"), people)


def test_a_fold_of_a_member_tells_that_it_goes_on() -> None:
    for by, begins in (("Mara", "You folded what"), ("Ash", "What Kim wrote is folded")):
        said = moderation_words.fold_of_member(events.Folded(("b",), by=by, name="Kim"), "Mara")
        assert said.startswith(begins)
        assert "What Kim writes from now on is folded too, until /unfold Kim." in said
        assert ("Ash did this." in said) is (by == "Ash")


@pytest.mark.parametrize("by", ["Mara", "Ash"])
@pytest.mark.parametrize("ids", [("b",), ()])
def test_what_one_wrote_that_is_taken_out_with_it_is_not_told_to_go_on(
    by: str, ids: tuple[str, ...]
) -> None:
    """What Kim writes from now on is folded too, until /unfold Kim, it said behind the removal."""
    fold = events.Folded(ids, by=by, name="Kim", why="member")
    for told in (moderation_words.folded, moderation_words.fold_told):
        *_, said = told(fold, facilitates=True, me="Mara", here=("Mara", "Ash"))
        assert "from now on" not in said
        assert "/unfold" not in said
        *_, said = told(fold, facilitates=True, me="Mara", here=("Mara", "Ash", "Kim"))
        assert "until /unfold Kim" in said


def test_the_lines_have_their_keys_in_the_help() -> None:
    assert "Ctrl+C: leave at once" in help_words.help_of_lines(facilitator=False)


async def test_what_is_late_is_named() -> None:
    """ "It may still happen", said after half a minute, did not say what."""
    late = NoAnswerYet("unavailable", "The relay has not answered yet. It may still happen.")
    told = Told()
    room = FakeRoom(FakeScene(on_command=late))
    performer = Performer(room, told.put, lambda: None, entered())
    await performer.perform(LockCommand(on=True), "/lock")
    problem = await told.get()
    performer.stop()
    assert isinstance(problem, events.Problem)
    assert problem.text == f'Not done yet: "/lock". {late.text}'


@pytest.mark.parametrize(
    ("why", "told_then"),
    [
        (NotNow("unknown_name", "They have left the room."), ['Not done: "/lock". They have left']),
        (RoomClosed("left", "You left the room."), []),
        (None, []),
    ],
)
async def test_of_what_is_late_it_is_told_that_it_cannot_be_done(
    why: AlcoveError | None, told_then: list[str]
) -> None:
    """A command whose person was removed meanwhile was never told of again."""
    call: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    late = NoAnswerYet("unavailable", "It may still happen.", lambda: call)
    told, own = Told(), OwnCommands(lambda: 0.0)
    performer = Performer(
        FakeRoom(FakeScene(on_command=late)), told.put, lambda: None, entered(), own=own
    )
    takes = frozenset(performer._running)
    await performer.perform(LockCommand(on=True), "/lock")
    await told.get()
    assert own._asked  # it is followed on
    if why is None:
        call.set_result(None)
    else:
        call.set_exception(why)
    for expected in told_then:
        problem = await told.get()
        assert isinstance(problem, events.Problem)
        assert problem.text.startswith(expected)
    await asyncio.gather(*performer._running - takes)
    assert [asked.done_at for asked in own._asked.values()] == ([0.0] if why is None else [])
    assert told.empty()
    performer.stop()


async def test_what_waited_is_named_when_it_cannot_be_done() -> None:
    """Of four commands that had waited it was said four times why, and not of which."""
    call: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    told, now, begun = Told(), 0.0, asyncio.Event()
    own = OwnCommands(lambda: now)

    class Waits(FakeRoom):
        async def lock(self, on: bool = True) -> None:
            begun.set()
            await call

    performer = Performer(Waits(FakeScene()), told.put, lambda: None, entered(), own=own)
    await performer.perform(LockCommand(on=True), "/lock")
    await begun.wait()
    now = 10.0
    assert own.news()
    call.set_exception(NotNow("demoted", "You are no longer a facilitator."))
    problem = await told.get()
    performer.stop()
    assert isinstance(problem, events.Problem)
    assert problem.text == 'Not done: "/lock". You are no longer a facilitator.'


async def test_commands_that_have_no_answer_keep_nothing_from_those_behind_them() -> None:
    """A hundred that waited for ever stopped every later command, and each text."""
    call: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    late = NoAnswerYet("unavailable", "It may still happen.", lambda: asyncio.shield(call))
    told, posted = Told(), asyncio.Event()

    class Late(FakeRoom):
        async def lock(self, on: bool = True) -> None:
            raise late

    performer = Performer(
        Late(FakeScene()), told.put, lambda: None, entered(), lambda id, text: posted.set()
    )
    for _ in range(2 * _HELD):
        await performer.perform(LockCommand(on=True), "/lock")
    await performer.perform(SendCommand(text="Is anybody there?"))
    await asyncio.wait_for(posted.wait(), WITHIN)
    performer.stop()


async def test_of_an_invite_that_is_made_late_it_is_said_where_it_stands() -> None:
    """Its link is not shown. The promise to tell when it is done was not kept."""
    person = _Followed()
    person.own.begun(InviteNewCommand(), "/invite new")
    (said,) = person.after(3)
    assert "you are told" not in said
    assert "/invites" in said
    told = Told()
    late = NoAnswerYet("unavailable", "The relay has not taken it yet. It may still happen.")
    performer = Performer(FakeRoom(FakeScene(on_command=late)), told.put, lambda: None, entered())
    await performer.perform(InviteNewCommand(), "/invite new")
    problem = await told.get()
    performer.stop()
    assert isinstance(problem, events.Problem)
    assert problem.text.startswith('Not done yet: "/invite new". The relay has not taken it yet.')
    assert "/invites lists it once it is made" in problem.text


def test_who_comes_by_the_standbys_link_reads_so_as_their_own_act() -> None:
    event = events.RoleChanged("Mara", True, "Mara")
    assert words.of_event(event, members=MARA_ASH).startswith("You came by the standby's link")
    ash = (FakeMember("Mara", facilitator=True), FakeMember("Ash", you=True))
    assert words.of_event(event, members=ash).startswith("Mara came by the standby's link")


class _NoDoor(FakeRoom):
    """As for one that came by a standby's link: there is no door that could carry a word."""

    async def accept(self, version: int | None = None, *, answer: str = "", word: str = "") -> None:
        if word:
            raise NotNow("no_door", "A word for today is chosen at the door.")
        await super().accept(version, answer=answer, word=word)


async def test_a_word_for_today_keeps_nobody_out_that_needs_none() -> None:
    """The program offered it, and /accept was refused for it, however often it was typed."""
    told, over = Told(), asyncio.Event()
    room = _NoDoor(FakeScene())

    async def done(command: AnyCommand) -> None:
        over.set()

    performer = Performer(room, told.put, lambda: None, entered(), done=done)
    await performer.perform(AcceptCommand(version=1, word="blue kettle"), "/accept")
    await asyncio.wait_for(over.wait(), WITHIN)
    performer.stop()
    assert (room.calls, told.empty()) == ([("accept", "1")], True)


async def test_who_waits_outside_a_locked_door_is_not_told_that_the_relay_is_silent() -> None:
    late = NoAnswerYet("unavailable", "The relay has not answered yet. It may still happen.")
    told = Told()
    performer = Performer(FakeRoom(FakeScene(on_command=late)), told.put, lambda: None, entered())
    await performer.perform(InsideCommand(), "/inside")
    problem = await told.get()
    performer.stop()
    assert isinstance(problem, events.Problem)
    assert problem.text.startswith('Not done yet: "/inside". You are still outside.')
    assert "relay" not in problem.text


@pytest.mark.parametrize("plain", [True, False])
async def test_a_command_behind_a_stray_letter_is_not_told_to_everybody(*, plain: bool) -> None:
    """A letter stood in the line already, and all of the room read "x/remove Kim"."""
    async with Terminal("open", *MARA, *(("--plain",) if plain else ())) as screen:
        await screen.see("You are in")
        screen.type("x/remove Kim" + ENTER)
        await screen.see("A command stands here", "not")
        assert "[you]" not in screen.shown.replace("Mara [you]", "")
        screen.type(ENTER)
        await screen.see("[you] x/remove Kim" if plain else "[you] Mara  x/remove Kim")
        screen.type("and/or" + ENTER)
        await screen.see("and/or")
        assert screen.shown.count("A command stands") == 1


@pytest.mark.parametrize(
    ("line", "hides"),
    [
        ("x/remove Kim", True),
        ("s/hold", True),
        ("and/or", False),
        ("/hold", False),
        ("//hold", False),
        ("see https://x.example/help", False),
        ("type/hold please", False),
        ("x /hold", False),
    ],
)
def test_only_a_command_right_behind_a_few_letters_is_held_back(line: str, *, hides: bool) -> None:
    assert hides_command(line) is hides
