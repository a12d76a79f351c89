"""The full screen, as a person at a terminal sees it."""

import base64
import signal

import pytest

from tests.client_sdk.cli.fake_room import INVITE, MY_FOLDS, TICKET
from tests.client_sdk.cli.process import ROOT
from tests.client_sdk.cli.terminal import (
    END,
    ENTER,
    ESCAPE,
    F2,
    PAGE_DOWN,
    PAGE_UP,
    QUICK_EXIT,
    TAB,
    Terminal,
)

AGREEMENT = str(ROOT / "tests" / "client_sdk" / "cli" / "agreement.txt")
OPEN = ("open", "--relay", "http://127.0.0.1:1", "--title", "T", "--agreement-file", AGREEMENT)
MARA = (*OPEN, "--name", "Mara")
ROBIN = ("join", INVITE, "--name", "Robin")


async def test_a_facilitator_talks_and_admits_a_newcomer() -> None:
    async with Terminal("knock", *MARA) as screen:
        await screen.see("Evening circle", "connected · room open", "Facilitators", "Mara [you]")
        await screen.see("Give this invite only", INVITE[:40], "Robin (code lamp river)")
        screen.type("hello [b]all[/b]" + ENTER)
        await screen.see("[you] Mara  hello [b]all[/b]")
        await screen.see_no("(sending)")
        screen.type(TAB)
        await screen.see("Press A, L or R", "A let in · L to listen · R refuse, then Enter")
        screen.type("a" + ENTER)
        await screen.see("You let Robin in.", "Enter send")
        await screen.see_no("Press A")
        screen.type("/retract" + ENTER)
        await screen.see_no("hello [b]all[/b]")
        screen.type("/end" + ENTER)
        await screen.see("End the room for everybody?", "type /end once more.")
        screen.type("/end" + ENTER)
        await screen.see("The room has ended", "Press Enter")
        await screen.see_no("Robin", "Give this invite")
        screen.type("x" + ENTER)  # that Enter ends what was typed on, and the next one the sheet
        screen.type(ENTER)
        assert await screen.end() == 0
    assert screen.remains.strip(b"\r\n") == b"" or b"ended" not in screen.remains


async def test_one_that_is_outside_is_removed_by_name() -> None:
    async with Terminal("away", *MARA) as screen:
        await screen.see("Robin has stepped outside.")
        screen.type("/remove rob")
        await screen.see("/remove robin")
        screen.type("in" + ENTER)
        await screen.see("Remove Robin? Robin is not here now")
        screen.type("/remove robin" + ENTER)
        await screen.see("You took Robin out of the room.")


async def test_what_is_said_at_the_door_leaves_the_screen_with_the_knock() -> None:
    """It is of one newcomer, and no message of the room: nothing would tell that it has expired."""
    async with Terminal("door-talk", *MARA) as screen:
        await screen.see("[at the door] Robin: I am a friend of Ash.")
        screen.type("/door robin Take your time." + ENTER + "/door all We begin late." + ENTER)
        await screen.see("[you] to Robin: Take your time.", "[you]: We begin late.")
        screen.type("/refuse robin" + ENTER)
        await screen.see("You did not let Robin in", "[you]: We begin late.", "Sam: Hello?")
        await screen.see_no("a friend of Ash", "Take your time.")
        screen.type("/refuse sam" + ENTER)
        await screen.see("You did not let Sam in")
        await screen.see_no("We begin late.", "Sam: Hello?")


async def test_a_newcomer_that_is_let_in_has_no_talk_of_the_door_on_the_screen() -> None:
    async with Terminal("let-in", *ROBIN, "--accept") as screen:
        await screen.see("You are in", "You asked to be let in.")
        await screen.see_no("[at the door]")
        assert "Mara is here with you" not in screen.shown


async def test_an_author_is_told_why_what_they_wrote_is_folded() -> None:
    async with Terminal("my-folds", *ROBIN, "--accept", rows=40) as screen:
        await screen.see("that is all")
        shown = " ".join(screen.shown.replace("│", " ").split())
        for begins in MY_FOLDS:
            assert begins.split(",")[0][:30] in shown, begins


