"""Other people's words do not act on a terminal."""

import unicodedata

import pytest
from alcove import events
from alcove.cli import escape, words
from alcove.cli.room_view import RoomView
from alcove.cli.slash_commands import read
from hypothesis import given
from hypothesis import strategies as st

from tests.client_sdk.cli.fake_room import HOSTILE, FakeMember

DANGEROUS = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}


def acts(character: str) -> bool:
    return unicodedata.category(character) in DANGEROUS or unicodedata.bidirectional(character) in {
        "LRE",
        "RLE",
        "LRO",
        "RLO",
        "PDF",
        "LRI",
        "RLI",
        "FSI",
        "PDI",
    }


@given(st.text(st.characters()))
def test_no_character_that_acts_is_left(raw: str) -> None:
    assert not any(acts(character) for character in escape.text(raw) if character != "\n")
    assert not any(acts(character) for character in escape.line(raw) + escape.name(raw))
    assert escape.text(escape.text(raw)) == escape.text(raw)


@given(st.text(st.characters()))
def test_a_name_holds_no_bracket_and_is_never_nothing(raw: str) -> None:
    assert escape.name(raw).strip()
    assert not set("[]［］【】") & set(escape.name(raw))


@pytest.mark.parametrize(
    "text",
    ["Grüße", "שלום", "नमस्ते", "ẓ̌", "👩‍👩‍👧 🏳️‍🌈 👋🏽", "می‌خواهم", "a\nb", "[b]not markup[/b]"],
)
def test_living_scripts_stay_as_they_are(text: str) -> None:
    assert escape.text(text) == text


def test_escape_sequences_lose_what_makes_them_sequences() -> None:
    assert "\x1b" not in escape.text(HOSTILE)
    assert "[2J" in escape.text(HOSTILE)
    assert escape.text("a\r\nb\rc\td\u2028e") == "a\nb\nc    d\ne"
    assert escape.text("e" + "\u0301" * 100) == "e" + "\u0301" * 8


def test_a_badge_cannot_be_imitated() -> None:
    members = (FakeMember("Mara", facilitator=True), FakeMember("[facilitator] Eve"))
    assert words.author("Mara", members) == "[facilitator] Mara"
    assert words.author("[facilitator] Eve", members) == "(facilitator) Eve"


HOSTILE_EVENTS = (
    events.Waiting(HOSTILE),
    events.Knocked("aa", HOSTILE, HOSTILE, True),
    events.Joined(HOSTILE),
    events.Joined(HOSTILE, True, (HOSTILE, HOSTILE)),
    events.Left(HOSTILE),
    events.Removed(HOSTILE),
    events.Failed("aa", HOSTILE, HOSTILE),
    events.Problem(HOSTILE, HOSTILE),
    events.Unknown(HOSTILE, HOSTILE),
)


@pytest.mark.parametrize("event", HOSTILE_EVENTS, ids=lambda event: type(event).__name__)
def test_sentences_about_others_are_one_harmless_line(event: words.ToldEvent) -> None:
    sentence = words.of_event(event)
    assert not any(acts(character) for character in sentence)


def test_a_member_is_removed_by_the_name_that_is_shown() -> None:
    command = read("/remove (x) Eve", RoomView(), (FakeMember("[x] Eve"),))
    assert getattr(command, "name", None) == "[x] Eve"
