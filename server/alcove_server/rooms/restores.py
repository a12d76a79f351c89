"""The restores under way on one node: so many, and so many for each part of the network.

A restore may take seconds, because a long chain is verified. Rooms are restored after the relay
lost its memory, all of them at that moment. A stranger who restores rooms of its own must leave
places, and turns, to the others (`FairLine`). Long restores wait for long ones alone.
"""

from __future__ import annotations

from typing import Final

from alcove_protocol.frames import Reseat

from alcove_server.client.client import Client
from alcove_server.ports.line import FairLine
from alcove_server.rooms.roster_verifier import SHORT

WAITING: Final = 32
"""Long restores at a time, and short ones. Each long one holds a frame of up to 2.5 MB."""
OF_A_PREFIX: Final = 4
"""Those of one part of the network, for each prefix that it stands for, and half of all at most."""


def size_of(frame: Reseat) -> int:
    """The bytes of a restore."""
    earlier = len(frame.earlier or b"")
    return len(frame.chain) + len(frame.commit) + len(frame.doors) + earlier


class Restores:
    """Those of one node."""

    __slots__ = ("_long", "_short", "clients")

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        """Those whose frame has come, and whose restore is not over."""
        self._long, self._short = (FairLine(WAITING, OF_A_PREFIX) for _ in range(2))

    def __len__(self) -> int:
        """How many are under way."""
        return len(self._long) + len(self._short)

    def gone(self, client: Client) -> None:
        """A client's connection is closed. If it waits for its turn, it gives it up: it did not
        have it, and may come back for it."""
        if client in self.clients:
            self._long.gone(client)
            self._short.gone(client)

    def line_of(self, size: int) -> FairLine:
        """The line in which a restore of so many bytes waits for its turn."""
        return self._short if size <= SHORT else self._long
