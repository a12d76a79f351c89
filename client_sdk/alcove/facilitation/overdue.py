"""Tells a facilitator that what they asked for is not made.

A relay can be busy without end, say nothing, call the log unsettled, or keep what others send. Then
no other event says that a removal has not happened.
"""

from typing import Final

from alcove import events
from alcove.relay.ports import Ports

TELL_AFTER: Final = 30.0
"""Seconds that something waits, after which the person that asked for it is told."""
NOT_TAKEN: Final = (
    "A change to the room is not made yet, because the relay has not taken it. You asked for it, "
    "or your client makes it by itself, such as to let a member back in. It is sent again; you "
    "need to do nothing."
)


class Overdue:
    """Once for everything that waits at a time, and anew when something was done since, or asked
    for."""

    def __init__(self, ports: Ports, text: str = NOT_TAKEN) -> None:
        self._emit = ports.emit
        self._clock = ports.clock
        self._text = text
        self._since: float | None = None
        self._told = False

    def again(self) -> None:
        """Something was done: the time begins anew."""
        self._since, self._told = None, False

    def asked(self) -> None:
        """Another thing was asked for. It does not put off what waited before, and is told too."""
        if self._told:
            self.again()

    def tick(self, *, waits: bool) -> None:
        """`waits`: something that a person asked for is neither made nor refused."""
        now = self._clock()
        if not waits:
            self.again()
        elif self._since is None:
            self._since = now
        elif not self._told and now - self._since > TELL_AFTER:
            self._told = True
            self._emit(events.Problem("change_waits", self._text))