async def test_sending_scrolls_to_the_end() -> None:
    async with Terminal("talk", *MARA, rows=20) as screen:
        await screen.see("can post. /appoint NAME")
        screen.type(PAGE_UP)
        await screen.see_no("can post. /appoint NAME")
        screen.type("and now" + ENTER)
        await screen.see("[you] Mara  and now", "can post. /appoint NAME")


@pytest.mark.parametrize(("columns", "rows"), [(100, 30), (80, 24), (40, 20)])
async def test_a_key_refuses_a_newcomer(columns: int, rows: int) -> None:
    async with Terminal("knock", *MARA, columns=columns, rows=rows) as screen:
        await screen.see("Tab to decide")
        screen.type(TAB)
        await screen.see("Press A, L or R", "A let in · L to listen · R refuse,")
        screen.type("r" + ENTER)
        await screen.see_no("Press A", "Waiting")
        await screen.see("You did not let Robin")


async def test_the_agreement_comes_first_and_enter_agrees_to_nothing() -> None:
    async with Terminal("rules", *ROBIN) as screen:
        await screen.see("Before you go in", "What is said here stays here.", "Accept (A)")
        await screen.see("↑ ↓ scroll")
        screen.type(ENTER + "a" + ENTER)
        await screen.see(
            "You asked to be let in", "lamp river", "waiting to be let in", "You are not in yet"
        )
        screen.type("/leave" + ENTER)
        assert await screen.end() == 0
    assert b"said here" not in screen.remains


async def test_declining_the_agreement_leaves() -> None:
    async with Terminal("rules", *ROBIN) as screen:
        await screen.see("Before you go in")
        screen.type("l" + ENTER)
        assert await screen.end() == 0


@pytest.mark.parametrize(("columns", "rows"), [(100, 30), (40, 20)])
async def test_a_word_for_today_goes_along_and_is_not_shown(columns: int, rows: int) -> None:
    async with Terminal("rules", *ROBIN, columns=columns, rows=rows) as screen:
        await screen.see("Before you go in", "Tab: a word for today")
        screen.type(TAB)
        await screen.see("Type your word")
        screen.type("abc")
        await screen.see("•••")
        screen.type(ENTER)
        await screen.see("with this word")
        screen.type("a" + ENTER)
        await screen.see("Choose a longer word")
        screen.type("blue kettle")  # in the place of the one before
        await screen.see("•" * 11)
        screen.type(ENTER)
        await screen.see("with this word")
        screen.type("a" + ENTER)
        await screen.see("You asked to be let in")
        screen.type("/leave" + ENTER)
        assert await screen.end() == 0
    assert b"abc" not in screen.raw
    assert b"kettle" not in screen.raw


async def test_one_stray_key_decides_nothing() -> None:
    async with Terminal("knock", *MARA, columns=80, rows=24) as screen:
        await screen.see("Robin (code", "Tab to decide")
        screen.type(TAB)
        await screen.see("Press A, L or R")
        screen.type(ENTER + "a")
        await screen.see("Let Robin in? Enter does it, any other key does not.", "Enter: let in")
        screen.type("R")
        await screen.see("Refuse Robin? Enter does it", "Robin (code")
    async with Terminal("rules", *ROBIN) as screen:
        await screen.see("Before you go in")
        screen.type("hello" + "a")
        screen.type("q")
        await screen.see("Before you go in", "What is said here stays here.")


@pytest.mark.parametrize("line", ["/door all sorry, one moment", "all right, I will call"])
async def test_a_person_that_forgot_the_list_types_on_and_decides_nothing(line: str) -> None:
    async with Terminal("knock", *MARA, columns=80, rows=24) as screen:
        await screen.see("Robin (code", "Tab to decide")
        screen.type(TAB)
        await screen.see("Press A, L or R")
        for letter in line:
            screen.type(letter)
        await screen.see(f"│  {line}", "Tab to decide", "Robin (code")
        screen.type(ENTER)
        await screen.see(f"[you]: {line[10:]}" if line[0] == "/" else f"[you] Mara  {line}")
        await screen.see("Robin (code")


