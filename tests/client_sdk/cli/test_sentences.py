"""Every sentence that a person can meet stands in sentences.txt, under the state that it claims."""

import re
from pathlib import Path
from typing import Final

import pytest
from alcove.cli.slash_commands import is_command

from tests.client_sdk.cli.collect_sentences import sentences

_TABLE: Final = Path(__file__).with_name("sentences.txt")
_FRIGHTENING: Final = re.compile(r"\b(errors?|denied|banned|kicked|illegal|fatal|abort\w*)\b", re.I)
_DEVELOPERS: Final = ("Bytes from outside", "A program wrote a line", "A defect of this")


def table() -> dict[str, str]:
    """Each sentence's state."""
    states: dict[str, str] = {}
    state = ""
    for line in _TABLE.read_text().splitlines():
        if line.startswith("# "):
            state = line[2:]
        elif state and line:
            assert line not in states, f"twice: {line}"
            states[line] = state
    return states


def test_the_table_has_every_sentence_of_the_source_and_no_other() -> None:
    told = {text.replace("\n", "\\n") for text in sentences()}
    listed = set(table())
    assert told - listed == set(), "sentences without a state, see sentences.txt"
    assert listed - told == set(), "these are no sentences of the source any more"


@pytest.mark.parametrize("state", sorted(set(table().values())))
def test_no_sentence_frightens(state: str) -> None:
    for sentence, its_state in table().items():
        if its_state == state and not state.startswith(_DEVELOPERS):
            assert not _FRIGHTENING.search(sentence), sentence


_ASKS_FOR_AN_ACT: Final = re.compile(
    r"\b((un)?lock the door|demoted?\b.* first|(step down|resume|revoke).{0,20} (first|instead)"
    r"|(close|make|give them) (the|a new) (invite|one)\b|let this person in"
    r"|remove .* first|read theirs"
    r"|admit or refuse|leave (it,|or end|instead)|end the room|the new ones first)",
    re.I,
)
_OVER: Final = (  # nothing can be typed any more, or not yet
    "Shown by",
    "The command line",
    "The room is over",
    "An invite or",
    "The relay answered this code",
    "By a ticket",
    "A signature, a card",
)


def test_a_sentence_that_asks_for_an_act_names_the_command() -> None:
    for sentence, state in table().items():
        told = bool(_ASKS_FOR_AN_ACT.search(sentence)) and not state.startswith(_OVER)
        claims = sentence.startswith(("The relay", "You asked", "Your client", "A member's"))
        if told and not claims:
            assert re.search(r"/[a-z]+", sentence), sentence


def test_each_command_that_a_sentence_names_can_be_typed() -> None:
    for sentence in table():
        for word in re.findall(r"(?:^|[ (\"])(/[a-z]+)\b", sentence):
            assert is_command(word), sentence


def test_the_collector_finds_what_is_told() -> None:
    # Of an event, of a refusal, and of a text put together from parts.
    found = sentences()
    assert "You are connected again." in found  # in a table of words
    assert "{} joined." in found  # filled in
    assert "The room is full." in found  # of a refusal
    assert "Your way back into this room was closed. {}" in found  # what follows is filled in
    assert any(text.startswith("No facilitator has been heard here") for text in found)  # in parts
