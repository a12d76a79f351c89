"""What `async for` and `wait_for` see of a room's events."""

import asyncio

import alcove
import pytest
from alcove import feed as feeds
from alcove.feed import EventFeed

CLOSED = alcove.Closed(alcove.CloseReason.REMOVED, "removed", "You were put out.")


def message(id: str) -> alcove.Message:
    return alcove.Message(id, "Ann", f"text of {id}", 60)


async def rest_of(feed: EventFeed) -> list[alcove.AnyEvent]:
    return [event async for event in feed.read()]


async def test_it_waits_for_the_first_event_that_fits() -> None:
    feed = EventFeed()
    feed.entered()
    second = feed.wait_for(alcove.Message, lambda event: event.id == "02", None)
    either = feed.wait_for(alcove.Message, None, None)
    for event in (alcove.Left("Bob"), message("01"), message("02")):
        feed.put(event)
    assert (await second).id == "02"
    assert (await either).id == "01"
    assert len(feed.unread) == 3  # a waiter takes nothing away from the reader


async def test_what_came_while_entering_counts_as_next_and_later_the_past_does_not() -> None:
    feed = EventFeed()
    feed.put(alcove.Opened("invite"))
    assert (await feed.wait_for(alcove.Opened, None, None)).invite == "invite"
    feed.entered()
    later = feed.wait_for(alcove.Opened, None, 0.0)
    with pytest.raises(TimeoutError):
        await later


async def test_what_a_check_raises_ends_the_waiting() -> None:
    feed = EventFeed()

    def wrong(event: alcove.Message) -> bool:
        raise LookupError("a bug of the program")

    waiting = feed.wait_for(alcove.Message, wrong, None)
    feed.put(message("01"))
    with pytest.raises(LookupError):
        await waiting


async def test_the_end_is_told_with_its_reason_and_cause_before_and_after() -> None:
    feed, cause = EventFeed(), alcove.ConnectionFailed("unreachable", "It is not there.")
    before = feed.wait_for(alcove.Message, None, 60.0)
    end = feed.wait_for(alcove.Closed, None, None)
    feed.put(CLOSED)
    feed.close(CLOSED, cause)
    assert await end == CLOSED
    for waiting in (before, feed.wait_for(alcove.Message, None, None)):
        with pytest.raises(alcove.RoomClosed) as caught:
            await waiting
        assert caught.value.reason is alcove.CloseReason.REMOVED
        assert caught.value.text == "You were put out."
        assert caught.value.__cause__ is cause
    assert await feed.wait_for(alcove.Closed, None, None) == CLOSED


async def test_a_cancelled_wait_leaves_nothing_behind() -> None:
    feed = EventFeed()
    waiting = feed.wait_for(alcove.Message, None, 60.0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)
    feed.put(message("01"))
    assert feed._waiters == []


@pytest.mark.parametrize("gone", [alcove.Expired("01"), alcove.Retracted("01")])
async def test_a_text_that_nobody_read_is_dropped_when_it_is_over(gone: alcove.AnyEvent) -> None:
    feed = EventFeed()
    for event in (message("01"), message("02"), gone, CLOSED):
        feed.put(event)
    assert await rest_of(feed) == [message("02"), CLOSED]


async def test_a_reader_is_told_of_a_message_before_it_is_told_that_it_is_over() -> None:
    feed = EventFeed()
    feed.put(message("01"))
    reading = feed.read()
    assert await anext(reading) == message("01")
    for event in (message("02"), alcove.Retracted("02")):
        feed.put(event)
    assert [await anext(reading), await anext(reading)] == [message("02"), alcove.Retracted("02")]


async def test_unread_events_are_bounded_and_a_gap_tells_what_went(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeds, "EVENTS", 10)
    feed = EventFeed()
    for number in range(30):
        feed.put(message(f"{number:02}"))
    feed.put(CLOSED)
    kept = [message(f"{number:02}") for number in range(21, 30)]
    assert await rest_of(feed) == [alcove.Gap(None), *kept, CLOSED]
