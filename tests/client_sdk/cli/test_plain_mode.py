"""Plain lines: what a pipe or a screen reader gets."""

import asyncio

import pytest
from alcove import events
from alcove.cli import own_texts, words
from alcove.cli.commands import SendCommand
from alcove.cli.own_texts import OwnTexts
from alcove.cli.performer import Performer

from tests.client_sdk.cli.fake_room import INVITE, MY_FOLDS, SCENES, FakeRoom
from tests.client_sdk.cli.process import ROOT, WITHIN, Process, start
from tests.client_sdk.cli.terminal import ENTER, Terminal

AGREEMENT = str(ROOT / "tests" / "client_sdk" / "cli" / "agreement.txt")
OPEN = ("open", "--relay", "http://127.0.0.1:1", "--title", "T", "--agreement-file", AGREEMENT)
MARA = (*OPEN, "--name", "Mara")
ROBIN = ("join", "-", "--name", "Robin")
ROBIN_HERE = ("join", INVITE, "--name", "Robin")


class Reader:
    """The lines of one process."""

    def __init__(self, room: Process) -> None:
        self._room = room
        self.text = ""

    async def see(self, *texts: str, times: int = 1) -> None:
        assert self._room.process.stdout is not None
        while not all(self.text.count(text) >= times for text in texts):
            line = await asyncio.wait_for(self._room.process.stdout.readline(), WITHIN)
            assert line, f"{texts} never came: {self.text}"
            self.text += line.decode()

    async def type(self, line: str) -> None:
        await self._room.write(line.encode() + b"\n")

    async def end(self) -> tuple[int, str]:
        stdout, stderr = await asyncio.wait_for(self._room.process.communicate(), WITHIN)
        self.text += stdout.decode()
        assert self._room.process.returncode is not None
        return self._room.process.returncode, stderr.decode()


async def test_a_conversation_in_lines() -> None:
    async with await start("knock", *MARA) as room:
        reader = Reader(room)
        await reader.see(INVITE, "Robin (code lamp river) asks to be let in. Type /admit")
        await reader.type("/admit")
        await reader.see("[room] You let Robin in.")
        await reader.type("hello")
        await reader.type("/help")
        await reader.see("    /remove NAME: take a person out")
        await reader.type("/who")
        await reader.see("    [facilitator] Mara [you]")
        await reader.type("/invite")
        await reader.type("/invite new")
        await reader.type("/retract")
        await reader.see("[room] You took a message back")
        for wrong in ("/dance", "/rules", "/show", "x" * 100_000):
            await reader.type(wrong)
        await room.write(b"\xff\n")
        await reader.see(
            "no such command", "the ground rules", "Nothing is hidden", "too long", "UTF-8"
        )
        await reader.type("/end")
        await reader.see("[room] End the room for everybody?", "type /end once more.")
        await reader.type("/edn")
        await reader.type("/end")
        await reader.see("type /end once more.", times=2)
        await reader.type("/end")
        assert await reader.end() == (0, "")
    assert reader.text.count(INVITE) == 3
    assert reader.text.endswith(
        "[room] The room has ended: a facilitator closed it for everybody.\n"
    )
    assert "\x1b" not in reader.text


async def test_the_agreement_is_asked_for() -> None:
    async with await start("rules", *ROBIN) as room:
        reader = Reader(room)
        await reader.type(INVITE)
        await reader.see("Evening circle: the ground rules, version 1", "Type /accept")
        assert "    What is said here stays here.\n    Be kind.\n" in reader.text
        await reader.type("/accept")
        await reader.see("compare this code with theirs: lamp river")
        await reader.type("/rules")
        await reader.type("/leave")
        assert await reader.end() == (0, "")


