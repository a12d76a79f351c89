"""The evening of docs/an-evening-in-the-terminal.md plays, and its page shows what was recorded."""

import re

import pytest

from tests.client_sdk.cli.record_evening import PAGE, evening, written

_BLOCKS = re.compile(r"<!-- (\S+) (\w+) ([^>]+) -->\n```text\n(.+?)\n```", re.S)
_NEVER = ("went wrong", "a fault of this client", "There is no such command", "Not sent")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", ["full-40", "plain-40"])
async def test_the_evening_plays_and_no_sentence_of_it_is_wrong(mode: str) -> None:
    """It waits for each sentence that somebody has to read. Two facilitators, three let in, a hold,
    a removal, a handover, a network that is lost, and the end."""
    shots = await evening(mode)
    shown = " ".join(" ".join(lines) for lines in shots.values())
    assert not [text for text in _NEVER if text in shown]
    named = {found[:3] for found in _BLOCKS.findall(PAGE.read_text()) if found[0] == mode}
    assert named <= shots.keys()


def test_each_block_of_the_page_was_recorded() -> None:
    page = PAGE.read_text()
    blocks = _BLOCKS.findall(page)
    assert len(blocks) == page.count("```text")
    assert {mode for mode, *_ in blocks} == {"full-80", "full-40", "plain-80", "plain-40"}


def test_no_secret_of_an_invite_is_on_the_page() -> None:
    assert "join#." in PAGE.read_text()
    assert not re.search(r"join#[\w-]", PAGE.read_text())


def test_a_screen_takes_the_place_of_the_one_before() -> None:
    block = "<!-- {} ash door -->\n```text\n{}\n```"
    page = "\n".join(["a", block.format("full-80", "old"), block.format("full-40", "x")])
    new = written(page, {("full-80", "ash", "door"): ["one", "two"]})
    assert new == page.replace("old", "one\ntwo")
