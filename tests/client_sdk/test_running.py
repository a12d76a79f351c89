"""`alcove.run`: a program that is only a room, as a process, with its signals."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator

import alcove
import pytest

from tests.client_sdk.cli.process import ROOT
from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.test_room import opening
from tests.client_sdk.waiting import WITHIN, until

BOT = """
import sys, alcove

room = alcove.join(sys.argv[1], name="Bot", accept=True)

async def answer(message):
    if message.text == "fail":
        raise ValueError("a bug of the bot")
    await room.send("You said: " + message.text)

room.on(alcove.Message, answer)
print(alcove.run(room).reason.value)
"""
MAIN = """
import sys, alcove

async def main(room):
    await room.wait_for(alcove.Joined)
    await room.send("Hello and goodbye.")

print(alcove.run(alcove.join(sys.argv[1], name="Bot", accept=True), main).reason.value)
"""

QUEUE = """
import asyncio, sys, alcove

names = asyncio.Queue()

async def main(room):
    try:
        while True:
            await room.send("Welcome, " + await names.get())
    finally:
        print("no more")

room = alcove.join(sys.argv[1], name="Bot", accept=True)
room.on(alcove.Joined, lambda event: names.put_nowait(event.name))
from alcove import running
running.LEAVE_PATIENCE = 0.01
print(alcove.run(room, main).reason.value)
"""
CLUMSY = """
import asyncio, sys, alcove

async def main(room):
    try:
        await room.wait_for(alcove.Joined)
        await room.send("here")
        await asyncio.Event().wait()
    finally:
        raise ValueError("while it was cancelled")

print(alcove.run(alcove.join(sys.argv[1], name="Bot", accept=True), main).reason.value)
"""


@pytest.fixture
async def relay() -> AsyncIterator[RelayProcess]:
    async with RelayProcess() as process:
        yield process


@contextlib.asynccontextmanager
async def program(source: str, ann: alcove.Room) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program in the room, admitted."""
    invite = (await until(ann, alcove.Opened)).invite
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", source, invite),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await ann.admit((await until(ann, alcove.Knocked)).id)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    out, error = await asyncio.wait_for(process.communicate(), WITHIN)
    return process.returncode, out.decode().strip(), error.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_in_order_and_without_a_word(
    relay: RelayProcess, number: signal.Signals
) -> None:
    async with opening(relay) as ann, program(BOT, ann) as bot:
        await until(ann, alcove.Joined)
        await ann.send("hello")
        assert (await until(ann, alcove.Message)).text == "You said: hello"
        bot.send_signal(number)
        assert (await until(ann, alcove.Left)).name == "Bot"
        assert await ended(bot) == (0, "left", "")


async def test_it_ends_with_the_room_and_raises_what_its_handlers_raised(
    relay: RelayProcess,
) -> None:
    async with opening(relay) as ann, program(BOT, ann) as bot:
        await until(ann, alcove.Joined)
        await ann.send("hello")
        await until(ann, alcove.Message)  # so it is connected, and hears all before the end
        await ann.send("fail")
        await ann.end()
        status, out, error = await ended(bot)
        assert (status, out) == (1, "")
        assert error.startswith("the handler answer failed: ValueError")
        assert "ExceptionGroup" in error
        assert "a bug of the bot" in error


async def test_with_a_main_it_leaves_when_that_returns(relay: RelayProcess) -> None:
    async with opening(relay) as ann, program(MAIN, ann) as bot:
        assert (await until(ann, alcove.Message)).text == "Hello and goodbye."
        assert (await until(ann, alcove.Left)).name == "Bot"
        assert await ended(bot) == (0, "left", "")


async def test_a_main_that_waits_for_something_else_ends_with_the_room(
    relay: RelayProcess,
) -> None:
    async with opening(relay) as ann, program(QUEUE, ann) as bot:
        assert (await until(ann, alcove.Message)).text == "Welcome, Bot"
        await ann.end()
        status, out, error = await ended(bot)
        assert (status, out) == (0, "no more\nended")
        assert error.strip() == "main did not end in time; it was cancelled"


async def test_what_a_main_raises_when_it_is_interrupted_is_raised(relay: RelayProcess) -> None:
    async with opening(relay) as ann, program(CLUMSY, ann) as bot:
        await until(ann, alcove.Message)
        bot.send_signal(signal.SIGTERM)
        status, out, error = await ended(bot)
        assert (status, out) == (1, "")
        assert "ValueError: while it was cancelled" in error
