"""An invite survives being copied from a screen and pasted, and no part of it reaches a shell."""

import base64
import itertools
import os
import sys
import textwrap
from pathlib import Path

import pytest
from alcove import events
from alcove.cli import invite_input
from alcove.cli.invite_input import Kind, Pasted, from_lines
from alcove.cli.lines import Lines
from alcove.cli.ui.app import RoomApp
from alcove_protocol.invite import Invite, InviteRole, door_id_of
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from tests.client_sdk.cli.fake_room import INVITE, OPENED, FakeRoom, FakeScene
from tests.client_sdk.cli.process import REAL
from tests.client_sdk.cli.terminal import ENTER, Terminal

ROOM, SECRET = bytes(range(32)), bytes(range(32, 64))
MADE = Invite(
    InviteRole.PARTICIPANT, door_id_of(ROOM, SECRET), ROOM, "https://relay.example", SECRET
)
LINK = MADE.url()
ELSEWHERE = MADE.url("https://web.example")
WIDTHS = range(20, 201)
SCREENS = (*range(20, 31), *range(40, 70, 7), 71, 72, 99, 100, 101, 140, 200)
"""Widths of the full screen, with those at which its layout changes."""


def pasted(*parts: str, kind: Kind = invite_input.INVITE) -> Pasted:
    paste = Pasted(kind)
    for part in parts:
        paste.feed(part)
    return paste


def wrapped(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]


@pytest.mark.parametrize("link", [LINK, ELSEWHERE], ids=["same", "elsewhere"])
@pytest.mark.parametrize(
    "form", ["{}", "  {}", "{}   ", "│ {} │", "| {} |", "│ 20:41  {}  ││ Mara [you]  │", "║{}║"]
)
def test_every_wrapped_form_gives_the_link_back(link: str, form: str) -> None:
    for width, end in zip(WIDTHS, itertools.cycle(("\n", "\r\n", "\r", "\n\n")), strict=False):
        lines = [form.format(line) for line in wrapped(link, width)]
        invite = pasted(end.join(lines))
        assert invite.secret == link
        assert not invite.wants_more


@pytest.mark.parametrize("link", [LINK, ELSEWHERE], ids=["same", "elsewhere"])
def test_a_link_that_was_cut_off_is_waited_for_wherever_it_was_cut(link: str) -> None:
    for at in range(1, len(link)):
        assert pasted(link[:at] + "\n").wants_more, at


@given(st.lists(st.integers(1, len(LINK) - 1), max_size=8), st.sampled_from(["", " ", "\n", "\r"]))
def test_parts_that_come_one_by_one_give_the_link_back(cuts: list[int], between: str) -> None:
    edges = sorted({0, len(LINK), *cuts})
    invite = Pasted(invite_input.INVITE)
    for start, end in itertools.pairwise(edges):
        assert invite.wants_more
        invite.feed(LINK[start:end] + between)
    assert invite.secret == LINK
    assert not invite.wants_more


@pytest.mark.parametrize(
    ("keys", "link"),
    [
        (f"\x1b[200~{LINK}\x1b[201~", LINK),
        (f"\x1b[200~{LINK[:40]}\n{LINK[40:]}\x1b[201~\n", LINK),
        (f"x\x7f{LINK}", LINK),
        (f"wrong\x15{LINK}", LINK),
        (f"{LINK}\nls -la\n", LINK),
        (f"{LINK}\n{LINK}\n", LINK),
    ],
)
def test_keys_and_text_around_a_link_are_no_part_of_it(keys: str, link: str) -> None:
    assert pasted(keys).secret == link


@pytest.mark.parametrize(
    "text", ["nonsense", "ftp://", "https://relay.example/join#AQ{", LINK[:60] + "x" * 1000, "#"]
)
def test_what_can_become_no_link_wants_no_more(text: str) -> None:
    assert not pasted(text + "\n").wants_more


def test_a_link_of_a_later_version_wants_no_more() -> None:
    content = base64.urlsafe_b64encode(b"\x63" + bytes(80)).rstrip(b"=").decode()
    assert not pasted(f"https://relay.example/join#{content}\n").wants_more


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    invite = pasted(text)
    assert len(invite.secret) <= len(text)
    assert invite.wants_more in (True, False)


