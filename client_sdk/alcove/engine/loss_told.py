"""A relay that lost the room: told once, when this client learns it, with what happens next.

The relay alone says that it does not know the room. That a log is another one than before, and that
it is settled, this client sees by itself.
"""

from collections.abc import Callable
from typing import Final

from alcove import events

_FORGOTTEN: Final = (
    "The relay says that it does not know this room any more, as after a restart or half an hour "
    "without a facilitator. "
)
_BROUGHT: Final = (
    "The relay had lost this room, as after a restart, and a member has brought it back. "
)
_UNSETTLED: Final = (
    "For a minute or more nobody can be let in or taken out, and the room cannot be paused or "
    "ended; you are told when that works again."
)
YOURS_BRINGS: Final = f"Your client brings it back now, and what you write waits. {_UNSETTLED}"
OTHERS_BRING: Final = (
    "A member's client brings it back, a facilitator's first; none does after half an hour without "
    "a facilitator. You need to do nothing, and what you write waits. If none has brought it in "
    "half an hour, your client leaves; /leave leaves now."
)
AT_THE_DOOR: Final = (
    "Your client waits until a member brings it back, and asks again to be let in. You need to do "
    "nothing."
)
NOTHING_TO_DO: Final = "You need to do nothing."
SETTLED: Final = (
    "The room is back for good. In some seconds you can let people in, take them out, pause it and "
    "end it again. If an invite from before does not open, make another: /invite new."
)
"""The doors of a facilitator that is gone, or started anew, are not brought back."""


class LossTold:
    """What a person was told of one loss."""

    def __init__(self, emit: Callable[[events.AnyEvent], None]) -> None:
        self._emit = emit
        self._told = False
        self._waits = False  # whether this person was told that they are told of the end

    def forgotten(self, what_follows: str) -> None:
        """The relay says that it does not know the room."""
        # One that is not connected while the log is unsettled was promised it all the same.
        self._waits = self._waits or what_follows == YOURS_BRINGS
        self._tell(_FORGOTTEN, what_follows)

    def brought(self, *, facilitates: bool) -> None:
        """A member brought the room, and for a while it may become another one."""
        self._tell(_BROUGHT, _UNSETTLED if facilitates else NOTHING_TO_DO)
        self._waits = facilitates

    def over(self, *, facilitates: bool) -> None:
        """The relay has the room for good."""
        if self._waits and facilitates:
            self._emit(events.Problem("room_settled", SETTLED))
        self._told = self._waits = False

    def _tell(self, what: str, what_follows: str) -> None:
        if not self._told:
            self._emit(events.Problem("room_forgotten", what + what_follows))
        self._told = True