async def test_a_paste_over_the_list_goes_into_the_line() -> None:
    async with Terminal("knock", *MARA, columns=80, rows=24) as screen:
        await screen.see("Robin (code", "Tab to decide")
        screen.type(TAB)
        await screen.see("Press A, L or R")
        screen.type("\x1b[200~all\nof it\x1b[201~")
        await screen.see("│  all of it", "Tab to decide")


async def test_who_reads_further_up_is_told_that_more_came_and_answers_show() -> None:
    async with Terminal("talk", *MARA, rows=20) as screen:
        await screen.see("can post. /appoint NAME")
        await screen.see_no("more below")
        screen.type(PAGE_UP)
        await screen.see("PgDn: more below")
        screen.type("/hekp" + ENTER)
        await screen.see("There is no such command")
        await screen.see_no("more below")


async def test_a_held_room_says_so_at_the_top_and_in_the_line() -> None:
    async with Terminal("held", *ROBIN, columns=80, rows=24) as screen:
        await screen.see("connected · room paused", "The room is paused; you can read")
    async with Terminal("held", *ROBIN, columns=40, rows=20) as screen:
        await screen.see("room paused")
    async with Terminal("open", *MARA, columns=80, rows=24) as screen:
        await screen.see("room open")
        screen.type("/hold" + ENTER)
        await screen.see("room paused", "Say something")
        screen.type("/resume" + ENTER)
        await screen.see("room open")


async def test_a_narrow_screen_tells_a_lost_connection_to_a_member_that_had_knocked() -> None:
    async with Terminal("cut-off", *ROBIN, columns=40, rows=20) as screen:
        await screen.see("reconnecting")


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 20)])
async def test_the_top_line_counts_for_how_long_the_relay_does_not_answer(
    columns: int, rows: int
) -> None:
    async with Terminal("silent", *ROBIN, columns=columns, rows=rows) as screen:
        await screen.see("no answer for 8 s")
        assert "room open" not in screen.shown
        await screen.see("no answer for 9 s")
        screen.type("Are you there?" + ENTER)
        await screen.see("(sending)")
    async with Terminal("answering", *ROBIN, columns=columns, rows=rows) as screen:
        await screen.see("connected · room open" if columns == 80 else "room open")


async def test_one_can_leave_while_a_text_waits_in_the_line() -> None:
    async with Terminal("taking-nothing", *MARA, columns=80, rows=24) as screen:
        await screen.see("Mara [you]")
        screen.type("what was that" + ENTER)
        await screen.see("It stays in your line", "│  what was that")
        screen.type("/members" + ENTER)
        await screen.see("In this room:", "│  what was that ")
        screen.type("/leave" + ENTER)
        assert await screen.end() == 0


@pytest.mark.parametrize(("scene", "flags"), [("taking-nothing", ()), ("not-now", ("--plain",))])
async def test_a_text_with_a_slash_stays_and_a_command_behind_a_space_does_not(
    scene: str, flags: tuple[str, ...]
) -> None:
    """Phones put a space before what they take for a word."""
    async with Terminal(scene, *MARA, *flags, columns=80, rows=24) as screen:
        await screen.see("\n>" if flags else "Mara [you]")
        screen.type(" /end" + ENTER)
        await screen.see("It cannot be undone.")
        await screen.see_no("Ctrl+U", "│   /end", ">  /end")
        screen.type("//shrug" + ENTER)
        await screen.see("Ctrl+U", "> //shrug" if flags else "│  //shrug")
        screen.type("/leave" + ENTER)
        assert await screen.end() == 0


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 20)])
async def test_the_help_begins_with_its_beginning(columns: int, rows: int) -> None:
    async with Terminal("held", *ROBIN, columns=columns, rows=rows) as screen:
        await screen.see("room paused")
        screen.type("/help" + ENTER)
        await screen.see("What you can type:", "//text")
        for further in ("/anyway", "/leave:", "start with"):
            screen.type(PAGE_DOWN)
            await screen.see(further)
        await screen.see_no("Tab:", "F2:")  # keys of a facilitator


