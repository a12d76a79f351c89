"""Sentences that were true of another person, or of another moment, than the reader's."""

import pytest
from alcove import events
from alcove.cli import moderation_words, role_words, slash_commands, state_words, words
from alcove.cli.commands import FoldCommand, HoldCommand, LockCommand, StandbyCommand
from alcove.cli.naming import Misread
from alcove.cli.own_commands import OwnCommands
from alcove.cli.plain_mode import PlainMode
from alcove.cli.room_view import RoomView
from alcove.cli.rooms import is_standby
from alcove.cli.ui import texts
from alcove.engine.loss_told import YOURS_BRINGS
from alcove.events import ConnectionState
from alcove.facilitation.overdue import NOT_TAKEN
from alcove.joining.door_voice import NOT_THERE
from alcove_protocol.invite import Invite, InviteRole, door_id_of

from tests.client_sdk.cli.collect_sentences import sentences
from tests.client_sdk.cli.fake_room import (
    CONNECTED,
    RULES,
    TEXTS,
    FakeMember,
    FakeRoom,
    FakeScene,
)

ROBIN_READS = (FakeMember("Mara", facilitator=True), FakeMember("Robin", you=True))
MARA_DECIDES = (FakeMember("Mara", facilitator=True, you=True), FakeMember("Robin"))
GOES = events.ConnectionChanged(ConnectionState.RECONNECTING, moving=True)
RESUMED = events.ConnectionChanged(ConnectionState.RESUMED)


def _why(line: str, view: RoomView, members: tuple[FakeMember, ...]) -> str:
    with pytest.raises(Misread) as why:
        slash_commands.read(line, view, members)
    return str(why.value)


def test_who_wrote_the_ground_rules_can_read_them_again() -> None:
    """The room shows them to newcomers only, and /rules said to its opener that there are none."""
    room, view = FakeRoom(FakeScene()), RoomView()
    assert TEXTS[0].text in texts.rules(view, room, "")
    assert "also in: de" in texts.rules(view, room, "")
    assert TEXTS[1].text in texts.rules(view, room, "de")
    assert words.rules_here(None, room) is not None
    view.apply(RULES)
    assert texts.rules(view, room, "") == words.rules_text(RULES)


