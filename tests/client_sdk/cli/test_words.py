"""The sentences for people about what others did."""

import pytest
from alcove import events
from alcove.cli import words

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
    said = words.of_event(events.Gap(2, "B\x1b[2Job"))
    assert said is not None
    assert "\x1b" not in said


def test_a_changed_agreement_says_what_to_type() -> None:
    said = words.of_event(events.Problem("agreement_changed", "The ground rules changed."))
    assert said == "The ground rules changed. /accept accepts them; /leave leaves."
