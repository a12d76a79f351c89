"""Everything that can go wrong, as one tree. Each error has a `code` and says what to do.

AlcoveError
├── InvalidInput      an argument is wrong: a name, a text, an invite; nothing was sent
├── ConnectionFailed  the relay cannot be reached, or is not a relay of this version
├── Refused           the relay or a facilitator said no; `code` tells which no
├── NotTrusted        a signature, a card or a group does not fit the invite
├── NotNow            not possible in the room's present state
│   └── NoAnswerYet   nothing has answered yet; it may still happen
└── RoomClosed        the room is over for this client; `code` is the reason
"""

from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Final, Self

from alcove_protocol.errors import REFUSALS, AlcoveProtocolError

from alcove.events import Closed, CloseReason

PASSING: Final = frozenset({"busy", "rate_limited", "unavailable", "unsettled"})
"""Codes of refusals of the relay that end by themselves: the same request may go again later."""
HEARSAY: Final = frozenset(
    {
        "ended",
        "removed",
        "paused",
        "not_member",
        "unknown_room",
        "locked",
        "room_full",
        "history_full",
        "read_only",
        "facilitated",
        "unknown_knock",
        "unknown_door",
        "door_expired",
        "door_used",
        "door_revoked",
        "roster_conflict",
    }
)
"""Codes of what people did, of who a client is, and of how the room and its doors are: the relay
alone says so here, without proof."""

CLOSE_SENTENCES: Final = MappingProxyType(
    {
        CloseReason.LEFT: "You left the room.",
        CloseReason.ENDED: "The room has ended: a facilitator closed it for everybody.",
        CloseReason.REFUSED: "You were not let in.",
        CloseReason.REMOVED: "You are no longer in this room; a facilitator decided so.",
        CloseReason.LOST: "The room could not be reached again, so your client has left it. "
        "Your invite may still let you ask to come in.",
        CloseReason.ERROR: "This client could not stay in the room. "
        "Your invite may still let you ask to come in.",
    }
)
"""Why a room is over, where the `Closed` event has no sentence of its own."""
LEFT_UNTOLD: Final = (
    "You left the room. The relay has not confirmed it, so the others may see your name in the "
    "list for a while."
)
"""With `unconfirmed` in the `Closed` event of a member that left."""


class AlcoveError(Exception):
    """Base of everything the SDK raises on purpose."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text)  # both, so that an error can be pickled and copied
        self.code = code
        self.text = text

    def __str__(self) -> str:
        return self.text


class InvalidInput(AlcoveError):
    """An argument is wrong. Nothing was sent and nothing changed."""

    @classmethod
    def of(cls, error: AlcoveProtocolError) -> "InvalidInput":
        return cls(error.code, error.text)


class ConnectionFailed(AlcoveError):
    """The relay cannot be reached, or the server is no relay of this version.

    `retry_after` is the number of seconds that a full relay asks to wait, else 0.
    """

    retry_after: float = 0.0


class Refused(AlcoveError):
    """The relay or a facilitator said no. The reference has a table of the relay's codes."""

    @classmethod
    def by_relay(cls, code: str) -> "Refused":
        # The sentence is this client's: no text that a relay writes is ever shown to a person.
        text = REFUSALS.get(code, "The relay refused, for a reason unknown here.")
        return cls(code, f"The relay says: {text}" if code in HEARSAY else text)


class NotTrusted(AlcoveError):
    """A signature, a card or a group does not fit the invite. Do not go on."""


class NotNow(AlcoveError):
    """Not possible in the room's present state. The text tells what would make it possible."""


class NoAnswerYet(NotNow):
    """Nothing has answered within half a minute (`unavailable`). What was asked for is not
    withdrawn: it goes to the relay until it answers, and may still happen.

    `outcome` tells what becomes of it.
    """

    def __init__(
        self, code: str, text: str, outcome: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        super().__init__(code, text)
        self._outcome = outcome

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        return type(self), (self.code, self.text)

    async def outcome(self) -> None:
        """Return once it is done, however long that takes. It need not be awaited.

        Raises the error for which it cannot be done, `RoomClosed`, and this error again for a copy
        of it, which knows no more."""
        if self._outcome is None:
            raise self
        await self._outcome()


class RoomClosed(AlcoveError):
    """The room is over for this client. `code` is left, ended, removed, refused, lost or error, and
    the text says more where more is known. `__cause__` is the error that closed it, if one did."""

    @classmethod
    def of(cls, closed: Closed) -> "RoomClosed":
        """The error that tells what this event told."""
        return cls(closed.reason.value, closed.text or CLOSE_SENTENCES[closed.reason])

    @property
    def reason(self) -> CloseReason:
        """Why the room is over. Raises `ValueError` for a code that this SDK did not set."""
        return CloseReason(self.code)
