"""Real command lines over a real relay."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.client_sdk.cli.process import REAL, ROOT, Process, start
from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.cli.terminal import ENTER, QUICK_EXIT, Terminal

AGREEMENT = str(ROOT / "tests" / "client_sdk" / "cli" / "agreement.txt")


@asynccontextmanager
async def mara(relay: RelayProcess, *arguments: str) -> AsyncIterator[tuple[Process, str]]:
    """The facilitator and her invite."""
    where = ("--relay", relay.url, "--title", "Evening circle", "--agreement-file", AGREEMENT)
    room = await start("open", *where, "--name", "Mara", "--json", *arguments, run=REAL)
    async with room:
        invite = (await room.until("opened"))["invite"]
        await room.until("joined", you=True)
        yield room, invite


@asynccontextmanager
async def knocking(invite: str, name: str) -> AsyncIterator[Process]:
    """A newcomer who has accepted the agreement and knocks. The invite comes on standard input."""
    room = await start("join", "-", "--name", name, "--accept", "--json", run=REAL)
    async with room:
        await room.write(invite.encode() + b"\n")
        yield room


async def let_in(facilitator: Process, newcomer: Process, name: str) -> None:
    knock = await facilitator.until("knock", name=name)
    await facilitator.do("admit", id=knock["id"], ref=f"admit {name}")
    await facilitator.until("joined", name=name)
    joined = await newcomer.until("joined", you=True)
    assert {"Mara", name} <= set(joined["members"])


async def say(speaker: Process, text: str, *listeners: Process) -> None:
    """Send a text that every listener receives, under one id."""
    await speaker.do("send", text=text, ref=text)
    id = (await speaker.until("sent", ref=text))["id"]
    for listener in listeners:
        assert (await listener.until("message", text=text))["id"] == id


async def test_the_whole_story() -> None:
    async with (
        RelayProcess() as relay,
        mara(relay) as (facilitator, invite),
        knocking(invite, "Robin") as robin,
        knocking(invite, "Sam") as sam,
    ):
        await asyncio.gather(robin.until("waiting"), sam.until("waiting"))
        await let_in(facilitator, robin, "Robin")
        await let_in_any(facilitator, sam, "Sam")
        await say(facilitator, "Welcome, both.", robin, sam)
        await say(robin, "Grüße 🌱", facilitator, sam)

        await facilitator.do("remove", name="Sam", ref="out")
        await facilitator.until("removed", name="Sam")
        await facilitator.until("invite")
        assert (await sam.end())[0] == 4
        await say(facilitator, "Only for who is here.", robin)
        assert "Only for who is here." not in str(sam.seen)
        async with knocking(invite, "Sam again") as again:
            status, sentence = await again.end()
        assert status == 3
        assert again.seen[-1]["reason"] == "refused"
        assert sentence.startswith("alcove: ")

        await relay.kill()
        for room in (facilitator, robin):
            await room.until("connection", state="reconnecting")
        await relay.start()
        for room in (facilitator, robin):
            await room.until("connection", state="resumed")
            # The relay forgot everything: it cannot tell that nothing came in between.
            await room.until("gap", missed=None)
        await say(robin, "Still here?", facilitator)
        await say(facilitator, "Still here.", robin)

        # The first to come back may have brought an old room: it does not change for a minute.
        await facilitator.do("end", ref="over")
        assert (await facilitator.until("error", ref="over"))["code"] == "unsettled"
        for room in (robin, facilitator):
            await room.do("leave")
            assert await room.end() == (0, "")


async def test_a_room_that_is_ended_is_over_for_all() -> None:
    async with (
        RelayProcess() as relay,
        mara(relay) as (facilitator, invite),
        knocking(invite, "Robin") as robin,
    ):
        await let_in(facilitator, robin, "Robin")
        await facilitator.do("end", ref="over")
        assert await robin.end() == (0, "")
        assert await facilitator.end() == (0, "")
    assert robin.seen[-1]["reason"] == facilitator.seen[-1]["reason"] == "ended"


async def test_what_is_said_after_a_removal_is_not_told_to_who_is_removed() -> None:
    async with (
        RelayProcess() as relay,
        mara(relay) as (facilitator, invite),
        knocking(invite, "Robin") as robin,
        knocking(invite, "Sam") as sam,
    ):
        await let_in_any(facilitator, robin, "Robin")
        await let_in_any(facilitator, sam, "Sam")
        await say(facilitator, "before", robin, sam)
        lines = (  # in one piece, as a program writes them
            {"do": "remove", "name": "Sam"},
            {"do": "send", "text": "after", "ref": "after"},
        )
        await facilitator.write("".join(f"{json.dumps(line)}\n" for line in lines).encode())
        assert (await sam.end())[0] == 4
        assert [event["text"] for event in sam.seen if event["event"] == "message"] == ["before"]
        await facilitator.until("sent", ref="after")
        await robin.until("removed", name="Sam")
        await robin.until("message", text="after")


async def let_in_any(facilitator: Process, newcomer: Process, name: str) -> None:
    """As `let_in`, for a knock that may have been read already."""
    knocks = [e for e in facilitator.seen if e["event"] == "knock" and e["name"] == name]
    knock = knocks[-1] if knocks else await facilitator.until("knock", name=name)
    await facilitator.do("admit", id=knock["id"])
    await facilitator.until("joined", name=name)
    await newcomer.until("joined", you=True)


async def test_a_text_is_taken_back_and_one_expires() -> None:
    async with RelayProcess() as relay, mara(relay, "--ttl", "10") as (facilitator, invite):
        async with knocking(invite, "Robin") as robin:
            await let_in(facilitator, robin, "Robin")
            await robin.do("send", text="a slip", ref="a")
            id = (await robin.until("sent", ref="a"))["id"]
            await facilitator.until("message", id=id)
            await robin.do("retract", id=id)
            await facilitator.until("retracted", id=id)
            before = time.time()
            await robin.do("send", text="brief", ref="b")
            message = await facilitator.until("message", text="brief")
            assert message["ttl"] == 10
            assert message["age"] <= time.time() - before + 1
            assert before - 1 <= message["time"] + message["age"] <= time.time() + 1
            await facilitator.until("expired", id=message["id"])
            await robin.do("leave")
            assert await robin.end() == (0, "")
        await facilitator.until("left", name="Robin")


async def test_a_person_and_a_program_in_one_room() -> None:
    async with RelayProcess() as relay, mara(relay) as (facilitator, invite):
        robin = Terminal("join", "--name", "Robin", run=REAL, environment={"ALCOVE_INVITE": invite})
        async with robin as screen:
            await screen.see("What is said here stays here.")
            screen.type("a" + ENTER)
            await screen.see("You asked to be let in")
            knock = await facilitator.until("knock", name="Robin")
            await screen.see(knock["code"])
            await facilitator.do("admit", id=knock["id"])
            await screen.see("You are in", "Robin [you]")
            await facilitator.do("send", text="canary-text")
            await screen.see("[facilitator] Mara  canary-text")
            screen.type("hello" + ENTER)
            await facilitator.until("message", text="hello")
            screen.type(QUICK_EXIT)
            assert await screen.end() == 0
            assert screen.shown.strip() == ""
        await facilitator.until("left", name="Robin")
        assert b"canary-text" not in screen.remains


async def test_refused_by_the_facilitator() -> None:
    async with RelayProcess() as relay, mara(relay) as (facilitator, invite):
        async with knocking(invite, "Robin") as robin:
            knock = await facilitator.until("knock", name="Robin")
            await facilitator.do("refuse", id=knock["id"])
            status, sentence = await robin.end()
        assert status == 3
        assert robin.seen[-1]["reason"] == "refused"
        assert sentence


@pytest.mark.parametrize(
    ("invite", "code"),
    [("nonsense", "bad_invite"), ("http://127.0.0.1:1/join#AQ", "bad_invite")],
)
async def test_a_wrong_invite(invite: str, code: str) -> None:
    async with knocking(invite, "Robin") as robin:
        # An incomplete link might go on in the next line. A command is none of it.
        await robin.do("leave")
        status, _ = await robin.end()
    assert (status, robin.seen[0]["code"]) == (1, code)


async def test_a_relay_that_is_not_there() -> None:
    where = ("--relay", "http://127.0.0.1:1", "--title", "T", "--agreement-file", AGREEMENT)
    async with await start("open", *where, "--name", "Mara", "--json", run=REAL) as room:
        status, sentence = await room.end()
    assert status == 1
    assert sentence.count("\n") == 1
    assert room.seen[-1]["reason"] == "error"


@pytest.mark.parametrize("name", ["", "Ma\u202era", "x" * 33])
async def test_a_name_that_cannot_be(name: str) -> None:
    where = ("--relay", "http://127.0.0.1:1", "--title", "T", "--agreement-file", AGREEMENT)
    async with await start("open", *where, "--name", name, "--json", run=REAL) as room:
        status, _ = await room.end()
    assert status == 1
    assert room.seen[0]["code"].startswith("name_")


async def test_a_post_quantum_room_from_opening_to_a_message() -> None:
    async with (
        RelayProcess() as relay,
        mara(relay, "--post-quantum") as (facilitator, invite),
        knocking(invite, "Robin") as robin,
    ):
        await robin.until("waiting")
        await let_in(facilitator, robin, "Robin")
        await say(robin, "for thirty years", facilitator)