async def test_who_was_not_let_in_is_told_of_no_conversation() -> None:
    async with Terminal("not-let-in", *ROBIN, columns=80, rows=24) as screen:
        await screen.see("You were not let in.", "Press Enter to close.")
        await screen.see_no("The conversation is gone")


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        ("closed-unsent", "What still waited to be sent was not sent."),
        ("closed-unconfirmed", "was not confirmed"),
        ("closed-kept", "What you took back was not taken back"),
        ("closed-held", ""),
        ("closed-all", ""),
    ],
)
async def test_the_end_tells_what_became_of_texts_that_waited(scene: str, said: str) -> None:
    """The sheet told only of the end, and nobody knew whether the last words were read."""
    async with Terminal(scene, *MARA, columns=80, rows=24) as screen:
        await screen.see("The room has ended", *([said] if said else ()))
        assert any(it in screen.shown for it in ("What you", "What still")) is bool(said)


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 20)])
async def test_a_small_window_shows_a_usable_agreement_and_every_hint(
    columns: int, rows: int
) -> None:
    async with Terminal("long-rules", *ROBIN, columns=columns, rows=rows) as screen:
        await screen.see("Before you go in", "Press A and", "Accept (A)", "Leave (L)")
        await screen.see("rule number 0.", "rule number 7.")
    async with Terminal("open", *MARA, columns=columns, rows=rows) as screen:
        await screen.see("quick exit", "/help", "Enter send", "PgUp", "F2 invite")


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 20)])
async def test_the_sheet_says_that_there_is_more_only_where_there_is(
    columns: int, rows: int
) -> None:
    async with Terminal("long-rules", *ROBIN, columns=columns, rows=rows) as screen:
        await screen.see("Before you go in", "rule number 0.", "↓ more below")
        screen.type(PAGE_DOWN)
        await screen.see("rule number 15.", "↓ more below")
        screen.type(END)
        await screen.see("rule number 39.", "↑ ↓ scroll")
        await screen.see_no("more below")
        screen.type(PAGE_UP)
        await screen.see("↓ more below")
    async with Terminal("rules", *ROBIN, columns=columns, rows=rows) as screen:
        await screen.see("Before you go in", "Be kind.")
        await screen.see_no("more below")


async def test_the_help_lists_keys_and_the_way_for_screen_readers() -> None:
    async with Terminal("open", *MARA, rows=60) as screen:
        await screen.see("Enter send")
        screen.type("/help" + ENTER)
        await screen.see("What you can type:")
        screen.type(PAGE_DOWN + PAGE_DOWN)
        await screen.see("PgUp, PgDn: scroll", "Tab: go to the people", "start with --plain")


async def test_the_invite_is_shown_as_a_code_where_it_fits() -> None:
    async with Terminal("open", *MARA, columns=80, rows=24) as screen:
        await screen.see("Enter send", "Mara [you]")
        screen.type("/qr" + ENTER)
        await screen.see("Show it to a camera. Any key goes back.", "█▀▀▀▀▀█")
        screen.type(ESCAPE)
        await screen.see("Conversation")
    async with Terminal("open", *MARA, columns=40, rows=20) as screen:
        await screen.see("Enter send")
        screen.type("/qr" + ENTER)
        await screen.see("The code needs a window")


@pytest.mark.parametrize("keys", [QUICK_EXIT, ESCAPE + ESCAPE])
@pytest.mark.parametrize("scene", ["rules", "knock", "enter-hangs"])
async def test_quick_exit_from_anywhere_leaves_nothing(scene: str, keys: str) -> None:
    who = ROBIN if scene in ("rules", "enter-hangs") else MARA
    async with Terminal(scene, *who) as screen:
        await screen.see("Accept (A)" if scene == "rules" else "Enter send")
        screen.type(keys)
        assert await screen.end() == 0
        assert screen.shown.strip() == ""
    assert screen.raw.rstrip().endswith(b"\x1b[H\x1b[2J\x1b[3J")
    assert b"Mara" not in screen.remains


