"""Whether a room is open, and what keeps it from that, as far as its facilitators are concerned."""

from collections.abc import Sequence
from typing import Final

from alcove.cli.room_view import RoomView
from alcove.cli.rooms import MemberLike

UNCONFIRMED: Final = (
    "A facilitator was heard here lately, and has not confirmed yet that what is sent here reaches "
    "them, so what you write waits. They may have come just now, their connection may be bad or "
    "lost, or the relay may be keeping you apart. It goes on by itself once they have. /leave "
    "leaves; /anyway sends all the same."
)
"""Instead of that none was heard, where the list shows one that is."""
UNHEARD_BY_OTHERS: Final = (
    "No other facilitator has confirmed yet that what you send reaches them, so what you write "
    "waits. Their connection may be bad or lost, or the relay may be keeping you apart. /anyway "
    "sends all the same, and waits for none of them until they are heard again."
)
"""To a facilitator."""
OPEN: Final = "The room is open."
AWAY_LEAVE: Final = (
    "Nothing is heard of the other facilitators, so you may be the only one here. If you leave and "
    "none is, no more can be said in the room, and it is lost within half an hour. /end ends it "
    "for everybody now. /appoint NAME makes another one. To leave all the same, type /leave once "
    "more."
)
_STILL_PAUSED: Final = "The room is still paused for a moment."
_STILL_LISTENS: Final = "The room is open, and only facilitators can write."
_STILL_READS: Final = "The room is open, and you can only read for now."
_BY_ITSELF: Final = "It goes on by itself."


def hears_facilitator(members: Sequence[MemberLike]) -> bool:
    """Return whether a facilitator is here: one that is heard, or the reader."""
    return any(one.facilitator and (one.you or one.presence == "here") for one in members)


def opened(view: RoomView, *, facilitates: bool) -> str:
    """Return that a facilitator holds the room, as it then is for the reader."""
    if view.held:
        return _STILL_PAUSED
    if view.listen_only:
        return _STILL_LISTENS
    return _STILL_READS if view.paused and not facilitates else OPEN


def too_few(missing: int, *, facilitates: bool) -> str:
    """Return what a room waits for that needs more facilitators than are there."""
    more = "/appoint NAME makes a member one. " if facilitates else ""
    if missing == 1:
        return f"One more facilitator has to be here before everybody can post. {more}{_BY_ITSELF}"
    return (
        f"{missing} more facilitators have to be here before everybody can post. {more}{_BY_ITSELF}"
    )
