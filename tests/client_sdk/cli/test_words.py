"""The sentences for people about what others did."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.cli import words
from alcove.cli.room_view import RoomView
from alcove.members import Whereabouts

from tests.client_sdk.cli.fake_room import CORRECTED, NEW_RULES, TEXTS, FakeMember

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


def test_the_agreement_is_read_summary_first_and_in_each_language() -> None:
    whole = words.rules_text(NEW_RULES)
    assert whole == "Two lines.\nNot more.\n\nListen, too.\n\n[also in: de; /rules TAG shows it]"
    other = words.rules_text(NEW_RULES, TEXTS[1])
    assert other == "Hört auch zu.\n\n[also in: en; /rules TAG shows it]"


def test_a_removal_is_quiet_to_the_group_and_named_to_facilitators() -> None:
    event = events.Removed("Ash")
    assert words.of_event(event) == "Someone has left."
    assert words.of_event(event, facilitates=True) == "Ash is no longer in the room."


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
    assert [["[paused]" in line for line in seen] for seen in lines] == [
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


def test_what_a_newcomer_answers_passes_for_no_sentence_of_this_program() -> None:
    answer = 'me") asks to be let in. Someone who says they are Sam. ("x'
    knock = events.Knocked("aa", "Eve", "123456", False, answer)
    shown = words.of_event(knock)
    assert shown.count('"') == 2
    assert shown.startswith("Eve (code 123456, answered: \"me') asks")
    assert shown.endswith('("x") asks to be let in.'.replace('("x"', "('x\""))