@pytest.mark.parametrize("columns", [40, 80])
async def test_a_narrow_screen_still_names_the_quick_exit(columns: int) -> None:
    async with Terminal("open", *MARA, columns=columns, rows=20) as screen:
        await screen.see("Ctrl+X or Esc Esc quick exit")


async def test_quick_exit_does_not_wait_for_a_relay_that_is_silent() -> None:
    async with Terminal("leave-hangs", *MARA) as screen:
        await screen.see("Mara [you]")
        screen.type(QUICK_EXIT)
        await screen.see_no("Mara")  # at once, whatever the process still tries
        assert await screen.end() == 0


async def test_hostile_texts_do_not_act_on_the_terminal() -> None:
    async with Terminal("hostile", *MARA, columns=120) as screen:
        await screen.see("[2J", "]52;c;c3RvbGVu", "[bold red]x[/]", "Mara: forged", "end of it")
        # A forged line begins where texts stand, not where times and names do.
        forged = [line for line in screen.shown.splitlines() if "Mara: forged" in line]
        assert any(line.startswith("│        Mara") for line in forged)
        assert "[facilitator] Mara" not in screen.shown
        screen.type(QUICK_EXIT)
        await screen.end()
    assert b"\x1b]52" not in screen.raw
    assert "\u202e".encode() not in screen.raw
    assert "\x9b".encode() not in screen.raw


async def test_a_warning_hides_the_text_until_it_is_asked_for() -> None:
    async with Terminal("warning", *MARA) as screen:
        await screen.see("Content warning: grief")
        assert "a hard day" not in screen.shown
        screen.type("/show" + ENTER)
        await screen.see("a hard day")


async def test_a_folded_text_is_shown_when_its_reader_asks() -> None:
    async with Terminal("folds", *MARA, rows=40) as screen:
        await screen.see("the last one", "Robin  This is folded.")
        assert "abuse" not in screen.shown
        assert "more of it" not in screen.shown
        assert screen.shown.count("Robin  This is folded") == 2
        screen.type("/show" + ENTER)
        await screen.see("more of it")
        screen.type("/show" + ENTER)
        await screen.see("abuse at length")
        screen.type("/foldlast Robin" + ENTER)
        await screen.see_no("the last one")


async def test_a_long_text_is_folded_until_it_is_asked_for() -> None:
    async with Terminal("long", *MARA, rows=60) as screen:
        await screen.see("line 11.", "This message is long. Type /show")
        assert "line 12." not in screen.shown
        screen.type("/show" + ENTER)
        await screen.see("line 29.")


async def test_problems_are_told_in_words() -> None:
    async with Terminal("talk", *MARA, rows=110) as screen:
        await screen.see("3 messages did not reach you.", "nobody can tell", "room is not safe")
        await screen.see_no("Grüße")
        screen.type("/dance" + ENTER)
        await screen.see("There is no such command")


async def test_a_text_that_cannot_be_sent_stays_in_the_input() -> None:
    async with Terminal("not-now", *MARA) as screen:
        await screen.see("Enter send", "Mara [you]")
        screen.type("too early" + ENTER)
        await screen.see("You are not in yet.", "too early")


async def test_the_invite_goes_to_the_clipboard_only_on_demand() -> None:
    async with Terminal("open", *MARA) as screen:
        await screen.see("Give this invite only")
        assert b"\x1b]52" not in screen.raw
        screen.type(F2)
        await screen.see("handed to your terminal's clipboard")
        assert b"\x1b]52;c;" + base64.b64encode(INVITE.encode()) in screen.raw
        # The link stands alone and from the edge, to be selected with the mouse.
        assert INVITE in screen.shown.replace("\n", "")
        screen.type(ESCAPE)
        await screen.see("Conversation")
        screen.type("/invite new" + ENTER)
        await screen.see("Mara [you]")


