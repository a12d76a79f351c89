"""`--json`: what a program reads and writes, and how a process ends."""

import signal
import subprocess
import sys

import pytest
from alcove.cli.watchdog import STATUS_OF_SIGNAL

from tests.client_sdk.cli.fake_room import INVITE
from tests.client_sdk.cli.process import FAKE, ROOT, WITHIN, joined, opened


async def test_every_event_follows_the_schema_and_closed_is_last() -> None:
    async with opened("everything") as room:
        status, errors = await room.end()
    kinds = [event["event"] for event in room.seen]
    assert kinds[0] == "opened"
    assert kinds.count("closed") == 1
    assert status == 4
    assert errors == "alcove: You were removed from this room.\n"
    said = room.seen[kinds.index("message")]
    assert {"from": "Robin", "text": "Grüße 🌱\nzwei"}.items() <= said.items()
    asked = [(event["version"], event["asked"]) for event in room.seen if "asked" in event]
    assert asked == [(1, True), (2, True), (3, False)]
    assert {"event": "accepted", "name": "Robin"} in room.seen


async def test_texts_keep_their_order_and_their_refs() -> None:
    async with opened("open") as room:
        for number in range(50):
            await room.do("send", text=f"text {number}", ref=str(number))
        refs = [(await room.until("sent"))["ref"] for _ in range(50)]
        await room.do("leave")
        assert await room.end() == (0, "")
    assert refs == [str(number) for number in range(50)]


async def test_a_slow_command_does_not_delay_a_text() -> None:
    async with opened("slow") as room:
        await room.do("admit", id="aa01", ref="slow")
        await room.do("send", text="meanwhile", ref="quick")
        assert (await room.until("sent"))["ref"] == "quick"


async def test_commands_reach_the_room() -> None:
    async with opened("knock") as room:
        knock = await room.until("knock")
        await room.do("admit", id=knock["id"])
        await room.until("joined", name="Robin")
        await room.do("remove", name="Robin")
        await room.until("removed", name="Robin")
        await room.until("invite")
        await room.do("refuse", id="aa09")
        await room.until("knock_gone", id="aa09")
        await room.do("retract", id="bb01")
        await room.until("retracted", id="bb01")
        await room.do("send_anyway")
        await room.until("room", state="open")
        await room.do("end")
        status, _ = await room.end()
    assert status == 0
    assert room.seen[-1] == {"event": "closed", "reason": "ended"}


@pytest.mark.parametrize("scene", ["not-now", "clumsy"])
async def test_a_command_that_fails_answers_with_its_ref(scene: str) -> None:
    async with opened(scene) as room:
        await room.do("send", text="a", ref="1")
        await room.do("admit", id="aa01", ref="2")
        answers = [await room.until("error") for _ in range(2)]
        await room.do("leave")
        status, errors = await room.end()
    assert sorted(answer["ref"] for answer in answers) == ["1", "2"]
    assert {answer["code"] for answer in answers} == {
        "not_joined" if scene == "not-now" else "internal"
    }
    assert (status, errors) == (0, "")
    assert "canary" not in str(room.seen)


async def test_a_text_that_is_too_long_is_an_error_and_the_room_goes_on() -> None:
    async with opened("open") as room:
        await room.do("send", text="ä" * 5000, ref="long")
        assert (await room.until("error", ref="long"))["code"] == "text_too_long"
        await room.do("send", text="short", ref="short")
        await room.until("sent", ref="short")


async def test_a_bad_line_gives_an_error_and_nothing_else() -> None:
    lines = (
        b"hello\n",
        b'{"do": "dance", "ref": "a"}\n',
        b'{"do": "send", "text": "\\ud800", "ref": "b"}\n',
        b"x" * 1_000_000 + b"\n",
        b"\xff\xfe\n",
    )
    async with opened("open") as room:
        await room.until("joined")
        for line in lines:
            await room.write(line)
        await room.do("send", text="fine", ref="c")
        answers = [await room.next() for _ in range(6)]
    assert [answer["event"] for answer in answers] == ["error"] * 5 + ["sent"]
    assert [answer.get("ref") for answer in answers] == [None, "a", "b", None, None, "c"]
    assert {answer["code"] for answer in answers[:5]} == {"bad_command"}