async def test_plain_lines_have_the_rules_for_the_one_that_wrote_them(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    mode = PlainMode(FakeRoom(FakeScene()), accepted=True)
    await mode._screen.start()
    await mode._try("/rules")
    await mode._screen.close(3)
    said = capfdbinary.readouterr().out.decode()
    assert "Evening circle: the ground rules" in said
    assert TEXTS[0].text in said


async def test_one_that_comes_by_a_standbys_link_is_offered_no_word_for_today(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    mode = PlainMode(FakeRoom(FakeScene()), accepted=False, standby=True)
    await mode._screen.start()
    await mode._show(RULES)
    await mode._try("/word blue kettle")
    await mode._screen.close(3)
    said = " ".join(capfdbinary.readouterr().out.decode().split())
    assert "Type /accept if you agree, or /leave." in said
    assert "choose a word for today" not in said
    assert "no word for today is needed" in said
    assert not mode._view.word


def test_a_standbys_link_is_told_from_an_invite() -> None:
    room, secret = bytes(32), bytes(32)
    links = [
        Invite(role, door_id_of(room, secret), room, "https://relay.example", secret).url()
        for role in InviteRole
    ]
    assert [is_standby(link) for link in links] == [False, True]
    assert not is_standby("alcove-ticket-AAAA")


FOR_FACILITATORS = (
    *("/pause", "/unpause", "/appoint", "/demote", "/handover", "/remove", "/fold", "/unfold"),
    *("/foldlast", "/hold", "/hold Mara", "/slow", "/listen x", "/lock x", "/standby x"),
    *("/newrules", "/correct", "/take", "/door", "/revoke", "/personal x", "/inside Mara"),
    *("/admit", "/tolisten", "/refuse", "/end", "/stepdown", "/resume", "/invites"),
)


@pytest.mark.parametrize("line", FOR_FACILITATORS)
def test_a_participant_is_told_that_only_facilitators_can_before_they_are_asked(line: str) -> None:
    view = RoomView()
    view.joined = True
    assert _why(line, view, ROBIN_READS) == "Only a facilitator can do that."
    view.knocked, view.joined = True, False  # outside, or not let in yet
    assert _why(line, view, ()) == "Only a facilitator can do that."


def test_a_facilitator_is_asked_whom() -> None:
    assert _why("/unfold", RoomView(), MARA_DECIDES) == "Say whom: /unfold NAME."


def test_nobody_is_told_to_knock_that_did() -> None:
    """A member that stepped outside had knocked before, and its client knocks for it."""
    assert "knock" not in NOT_THERE
    assert "Nothing was sent" in NOT_THERE


def test_a_change_that_waits_is_not_said_to_be_asked_for_where_it_may_not_be() -> None:
    assert "or your client makes it by itself" in NOT_TAKEN


def test_who_comes_back_paused_is_not_said_to_come_in_to_listen() -> None:
    for you in MARA_DECIDES:
        event = events.Paused("Robin", "Mara", to_listen=True)
        said = moderation_words.of_pause(event, you.name)
        assert said.startswith("Robin is in and can only read until /unpause Robin.")


@pytest.mark.parametrize("state", [CONNECTED, RESUMED])
def test_the_way_from_the_door_into_the_room_is_no_lost_connection(
    state: events.ConnectionChanged,
) -> None:
    view = RoomView()
    view.apply(events.ConnectionChanged(ConnectionState.CONNECTED))
    view.apply(events.Joined("Robin", True, ("Mara", "Robin")))
    for event in (GOES, state):
        assert view.moves(event)
        view.apply(event)
    assert not view.moves(RESUMED)


def test_who_hands_over_is_made_a_participant_by_nobody() -> None:
    """Another facilitator's client makes the change, and decided nothing."""
    event = events.RoleChanged("Mara", False, "Ash")
    ash = (FakeMember("Mara"), FakeMember("Ash", facilitator=True, you=True))
    assert role_words.of_role(event, ROBIN_READS) == "Mara is a participant now."
    said = role_words.of_role(event, ash)
    assert said.startswith("Mara is a participant now. You are the only facilitator")
    mara = (FakeMember("Mara", you=True), FakeMember("Ash", facilitator=True))
    assert role_words.of_role(event, mara) == (
        "You are a participant now: you read on, and write when participants may."
    )


def test_who_folds_what_is_folded_is_told_that_it_is_so_already() -> None:
    none, one = (events.Folded(ids, "Kim", "Mara", why="member") for ids in ((), ("bb01",)))
    for told in (moderation_words.folded, moderation_words.fold_told):
        (said,) = told(none, facilitates=True, me="Mara")
        assert said.startswith("Nothing that Kim wrote stands open here.")
        assert told(one, facilitates=True, me="Mara")[-1].startswith("You folded what Kim wrote")


def test_a_reader_meets_one_word_for_the_ground_rules() -> None:
    for sentence in sentences():
        assert "agreement" not in sentence.replace("--agreement-file", "").casefold(), sentence


def test_a_facilitator_that_came_back_alone_reads_what_a_facilitator_reads() -> None:
    """Their client facilitates seconds after the list says so. Until then a hold told its own
    author that they can read on, and that it goes on by itself."""
    mara = (FakeMember("Mara", facilitator=True, you=True), FakeMember("Robin"))
    held = ("hold", "listen_only", "locked")
    hold = events.RulesChanged(True, True, held, "", True, ("Mara",))
    said = words.of_event(hold, facilitates=False, members=mara)
    assert "Type /resume" in said
    assert "You can read on" not in said


@pytest.mark.parametrize(
    ("rules", "ends"),
    [
        (events.RulesChanged(True, False, ("listen_only",), "Ash"), "/listen off"),
        (events.RulesChanged(False, True, ("locked",), "Ash"), "/lock off"),
        (events.RulesChanged(False, False, ("slow",), "Ash", slow=60), "/slow off"),
    ],
)
def test_a_rule_of_another_facilitator_is_told_to_one_that_is_not_under_it(
    rules: events.RulesChanged, ends: str
) -> None:
    """Facilitators write on, and can end it. They read what participants read."""
    said = words.of_event(rules, facilitates=True)
    assert f"{ends} " in said
    assert said.endswith("Ash did this.")
    assert "You can read on" not in said
    assert "stays yours" not in said
    assert "off" not in words.of_event(rules)


def test_to_let_in_from_outside_who_is_in_the_room_says_so() -> None:
    """Nobody waited, it said, as if the name were wrong."""
    assert _why("/inside Robin", RoomView(), MARA_DECIDES) == "Robin is in the room already."


def test_to_close_a_standby_that_is_not_there_is_answered() -> None:
    """The room gives an empty link either way, which is shown to nobody."""
    now = 0.0
    own = OwnCommands(lambda: now)
    number = own.begun(StandbyCommand(on=False), "/standby off")
    own.happened(events.StandbyLink(""))
    own.over(number, failed=False)
    now = 2.0
    assert own.news() == ['There was nothing to change for "/standby off": it is so already.']


def test_to_unfold_one_that_is_not_folded_leaves_what_was_folded_before() -> None:
    """It is so already, it said, and a message that was folded by itself stayed folded."""
    now = 0.0
    own = OwnCommands(lambda: now)
    number = own.begun(FoldCommand(name="Kim", on=False), "/unfold Kim")
    own.over(number, failed=False)
    now = 2.0
    assert own.news() == [
        'There was nothing to change for "/unfold Kim": what they write is not folded now. What '
        "was folded before stays folded."
    ]


@pytest.mark.parametrize("on", [True, False])
def test_what_changed_a_standby_is_not_told_as_nothing(*, on: bool) -> None:
    now = 0.0
    own = OwnCommands(lambda: now)
    number = own.begun(StandbyCommand(on=on), "/standby")
    own.happened(events.StandbyChanged(on, "Mara"))
    own.over(number, failed=False)
    now = 2.0
    assert own.news() == []


def test_who_read_that_the_last_facilitator_left_is_not_told_that_one_may_be_back() -> None:
    view, quiet = RoomView(), events.RoomChanged(events.RoomState.READ_ONLY)
    assert not view.is_told_before(quiet)
    view.apply(events.Problem("last_facilitator_left", "Ash has left.", sender="Ash"))
    assert view.is_told_before(quiet)
    assert view.is_no_news(quiet)
    view.apply(quiet)
    assert view.state is events.RoomState.READ_ONLY  # the top line says so
    view.apply(events.RoomChanged(events.RoomState.OPEN))  # the standby's holder came
    assert not view.is_told_before(quiet)


def test_what_the_relay_has_not_taken_is_not_called_unanswered() -> None:
    """After a loss the relay answers, and takes no change for a minute: no hold either."""
    late = [said for said in sentences() if "It may still happen" in said]
    assert late
    assert not [said for said in late if "answer" in said]
    assert "and the room cannot be paused or ended" in YOURS_BRINGS


@pytest.mark.parametrize(
    ("listens", "hold", "said"),
    [
        (False, False, "The room is open."),
        (True, True, "The room is still paused for a moment."),
        (True, False, "The room is open, and only facilitators can write."),
    ],
)
def test_a_facilitator_that_is_back_does_not_open_a_room_that_is_paused(
    *, listens: bool, hold: bool, said: str
) -> None:
    """ "The room is open.", read all in a hold when a facilitator was connected again, and then
    what they wrote was refused."""
    view = RoomView()
    view.apply(events.RulesChanged(listens, hold, (), "Mara", hold))
    opened = state_words.opened(view, facilitates=False)
    assert words.of_event(events.RoomChanged(events.RoomState.OPEN), opened=opened) == said


def test_one_that_comes_back_from_outside_is_told_the_rules_and_no_open_room() -> None:
    """In a hold "The room is open." stood before "have paused the room"."""
    view, opened = RoomView(), events.RoomChanged(events.RoomState.OPEN)
    for event in (
        events.Joined("Kim", True, ("Kim", "Mara")),
        opened,
        events.Outside("Kim", True),
        events.Joined("Kim", True, ("Kim", "Mara")),
    ):
        view.apply(event)
    assert view.is_no_news(opened)


def test_a_member_that_is_paused_is_not_told_that_they_can_write() -> None:
    view = RoomView()
    view.apply(events.Joined("Kim", True, ("Kim", "Mara")))
    view.apply(events.Paused("Kim", "Mara", you=True))
    assert state_words.opened(view, facilitates=False).endswith("you can only read for now.")
    assert state_words.opened(view, facilitates=True) == "The room is open."


@pytest.mark.parametrize(
    "event",
    [
        events.ConnectionChanged(events.ConnectionState.RECONNECTING),
        events.ConnectionChanged(events.ConnectionState.SILENT, unanswered=6),
        events.RoomChanged(events.RoomState.READ_ONLY),
        events.RoomChanged(events.RoomState.NOT_HEARD),
    ],
)
def test_to_one_that_may_not_write_nothing_is_said_to_wait(event: words.ToldEvent) -> None:
    """ "What you write waits", it said in a hold, and what one wrote was refused."""
    assert "what you write" in words.of_event(event)
    assert "write" not in words.of_event(event, only_reads=True)
    mara = (FakeMember("Mara", facilitator=True, presence="here"), FakeMember("Kim", you=True))
    assert "write" not in words.of_event(event, only_reads=True, members=mara)


def test_a_command_that_changes_nothing_is_answered_beside_another_that_does() -> None:
    """/lock behind a locked door, and /resume a second later: of /lock nothing was ever said."""
    now = 0.0
    own = OwnCommands(lambda: now)
    for command, said in ((LockCommand(on=True), "/lock"), (HoldCommand(on=False), "/resume")):
        own.over(own.begun(command, said), failed=False)
    own.happened(events.RulesChanged(False, True, ("hold", "listen_only"), "Ash"))
    now = 2.0
    assert own.news() == ['There was nothing to change for "/lock": it is so already.']


def test_a_facilitator_is_not_told_that_none_is_heard() -> None:
    """Her own texts wait when the other's device has died, and /anyway sends them."""
    unheard = events.RoomChanged(events.RoomState.NOT_HEARD)
    for presence in ("here", "away", "unknown"):
        members = (FakeMember("Mara", True, True), FakeMember("Ash", True, presence=presence))
        said = words.of_event(unheard, facilitates=True, members=members)
        assert said.startswith("No other facilitator has confirmed")
        assert "/anyway sends" in said
        assert state_words.hears_facilitator(members)