async def test_every_event_is_a_sentence_and_no_text_acts_on_the_terminal() -> None:
    async with await start("everything", *MARA) as room:
        reader = Reader(room)
        status, errors = await reader.end()
    assert status == 4
    assert errors == "alcove: You were removed from this room.\n"
    for line in (
        "Robin: Grüße 🌱\n    zwei\n",
        "Robin: (content warning) grief. Type /show to read it.\n",
        "    Two lines.\n    Not more.\n[room] The ground rules changed; this is version 2.",
        "[room] The ground rules are version 3 now, and you need not accept them again.",
        "[room] Robin accepted the new ground rules.",
        "[room] Sam left.",
        "[room] Kim is no longer in the room.",
        "[room] Robin took a message back.",
        "[room] You opened the room again.",
        "[room] You folded 2 messages above, for everybody.",
        "[room] Not sent: Only a facilitator can do that.",
        "[room] 3 messages did not reach you.",
        "[room] Messages may be missing here, and nobody can tell",
        "[room] Robin did something that this version of Alcove cannot show",
    ):
        assert line.replace("(content warning)", "[content warning]") in reader.text


def test_what_others_may_have_read_is_not_called_unsent() -> None:
    failed = events.Failed("aa", "unconfirmed", "The room was closed before the relay answered.")
    assert words.of_event(failed) == f"Not confirmed: {failed.text}"


async def test_an_author_is_told_why_what_they_wrote_is_folded() -> None:
    async with await start("my-folds", *ROBIN_HERE) as room:
        reader = Reader(room)
        await reader.see("that is all")
        said = " ".join(reader.text.split())
        assert [one for one in MY_FOLDS if one not in said] == []
        assert "above" not in said  # as of another's message
        assert "Kim" not in said  # another's fold is no word to a participant
        await reader.type("/leave")
        await reader.end()


async def test_one_that_is_outside_is_removed_by_name() -> None:
    async with await start("away", *MARA) as room:
        reader = Reader(room)
        await reader.see("Robin has stepped outside.")
        await reader.type("/who")
        await reader.see("    Robin [not here, may come back]")
        await reader.type("/pause robin")
        await reader.see("[room] Robin is not in the room at the moment, so /pause can do nothing.")
        await reader.type("/remove robin")
        await reader.see("[room] Remove Robin? Robin is not here now, and can then be let in")
        await reader.type("/remove robin")
        await reader.see("[room] You took Robin out of the room.")
        await reader.type("/leave")
        await reader.end()


async def test_a_hostile_text_makes_no_line_of_its_own() -> None:
    async with await start("hostile", *MARA) as room:
        reader = Reader(room)
        await reader.see("end of it")
        await reader.type("/leave")
        await reader.see("You are the only facilitator here.", "type /leave once more")
        await reader.type("/who")  # something else was asked for, so the question comes again
        await reader.type("/leave")
        await reader.see("type /leave once more", times=2)
        await reader.type("/leave")
        await reader.end()
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(reader.text)
    assert not any(line.startswith("Mara") for line in reader.text.splitlines())


async def test_a_folded_text_is_printed_on_demand() -> None:
    async with await start("folds", *MARA) as room:
        reader = Reader(room)
        await reader.see("Robin: This is folded.")
        await reader.see("You folded a message above, for everybody.")
        assert "more of it" not in reader.text
        await reader.type("/show")
        await reader.see("Robin: more of it")
        await reader.type("/show")
        await reader.see("What was folded was printed before, and stands above")
        await reader.type("/fold Robin")
        await reader.see("Nothing that Robin wrote stands open here.")
        await reader.type("/unfold Robin")
        await reader.see("You ended it: what Robin writes from now on is not folded any more.")


async def test_a_warned_text_is_shown_on_demand() -> None:
    async with await start("warning", *MARA) as room:
        reader = Reader(room)
        await reader.see("[content warning] grief")
        assert "a hard day" not in reader.text
        await reader.type("/show")
        await reader.see("Robin: a hard day")


@pytest.mark.parametrize("scene", ["not-now", "clumsy"])
async def test_a_failed_command_is_told(scene: str) -> None:
    async with await start(scene, *MARA) as room:
        reader = Reader(room)
        await reader.type("hello")
        await reader.see("You are not in yet." if scene == "not-now" else "a fault of this client")