async def test_end_of_input_means_no_more_commands() -> None:
    async with opened("open") as room:
        await room.write(b'{"do": "send", "text": "last, without a line end", "ref": "z"}')
        assert room.process.stdin is not None
        room.process.stdin.close()
        await room.until("sent", ref="z")
        assert room.process.returncode is None
        room.process.terminate()
        status, _ = await room.end()
    assert status == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_signals_mean_leave(number: signal.Signals) -> None:
    async with opened("open") as room:
        await room.until("joined")
        room.process.send_signal(number)
        assert await room.end() == (0, "")
    assert room.seen[-1] == {"event": "closed", "reason": "left"}


async def test_a_second_signal_stops_waiting_for_the_relay() -> None:
    async with opened("leave-hangs") as room:
        await room.until("joined")
        room.process.terminate()
        await room.do("leave")
        assert await room.end() == (0, "")


async def test_leaving_while_the_relay_does_not_answer() -> None:
    async with joined("enter-hangs", INVITE) as room:
        await room.do("send", text="waits for the room")
        await room.do("leave")
        assert await room.end() == (0, "")
    assert room.seen == [{"event": "closed", "reason": "left"}]


async def test_a_reader_that_closes_its_end_has_left() -> None:
    async with opened("open") as room:
        await room.until("joined")
        assert room.process.stdout is not None
        # asyncio has no public way to close only this end of the pipe.
        # An attribute that the type does not show.
        room.process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        assert await room.process.wait() == 0
        assert room.process.stderr is not None
        assert await room.process.stderr.read() == b""


def test_a_reader_that_reads_nothing_cannot_hold_the_process() -> None:
    command = [sys.executable, *FAKE, "flood", "join", "--name", "Robin", "--json", INVITE]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as room:
        assert room.stdout is not None
        room.stdout.read(1)  # it is there, and then nobody reads on
        room.terminate()
        assert room.wait(WITHIN) == STATUS_OF_SIGNAL + signal.SIGTERM


@pytest.mark.parametrize(
    ("scene", "reason", "code", "status"),
    [
        ("bad-name", "error", "name_empty", 1),
        ("refused", "refused", "door_revoked", 3),
        ("down", "error", "unreachable", 1),
        ("gone", "removed", "removed", 4),
        ("breaks", "error", "internal", 1),
    ],
)
async def test_a_failure_is_told_once_and_closed_follows(
    scene: str, reason: str, code: str, status: int
) -> None:
    async with joined(scene, INVITE) as room:
        ended, errors = await room.end()
    error, closed = room.seen
    assert (error["event"], error["code"]) == ("error", code)
    assert (closed["event"], closed["reason"], closed["code"]) == ("closed", reason, code)
    assert ended == status
    assert errors == f"alcove: {closed['message']}\n"


async def test_lost_is_one_and_ended_is_zero() -> None:
    async with opened("lost") as room:
        assert await room.end() == (1, "alcove: Nobody answers any more.\n")
    async with opened("closed-all") as room:
        assert await room.end() == (0, "")


async def test_without_accept_the_agreement_waits() -> None:
    async with joined("rules", INVITE) as room:
        assert (await room.next())["version"] == 1
        await room.do("accept")
        assert (await room.next())["event"] == "waiting"
        await room.do("leave")
        assert (await room.end())[0] == 0


async def test_the_invite_stays_out_of_the_process_list() -> None:
    async with joined("rules", "-") as room:
        await room.write(INVITE.encode() + b"\n")
        await room.until("agreement")
        await room.do("accept")
        await room.until("waiting")
    async with joined("rules", environment={"ALCOVE_INVITE": INVITE}) as room:
        await room.until("agreement")
    async with joined("rules", "-", environment={"ALCOVE_INVITE": INVITE}) as room:
        await room.write(b"\n")
        await room.until("error", code="bad_invite")