def test_a_pipe_is_read_on_while_the_link_is_incomplete() -> None:
    reading, writing = os.pipe()
    os.write(writing, "\n".join([*textwrap.wrap(LINK, 40), '{"do": "leave"}\n']).encode())
    lines = Lines(reading, 1000)
    assert from_lines(invite_input.INVITE, lines) == LINK
    assert lines.first() == b'{"do": "leave"}'
    os.write(writing, b"\n")
    assert from_lines(invite_input.INVITE, lines) == ""  # an empty line is an answer too: no link
    os.write(writing, LINK[:50].encode())
    os.close(writing)
    assert from_lines(invite_input.INVITE, lines) == LINK[:50]
    os.close(reading)


SHELL = """
"$0" -m tests.client_sdk.cli.fake_room rules join - --name Robin --plain
echo "status $?"
cat > "$1"
"""
"""A shell that runs the command, then `cat`, which reads what a shell would run next."""


def shell(rest: Path) -> Terminal:
    run = ("-c", "import os, sys; os.execvp('sh', ['sh', '-c', sys.argv[1], *sys.argv[2:]])")
    return Terminal(SHELL, sys.executable, str(rest), run=run)


@pytest.mark.parametrize("width", [20, 33, 80])
@pytest.mark.parametrize("bracketed", [True, False])
async def test_a_link_in_lines_is_taken_whole(width: int, bracketed: bool, tmp_path: Path) -> None:
    lines = wrapped(INVITE, width)
    text = "\n".join(lines)
    async with shell(tmp_path / "rest") as screen:
        await screen.see("Paste the invite")
        screen.type((f"\x1b[200~{text}\x1b[201~" if bracketed else text) + ENTER)
        await screen.see("Type /accept")
        screen.type("/leave" + ENTER)
        await screen.see("status 0")
        screen.type("\x04")
        await screen.end()
        assert (tmp_path / "rest").read_bytes() == b""
        assert not any(line.encode() in screen.raw for line in lines)


async def test_an_incomplete_link_is_waited_for(tmp_path: Path) -> None:
    async with shell(tmp_path / "rest") as screen:
        await screen.see("Paste the invite")
        screen.type(INVITE[:50] + ENTER)
        await screen.see("The link is not complete")
        screen.type(ENTER)
        await screen.see_times("The link is not complete", 2)
        screen.type("\x15" + INVITE[:40] + ENTER)  # begun again
        await screen.see_times("The link is not complete", 3)
        screen.type(INVITE[40:] + ENTER)
        await screen.see("Type /accept")
        assert INVITE[40:].encode() not in screen.raw


@pytest.mark.parametrize(
    "keys", ["nonsense" + ENTER + "rm -rf x" + ENTER, "https://relay\x04rm -rf x" + ENTER]
)
async def test_nothing_of_a_bad_paste_reaches_the_shell(keys: str, tmp_path: Path) -> None:
    async with shell(tmp_path / "rest") as screen:
        await screen.see("Paste the invite")
        screen.type(keys)
        await screen.see("not a complete invite link", "status 1")
        screen.type("\x04")
        await screen.end()
        assert (tmp_path / "rest").read_bytes() == b""


def rows(app: RoomApp, begin: str = "http") -> str:
    """The screen as a terminal's own selection copies it, from the link on."""
    shown = [
        "".join(part.text for part in strip) for strip in app.screen._compositor.render_strips()
    ]
    first = next(number for number, row in enumerate(shown) if begin in row)
    return "\n".join(shown[first:])


async def resized(pilot: "Pilot[None]", width: int) -> None:
    await pilot.resize_terminal(width, 40)
    await pilot.pause()


async def test_a_prompt_breaks_at_its_spaces_in_a_small_window() -> None:
    join = ("join", "-", "--name", "Robin", "--plain")
    async with Terminal(*join, run=REAL, columns=40) as screen:
        await screen.see("Paste the invite (it is not shown),\nthen press Enter:")
        screen.type("https://relay.exam" + ENTER)
        await screen.see(
            "The link is not complete: paste the\nrest of it. Ctrl+U starts again, Ctrl+C\n"
        )


async def test_the_link_can_be_copied_from_the_full_screen_at_its_widths() -> None:
    scene = FakeScene((events.Opened(LINK), *OPENED[1:]))
    app = RoomApp(FakeRoom(scene), accepted=True)
    async with app.run_test(size=(100, 40)) as pilot:
        while app._view.invite is None:
            await pilot.pause()
        for width in SCREENS:
            await resized(pilot, width)
            assert pasted(rows(app)).secret == LINK, f"conversation, {width} columns"
        await pilot.press("f2")
        for width in SCREENS:
            await resized(pilot, width)
            assert pasted(rows(app)).secret == LINK, f"sheet, {width} columns"
        await pilot.press("x")
        await pilot.press("ctrl+x")