async def test_a_failed_entry_is_told_once() -> None:
    async with await start("down", *MARA) as room:
        reader = Reader(room)
        status, errors = await reader.end()
    assert status == 1
    assert reader.text == "[room] The relay cannot be reached.\n"
    assert errors == "alcove: The relay cannot be reached.\n"


async def test_the_full_screen_appears_only_where_it_can_be_drawn() -> None:
    async with Terminal("knock", *MARA, "--plain") as screen:
        await screen.see("[room] Robin (code lamp river) asks")
        screen.type("/leave" + ENTER)
        assert await screen.end() == 0
        assert b"\x1b[?1049h" not in screen.raw
    async with Terminal("knock", *MARA, environment={"TERM": "dumb"}) as screen:
        await screen.see("[room] Robin (code lamp river) asks")
        screen.process.terminate()
        assert await screen.end() == 0
        assert b"\x1b" not in screen.raw


async def test_an_invite_typed_at_a_terminal_is_not_shown() -> None:
    async with Terminal("rules", *ROBIN, "--plain") as screen:
        await screen.see("Paste the invite")
        screen.type(INVITE + ENTER)
        await screen.see("Type /accept")
        assert INVITE.partition("#")[2].encode() not in screen.raw
        screen.type("/leave" + ENTER)
        assert await screen.end() == 0


@pytest.mark.parametrize("columns", [40, 80])
async def test_no_line_of_a_text_stands_where_the_program_speaks(columns: int) -> None:
    async with Terminal("long", *MARA, "--plain", columns=columns, rows=60) as screen:
        await screen.see("[room] Sam left.", "\n>")
        lines = screen.shown.splitlines()
        assert not any(line.startswith("[room] Sam") for line in lines)
        assert not any(line.startswith("line") for line in lines)


async def test_a_long_text_is_folded_and_shown_in_parts() -> None:
    async with Terminal("long", *MARA, "--plain", rows=60) as screen:
        await screen.see("Robin: line 0.", "line 11.", "This message has 18 more lines. /show")
        assert "line 12." not in screen.shown
        screen.type("/show" + ENTER)
        await screen.see("line 23.", "This message has 6 more lines.")
        screen.type("/show" + ENTER)
        await screen.see("line 29.")
        screen.type("/show" + ENTER)
        await screen.see("Nothing is hidden here")


@pytest.mark.parametrize("columns", [40, 80])
async def test_what_arrives_leaves_the_typed_line_whole(columns: int) -> None:
    async with Terminal("open", *MARA, "--plain", columns=columns) as screen:
        await screen.see("\n>")
        screen.type("/invite new" + ENTER + "half a li")
        await screen.see_times("[room] Give this invite", 2)
        await screen.see("> half a li")
        assert screen.shown.rstrip().endswith("> half a li")
        screen.type("ne" + ENTER)
        await screen.see("[you] half a line")
        # The link is whole: a terminal that wraps it puts no line end into it.
        assert INVITE in screen.shown.replace("\n", "")


async def test_a_paste_waits_for_enter_and_control_d_is_answered() -> None:
    async with Terminal("open", *MARA, "--plain") as screen:
        await screen.see("\n>")
        screen.type("\x1b[200~one\ntwo\x1b[201~")
        await screen.see("> one\u21b5two")
        assert "[you]" not in screen.shown
        screen.type("\x04")
        await screen.see("type /leave or press Ctrl+C", "> one\u21b5two")
        screen.type(ENTER)
        await screen.see("[you] one\n    two")


@pytest.mark.parametrize("scene", ["not-now", "clumsy"])
async def test_a_text_that_cannot_be_sent_stays_in_the_line(scene: str) -> None:
    async with Terminal(scene, *MARA, "--plain") as screen:
        await screen.see("\n>")
        screen.type("too early" + ENTER)
        await screen.see("You are not in yet." if scene == "not-now" else "(KeyError)")
        await screen.see("> too early")
        assert "[you]" not in screen.shown


async def test_the_end_of_input_is_told() -> None:
    async with await start("open", *MARA) as room:
        reader = Reader(room)
        await reader.see("You are in")
        assert room.process.stdin is not None
        room.process.stdin.close()
        await reader.see("Your input has ended", "press Ctrl+C")