@pytest.mark.parametrize(
    ("line", "secret", "last"),
    [("/ticket", TICKET.text(), "find it."), ("/standby", INVITE, "/standby off")],
)
@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 20)])
async def test_what_is_to_be_kept_is_seen_whole_with_a_person_outside(
    line: str, secret: str, last: str, columns: int, rows: int
) -> None:
    """The conversation had six lines beside the list of those outside, and a ticket has fourteen
    with what is said of it."""
    async with Terminal("someone-outside", *MARA, columns=columns, rows=rows) as screen:
        await screen.see("Kim")
        screen.type(line + ENTER)
        await screen.see("Enter goes", last)
        assert secret in screen.shown.replace("\n", "")  # from the edge, to be selected
        screen.type("hello")  # no letter takes it away
        assert b"\x1b]52" not in screen.raw
        screen.type(F2)
        await screen.see("It was handed to your terminal's")
        assert b"\x1b]52;c;" + base64.b64encode(secret.encode()) in screen.raw
        assert secret in screen.shown.replace("\n", "")
        screen.type(ENTER)
        await screen.see("Conversation")
        await screen.see_no("It was handed to")


async def test_no_sheet_takes_the_keys_of_a_text_that_is_being_written() -> None:
    async with Terminal("late-ticket", *MARA) as screen:
        await screen.see("Mara [you]")
        screen.type("/ticket" + ENTER + "half a line")
        await screen.see("half a line")
        screen.process.send_signal(signal.SIGUSR1)
        await screen.see("alcove resume", "half a line", "Conversation")


@pytest.mark.parametrize("keys", ["hello", ESCAPE + "x", ENTER * 3])
async def test_who_types_on_while_the_invite_stands_alone_stays_in_the_room(keys: str) -> None:
    """The second key closed a sheet that was closed: the program failed, and left the room."""
    async with Terminal("open", *MARA) as screen:
        await screen.see("Mara [you]")
        screen.type(F2)
        await screen.see("Press any key to go back.")
        screen.type(keys)
        await screen.see("Conversation", "Mara [you]")
        screen.type(F2)  # some of the keys may be in the input, as they come
        await screen.see("Press any key to go back.")


async def test_enter_pressed_twice_accepts_once() -> None:
    async with Terminal("rules", *ROBIN) as screen:
        await screen.see("Before you go in", "Accept (A)")
        screen.type("a" + ENTER * 3)
        await screen.see("You asked to be let in", "waiting to be let in")
        await screen.see_no("The screen failed")


async def test_pasted_lines_are_joined() -> None:
    async with Terminal("open", *MARA) as screen:
        await screen.see("Enter send", "Mara [you]")
        screen.type("\x1b[200~one\ntwo\x1b[201~" + ENTER)
        await screen.see("[you] Mara  one two")


async def test_joiners_are_kept() -> None:
    async with Terminal("echo", *MARA) as screen:
        await screen.see("Enter send", "Mara [you]")
        screen.type("x می\u200cخواهم 👩\u200d👧" + ENTER)
        await screen.see(r"\u06cc\u200c\u062e", r"\U0001f469\u200d\U0001f467")


async def test_keys_that_come_fast_keep_their_order() -> None:
    async with Terminal("open", *MARA) as screen:
        await screen.see("Enter send", "Mara [you]")
        screen.type("one" + ENTER + "twx\x7fo" + ENTER + "/dance" + ENTER + "thre")
        await screen.see("[you] Mara  one ", "[you] Mara  two ", "no such command", "thre")
        assert screen.shown.count("[you] Mara  ") == 2


async def test_it_works_without_colours_and_in_a_small_window() -> None:
    colours = {"NO_COLOR": "1"}
    async with Terminal("knock", *MARA, columns=50, rows=18, environment=colours) as screen:
        await screen.see("Evening circle", "Robin (code lamp river)", "Tab to decide")
        screen.type(TAB)
        await screen.see("Press A, L or R", "A let in · L to listen · R refuse")
        screen.type("a" + ENTER)
        await screen.see("You let Robin in.", "quick exit")
        await screen.see_no("Press A")


