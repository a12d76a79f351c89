"""The three faces of a room, and what remains on standard error when it is over."""

from enum import Enum

from alcove.cli import rooms
from alcove.cli.lines import Lines
from alcove.cli.rooms import Joining, Plan, RoomLike
from alcove.cli.session import sentence_of, status_of
from alcove.cli.stdio import complain
from alcove.errors import AlcoveError
from alcove.events import Closed, CloseReason


class Face(Enum):
    JSON = "json"
    PLAIN = "plain"
    SCREEN = "screen"


async def live(plan: Plan, lines: Lines, face: Face) -> int:
    """Make the room, show it until it is over, and return the exit status."""
    try:
        room = rooms.make_room(plan)
    except AlcoveError as error:
        closed = Closed(CloseReason.ERROR, error.code, error.text)
        if face is Face.JSON:
            from alcove.cli import json_mode

            await json_mode.refuse(closed)
    else:
        closed = await _show(room, plan, lines, face)
    if status_of(closed):
        complain(sentence_of(closed))
    return status_of(closed)


async def _show(room: RoomLike, plan: Plan, lines: Lines, face: Face) -> Closed:
    accepted = not isinstance(plan, Joining) or plan.accept
    if face is Face.JSON:
        from alcove.cli import json_mode

        return await json_mode.run(room, lines)
    if face is Face.PLAIN:
        from alcove.cli import plain_mode

        return await plain_mode.run(room, lines, accepted=accepted)
    from alcove.cli import ui

    return await ui.run(room, accepted=accepted)