async def test_pasted_lines_wait_until_the_room_takes_them() -> None:
    room, told, posted = FakeRoom(SCENES["full"]), [], asyncio.Queue[tuple[str, str]]()
    entered = asyncio.Event()

    async def tell(event: events.AnyEvent) -> None:
        told.append(event)

    performer = Performer(
        room,
        tell,
        lambda: None,
        entered,
        posted=lambda id, text: posted.put_nowait((id, text)),
        patient=True,
    )
    entered.set()
    for text in ("one", "two"):
        await performer.perform(SendCommand(text=text))
    async with asyncio.timeout(WITHIN):
        await posted.get()
        await posted.get()
    performer.stop()
    assert [text for _, text in room.calls] == ["one"] * 4 + ["two"]
    assert told == []


async def test_one_can_leave_while_a_text_waits_in_the_line() -> None:
    async with Terminal("not-now", *MARA, "--plain", columns=80) as screen:
        await screen.see("\n>")
        screen.type("too early" + ENTER)
        await screen.see("You are not in yet. It stays in your line", "> too early")
        screen.type("/members" + ENTER)
        await screen.see("In this room:", "[facilitator] Mara [you]", "> too early")
        screen.type("/leave" + ENTER)
        assert await screen.end() == 0


async def test_of_several_that_wait_the_name_belongs_to_the_command() -> None:
    """ "Type /admit", it said, and /admit was answered with "Several people wait"."""
    async with Terminal("two-knocks", *MARA, "--plain", columns=80) as screen:
        await screen.see("Robin (code", "asks to be let in. Type /admit or /refuse.")
        await screen.see("Sam (code", "asks to be let in. Type /admit NAME or")


async def test_what_is_said_at_the_door_is_shown_to_its_author() -> None:
    async with Terminal("waiting", *ROBIN_HERE, "--plain", columns=80) as screen:
        await screen.see("You asked to be let in")
        screen.type("hello?" + ENTER)
        await screen.see("[room] [at the door] [you]: hello?")
        screen.type("/members" + ENTER)
        await screen.see("You are not in the room yet.")
    async with Terminal("knock", *MARA, "--plain", columns=80) as screen:
        await screen.see("asks to be let in. Type /admit or /refuse.")
        screen.type("/door robin Welcome" + ENTER)
        await screen.see("[room] [at the door] [you] to Robin: Welcome")
        screen.type("/refuse robin" + ENTER)
        await screen.see("You did not let Robin in; your client tells them so.")


async def test_a_list_has_a_line_for_each() -> None:
    async with Terminal("open", *MARA, "--plain", columns=80) as screen:
        await screen.see("You are in")
        screen.type("/invites" + ENTER + "/acts" + ENTER)
        await screen.see("closes one:\n    1. It lets in 3 people", "\n    3. Nobody closed it")
        await screen.see(
            "since your program came in:\n    You let Robin in, to listen, 2",
            "\n    You made an invite",
        )


async def test_a_newcomer_that_goes_is_told() -> None:
    async with Terminal("knock-gone", *MARA, "--plain", columns=80) as screen:
        await screen.see("Robin does not wait any more.")


@pytest.mark.parametrize("mode", [("--plain",), ()])
async def test_who_facilitates_no_more_is_not_told_that_newcomers_went(
    mode: tuple[str, ...],
) -> None:
    """They wait on, for the others."""
    async with Terminal("knock-left-to-another", *ROBIN_HERE, *mode, columns=80) as screen:
        await screen.see("left")
        await screen.see_no("does not wait")


async def test_an_end_is_told_once_and_no_word_is_broken() -> None:
    sentence = "A facilitator closed this invite. Ask for a new one."
    async with Terminal("refused", *ROBIN_HERE, "--plain", columns=100) as screen:
        assert await screen.end() == 3
        assert screen.shown.count(sentence) == 1
    async with Terminal("open", "join", "no-link", "--name", "Robin", columns=40) as screen:
        assert await screen.end() == 1
        assert "alcove: This is not a complete invite\nlink; copy it whole." in screen.shown


