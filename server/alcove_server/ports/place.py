"""A connection's place at the relay's entrance. `net.admission` hands them out."""

from __future__ import annotations

from typing import Protocol

from alcove_server.store.budget import Holding


class NetworkPart(Protocol):
    """A part of the network. Two are the same part when they are the same object."""

    @property
    def weight(self) -> int:
        """For how many parts of the network it stands: a shared address is many people's."""

    @property
    def whole(self) -> NetworkPart | None:
        """The provider's part, when it has many parts such as this one."""


class Quota(NetworkPart, Protocol):
    """Rates of one part of the network. Each call uses up one of what it names, and is false when
    there is none left."""

    @property
    def holding(self) -> Holding:
        """What the rooms hold that it opened."""

    def open_room(self) -> bool:
        """One more room, or one restored."""

    def knock(self) -> bool:
        """One more knock."""

    def tell(self, size: int) -> bool:
        """So many bytes are to be sent. It is true while any are left, because only then is known
        how many it will be. What is more counts against later ones."""


class Place(Protocol):
    """One connection's place. It may be given to another connection until `proved`."""

    @property
    def allowance(self) -> Quota:
        """The rates of this connection's part of the network."""

    def proved(self) -> None:
        """The client proved its key, so the connection keeps its place."""
