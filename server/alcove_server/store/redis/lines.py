"""Which line leads to the server of a room: one line for all rooms, or one for each primary of a
Cluster (`cluster`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from alcove_server.store.redis.gate import OnReply
from alcove_server.store.redis.line import Line, LineOwner
from alcove_server.store_address import Address

Make = Callable[[], bytes]
"""Makes a command. It is called again when the command goes to another server, because a command
may name the reign of its server."""
_ANY: Final = b"{}"


class ServerLines(Protocol):
    """The lines of a node. A channel is what all keys of a room begin with (`records.tag_of`)."""

    def line_of(self, channel: bytes) -> Line | None:
        """The line to the server of a room, or None while it is not known."""

    def send(self, channel: bytes, make: Make, on_reply: OnReply) -> None:
        """Send a command. `on_reply` is called once: `Wire.send`. The commands of a room are done
        in the order of the calls."""

    def watch(self, channel: bytes) -> None:
        """As `Line.watch`."""

    def unwatch(self, channel: bytes) -> None:
        """As `Line.unwatch`."""

    async def channels(self) -> Sequence[bytes]:
        """A channel on each server, whether there is such a room or not."""

    async def close(self) -> None:
        """Close all lines. Commands without an answer fail."""


class OneLine:
    """All rooms are on one primary."""

    def __init__(self, address: Address, replicas: int, owner: LineOwner) -> None:
        self._line = Line(address, replicas, owner)
        self.watch, self.unwatch, self.close = (
            self._line.watch,
            self._line.unwatch,
            self._line.close,
        )

    def line_of(self, channel: bytes) -> Line:
        return self._line

    def send(self, channel: bytes, make: Make, on_reply: OnReply) -> None:
        self._line.send(make(), on_reply)

    async def channels(self) -> Sequence[bytes]:
        return (_ANY,)
