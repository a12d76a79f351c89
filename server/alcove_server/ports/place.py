"""A connection's place at the relay's entrance. `net.admission` hands them out."""

from __future__ import annotations

from typing import Protocol


class Quota(Protocol):
    """Rates of one part of the network. Each call uses up one of what it names, and is false when
    there is none left."""

    def open_room(self) -> bool:
        """One more room, or one restored."""

    def knock(self) -> bool:
        """One more knock."""


class Place(Protocol):
    """One connection's place. It may be given to another connection until `proved`."""

    @property
    def allowance(self) -> Quota:
        """The rates of this connection's part of the network."""

    def proved(self) -> None:
        """The client proved its key, so the connection keeps its place."""
