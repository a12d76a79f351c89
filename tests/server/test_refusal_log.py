"""The log of refusals: counts by code, at most one line a minute, and no trace of a client."""

import logging

import pytest
from alcove_protocol.frames import Bye, RequestRefused
from alcove_server.ports.tally import Tally
from alcove_server.process.refusal_log import PERIOD, RefusalLog
from alcove_server.testing.embedded import ManualClock

from tests.server.keys import Facilitated
from tests.server.sockets import serving


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "refused in" in record.msg]


def test_a_flood_makes_larger_numbers_and_not_more_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock, tally = ManualClock(), Tally()
    log = RefusalLog(tally, clock)
    for _ in range(3 * int(PERIOD)):
        for _ in range(1000):
            tally.count("http 429")
        tally.count("busy")
        clock.advance(1)
        log.tick()
    assert lines(caplog) == ["refused in 60 s: busy 60, http 429 60000"] * 3


def test_nothing_refused_is_no_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = ManualClock()
    log = RefusalLog(Tally(), clock)
    for _ in range(500):
        clock.advance(1)
        log.tick()
    log.write()
    assert lines(caplog) == []


async def test_each_kind_of_refusal_is_counted_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving(connections=3, connections_per_prefix=3, auth_seconds=10) as running:
        host = await running.client()
        await host.open()
        for offer in ("", "chat"):
            raw = await running.raw()
            assert (await raw.ask(running.upgrade(offer=offer)))[0] == 400
            await raw.ended()
            await raw.close()
        flood = [host.blob() for _ in range(200)]
        for frame in flood:
            await host.send(frame)
        refused = 0
        while not isinstance(answer := await host.heard(), Bye):
            refused += isinstance(answer, RequestRefused)
        assert answer.code == "rate_limited"
        bad = await running.upgraded()
        bad.send(b"\x82\x81\0\0\0\0\x00")
        await bad.close_code()
        lost = await running.client()
        with pytest.raises(AssertionError, match="unknown_room"):
            await lost.authenticate(Facilitated())
        late = await running.upgraded()
        await running.time.advance(11)
        await late.close_code()
        await running.time.advance(PERIOD)
        (line,) = lines(caplog)
        told = dict(part.rsplit(" ", 1) for part in line.partition(": ")[2].split(", "))
        assert told == {
            "http 400": "2",
            "rate_limited": str(refused + 1),
            "malformed": "1",
            "idle": "1",
            "unknown_room": "1",
        }
