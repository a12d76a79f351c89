"""How a program uses a room: waiting, handlers, logging, leaving, threads, cancellation, `run`."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator

import alcove
import pytest
from alcove import shell
from alcove.testing import World

from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.test_room import opening, two
from tests.client_sdk.waiting import WITHIN, until


@pytest.fixture
async def relay() -> AsyncIterator[RelayProcess]:
    async with RelayProcess() as process:
        yield process


async def test_a_conversation_by_waiting_alone(relay: RelayProcess) -> None:
    async with asyncio.timeout(WITHIN), opening(relay) as ann:
        invite = (await ann.wait_for(alcove.Opened)).invite
        knocked = ann.wait_for(alcove.Knocked)
        async with alcove.join(invite, name="Bob", accept=True) as bob:
            knock = await knocked
            assert ann.waiting == (knock,)
            assert bob.waiting == ()
            joined = bob.wait_for(alcove.Joined, check=lambda event: event.you)
            await ann.admit(knock.id)
            await joined
            assert len(ann.waiting) == 0
            heard = ann.wait_for(alcove.Message)
            await bob.send("hello")
            told = await heard
            assert (told.sender, told.text, told.age) == ("Bob", "hello", 0)
            assert told.time > 1_700_000_000


async def test_a_handler_added_before_and_one_added_late_miss_nothing(relay: RelayProcess) -> None:
    early, late = list[str](), list[str]()
    room = opening(relay)
    room.on(alcove.Event, lambda event: early.append(type(event).__name__))
    async with asyncio.timeout(WITHIN), room:
        await room.wait_for(alcove.Opened)
        await room.send("to nobody")
        room.on(alcove.Event, lambda event: late.append(type(event).__name__))
    assert early == late
    assert {"ConnectionChanged", "Opened", "Sent", "Closed"} <= set(early)
    with pytest.raises(alcove.RoomClosed):
        room.on(alcove.Event, lambda event: None)


async def test_a_handler_that_never_returns_does_not_hold_the_room(
    relay: RelayProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun = asyncio.Event()

    async def never(event: alcove.Opened) -> None:
        begun.set()
        await asyncio.Event().wait()

    room = opening(relay)
    room.on(alcove.Opened, never)
    async with asyncio.timeout(WITHIN):
        async with room:
            await begun.wait()
            await room.leave()
            monkeypatch.setattr(shell, "LEAVE_PATIENCE", 0.01)
        assert room.closed is not None
    assert "never did not end in time" in caplog.text


async def test_the_log_tells_what_happens_and_nothing_personal(
    relay: RelayProcess, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: alcove.Message) -> None:
        raise ValueError(event.text)

    with caplog.at_level(logging.DEBUG):  # of every logger, that of `websockets` too
        with pytest.raises(ExceptionGroup):  # noqa: PT012  # leaving the block raises
            async with two(relay) as (ann, bob):
                bob.on(alcove.Message, fail)
                await ann.send("canary-text")
                await until(bob, alcove.Problem)
                invite = await ann.invite()
                await relay.kill()
                await until(bob, alcove.ConnectionChanged)
                await relay.start()
        told = "\n".join(f"{record.name} {record.getMessage()}" for record in caplog.records)
    for word in ("connection connected", "event Message", "fail failed: ValueError", "closed left"):
        assert word in told
    secrets = ("canary-text", "Bob", "Evening circle", invite, str(relay.port), "127.0.0.1")
    assert [secret for secret in secrets if secret in told] == []


async def test_the_cause_of_a_failed_connection_is_kept(relay: RelayProcess) -> None:
    await relay.kill()
    room = opening(relay)
    with pytest.raises(alcove.ConnectionFailed) as caught:
        async with room:
            pass
    assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(alcove.RoomClosed) as over:
        room.post("too late")
    assert over.value.reason is alcove.CloseReason.ERROR
    assert over.value.__cause__ is caught.value


async def test_a_room_is_entered_once(relay: RelayProcess) -> None:
    room = opening(relay)
    async with room:
        pass
    with pytest.raises(alcove.NotNow) as caught:
        async with room:
            pass
    assert caught.value.code == "entered_before"


async def test_a_silent_relay_ends_the_entering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "ENTER_PATIENCE", 0.01)
    monkeypatch.setattr(shell, "LEAVE_PATIENCE", 0.01)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        room = alcove.open_room(url, title="T", agreement="A", name="Ann")
        with pytest.raises(alcove.ConnectionFailed) as caught:
            async with room:
                pass
    assert caught.value.code == "unreachable"


async def test_a_send_that_nothing_answers_ends_as_queued(
    relay: RelayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two(relay) as (_, bob):
        os.kill(relay.pid, signal.SIGSTOP)
        try:
            monkeypatch.setattr(shell, "COMMAND_PATIENCE", 0.01)
            monkeypatch.setattr("alcove.room.COMMAND_PATIENCE", 0.01)
            async with asyncio.timeout(WITHIN):
                assert isinstance(await bob.send("is anyone there"), alcove.Queued)
        finally:
            os.kill(relay.pid, signal.SIGCONT)
        await until(bob, alcove.Sent)


async def test_a_command_that_nothing_answers_says_that_it_may_still_happen(
    relay: RelayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two(relay) as (ann, bob):
        os.kill(relay.pid, signal.SIGSTOP)
        try:
            monkeypatch.setattr(shell, "COMMAND_PATIENCE", 0.01)
            with pytest.raises(alcove.NotNow) as caught:
                await ann.remove("Bob")
        finally:
            os.kill(relay.pid, signal.SIGCONT)
        assert caught.value.code == "unavailable"
        await until(bob, alcove.Closed)


async def test_a_cancelled_send_goes_out_all_the_same(relay: RelayProcess) -> None:
    async with two(relay) as (ann, bob):
        sending = asyncio.create_task(bob.send("said in haste"))
        await asyncio.sleep(0)
        sending.cancel()
        assert (await until(ann, alcove.Message)).text == "said in haste"
        assert bob._sends == {}


async def test_a_cancelled_program_leaves_the_room(relay: RelayProcess) -> None:
    async with two(relay) as (ann, bob):
        inside = asyncio.Event()

        async def live() -> None:
            invite = await ann.invite()
            knocked = ann.wait_for(alcove.Knocked)
            async with alcove.join(invite, name="Cleo", accept=True) as cleo:
                joined = cleo.wait_for(alcove.Joined)
                await ann.admit((await knocked).id)
                await joined
                inside.set()
                await asyncio.Event().wait()

        life = asyncio.create_task(live())
        gone = bob.wait_for(alcove.Left)
        await inside.wait()
        life.cancel()
        with pytest.raises(asyncio.CancelledError):
            await life
        assert (await gone).name == "Cleo"


async def test_another_thread_is_told_how_to_reach_the_room(relay: RelayProcess) -> None:
    async with two(relay) as (ann, bob):
        loop = asyncio.get_running_loop()

        def elsewhere() -> None:
            with pytest.raises(RuntimeError, match="run_coroutine_threadsafe"):
                ann.post("from the wrong thread")
            with pytest.raises(RuntimeError, match="belongs to the thread"):
                ann.on(alcove.Message, lambda event: None)
            with pytest.raises(RuntimeError, match="belongs to the thread"):
                ann.wait_for(alcove.Message)
            sent = asyncio.run_coroutine_threadsafe(ann.send("from a thread"), loop).result(WITHIN)
            assert isinstance(sent, alcove.Sent)

        await asyncio.to_thread(elsewhere)
        assert (await until(bob, alcove.Message)).text == "from a thread"


async def test_knocks_wait_until_they_are_answered(relay: RelayProcess) -> None:
    async with asyncio.timeout(WITHIN), opening(relay) as ann:
        invite = (await ann.wait_for(alcove.Opened)).invite
        knocked = ann.wait_for(alcove.Knocked)
        async with alcove.join(invite, name="Bob", accept=True) as bob:
            await ann.refuse((await knocked).id)
            assert (await bob.wait_for(alcove.Closed)).reason is alcove.CloseReason.REFUSED
        assert ann.waiting == ()


async def test_what_a_room_tells_of_itself_after_its_end() -> None:
    """A page that shows rooms asks them after their end too. `closed` tells what happened."""
    async with World() as world, world.room("Ann", "Bob") as (ann, bob):
        assert ann.is_facilitator
        over = bob.wait_for(alcove.Closed)
        await ann.end()
        await over
        assert (ann.is_facilitator, ann.members, ann.waiting) == (False, (), ())
        assert (bob.is_facilitator, bob.members) == (False, ())
        for room in (ann, bob):
            assert room.closed is not None
            assert room.closed.reason is alcove.CloseReason.ENDED
        assert ann.title == "Circle"