@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP"])
async def test_signals_leave_and_restore_the_terminal(number: str) -> None:
    async with Terminal("open", *MARA) as screen:
        await screen.see("Mara [you]")
        screen.process.send_signal(getattr(signal, number))
        assert await screen.end() == 0
    assert b"\x1b[?1049l" in screen.raw


@pytest.mark.parametrize(("scene", "status"), [("refused", 3), ("down", 1), ("bad-name", 1)])
async def test_a_failed_entry_is_explained(scene: str, status: int) -> None:
    async with Terminal(scene, *ROBIN) as screen:
        assert await screen.end() == status
        assert "alcove: " in screen.shown


BREAKING = """
from alcove.cli.ui.app import RoomApp
from tests.client_sdk.cli import fake_room

def action_copy_invite(self):
    canary = "canary"
    raise RuntimeError(canary)

RoomApp.action_copy_invite = action_copy_invite
fake_room.main()
"""


async def test_a_screen_that_breaks_shows_nothing_of_the_room() -> None:
    async with Terminal("open", *MARA, run=("-c", BREAKING)) as screen:
        await screen.see("Mara [you]")
        screen.type(F2)
        assert await screen.end() == 1
        assert "The screen failed; the room was left. Try --plain." in screen.shown
    assert b"canary" not in screen.raw


async def test_an_unforeseen_error_of_a_command_leaves_the_screen_whole() -> None:
    async with Terminal("clumsy", *MARA) as screen:
        await screen.see("Mara [you]")
        screen.type("hello" + ENTER)
        await screen.see("(KeyError)", "hello")
    assert b"canary" not in screen.raw


async def test_a_changed_agreement_takes_no_letter_that_is_typed() -> None:
    async with Terminal("changed", *MARA, rows=30) as screen:
        await screen.see("The ground rules changed; this is version 2", "Two lines.")
        screen.type("a draft" + ENTER)  # an A would accept, were it a sheet
        await screen.see("a draft")
        screen.type("/rules de" + ENTER)
        await screen.see("Hört auch zu.")
        screen.type("/accept" + ENTER)
        await screen.see("lamp river")
        screen.type("/leave" + ENTER)
        assert await screen.end() == 0


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 20)])
async def test_each_way_of_folding_leaves_what_show_says_true(columns: int, rows: int) -> None:
    async with Terminal("fold-ways", *MARA, columns=columns, rows=rows) as screen:
        await screen.see("This is folded")
        for text in ("Robin  worse", "Robin  a hard day", "line 19.", "abuse"):
            assert text not in screen.shown
            screen.type("/show" + ENTER)
            await screen.see(text)
        screen.type("/show" + ENTER)
        await screen.see("Nothing is hidden here")


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 20)])
async def test_who_accepts_before_the_end_is_told_that_the_text_goes_on(
    columns: int, rows: int
) -> None:
    async with Terminal("long-rules", *ROBIN, columns=columns, rows=rows) as screen:
        await screen.see("rule number 0.", "↓ more below")
        screen.type("a")
        await screen.see("There is more below: ↓ reads on.", "Accept (A)")
        screen.type(PAGE_DOWN * 6)  # the button has the focus, and the text scrolls
        await screen.see("rule number 39.", "Enter accepts. L, Enter leaves.", "↑ ↓ scroll")
        await screen.see_no("There is more below")
        screen.type(ENTER)
        await screen.see("You asked to be let in")


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 20)])
async def test_the_keys_of_the_agreement_stay_in_sight_however_far_it_is_read(
    columns: int, rows: int
) -> None:
    async with Terminal("long-rules", *ROBIN, columns=columns, rows=rows) as screen:
        for line in ("rule number 0.", "rule number 39."):
            await screen.see(line, "Press A and then Enter to accept", "Leave (L)", "Tab: a word")
            screen.type(END)
