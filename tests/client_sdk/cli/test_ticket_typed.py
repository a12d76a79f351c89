"""A person at a terminal asks for a ticket, keeps it, and pastes it after a crash."""

import sys
from pathlib import Path

import pytest
from alcove import events
from alcove.cli import help_words, invite_input, slash_commands
from alcove.cli.naming import Misread
from alcove.cli.ui.app import RoomApp
from alcove.cli.ui.log import LogEntry

from tests.client_sdk.cli.fake_room import INVITE, OPENED, TICKET, FakeRoom, FakeScene
from tests.client_sdk.cli.process import REAL
from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.cli.resuming import told_of
from tests.client_sdk.cli.terminal import ENTER, Terminal
from tests.client_sdk.cli.test_invite_input import SCREENS, WIDTHS, pasted, resized, rows, wrapped
from tests.client_sdk.cli.test_screen import MARA
from tests.client_sdk.cli.test_together import mara

MADE = TICKET.text()
SHELL = """
"$0" -m tests.client_sdk.cli.fake_room open resume - --plain
echo "status $?"
cat > "$1"
"""
"""A shell that runs the command, then `cat`, which reads what a shell would run next."""


def shell(rest: Path) -> Terminal:
    run = ("-c", "import os, sys; os.execvp('sh', ['sh', '-c', sys.argv[1], *sys.argv[2:]])")
    return Terminal(SHELL, sys.executable, str(rest), run=run)


@pytest.mark.parametrize("form", ["{}", "  {}   ", "│ {} │", "│ 20:41  {}  ││ Mara [you]  │"])
def test_every_wrapped_form_gives_the_ticket_back(form: str) -> None:
    for width in WIDTHS:
        lines = [form.format(line) for line in wrapped(MADE, width)]
        paste = pasted("\r\n".join(lines), kind=invite_input.TICKET)
        assert paste.secret == MADE
        assert not paste.wants_more


def test_a_ticket_that_was_cut_off_is_waited_for_wherever_it_was_cut() -> None:
    for at in range(1, len(MADE)):
        assert pasted(MADE[:at] + "\n", kind=invite_input.TICKET).wants_more, at


@pytest.mark.parametrize("text", ["nonsense", "https://", "alcove-ticket-A{", MADE + "x" * 1000])
def test_what_can_become_no_ticket_wants_no_more(text: str) -> None:
    assert not pasted(text + "\n", kind=invite_input.TICKET).wants_more


def test_a_participant_is_offered_it() -> None:
    assert "/ticket" in help_words.help_for(facilitator=False)
    view = RoomApp(FakeRoom(FakeScene()), accepted=True)._view
    assert slash_commands.completed("/ti", view, ()) == "/ticket"
    with pytest.raises(Misread):
        slash_commands.read("/ticket please", view, ())


async def test_the_ticket_can_be_copied_from_the_full_screen_at_its_widths() -> None:
    app = RoomApp(FakeRoom(FakeScene((*OPENED[1:], events.TicketMade(MADE)))), accepted=True)
    async with app.run_test(size=(100, 40)) as pilot:
        while not any("alcove-ticket" in entry.body for entry in app._entries.query(LogEntry)):
            await pilot.pause()
        for width in SCREENS:
            await resized(pilot, width)
            assert pasted(rows(app, MADE[:7]), kind=invite_input.TICKET).secret == MADE, width
        await pilot.press("ctrl+x")


@pytest.mark.parametrize("mode", [(), ("--plain",)], ids=["screen", "plain"])
async def test_a_typed_ticket_is_shown_with_what_it_is_worth(mode: tuple[str, ...]) -> None:
    async with Terminal("open", *MARA, *mode) as screen:
        await screen.see("You are in")
        screen.type("/ticket" + ENTER)
        await screen.see(
            "brings you back as yourself",
            "find it:" if mode else "Keep it where only you",
            MADE[:40],
        )


@pytest.mark.parametrize("width", [20, 33, 80])
@pytest.mark.parametrize("bracketed", [True, False])
async def test_a_ticket_in_lines_is_taken_whole(
    width: int, bracketed: bool, tmp_path: Path
) -> None:
    lines = wrapped(MADE, width)
    text = "\n".join(lines)
    async with shell(tmp_path / "rest") as screen:
        await screen.see("Paste the ticket")
        screen.type((f"\x1b[200~{text}\x1b[201~" if bracketed else text) + ENTER)
        await screen.see("You are in")
        screen.type("/leave" + ENTER)
        screen.type("/leave" + ENTER)  # the only facilitator is asked
        await screen.see("status 0")
        screen.type("\x04")
        await screen.end()
        assert (tmp_path / "rest").read_bytes() == b""
        secret = [line for line in lines if line not in INVITE]  # both are of one room
        assert not any(line.encode() in screen.raw for line in secret)


async def test_an_incomplete_ticket_is_waited_for(tmp_path: Path) -> None:
    async with shell(tmp_path / "rest") as screen:
        await screen.see("Paste the ticket")
        screen.type(MADE[:50] + ENTER)
        await screen.see("The ticket is not complete")
        screen.type(MADE[50:] + ENTER)
        await screen.see("You are in")


async def test_a_person_that_typed_it_is_back_by_it_after_a_crash() -> None:
    async with RelayProcess() as relay, mara(relay) as (facilitator, invite):
        join = ("join", invite, "--name", "Robin", "--accept", "--plain")
        async with Terminal(*join, run=REAL, columns=300) as screen:
            await screen.see("You asked to be let in")
            knock = await facilitator.until("knock")
            await facilitator.do("admit", id=knock["id"])
            await screen.see("You are in")
            screen.type("/ticket" + ENTER)
            await screen.see("alcove-ticket-", "find it:")
            ticket = next(
                word for word in screen.shown.split() if word.startswith("alcove-ticket-")
            )
            since = len(facilitator.seen)
            screen.process.kill()
            async with Terminal("resume", "-", "--plain", run=REAL, columns=300) as again:
                await again.see("Paste the ticket")
                again.type(ticket + ENTER)
                await again.see("You are in", "find it:")  # with the next ticket
                assert ticket not in again.shown
                again.type("I am back." + ENTER)
                assert (await facilitator.until("message"))["text"] == "I am back."
                assert "reloaded" in told_of(facilitator, since)
                assert not {"left", "knock", "new_keys"} & {*told_of(facilitator, since)}
