"""What a waiting newcomer is told: whether a facilitator is there, and the invite still good.

A knock is answered by a person. When none is there, or when the invite's last use has gone to
another newcomer, nothing comes, and that looks like a slow answer. So the
client reads the card again from time to time: the relay says with it whether a facilitator holds
the room, and refuses it when the door has no uses left.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from alcove_protocol import frames
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.invite import Invite

from alcove import events
from alcove.errors import NotTrusted
from alcove.joining.card import CheckedCard, read_card
from alcove.relay.ports import Ports

LOOK_AGAIN: Final = 45.0
"""Seconds between two looks."""
LOOK_ONCE_MORE: Final = 10.0
"""Seconds after which a used door is looked at again, before it is told. This newcomer may be the
one that was let in by its last use, and the Welcome on its way."""
NOBODY_THERE: Final = (
    "The relay says that no facilitator is connected at the moment. Your wish to come in stays for "
    "a quarter of an hour after you asked, and they see it when they are back in time. You can "
    "wait here, or come again later."
)
THERE_AGAIN: Final = (
    "The relay says that a facilitator is connected now, and can see that you wait."
)
LAST_USE_GONE: Final = (
    "The relay says that the last use of your invite has gone to somebody else. Then you cannot be "
    "let in by it: ask for a new invite."
)


class DoorWatch:
    """Looks at the door while `waits`, and tells what has changed."""

    def __init__(
        self,
        invite: Invite,
        ports: Ports,
        waits: Callable[[], bool],
        on_card: Callable[[CheckedCard], None],
    ) -> None:
        self._invite = invite
        self._on_card = on_card
        self._link = ports.link
        self._clock = ports.clock
        self._emit = ports.emit
        self._waits = waits
        self._look_at: float | None = None
        self._used = False
        self._told = ""

    def knocked(self) -> None:
        """The knock waits from now on."""
        self._look_at = self._clock()
        self._used = False

    def look_now(self) -> None:
        """The next tick looks, if the knock waits."""
        if self._look_at is not None:
            self._look_at = self._clock()

    def tick(self) -> None:
        """Look, when it is time and this newcomer stands at the door."""
        if self._look_at is None or self._clock() < self._look_at or not self._waits():
            return
        self._look_at = self._clock() + LOOK_AGAIN
        self._link.request(frames.ReadCard, self._looked)

    def _looked(self, answer: RelayAnswer | None) -> None:
        if not self._waits():
            return  # a member by now, or gone
        if isinstance(answer, frames.CardIs):
            self._used = False
            with suppress(NotTrusted):  # what the relay gives out need not be the room's
                self._on_card(read_card(self._invite, answer))
            if answer.read_only:
                self._tell("nobody_there", NOBODY_THERE)
            elif self._told == "nobody_there":
                self._tell("facilitator_there", THERE_AGAIN)
        elif isinstance(answer, frames.RequestRefused) and answer.code == "door_used":
            # One that was revoked, or has expired, still admits those that wait.
            if self._used:
                self._tell(answer.code, LAST_USE_GONE)
            else:
                self._used = True
                self._look_at = self._clock() + LOOK_ONCE_MORE

    def _tell(self, code: str, text: str) -> None:
        """The same is told once, until something else is true."""
        if self._told != code:
            self._told = code
            self._emit(events.Problem(code, text))