@pytest.mark.parametrize("columns", [40, 80])
async def test_who_types_while_nothing_answers_sees_what_waits_and_what_has_gone(
    columns: int,
) -> None:
    async with Terminal("silent", *ROBIN_HERE, "--plain", columns=columns, rows=40) as screen:
        await screen.see("7 seconds", "goes out")
        screen.type("Are you there?" + ENTER + "I am here" + ENTER)
        await screen.see("not confirmed as", '"Are you', 'am here"')
        screen.type("/members" + ENTER)
        await screen.see("The relay does not answer", "Robin [you]")
        screen.type("/anyway" + ENTER)
        await screen.see("[room] Sent now: ")


async def test_a_pipe_is_told_of_its_texts_too() -> None:
    async with await start("silent", *ROBIN_HERE) as room:
        reader = Reader(room)
        await reader.type("Are you there?")
        await reader.see('[room] This is not confirmed as sent, so it waits: "Are you there?"')
        await reader.type("/anyway")
        await reader.see('[room] Sent now: "Are you there?"')


async def test_a_relay_that_answers_again_is_told() -> None:
    async with Terminal("answering", *ROBIN_HERE, "--plain", columns=80) as screen:
        await screen.see("has not answered for 7 seconds", "[room] The relay answers again.")
        assert screen.shown.count("[room] Connected.") == 1


async def test_a_text_that_is_taken_at_once_gets_no_line() -> None:
    """What a person reads of it is their own line. The relay had its time to take it."""
    now = [0.0]
    own = OwnTexts(lambda: now[0])
    own.posted("aa", "hello")
    now[0] = 1.9
    assert own.news() == []
    own.sent("aa")
    now[0] = 60.0
    assert own.news() == []


def test_each_text_that_waits_is_named_once_and_again_when_it_has_gone() -> None:
    now = [0.0]
    own = OwnTexts(lambda: now[0])
    for id, text in (("a", "one"), ("b", 'a "long" one that goes on and on'), ("c", "x\ny")):
        own.posted(id, text)
    own.posted("d", "the last")
    now[0] = 2.0
    waits = (
        "These are not confirmed as sent, so they wait: "
        """"one", "a 'long' one that goes o…", "x y" and 1 more"""
    )
    assert own.news() == [waits]
    assert own.news() == []
    own.sent("a")
    own.sent("b")
    assert own.news() == ["""Sent now: "one", "a 'long' one that goes o…\""""]
    assert own.dropped("c") == "x y"
    assert own.dropped("c") == ""
    own.sent("d")
    own.posted("e", "late")
    now[0] = 9.0
    assert own.news() == [
        'Sent now: "the last"',
        'This is not confirmed as sent, so it waits: "late"',
    ]


def test_what_was_not_sent_is_named() -> None:
    assert own_texts.not_sent("Not sent: why.", "hello") == 'Not sent: why. It was: "hello"'
    assert own_texts.not_sent("Not sent: why.", "") == "Not sent: why."


@pytest.mark.parametrize("columns", [40, 80])
async def test_each_way_of_folding_leaves_what_show_says_true(columns: int) -> None:
    async with Terminal("fold-ways", *MARA, "--plain", columns=columns, rows=60) as screen:
        # In sight when it was folded, in sight in part, behind a warning, and folded at once.
        await screen.see("You folded 3", "Robin: This is folded, and has")
        await screen.see("This message has 8 more")
        assert "a hard day" not in screen.shown
        for text in ("Robin: worse", "Robin: a hard day", "line 19."):
            assert text not in screen.shown
            screen.type("/show" + ENTER)
            await screen.see(text)
        screen.type("/show" + ENTER)
        await screen.see("stands above")
        screen.type("/hold" + ENTER)  # since nothing: it folds what comes behind it only
        await screen.see("You paused the room")
        screen.type("/show" + ENTER)
        await screen.see_times("stands above", 2)
