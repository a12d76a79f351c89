"""Sentences about a room's standby: a printed link by which a room without facilitators goes on."""

from typing import Final

from alcove import events
from alcove.cli import escape

KEEP: Final = (
    "Print this link, and keep it away from this room and this device: whoever has it can take "
    "over the room when no facilitator is here. It is not shown again; /standby makes another, and "
    "/standby off closes it:"
)
_MADE: Final = (
    "The room has a standby: when no facilitator is here any more, the person with its printed "
    "link can ask the members to let them in, and goes on as a facilitator. Everybody is told then."
)
_CLOSED: Final = "The room has no standby now: its printed link lets nobody in any more."
_YOU_MADE: Final = (
    "You made a standby: when no facilitator is here any more, the person with its printed link "
    "can ask the members to let them in, and goes on as a facilitator. Everybody is told then."
)
_YOU_CLOSED: Final = "You closed the standby: its printed link lets nobody in any more."
ASKED: Final = (
    "The person with the standby's link asks to come in, because no facilitator is heard. The "
    "members' programs answer; you need to do nothing."
)
ADMITTED: Final = "The room goes on with the person who came by the standby's link."


def changed(event: events.StandbyChanged, me: str = "") -> str:
    """Return what happened to the standby, and by whom, if that is known."""
    if me and event.by == me:
        return _YOU_MADE if event.on else _YOU_CLOSED
    by = f" {escape.name(event.by)} did this." if event.by else ""
    return f"{_MADE if event.on else _CLOSED}{by}"


YOU_GO_ON: Final = (
    "You came by the standby's link, and are a facilitator now. /help lists what you can do."
)


def goes_on(name: str) -> str:
    """Return what happened when another person came by the standby's link."""
    return f"{escape.name(name)} came by the standby's link, and is a facilitator now."
