"""Handlers of a program: their order, their bound, their errors, and the time they are given."""

import asyncio
import contextlib
import logging
from pathlib import Path

import alcove
import pytest
from alcove import handlers
from alcove.handlers import AT_ONCE, WAITING, Handlers
from alcove.testing import World

WITHIN = 60.0
"""Seconds. Only a defect takes so long."""


def message(number: int) -> alcove.Message:
    return alcove.Message(f"{number:02x}", "Ann", str(number), 60)


class Program:
    """Handlers without a room, and the problems that they told."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.over = False
        self.handlers = Handlers(lambda code, text: self.problems.append(code), lambda: self.over)

    async def rest(self) -> None:
        """Until no handler has anything to do."""
        async with asyncio.timeout(WITHIN):
            while running := self.handlers.running:
                await asyncio.wait(running)


async def test_a_handler_has_its_events_in_order_and_one_at_a_time() -> None:
    program, course = Program(), list[str]()

    async def slow(event: alcove.Message) -> None:
        course.append(f"begin {event.text}")
        await asyncio.sleep(0)
        course.append(f"end {event.text}")

    program.handlers.add(alcove.Message, slow, concurrent=False, before=())
    for number in range(3):
        program.handlers.dispatch(message(number))
    await program.rest()
    assert course == [f"{what} {number}" for number in range(3) for what in ("begin", "end")]


async def test_an_event_that_comes_as_the_handler_ends_is_handled() -> None:
    program, heard = Program(), list[str]()

    def again(event: alcove.Message) -> None:
        heard.append(event.text)
        if len(heard) == 1:  # in the turn of the loop that follows the end of this task
            asyncio.get_running_loop().call_soon(program.handlers.dispatch, message(2))

    program.handlers.add(alcove.Message, again, concurrent=False, before=())
    program.handlers.dispatch(message(1))
    for _ in range(10):
        await asyncio.sleep(0)
    assert heard == ["1", "2"]


async def test_a_concurrent_handler_runs_together_and_within_a_bound() -> None:
    program, inside, most = Program(), 0, 0
    full, go = asyncio.Event(), asyncio.Event()

    async def wait(event: alcove.Message) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        if inside == AT_ONCE:
            full.set()
        await go.wait()
        inside -= 1

    program.handlers.add(alcove.Message, wait, concurrent=True, before=())
    for number in range(AT_ONCE + 20):
        program.handlers.dispatch(message(number))
    await full.wait()
    go.set()
    await program.rest()
    assert (most, inside) == (AT_ONCE, 0)


async def test_a_handler_that_waits_delays_no_other() -> None:
    program, heard = Program(), asyncio.Event()

    async def never(event: alcove.Message) -> None:
        await asyncio.Event().wait()

    program.handlers.add(alcove.Message, never, concurrent=False, before=())
    program.handlers.add(alcove.Message, lambda event: heard.set(), concurrent=False, before=())
    program.handlers.dispatch(message(7))
    async with asyncio.timeout(WITHIN):
        await heard.wait()
        await program.handlers.stop()
    assert not program.handlers.running


async def test_a_handler_that_is_behind_loses_its_oldest_events_and_is_told_so_once() -> None:
    program, heard = Program(), list[str]()
    program.handlers.add(
        alcove.Message, lambda event: heard.append(event.text), concurrent=False, before=()
    )
    for number in range(WAITING + 5):
        program.handlers.dispatch(message(number))
    await program.rest()
    assert heard == [str(number) for number in range(5, WAITING + 5)]
    assert program.problems == ["handler_behind"]
    for number in range(WAITING + 1):
        program.handlers.dispatch(message(number))
    await program.rest()
    assert program.problems == ["handler_behind"] * 2  # it had caught up in between


async def test_events_from_before_come_first() -> None:
    program, heard = Program(), list[str]()
    early = (message(1), alcove.Left("Bob"), message(2))
    program.handlers.add(
        alcove.Message, lambda event: heard.append(event.text), concurrent=False, before=early
    )
    program.handlers.dispatch(message(3))
    await program.rest()
    assert heard == ["1", "2", "3"]


async def test_an_error_is_logged_at_once_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    program = Program()

    def inner() -> None:
        raise LookupError("canary-inside")

    async def fail(event: alcove.Message) -> None:
        try:
            inner()
        except LookupError as error:
            raise ValueError("canary-outside") from error

    program.handlers.add(alcove.Message, fail, concurrent=False, before=())
    with caplog.at_level(logging.DEBUG, "alcove"):
        program.handlers.dispatch(message(1))
        await program.rest()
    (record,) = caplog.records
    told = record.getMessage()
    assert record.levelno == logging.ERROR
    for word in ("fail", "ValueError", "LookupError", "test_handlers.py", "in inner"):
        assert word in told
    assert "canary" not in told
    assert str(Path(__file__).parent) not in told  # a home folder often has a person's name
    assert record.exc_info is None
    (error,) = program.handlers.errors
    assert str(error) == "canary-outside"
    assert program.problems == ["handler_failed"]


async def test_a_handler_that_was_cancelled_by_the_program_goes_on_with_the_next_event() -> None:
    program, heard = Program(), list[str]()

    async def cancelled(event: alcove.Message) -> None:
        heard.append(event.text)
        raise asyncio.CancelledError

    program.handlers.add(alcove.Message, cancelled, concurrent=False, before=())
    for number in range(2):
        program.handlers.dispatch(message(number))
    await program.rest()
    assert heard == ["0", "1"]
    assert len(program.handlers.errors) == 2


async def test_what_does_not_end_is_cancelled_and_then_left_to_itself(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "STRAGGLERS", 0.01)
    program, end = Program(), asyncio.Event()

    async def stubborn(event: alcove.Message) -> None:
        while not end.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await end.wait()

    program.handlers.add(alcove.Message, stubborn, concurrent=False, before=())
    program.handlers.dispatch(message(1))
    await asyncio.sleep(0)
    async with asyncio.timeout(WITHIN):
        await program.handlers.stop()
    assert len(program.handlers.running) == 1
    assert "stubborn did not end in time" in caplog.text
    end.set()
    await program.rest()


async def test_a_room_closed_is_a_failure_only_while_this_room_goes_on() -> None:
    """A handler of one room may act in another one, whose end it should have expected."""
    program = Program()
    ended = alcove.RoomClosed("ended", "The room has ended.")

    def act(event: alcove.Message) -> None:
        raise ended

    program.handlers.add(alcove.Message, act, concurrent=False, before=())
    program.handlers.dispatch(message(1))
    await program.rest()
    assert (program.problems, program.handlers.errors) == (["handler_failed"], [ended])
    program.over = True
    program.handlers.dispatch(message(2))
    await program.rest()
    assert (program.problems, program.handlers.errors) == (["handler_failed"], [ended])


async def test_a_handler_that_meets_the_end_of_its_room_is_no_failure() -> None:
    """The bots of the guide answer in a handler, and a room may end before the answer."""
    async with World() as world, world.room("Ann", "Bob") as (ann, bob):
        met: list[str] = []

        async def answer(heard: alcove.Message) -> None:
            await ann.end()
            try:
                await bob.send("thank you")
            except alcove.RoomClosed as error:
                met.append(error.code)
                raise

        async with asyncio.timeout(WITHIN):
            bob.on(alcove.Message, answer)
            over = bob.wait_for(alcove.Closed)
            await ann.send("hello")
            await over
            await bob.__aexit__(None, None, None)  # it raised an ExceptionGroup
        assert met == ["ended"]
