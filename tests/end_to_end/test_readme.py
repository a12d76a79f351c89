"""The README's program is the one in examples/, and it works against a relay process."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import alcove

ROOT: Final = Path(__file__).resolve().parents[2]
WITHIN: Final = 60.0
"""Seconds that anything may take on a machine that is busy."""
RELAY: Final = "http://127.0.0.1:8400"
"""The address in the README. A test's relay has another port."""


def readme_program() -> str:
    """The first Python block of the README."""
    found = re.search(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    assert found is not None
    return found.group(1)


@asynccontextmanager
async def started(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process with pipes, which does not outlive the test."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-u", *command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: asyncio.subprocess.Process, pattern: str) -> str:
    """What `pattern` captures in what the process writes, read until it stands there."""
    assert process.stdout is not None
    seen = b""
    async with asyncio.timeout(WITHIN):
        while (found := re.search(pattern, seen.decode(errors="ignore"))) is None:
            part = await process.stdout.read(4096)
            assert part, f"it ended after {seen!r}"
            seen += part
    return found.group(1)


async def quietly(process: asyncio.subprocess.Process) -> int:
    """The exit status of a process that ends without a word on standard error."""
    assert process.stderr is not None
    async with asyncio.timeout(WITHIN):
        assert await process.stderr.read() == b""
        return await process.wait()


async def event(room: alcove.Room, kind: type[alcove.Event]) -> alcove.Event:
    """The next event of this type, past all others."""
    async with asyncio.timeout(WITHIN):
        async for happened in room:
            if isinstance(happened, kind):
                return happened
    raise AssertionError(f"the room closed without {kind.__name__}")


def test_the_readme_quotes_the_example() -> None:
    assert readme_program() == (ROOT / "examples" / "quickstart.py").read_text()


async def test_the_readme_s_program_lets_somebody_in_and_talks() -> None:
    async with started("-m", "alcove_server", "--port", "0") as relay:
        address = await said(relay, r"ready at (\S+)\n")
        program = readme_program()
        assert program.count(RELAY) == 1
        async with started("-c", program.replace(RELAY, address)) as mara:
            invite = await said(mara, r"To hand out: (\S+)\n")
            async with alcove.join(invite, name="Robin", accept=True) as room:
                await said(mara, r"Let (Robin) in\?")
                assert mara.stdin is not None
                mara.stdin.write(b"y\n")
                await event(room, alcove.Joined)
                sent = await room.send("It has been a hard week.")
                assert not isinstance(sent, alcove.Failed)
                assert await said(mara, r"Robin: (.*)\n") == "It has been a hard week."
                answer = await event(room, alcove.Message)
                assert isinstance(answer, alcove.Message)
                assert (answer.sender, answer.text) == ("Mara", "Thank you, Robin.")
                # Interrupted, `async with` still leaves: no facilitator holds the room any more.
                mara.send_signal(signal.SIGINT)
                changed = await event(room, alcove.RoomChanged)
                assert changed == alcove.RoomChanged(alcove.RoomState.READ_ONLY)
                assert await quietly(mara) == 0


async def test_it_can_be_interrupted_while_it_asks() -> None:
    async with started("-m", "alcove_server", "--port", "0") as relay:
        address = await said(relay, r"ready at (\S+)\n")
        async with started("-c", readme_program().replace(RELAY, address)) as mara:
            invite = await said(mara, r"To hand out: (\S+)\n")
            async with alcove.join(invite, name="Robin", accept=True):
                await said(mara, r"Let (Robin) in\?")
                mara.send_signal(signal.SIGINT)
                assert await quietly(mara) == 0
