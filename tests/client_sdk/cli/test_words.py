"""The sentences for people about what others did."""

import pytest
from alcove import events
from alcove.cli import words


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (events.Gap(1), "You missed a message."),
        (events.Gap(3, "Bob"), "You missed 3 messages of Bob."),
        (events.Gap(1, "Bob"), "You missed a message of Bob."),
        (events.Gap(None), "Messages may be missing here; how many is unknown."),
        (events.Gap(None, "Bob"), "Messages of Bob may be missing here; how many is unknown."),
    ],
)
def test_a_gap_names_whose_messages_are_missing(event: events.Gap, sentence: str) -> None:
    assert words.of_event(event) == sentence


def test_a_name_in_a_gap_is_escaped() -> None:
    said = words.of_event(events.Gap(2, "B\x1b[2Job"))
    assert said is not None
    assert "\x1b" not in said


def test_a_changed_agreement_says_what_to_type() -> None:
    said = words.of_event(events.Problem("agreement_changed", "The ground rules changed."))
    assert said == "The ground rules changed. /accept accepts them; /leave leaves."
