"""The kit for tests of programs: it shows a program what a real room would."""

import asyncio
import subprocess
import sys

import alcove
import pytest
from alcove.testing import World
from alcove.testing import world as worlds

WITHIN = 60.0
"""Seconds. Only a defect takes so long."""


async def test_two_rooms_in_memory_talk() -> None:
    async with asyncio.timeout(WITHIN), World() as world, world.room("Mara", "Robin") as (m, r):
        assert [member.name for member in r.members] == ["Mara", "Robin"]
        heard = m.wait_for(alcove.Message)
        assert isinstance(await r.send("hello"), alcove.Sent)
        told = await heard
        assert (told.sender, told.text, told.age) == ("Robin", "hello", 0)
        assert told.time == worlds.STARTS_AT + world.clock()
        left = m.wait_for(alcove.Left)
        await r.leave()
        assert (await left).name == "Robin"


async def test_a_program_that_makes_its_own_rooms_is_in_memory_too() -> None:
    async with asyncio.timeout(WITHIN), World():
        room = alcove.open_room("https://any.example", title="T", agreement="A", name="Ann")
        async with room:
            invite = (await room.wait_for(alcove.Opened)).invite
            assert invite.startswith("https://any.example/join#")
            knocked = room.wait_for(alcove.Knocked)
            async with alcove.join(invite, name="Bob", accept=True) as bob:
                joined = bob.wait_for(alcove.Joined)
                await room.admit((await knocked).id)
                assert (await joined).members == ("Ann", "Bob")


async def test_messages_expire_when_the_clock_is_moved() -> None:
    async with asyncio.timeout(WITHIN), World() as world, world.room("Mara", "Robin") as (m, r):
        sent = await m.send("for half an hour")
        await world.settle()
        gone = r.wait_for(alcove.Expired)
        await world.advance(1790)
        assert not gone.done()
        await world.advance(20)
        assert (await gone).id == sent.id


async def test_a_program_can_have_the_time_of_the_world() -> None:
    """Else its own two minutes are real ones, and it takes each message for one of years ago."""
    async with World() as world, world.room("Ann", "Bob") as (ann, bob):
        asked_at, heard = world.time(), ann.wait_for(alcove.Message)
        await world.advance(50)
        await bob.send("hello")
        assert (await heard).time == asked_at + 50 == world.time()

        short, long = (asyncio.create_task(world.sleep(seconds)) for seconds in (60.0, 120.0))
        left = asyncio.create_task(world.sleep(60))
        await world.advance(59)
        assert not short.done()
        left.cancel()  # the clock goes on without a sleeper that is gone
        await world.advance(1)
        assert short.done()
        assert not long.done()
        await world.advance(60)
        assert long.done()
        await world.sleep(0)


async def test_a_connection_that_is_cut_stays_away_until_it_is_restored() -> None:
    async with asyncio.timeout(WITHIN), World() as world, world.room("Mara", "Robin") as (m, r):
        world.cut(r)
        lost = r.wait_for(alcove.ConnectionChanged)
        assert (await lost).state is alcove.ConnectionState.RECONNECTING
        assert isinstance(await r.send("waits"), alcove.Queued)
        await m.send("while Robin is away")
        await world.advance(5)
        heard, sent = r.wait_for(alcove.Message), r.wait_for(alcove.Sent)
        world.restore(r)
        message = await heard
        await sent
        assert (message.text, message.age) == ("while Robin is away", 5)


async def test_a_relay_that_stops_comes_back_empty_and_the_room_goes_on() -> None:
    async with asyncio.timeout(WITHIN), World() as world, world.room("Mara", "Robin") as (m, r):
        world.stop_relay()
        await world.settle()
        assert m.connection is alcove.ConnectionState.RECONNECTING
        late = alcove.open_room(world.url, title="T", agreement="A", name="Ann")
        with pytest.raises(alcove.ConnectionFailed):
            async with late:
                pass
        world.start_relay()
        await world.advance(60)
        heard = r.wait_for(alcove.Message)
        assert isinstance(await m.send("still here"), alcove.Sent)
        assert (await heard).text == "still here"


async def test_without_its_facilitator_a_room_turns_read_only() -> None:
    async with asyncio.timeout(WITHIN), World() as world, world.room("Mara", "Robin") as (m, r):
        world.cut(m)
        await world.advance(100)
        assert str(r.state) == "read-only"
        world.restore(m)
        await world.advance(40)
        assert r.state is alcove.RoomState.OPEN


async def test_a_fired_event_reaches_handlers_waiters_and_readers() -> None:
    async with asyncio.timeout(WITHIN), World() as world, world.room("Mara") as (mara,):
        handled = asyncio.Event()
        mara.on(alcove.Knocked, lambda event: handled.set())
        waiting = mara.wait_for(alcove.Knocked)
        knock = alcove.Knocked("aa", "Robin", "123456", door_revoked=False)
        world.fire(mara, knock)
        assert await waiting == knock
        assert mara.waiting == (knock,)
        await handled.wait()
        world.fire(mara, alcove.Closed(alcove.CloseReason.LOST, "lost", "It is gone."))
        assert mara.closed is not None
        assert [event async for event in mara][-1] == mara.closed


async def test_there_is_one_world_at_a_time_and_none_afterwards() -> None:
    async with World():
        with pytest.raises(RuntimeError, match="one at a time"):
            async with World():
                pass
    room = alcove.open_room("http://127.0.0.1:1", title="T", agreement="A", name="Ann")
    with pytest.raises(alcove.ConnectionFailed):  # of a socket
        async with room:
            pass


def test_without_the_relay_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['alcove_server'] = None; import alcove.testing"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert ended.stderr.decode().strip().endswith("install it by: pip install 'alcove[testing]'")
