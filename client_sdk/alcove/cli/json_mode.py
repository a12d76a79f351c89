"""For programs: events out and commands in, one JSON object a line (docs/cli.schema.json)."""

import asyncio
from typing import Final

from alcove.cli import json_events
from alcove.cli.commands import BadCommand, parse
from alcove.cli.lines import Lines, TooLong
from alcove.cli.output import Output
from alcove.cli.performer import Performer
from alcove.cli.rooms import RoomLike
from alcove.cli.session import Session
from alcove.events import Closed, Event, Problem

_FLUSH_WITHIN: Final = 3.0
"""Seconds that the reader has for the last lines. One that has stopped reading gets no more."""


async def run(room: RoomLike, lines: Lines) -> Closed:
    """Live in `room` until it is over."""

    async def show(event: Event) -> None:
        await output.line(json_events.to_line(event))

    session = Session(room, show)
    # Who cannot be told anything any more is not in the room any more.
    output = Output(1, session.leave)
    performer = Performer(room, session.tell, session.leave, session.entered)
    reading = asyncio.create_task(_read(lines, performer, session))
    try:
        return await session.run()
    finally:
        reading.cancel()
        performer.stop()
        await output.close(_FLUSH_WITHIN)


async def _read(lines: Lines, performer: Performer, session: Session) -> None:
    async for line in lines:
        try:
            if isinstance(line, TooLong):
                raise BadCommand("The line is too long.")
            await performer.perform(parse(line))
        except BadCommand as error:
            await session.tell(Problem("bad_command", error.text, error.ref))


async def refuse(closed: Closed) -> None:
    """For a room that could not even be made: the error, and the end."""
    output = Output(1, lambda: None)
    for event in (Problem(closed.code, closed.text), closed):
        await output.line(json_events.to_line(event))
    await output.close(_FLUSH_WITHIN)
