"""The pieces of code in docs/sdk/guide.md: each runs."""

import ast
import asyncio
import inspect
import logging
import os
import re
import sys
from pathlib import Path
from typing import Any, Final

import alcove
import alcove.testing
import pytest

from tests.client_sdk.cli.relay import RelayProcess

ROOT: Final = Path(__file__).resolve().parents[2]
GUIDE: Final = (ROOT / "docs" / "sdk" / "guide.md").read_text()
PIECES: Final = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.M | re.S)
PROGRAMS: Final = [piece for piece in PIECES if piece.startswith("import")]
INSIDE: Final = [piece for piece in PIECES if not piece.startswith("import")]
WITHIN: Final = 60.0
"""Seconds. Only a defect takes so long."""


def test_every_kind_of_piece_is_there() -> None:
    assert (len(PROGRAMS), len(INSIDE)) == (1, 14)


@pytest.mark.parametrize("piece", INSIDE, ids=lambda piece: piece.splitlines()[0][:40])
async def test_a_piece_runs(piece: str) -> None:
    """In a room of two, or without one if it makes its own world. What it defines for a room is
    called with one."""
    names: dict[str, Any] = {"alcove": alcove, "asyncio": asyncio, "logging": logging}
    async with asyncio.timeout(WITHIN):
        if "World()" in piece:
            await execute(piece, names)
            return
        async with (
            alcove.testing.World() as world,
            world.room("Mara", "Robin") as (room, robin),
        ):
            talker = asyncio.create_task(reply(robin))
            names |= {"room": room, "robin": robin, "relay": world.url}
            told = robin.wait_for(alcove.Message)
            await execute(piece, names)
            await world.settle()
            if "welcome" in names:
                assert (await told).text == "Welcome, Robin."
            if "heard" in names:
                assert names["heard"] == [("Robin", 0)]
            if "show" in names:
                reading = asyncio.create_task(names["show"](room))
                await robin.send("to be shown")
                await room.leave()
                await reading
            if "read_the_rules" in names:
                newcomer = alcove.join(await room.invite(), name="Sam")
                async with newcomer:
                    waiting = newcomer.wait_for(alcove.Waiting)
                    await names["read_the_rules"](newcomer)
                    await waiting
            talker.cancel()


async def execute(piece: str, names: dict[str, Any]) -> None:
    """Run a piece with `await` at its top."""
    code = compile(piece, "guide.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = eval(code, names)
    if inspect.isawaitable(running):
        await running


async def reply(robin: alcove.Room) -> None:
    """What the other person in the pieces does: they answer what they are asked."""
    await robin.wait_for(alcove.Message, check=lambda event: "How are you" in event.text)
    await robin.send("Not so well.")


async def test_a_program_runs() -> None:
    async with asyncio.timeout(WITHIN), RelayProcess() as relay:
        mara = alcove.open_room(relay.url, title="T", agreement="A", name="Mara")
        async with mara:
            invite = (await mara.wait_for(alcove.Opened)).invite
            knocked = mara.wait_for(alcove.Knocked)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", PROGRAMS[0]),
                env=os.environ | {"ALCOVE_INVITE": invite},
                stdout=asyncio.subprocess.PIPE,
            )
            try:
                await mara.admit((await knocked).id)
                answered = mara.wait_for(alcove.Message)
                await mara.send("hello")
                assert (await answered).text == "Mara said something."
                await mara.end()
                out, _ = await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.communicate()
            assert (process.returncode, out) == (0, b"The room is over: ended\n")
