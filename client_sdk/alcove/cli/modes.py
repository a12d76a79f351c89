"""The three modes, and the sentence that remains on standard error at the end."""

import logging
import os
from enum import Enum

from alcove.cli import rooms
from alcove.cli.lines import Lines
from alcove.cli.room_runner import sentence_of, status_of
from alcove.cli.rooms import RoomLike, RoomToEnter, RoomToJoin
from alcove.cli.stdio import complain
from alcove.cli.watchdog import watchdog
from alcove.errors import AlcoveError
from alcove.events import Closed, CloseReason


class Mode(Enum):
    JSON = "json"
    PLAIN = "plain"
    SCREEN = "screen"


async def live(wanted: RoomToEnter, lines: Lines, mode: Mode) -> int:
    """Make the room, show it until it is over, and return the exit status."""
    # Without a handler Python writes warnings to standard error, across the person's screen.
    logging.getLogger("alcove").addHandler(logging.NullHandler())
    told = False  # on the same terminal, so that it need not stand there twice
    try:
        room = rooms.make_room(wanted)
    except AlcoveError as error:
        closed = Closed(CloseReason.ERROR, error.code, error.text)
        if mode is Mode.JSON:
            from alcove.cli import json_mode

            await json_mode.refuse(closed)
    else:
        closed = await _show(room, wanted, lines, mode)
        told = mode is Mode.PLAIN and os.isatty(1) and os.isatty(2)
    watchdog.bound(status_of(closed))  # a name server that hangs must not keep the process
    if status_of(closed) and not told:
        complain(sentence_of(closed))
    return status_of(closed)


async def _show(room: RoomLike, wanted: RoomToEnter, lines: Lines, mode: Mode) -> Closed:
    accepted = not isinstance(wanted, RoomToJoin) or wanted.accept
    if mode is Mode.JSON:
        from alcove.cli import json_mode

        return await json_mode.run(room, lines)
    if mode is Mode.PLAIN:
        from alcove.cli import plain_mode

        standby = isinstance(wanted, RoomToJoin) and rooms.is_standby(wanted.invite)
        return await plain_mode.run(room, lines, accepted=accepted, standby=standby)
    from alcove.cli import ui

    return await ui.run(room, accepted=accepted)
