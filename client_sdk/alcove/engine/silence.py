"""A relay that does not answer: told before the connection is given up.

A network that is gone drops packets and says nothing. The socket stays open meanwhile, so
"connected" would be a claim that this client cannot make. It knows only that it has asked, and for
how long no answer came.
"""

from collections.abc import Callable
from typing import Final

from alcove import events
from alcove.events import ConnectionState
from alcove.relay.link import Link, LinkState

SILENT_AFTER: Final = 6.0
"""Seconds without an answer after which a person is told. A way through Tor takes 1 or 2."""


class Silence:
    """Tells when the relay stops to answer, and when it answers again."""

    def __init__(self, link: Link, emit: Callable[[events.AnyEvent], None]) -> None:
        self._link = link
        self._emit = emit
        self._before = False  # whether the tick before this one found it silent
        self._told = False

    @property
    def told(self) -> bool:
        """Whether a person was told that the relay does not answer, and not yet that it does."""
        return self._told

    def tick(self) -> None:
        """To be called once a second. A program that stood still for a while has not read what came
        meanwhile, so one look alone says nothing."""
        link = self._link
        # Of these states alone the loss is told, too.
        is_up = link.state in (LinkState.DOOR, LinkState.MEMBER) and not link.hang_up
        waits = link.unanswered if is_up else 0.0
        before, self._before = self._before, waits >= SILENT_AFTER
        if self._before and before and not self._told:
            self._told = True
            self._emit(events.ConnectionChanged(ConnectionState.SILENT, int(waits)))
        elif not self._before and self._told and not link.hang_up:
            self._told = False
            self._emit(events.ConnectionChanged(ConnectionState.CONNECTED))

    def connection_lost(self) -> None:
        """The connection is given up, which is told in its own way."""
        self._before = self._told = False
