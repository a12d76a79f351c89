"""People talk while ten times as many attack, and do not notice.

All that they say is heard in its order, none of them is refused or closed, and a newcomer still
gets in. How long it takes is for `bench/fanout` to measure: a test cannot know its machine.
"""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from alcove_protocol.frames import BlobIs, Published, Resume

from tests.server.keys import Door
from tests.server.sockets import Client, Running, masked

PEOPLE = 4
ATTACKS_FOR_EACH = 10
SAID = 60

Attack = Callable[[Running], Awaitable[None]]


@asynccontextmanager
async def process(*flags: str) -> AsyncIterator[Running]:
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "alcove_server",
        "--port",
        "0",
        *flags,
        stdout=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("ALCOVE_")},
    )
    assert started.stdout is not None
    line = (await started.stdout.readline()).decode()
    found = re.search(r"http://\S+", line)
    assert found, line
    running = Running(None, found[0])
    try:
        yield running
    finally:
        await running.hang_up()
        started.terminate()
        assert await started.wait() == 0


async def _silent(running: Running) -> None:
    """Connects and says nothing."""
    raw = await running.raw()
    await raw.ended()


async def _garbage(running: Running) -> None:
    raw = await running.raw()
    raw.send(os.urandom(20_000))
    await raw.ended()


async def _pings(running: Running) -> None:
    raw = await running.upgraded()
    raw.send(masked(0x89) * 20_000)
    await raw.close_code()


async def _requests(running: Running) -> None:
    raw = await running.upgraded()
    raw.send(masked(0x82, Resume(1, bytes(16), 0).to_bytes()) * 2_000)
    await raw.close_code()


async def _nested(running: Running) -> None:
    raw = await running.upgraded()
    raw.send(masked(0x82, b"\x81\xa1a" * 20_000))
    await raw.close_code()


async def _fragments(running: Running) -> None:
    raw = await running.upgraded()
    raw.send(masked(0x02) + masked(0x00) * 20_000)
    await raw.close_code()


ATTACKS: tuple[Attack, ...] = (_silent, _garbage, _pings, _requests, _nested, _fragments)


async def _attack(running: Running, attack: Attack) -> None:
    with contextlib.suppress(OSError, AssertionError, asyncio.IncompleteReadError):
        await attack(running)


async def _talk(running: Running, people: list[Client]) -> None:
    """Each in turn says something and the next one hears it, while ten attacks begin."""
    attacks: list[asyncio.Task[None]] = []
    for number in range(SAID):
        attacks += [
            asyncio.create_task(_attack(running, ATTACKS[(number + one) % len(ATTACKS)]))
            for one in range(ATTACKS_FOR_EACH)
        ]
        speaker, listener = people[number % PEOPLE], people[(number + 1) % PEOPLE]
        content = os.urandom(256)
        await speaker.ask(speaker.blob(content), Published)
        while (await listener.until(BlobIs)).blob != content:
            pass
        await asyncio.wait(attacks[-ATTACKS_FOR_EACH:], return_when=asyncio.FIRST_COMPLETED)
    for attack in attacks:
        attack.cancel()
    await asyncio.gather(*attacks, return_exceptions=True)


async def test_good_clients_are_unharmed() -> None:
    async with process("--auth-seconds", "60") as running:
        host = await running.client()
        room, door = await host.open(), Door()
        await host.put_door(room, door)
        people = [host]
        for _ in range(PEOPLE - 1):
            person = await running.client()
            await person.knock(room, door)
            await host.admit(room, person, door)
            people.append(person)
        for person in people:
            person.base = host.base
        await _talk(running, people)
        newcomer = await running.client()
        await newcomer.knock(room, door)
