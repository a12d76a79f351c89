"""Work that suspends goes on in a task, whatever becomes of what it waits for."""

from __future__ import annotations

import asyncio

from alcove_server.ports.runner import OnLoop

from tests.server.waiting import turns


async def test_work_is_told_when_what_it_waits_for_first_fails() -> None:
    loop = asyncio.get_running_loop()
    first, second = loop.create_future(), loop.create_future()
    heard: list[str] = []

    async def work() -> None:
        for one in (first, second):
            try:
                await one
            except ValueError as error:
                heard.append(str(error))
        heard.append("done")

    OnLoop().start(work())
    first.set_exception(ValueError("first"))
    await turns(2)
    assert heard == ["first"]
    second.set_exception(ValueError("second"))
    await turns(2)
    assert heard == ["first", "second", "done"]


async def test_and_may_end_by_that() -> None:
    first = asyncio.get_running_loop().create_future()
    heard: list[str] = []

    async def work() -> None:
        try:
            await first
        except ValueError:
            heard.append("failed")

    OnLoop().start(work())
    first.set_exception(ValueError)
    await turns(3)
    assert heard == ["failed"]
