"""The mode for programs: events out, commands in, one JSON object a line (docs/cli.schema.json)."""

import asyncio
from typing import Final

from alcove.cli import json_events
from alcove.cli.json_commands import BadCommand, parse
from alcove.cli.lines import Lines, TooLong
from alcove.cli.output import Output
from alcove.cli.performer import Performer
from alcove.cli.room_runner import RoomRunner
from alcove.cli.rooms import RoomLike
from alcove.events import AnyEvent, Closed, Problem

_FLUSH_WITHIN: Final = 3.0
"""Seconds that the reader has for the last lines, unless it has stopped reading."""


async def run(room: RoomLike, lines: Lines) -> Closed:
    """Run `room` until it is over."""

    async def show(event: AnyEvent) -> None:
        await output.line(json_events.to_line(event))

    runner = RoomRunner(room, show)
    # A client that can tell its user nothing leaves the room.
    output = Output(1, runner.leave)
    performer = Performer(room, runner.tell, runner.leave, runner.entered)
    reading = asyncio.create_task(_read(lines, performer, runner))
    try:
        return await runner.run()
    finally:
        reading.cancel()
        performer.stop()
        await output.close(_FLUSH_WITHIN)


async def _read(lines: Lines, performer: Performer, runner: RoomRunner) -> None:
    async for line in lines:
        try:
            if isinstance(line, TooLong):
                raise BadCommand("The line is too long.")
            await performer.perform(parse(line))
        except BadCommand as error:
            await runner.tell(Problem("bad_command", error.text, error.ref))


async def refuse(closed: Closed) -> None:
    """Write the error and the end of a room that could not be made."""
    output = Output(1, lambda: None)
    for event in (Problem(closed.code, closed.text), closed):
        await output.line(json_events.to_line(event))
    await output.close(_FLUSH_WITHIN)
