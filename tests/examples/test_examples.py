"""The examples do what they say. Their rooms are in memory, by the kit that their readers have."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import alcove
import pytest
from alcove.testing import World

from examples import moderator, two_rooms, welcome_bot
from examples.moderator import Rules, Verdict
from tests.client_sdk.cli.relay import RelayProcess
from tests.second_client.driver import node

ROOT = moderator.__file__.rsplit("/", 2)[0]
WITHIN = 60.0
"""Seconds. Only a defect takes so long."""


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


async def admitted(host: alcove.Room, guest: alcove.Room) -> None:
    """Enter a room as a newcomer whom the host lets in, and do not leave it."""
    knocked = host.wait_for(alcove.Knocked)
    await guest.__aenter__()
    joined = guest.wait_for(alcove.Joined, check=lambda event: event.you)
    await host.admit((await knocked).id)
    await joined


# --- the welcome bot ---------------------------------------------------------------------------


async def test_the_welcome_bot_is_listed_and_welcomes(world: World) -> None:
    async with world.room("Mara") as (mara,):
        bot = alcove.join(await mara.invite(), name=welcome_bot.NAME, accept=True)
        welcome_bot.prepare(bot)
        hello = mara.wait_for(alcove.Message)
        await admitted(mara, bot)
        assert "I am a program" in (await hello).text
        assert [member.name for member in mara.members] == ["Mara", "Welcome bot"]
        greeting = mara.wait_for(alcove.Message)
        robin = alcove.join(await mara.invite(), name="Robin", accept=True)
        await admitted(mara, robin)
        assert (await greeting).text == welcome_bot.GREETING.format(name="Robin")
        for room in (robin, bot):
            await room.__aexit__(None, None, None)


# --- two rooms in a web application ------------------------------------------------------------


async def ask(app: Any, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
    """A request to an ASGI application, without a socket: the status, and the JSON."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    await app(scope, receive, send)
    return sent[0]["status"], json.loads(b"".join(part.get("body", b"") for part in sent))


async def test_an_application_holds_two_rooms(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    app = two_rooms.make_app(world.url)
    async with app.router.lifespan_context(app):
        printed = capsys.readouterr().out
        invite = next(line for line in printed.splitlines() if line.startswith("Evening"))
        assert await ask(app, "GET", "/rooms") == (
            200,
            {name: {"state": "open", "members": 1} for name in two_rooms.ROOMS},
        )
        robin = alcove.join(invite.split(": ", 1)[1], name="Robin", accept=True)
        async with robin:
            await robin.wait_for(alcove.Waiting)
            assert robin.title == "Evening circle"
        status, said = await ask(app, "POST", "/rooms/morning/messages", b"hello")
        assert (status, said["outcome"]) == (200, "sent")
        assert (await ask(app, "POST", "/rooms/morning/messages"))[1]["code"] == "text_empty"
        assert (await ask(app, "POST", "/rooms/noon/messages", b"hello"))[0] == 404
        assert (await ask(app, "POST", "/rooms/morning/messages", b"x" * 9000))[0] == 413


async def test_an_application_ends_its_rooms_when_it_ends(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    app, overs = two_rooms.make_app(world.url), list[asyncio.Future[alcove.Closed]]()
    async with asyncio.timeout(WITHIN), AsyncExitStack() as guests:
        async with app.router.lifespan_context(app):
            for line in capsys.readouterr().out.splitlines():
                guest = alcove.join(line.split(": ", 1)[1], name="Robin", accept=True)
                await guests.enter_async_context(guest)
                await guest.wait_for(alcove.Waiting)
                overs.append(guest.wait_for(alcove.Closed))
        ends = [(await over).reason for over in overs]
    assert ends == [alcove.CloseReason.ENDED] * 2


# --- the moderator -----------------------------------------------------------------------------


def message(text: str, time: float, sender: str = "Robin") -> alcove.Message:
    return alcove.Message("aa", sender, text, 60, time=time)


def test_the_rules_warn_once_and_then_remove() -> None:
    rules = Rules()
    calm = [rules.judge(message("hello", 3.0 * at)) for at in range(20)]
    assert set(calm) == {Verdict.FINE}
    assert rules.judge(message("see https://example.org", 100.0)) is Verdict.WARN
    assert rules.judge(message("hello", 200.0)) is Verdict.FINE
    assert rules.judge(message("see https://example.org", 300.0)) is Verdict.REMOVE
    flood = [rules.judge(message("hi", 1.0 * at, "Sam")) for at in range(8)]
    assert flood == [Verdict.FINE] * 5 + [Verdict.WARN] + [Verdict.REMOVE] * 2
    rules.forget("Sam")
    assert rules.judge(message("hi", 9.0, "Sam")) is Verdict.FINE


async def test_the_moderator_admits_warns_and_removes(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    room = alcove.open_room(world.url, title="T", agreement=moderator.AGREEMENT, name="Rulebook")
    async with room:
        invite = (await room.wait_for(alcove.Opened)).invite
        holding = asyncio.create_task(moderator.moderate(room))
        async with alcove.join(invite, name="Robin", accept=True) as robin:
            await robin.wait_for(alcove.Joined)
            warned = robin.wait_for(alcove.Message)
            await robin.send("buy at https://example.org")
            assert "please read the agreement" in (await warned).text
            over, changed = robin.wait_for(alcove.Closed), room.wait_for(alcove.InviteChanged)
            await robin.send("no, really: https://example.org")
            assert (await over).reason is alcove.CloseReason.REMOVED
        await changed
        await world.settle()
        assert capsys.readouterr().out.count("To hand out:") == 2
        # A knock that is gone before it is answered costs the moderator nothing.
        world.fire(room, alcove.Knocked("00" * 16, "Sam", "123456", door_revoked=False))
        await world.settle()
        assert "not done:" in capsys.readouterr().out
        await room.leave()
        await holding


# --- JSON lines from Node ----------------------------------------------------------------------


async def test_a_program_in_node_takes_part() -> None:
    async with asyncio.timeout(WITHIN), RelayProcess() as relay:
        ann = alcove.open_room(relay.url, title="T", agreement="Listen.", name="Ann")
        async with ann:
            knocked = ann.wait_for(alcove.Knocked)
            hello = ann.wait_for(alcove.Message)
            process = await asyncio.create_subprocess_exec(
                *(node(), "examples/json_lines.mjs"),
                cwd=ROOT,
                env=os.environ
                | {
                    "ALCOVE_INVITE": (await ann.wait_for(alcove.Opened)).invite,
                    "ALCOVE_COMMAND": f"{sys.executable} -m alcove",
                },
                stdout=asyncio.subprocess.PIPE,
            )
            try:
                await ann.admit((await knocked).id)
                told = await hello
                assert (told.sender, told.text) == ("Node helper", "Hello from Node.")
                answer = ann.wait_for(alcove.Message)
                await ann.send("!time")
                assert (await answer).text.startswith("It is 20")
                await ann.end()
                out, _ = await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.communicate()
            assert process.returncode == 0
            assert out.decode().splitlines() == [
                "waiting to be let in",
                "the room is over: ended",
            ]
