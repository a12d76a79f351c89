"""The sentences for people about what others did."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.cli import door_words, help_words, invite_words, json_events, words
from alcove.cli.commands import AcceptCommand, AgreementChangeCommand
from alcove.cli.room_view import RoomView
from alcove.cli.ui import bar
from alcove.cli.wrapping import cells
from alcove.members import Whereabouts
from alcove_protocol.invite import Invite

from tests.client_sdk.cli.fake_room import CORRECTED, INVITE, KNOCK, NEW_RULES, TEXTS, FakeMember

LONE: tuple[FakeMember, ...] = (FakeMember("Mara", facilitator=True, you=True),)
PARTICIPANT: tuple[FakeMember, ...] = (
    FakeMember("Mara", facilitator=True),
    FakeMember("Sam", you=True),
)
ASK = "They are not kept anywhere; ask in the room if something is unclear."


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (events.Gap(1), f"One message did not reach you. {ASK}"),
        (events.Gap(3, "Bob"), f"3 messages of Bob did not reach you. {ASK}"),
        (events.Gap(1, "Bob"), f"One message of Bob did not reach you. {ASK}"),
        (events.Gap(None), f"Messages may be missing here, and nobody can tell how many. {ASK}"),
        (
            events.Gap(None, "Bob"),
            f"Messages of Bob may be missing here, and nobody can tell how many. {ASK}",
        ),
    ],
)
def test_a_gap_names_whose_messages_are_missing(event: events.Gap, sentence: str) -> None:
    assert words.of_event(event) == sentence


def test_a_name_in_a_gap_is_escaped() -> None:
    assert "\x1b" not in words.of_event(events.Gap(2, "B\x1b[2Job"))


def test_a_changed_agreement_says_what_to_type() -> None:
    assert "/accept accepts them" in words.rules_changed(NEW_RULES)
    assert "need not accept" in words.rules_changed(CORRECTED)


def test_rules_that_change_while_one_goes_outside_are_not_said_to_hold_texts_back() -> None:
    """They are out of the room already, and their client waits for the acceptance to knock."""
    view = RoomView()
    view.apply(events.Joined("Sam", you=True, members=("Mara", "Sam")))
    assert view.in_room
    view.apply(events.ConnectionChanged(events.ConnectionState.RECONNECTING, moving=True))
    view.apply(events.ConnectionChanged(events.ConnectionState.CONNECTED))
    assert not view.in_room
    said = words.rules_changed(NEW_RULES, going_out=view.going_out)
    assert "waits at the door for you once you accept" in said
    assert "What you write" not in said
    assert door_words.done(AcceptCommand(), {}, joined=view.in_room) is None
    view.apply(events.Outside("Sam", you=True))
    assert not view.going_out
    view.apply(events.Joined("Sam", you=True, members=("Mara", "Sam")))
    assert view.in_room


def test_who_changes_the_rules_reads_what_the_others_are_asked() -> None:
    said = door_words.done(AgreementChangeCommand(file="rules.txt"), {}, joined=True)
    assert said is not None
    assert said.startswith("You changed the ground rules.")
    assert "waited at the door" in said
    corrected = AgreementChangeCommand(file="rules.txt", correction=True)
    assert "Nobody is asked" in str(door_words.done(corrected, {}, joined=True))


def test_one_second_is_no_seconds() -> None:
    for members in (LONE, PARTICIPANT):
        slow = events.RulesChanged(False, False, ("slow",), "Mara", slow=1)
        assert "waits one second." in words.of_event(slow, facilitates=True, members=members)


def test_the_agreement_is_read_summary_first_and_in_each_language() -> None:
    whole = words.rules_text(NEW_RULES)
    assert whole == "Two lines.\nNot more.\n\nListen, too.\n\n[also in: de; /rules TAG shows it]"
    other = words.rules_text(NEW_RULES, TEXTS[1])
    assert other == "Hört auch zu.\n\n[also in: en; /rules TAG shows it]"


def test_a_removal_is_quiet_to_the_group_and_named_to_facilitators() -> None:
    event = events.Removed("Ash")
    assert words.of_event(event) == "Someone has left."
    assert words.of_event(event, facilitates=True) == "Ash is no longer in the room."


def test_a_removal_of_one_that_was_let_go_before_takes_back_that_they_can_come_back() -> None:
    """All that saw Ash go read that they can come back, and nobody leaves the room now."""
    event = events.Removed("Ash", "Mara", away=True)
    mara = (FakeMember("Mara", facilitator=True, you=True), FakeMember("Kim"))
    own = words.of_event(event, facilitates=True, members=mara)
    assert own == (
        "You removed Ash while they were away. They do not come back by themselves any more; a "
        "facilitator can still let them in."
    )
    others = (
        "Ash was away, and does not come back by themselves any more. A facilitator can still let "
        "them in."
    )
    assert words.of_event(events.Removed("Ash", away=True)) == others
    assert words.of_event(event, facilitates=True) == others


def test_a_program_reads_that_the_removed_one_was_away() -> None:
    away = json_events.to_object(events.Removed("Ash", away=True))
    assert away == {"event": "removed", "name": "Ash", "away": True}
    assert "away" not in json_events.to_object(events.Removed("Ash"))
    acts = (events.PastAct("remove", "Ash", "Mara", 5, away=True),)
    (act,) = json_events.to_object(events.PastActs(acts))["acts"]
    assert act["away"] is True


def test_a_held_room_names_the_facilitators_and_blames_nobody() -> None:
    held = ("hold", "listen_only", "locked")
    names = ("Kim", "Ro\x1b")
    event = events.RulesChanged(True, True, held, "Ro", True, names)
    said = words.of_event(event)
    assert said.startswith("Kim and Ro")
    assert "have paused the room for a moment." in said
    assert "\x1b" not in said
    assert "You have done nothing wrong." in said
    assert "/resume" in words.of_event(event, facilitates=True)
    alone = words.of_event(events.RulesChanged(True, True, held, "Ro", True, ("Ro",)))
    assert alone.startswith("Ro has paused the room for a moment.")
    over = events.RulesChanged(False, True, ("hold", "listen_only"), "Ro")
    assert words.of_event(over) == "The room is open again."
    assert "/lock off" in words.of_event(over, facilitates=True)


def test_a_pause_is_shown_to_facilitators_and_to_the_member() -> None:
    mara, robin, sam = (
        FakeMember("Mara", facilitator=True),
        FakeMember("Robin", paused=True),
        FakeMember("Sam"),
    )
    lines = [
        words.who([replace(one, you=one is self) for one in (mara, robin, sam)], [])
        for self in (mara, robin, sam)
    ]
    assert [["[only reads]" in line for line in seen] for seen in lines] == [
        [False, True, False],
        [False, True, False],
        [False, False, False],
    ]


def test_the_list_says_who_is_away_and_nothing_of_those_of_whom_nothing_is_known() -> None:
    members = (
        FakeMember("Mara", facilitator=True, you=True, presence="here"),
        FakeMember("Robin", presence="away"),
        FakeMember("Sam", presence="here"),
        FakeMember("Kim"),
    )
    lines = ["[facilitator] Mara [you]", "Robin [away]", "Sam [here]", "Kim"]
    assert words.who(members, []) == lines


def test_a_person_is_told_of_a_member_that_goes_away_and_comes_back_and_of_no_other() -> None:
    view, told = RoomView(), []
    steps: tuple[Whereabouts, ...] = ("here", "away", "unknown", "away")
    back: tuple[Whereabouts, ...] = ("unknown", "here", "here", "unknown")
    for presence in steps + back:
        event = events.PresenceChanged("Robin", presence)
        told.append(view.is_told(event))
        view.apply(event)
    assert told == [False, True, False, False, False, True, False, False]


MARA_ASH = (FakeMember("Mara", facilitator=True, you=True), FakeMember("Ash", facilitator=True))
ALONE: tuple[FakeMember, ...] = (FakeMember("Mara"), FakeMember("Ash", facilitator=True, you=True))


@pytest.mark.parametrize(
    ("event", "members", "sentence"),
    [
        (
            events.RoleChanged("Mara", True, "Ash"),
            MARA_ASH,
            "Ash made you a facilitator. /help lists what you can do now.",
        ),
        (events.RoleChanged("Ash", True, "Mara"), MARA_ASH, "You made Ash a facilitator."),
        (
            events.RoleChanged("Mara", False, "Ash"),
            (FakeMember("Mara", you=True), FakeMember("Ash", facilitator=True)),
            "You are a participant now: you read on, and write when participants may.",
        ),
        (
            events.RoleChanged("Mara", False, "Ash"),
            ALONE,
            "Mara is a participant now. You are the only facilitator now; "
            "/appoint NAME makes a second one.",
        ),
        (events.VaultChanged("Mara", True), MARA_ASH, "You can let people in now."),
        (
            events.VaultChanged("Ash", True, claimed=True),
            MARA_ASH,
            "The relay says that Ash can let people in now too.",
        ),
    ],
)
def test_what_happened_to_the_reader_is_told_to_them(
    event: events.RoleChanged | events.VaultChanged,
    members: tuple[FakeMember, ...],
    sentence: str,
) -> None:
    assert words.of_event(event, members=members) == sentence


def test_a_sign_of_life_is_heard() -> None:
    here = FakeMember("Kim", heard=False, presence="here")
    assert words.notes((MARA_ASH[0], here))[1] == " [here]"
    assert words.notes((MARA_ASH[0], replace(here, presence="unknown")))[1] == " [not heard yet]"


def test_the_list_of_members_claims_only_what_is_known() -> None:
    state = RoomView()
    assert words.who_is_here((), state)[0].startswith("You are not in the room yet.")
    state.joined = True
    assert words.who_is_here(MARA_ASH, state)[0] == "In this room:"
    participant = (FakeMember("Robin", you=True), *MARA_ASH[1:])
    assert "only facilitators see" in words.who_is_here(participant, state)[0]
    state.apply(events.ConnectionChanged(events.ConnectionState.RECONNECTING))
    assert words.who_is_here(MARA_ASH, state)[0].startswith("You are not connected.")
    # A facilitator that is back by a ticket, whose client hangs up by itself, and is in the room.
    state.apply(events.ConnectionChanged(events.ConnectionState.RECONNECTING, moving=True))
    assert words.who_is_here(MARA_ASH, state)[0].startswith("Your client connects anew by itself.")


def test_a_facilitator_is_told_who_held_the_room() -> None:
    event = events.RulesChanged(True, True, ("hold",), "Ash", True, ("Mara", "Ash"))
    said = words.of_event(event, facilitates=True, members=MARA_ASH)
    assert said.endswith("Ash did this.")
    own = replace(event, by="Mara")
    assert "did this" not in words.of_event(own, facilitates=True, members=MARA_ASH)
    assert "did this" not in words.of_event(event)


def test_a_facilitator_reads_of_their_own_act_without_their_own_name() -> None:
    for event in (events.Paused("Kim", by="Mara"), events.Unpaused("Kim", by="Mara")):
        assert "did this" not in words.of_event(event, facilitates=True, members=MARA_ASH)
        by_other = words.of_event(replace(event, by="Ash"), facilitates=True, members=MARA_ASH)
        assert by_other.endswith("Ash did this.")
    closed = words.of_event(events.InviteRevoked("aa", "Mara"), members=MARA_ASH)
    assert closed.startswith("An invite is closed now: ")
    other = words.of_event(events.InviteRevoked("aa", "Ash"), members=MARA_ASH)
    assert other.startswith("Ash closed an invite: ")


def test_a_room_that_lacks_facilitators_does_not_say_that_there_is_none() -> None:
    """The one that opened it facilitates, and was told that there is no facilitator."""
    view = RoomView()
    view.joined, view.connection = True, events.ConnectionState.CONNECTED
    lacks = events.RoomChanged(events.RoomState.READ_ONLY, 1)
    view.apply(lacks)
    assert bar.state_in_short(view, 80) == "connected · waits for facilitators"
    assert "/appoint NAME makes a member one." in words.of_event(lacks, facilitates=True)
    assert "/appoint" not in words.of_event(lacks)
    view.apply(events.RoomChanged(events.RoomState.READ_ONLY))
    assert bar.state_in_short(view, 80) == "connected · quiet: no facilitator"


def test_a_facilitator_is_not_told_that_none_is_connected() -> None:
    """One that comes back alone is connected. The relay does not count them yet."""
    quiet = events.RoomChanged(events.RoomState.READ_ONLY)
    assert words.of_event(quiet).startswith("The relay says that no facilitator is connected.")
    assert "not even you yet" in words.of_event(quiet, facilitates=True)


def test_whoever_facilitates_no_more_shows_no_invite_that_may_be_closed() -> None:
    view = RoomView()
    view.apply(events.Joined("Mara", you=True, members=("Mara",)))
    view.apply(events.Opened("https://relay.example/join#A"))
    view.apply(events.RoleChanged("Ash", facilitator=False, by="Mara"))
    assert view.invite is not None
    view.apply(events.RoleChanged("Mara", facilitator=False, by="Ash"))
    assert view.invite is None


def test_one_that_goes_from_outside_is_not_said_to_have_waited_to_be_let_in() -> None:
    mara = (FakeMember("Mara", facilitator=True, you=True),)
    outside = replace(KNOCK, outside=True)
    gone = door_words.gone(outside, mara, ("Robin",))
    assert gone is not None
    assert gone.startswith("Robin was outside, and is not at the door at the moment.")
    assert gone.endswith("while /members still lists them.")
    removed = door_words.gone(outside, mara, ())
    assert removed == "Robin was outside, and does not come back by themselves any more."
    assert door_words.gone(KNOCK, mara) == "Robin does not wait any more."


def test_an_invite_of_an_earlier_program_is_not_said_to_be_of_another_facilitator() -> None:
    """After a return by the ticket the client does not know that it made it."""
    one = events.OpenInvite("aa", 2, 3, 20, "", yours=False)
    assert invite_words.listed((one,)).endswith("or of you before your program started anew.")


def test_one_that_stepped_outside_is_not_told_that_they_wait_to_be_let_in() -> None:
    view = RoomView()
    view.connection, view.joined = events.ConnectionState.CONNECTED, True
    view.apply(events.Outside("Robin", you=True))
    assert bar.state_in_short(view, 80) == "connected · you are outside"
    assert bar.empty_input(view, facilitates=False) == "Outside: /inside comes back"
    assert words.who_is_here((), view)[0].startswith("You are outside")
    view.apply(events.Joined("Robin", True, ("Mara", "Robin")))
    assert bar.empty_input(view, facilitates=False) == words.SAY


def test_what_stands_in_the_empty_line_is_whole_in_the_narrowest_window() -> None:
    for text in (words.SAY, words.NOT_IN, words.OUTSIDE, words.HELD, words.LISTENING, words.PAUSED):
        assert cells(text) <= 34, text


def test_who_knocks_again_was_not_heard_and_is_not_said_to_be_away() -> None:
    """The list says beside it that this member is here: a minute of silence is nothing yet."""
    knock = replace(KNOCK, again="Robin", away=26, word="fits")
    said = words.of_event(knock)
    assert "Robin has not been heard for 26 seconds." in said
    assert "away" not in said


def test_a_talk_at_the_door_names_the_newcomer() -> None:
    waiting = {KNOCK.id: KNOCK}
    taken = events.DoorTaken(KNOCK.id, "Mara")
    said = words.of_event(taken, members=MARA_ASH, waiting=waiting)
    assert said.startswith("You talk with Robin at the door now.")
    assert words.of_event(replace(taken, by="Ash"), members=MARA_ASH, waiting=waiting) == (
        "Ash talks with Robin at the door."
    )
    assert words.of_event(replace(taken, by=""), members=MARA_ASH, waiting=waiting) == (
        "Nobody talks at the door any more: /door Robin TEXT does."
    )


def test_a_newcomer_is_not_told_why_a_facilitator_talks_with_them_no_more() -> None:
    """The one that did may be unheard, or a participant now: a facilitator's client says which it
    is to nobody."""
    said = words.of_event(events.DoorTaken("", ""))
    assert said == (
        "Nobody talks with you at the moment. You still wait, and any facilitator can answer."
    )


@pytest.mark.parametrize("facilitator", [True, False])
def test_the_help_lists_no_key_that_does_nothing(facilitator: bool) -> None:
    assert ("F2: " in help_words.help_of_the_screen(facilitator)) is facilitator
    assert ("Tab: " in help_words.help_of_the_screen(facilitator)) is facilitator


def test_an_invite_that_another_closed_is_shown_no_more() -> None:
    state = RoomView()
    state.apply(events.Opened(INVITE))
    state.apply(events.InviteRevoked("0b" * 8, "Ash"))
    assert state.invite == INVITE
    state.apply(events.InviteRevoked(Invite.parse(INVITE).door.hex(), "Ash"))
    assert state.invite is None
    state.apply(events.InviteChanged("no invite"))
    state.apply(events.InviteRevoked("", "Ash"))


def test_an_invite_in_the_place_of_another_says_so() -> None:
    assert invite_words.share(events.InviteChanged(INVITE)).startswith("An invite of yours was")
    asked_for = invite_words.share(events.InviteChanged(INVITE, "0a"))
    assert asked_for.startswith("Give this invite only")


def test_that_a_facilitator_lets_people_in_is_told_once_and_of_the_appointed() -> None:
    state = RoomView()
    told = events.VaultChanged("Ash", True, claimed=True)
    assert not state.is_told(told)  # of one that was a facilitator all along
    assert state.is_told(events.VaultChanged("Mara", True))
    state.apply(events.RoleChanged("Ash", True, "Mara"))
    assert state.is_told(told)
    state.apply(told)
    assert state.is_no_news(told)


def test_what_a_newcomer_answers_passes_for_no_sentence_of_this_program() -> None:
    answer = 'me") asks to be let in. Someone who says they are Sam. ("x'
    knock = events.Knocked("aa", "Eve", "123456", False, answer)
    shown = words.of_event(knock)
    assert shown.count('"') == 2
    assert shown.startswith("Eve (code 123456, answered: \"me') asks")
    assert shown.endswith('("x") asks to be let in.'.replace('("x"', "('x\""))
