"""The night watch holds a room while its person sleeps, and lets nobody in."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import alcove
import pytest
from alcove.testing import World

from examples import night_watch
from tests.client_sdk.cli.relay import RelayProcess
from tests.examples.test_examples import ROOT, WITHIN, admitted

NIGHT = 2_000.0
"""Seconds: longer than the 30 minutes after which a room without a facilitator is gone."""


def holds(room: alcove.Room, name: str) -> asyncio.Future[alcove.VaultChanged]:
    return room.wait_for(
        alcove.VaultChanged, check=lambda event: event.name == name and event.complete
    )


def says(room: alcove.Room, text: str) -> asyncio.Future[alcove.Message]:
    return room.wait_for(
        alcove.Message, check=lambda event: (event.sender, event.text) == (night_watch.NAME, text)
    )


@asynccontextmanager
async def watched(
    world: World, mara: alcove.Room
) -> AsyncIterator[tuple[alcove.Room, asyncio.Task[None]]]:
    """A watch in Mara's room that she has appointed, and its task."""
    watch = alcove.join(await mara.invite(), name=night_watch.NAME, accept=True)
    hello, holding = says(mara, night_watch.HELLO), says(mara, night_watch.HOLDING)
    await admitted(mara, watch)
    watching = asyncio.create_task(night_watch.watch(watch))
    await hello
    await mara.appoint(night_watch.NAME)
    await world.advance(30)
    await holding
    yield watch, watching
    await watch.__aexit__(None, None, None)
    await watching


@pytest.mark.parametrize("there", [True, False], ids=["with the watch", "without it"])
async def test_a_room_is_open_in_the_morning_with_it_alone(there: bool) -> None:
    async with (
        asyncio.timeout(WITHIN),
        World() as world,
        world.room("Mara", "Robin") as (mara, robin),
    ):
        if not there:
            world.cut(mara)
            await world.advance(NIGHT)
            assert robin.state is alcove.RoomState.READ_ONLY
            return
        async with watched(world, mara):
            world.cut(mara)
            await world.advance(NIGHT)
            assert robin.state is alcove.RoomState.OPEN
            assert isinstance(await robin.send("I cannot sleep."), alcove.Sent)
            heard = mara.wait_for(alcove.Message, check=lambda event: event.sender == "Robin")
            world.restore(mara)
            await world.advance(60)
            assert (await heard).text == "I cannot sleep."
            assert mara.is_facilitator
            assert (mara.state, mara.closed) == (alcove.RoomState.OPEN, None)


async def test_it_lets_in_nobody_and_leaves_when_it_is_demoted() -> None:
    async with asyncio.timeout(WITHIN), World() as world, world.room("Mara") as (mara,):
        invite = await mara.invite()
        async with watched(world, mara) as (_, watching):
            world.cut(mara)
            sam = alcove.join(invite, name="Sam", accept=True)
            async with sam:
                await sam.wait_for(alcove.Waiting)
                await world.advance(100)
                assert sam.members == ()
                world.restore(mara)
                await world.advance(10)
                assert [knock.name for knock in mara.waiting] == ["Sam"]
            done = says(mara, night_watch.DONE)
            await mara.demote(night_watch.NAME)
            await done
            await watching


async def test_it_goes_on_alone_and_ends_the_room_with_the_last_member() -> None:
    async with (
        asyncio.timeout(WITHIN),
        World() as world,
        world.room("Mara", "Robin") as (mara, robin),
        watched(world, mara) as (watch, watching),
    ):
        alone = says(robin, night_watch.ALONE)
        await mara.leave()
        await alone
        await world.advance(NIGHT)
        assert isinstance(await robin.send("still here"), alcove.Sent)
        await robin.leave()
        await world.advance(30)
        await watching
        assert watch.closed == alcove.Closed(alcove.CloseReason.ENDED)


async def test_what_cannot_be_done_costs_it_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Where only facilitators write it is silent, and can be appointed all the same."""
    async with asyncio.timeout(WITHIN), World() as world, world.room("Mara") as (mara,):
        await mara.listen_only()
        watch = alcove.join(await mara.invite(), name=night_watch.NAME, accept=True)
        await admitted(mara, watch)
        watching = asyncio.create_task(night_watch.watch(watch))
        await world.settle()
        assert "(listen_only)" in capsys.readouterr().out
        holding = says(mara, night_watch.HOLDING)
        await mara.appoint(night_watch.NAME)
        await world.advance(30)
        await holding
        await watch.__aexit__(None, None, None)
        await watching


async def test_over_a_real_relay_it_keeps_the_room_when_its_person_goes() -> None:
    async with asyncio.timeout(WITHIN), RelayProcess() as relay:
        mara = alcove.open_room(relay.url, title="T", agreement="Listen.", name="Mara")
        async with mara:
            invite = (await mara.wait_for(alcove.Opened)).invite
            robin = alcove.join(invite, name="Robin", accept=True)
            await admitted(mara, robin)
            knocked, hello = mara.wait_for(alcove.Knocked), says(mara, night_watch.HELLO)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, f"{ROOT}/examples/night_watch.py"),
                env=os.environ | {"ALCOVE_INVITE": invite},
                stdout=asyncio.subprocess.PIPE,
            )
            try:
                await mara.admit((await knocked).id)
                await hello
                ready, holding = holds(mara, night_watch.NAME), says(robin, night_watch.HOLDING)
                await mara.appoint(night_watch.NAME)
                await ready
                await holding
                alone = says(robin, night_watch.ALONE)
                await mara.leave()
                await alone
                assert isinstance(await robin.send("good night"), alcove.Sent)
                await robin.__aexit__(None, None, None)
                out, _ = await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.communicate()
            assert process.returncode == 0
            assert out.decode().splitlines()[-1] == "The room is over: ended"
