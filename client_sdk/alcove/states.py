"""States of a room and of its connection, as words that programs read."""

from enum import StrEnum


class ConnectionState(StrEnum):
    """Whether the relay is connected."""

    CONNECTED = "connected"
    """Connected for the first time, or the relay answers again after `SILENT`."""
    SILENT = "silent"
    """The relay has not answered for some seconds, and the connection is not given up yet. Then
    `CONNECTED` follows when it answers, or else `RECONNECTING` within half a minute."""
    RECONNECTING = "reconnecting"
    """There is no connection. The client tries again by itself."""
    RESUMED = "resumed"
    """Connected again, as the same member: nothing is missing, unless a `Gap` follows."""
    REJOINED = "rejoined"
    """Connected again, and a facilitator let this client in again: what came between is lost."""


class RoomState(StrEnum):
    """Whether members can post, and whether the relay can be believed."""

    OPEN = "open"
    READ_ONLY = "read-only"
    """No facilitator was heard for 90 s: no member can post."""
    NOT_HEARD = "not-heard"
    """No facilitator was heard, or none that had heard this client: it may be cut off. What it
    sends waits."""
    SPLIT = "split"
    """The relay shows members different conversations: do not trust it. What this client sends
    waits until the person decides (`Room.send_anyway`, `Room.leave`)."""


class CloseReason(StrEnum):
    """Why a room is over for this client."""

    LEFT = "left"
    ENDED = "ended"
    """A facilitator ended it for all members."""
    REMOVED = "removed"
    """A facilitator put this client out."""
    REFUSED = "refused"
    """A facilitator or the relay did not let this newcomer in: `code` says why."""
    LOST = "lost"
    """The room could not be reached again. A relay that has lost the room is asked for half an hour
    before. `text` may say more."""
    ERROR = "error"
    """This client could not stay. `code` and `text` say more."""
