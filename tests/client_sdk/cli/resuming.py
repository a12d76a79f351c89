"""Command lines that are killed, and come back by their tickets, over any relay."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.client_sdk.cli.process import REAL, Process, start
from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.cli.test_together import knocking, let_in, mara, say


async def ticket_of(room: Process) -> str:
    """A ticket, as the program is told it."""
    await room.do("ticket")
    ticket: str = (await room.until("ticket"))["ticket"]
    return ticket


async def killed(room: Process) -> None:
    """As by `kill -9`: it says nothing to anybody."""
    room.process.kill()
    await room.process.wait()


@asynccontextmanager
async def resumed(ticket: str) -> AsyncIterator[tuple[Process, dict[str, Any], float]]:
    """`alcove resume -`, once it is in: with what it was told, and the seconds that it took."""
    began = time.monotonic()
    room = await start("resume", "-", "--json", run=REAL)
    async with room:
        await room.write(ticket.encode() + b"\n")
        joined = await room.until("joined", you=True)
        yield room, joined, time.monotonic() - began


@asynccontextmanager
async def member(facilitator: Process, invite: str, name: str) -> AsyncIterator[Process]:
    """A newcomer, let in."""
    async with knocking(invite, name) as newcomer:
        await let_in(facilitator, newcomer, name)
        yield newcomer


def told_of(room: Process, since: int) -> list[str]:
    """The kinds of events that this member was told since then, but for presence."""
    kinds = [event["event"] for event in room.seen[since:]]
    return [kind for kind in kinds if kind != "presence"]


async def a_participant_is_back(relay: RelayProcess) -> float:
    """Return the seconds from the start of the next program to its place in the room."""
    async with (
        mara(relay) as (facilitator, invite),
        member(facilitator, invite, "Robin") as robin,
        member(facilitator, invite, "Sam") as sam,
    ):
        await say(facilitator, "Welcome, both.", robin, sam)
        ticket = await ticket_of(robin)
        since = len(facilitator.seen), len(sam.seen)
        await killed(robin)
        async with resumed(ticket) as (again, joined, seconds):
            assert joined["name"] == "Robin"
            assert set(joined["members"]) == {"Mara", "Robin", "Sam"}
            for one in (facilitator, sam):
                assert await one.until("reloaded") == {"event": "reloaded", "name": "Robin"}
            assert (await again.until("ticket"))["ticket"] != ticket
            await say(again, "I am back.", facilitator, sam)
            await say(sam, "Good.", facilitator, again)
            gone = {"left", "removed", "gap", "knock", "invite", "new_keys", "error"}
            assert not gone & {*told_of(facilitator, since[0]), *told_of(sam, since[1])}
            async with member(facilitator, invite, "Kim"):
                pass  # nobody's invite was revoked
    return seconds


async def the_only_facilitator_is_back(relay: RelayProcess) -> float:
    """As `a_participant_is_back`, for the only facilitator: until its room takes posts again."""
    async with (
        mara(relay) as (facilitator, invite),
        member(facilitator, invite, "Robin") as robin,
        member(facilitator, invite, "Sam") as sam,
    ):
        ticket = await ticket_of(facilitator)
        await say(facilitator, "Welcome, both.", robin, sam)
        since = len(robin.seen), len(sam.seen)
        began = time.monotonic()
        await killed(facilitator)
        async with resumed(ticket) as (again, joined, _):
            assert joined["name"] == "Mara"
            assert set(joined["members"]) == {"Mara", "Robin", "Sam"}
            for one in (robin, sam):
                assert await one.until("reloaded") == {"event": "reloaded", "name": "Mara"}
            await say(again, "I am back.", robin, sam)
            seconds = time.monotonic() - began
            await say(robin, "Good.", again, sam)
            for one, at in ((robin, since[0]), (sam, since[1])):
                told = set(told_of(one, at))
                wrong = {"left", "removed", "gap", "role", "standby_asked", "room", "error"}
                assert not wrong & told, told
            async with knocking(invite, "Kim") as kim:  # the invite of before serves
                knock = await again.until("knock", name="Kim")
                await again.do("admit", id=knock["id"])
                await kim.until("joined", you=True)
                await robin.until("joined", name="Kim")
    return seconds
