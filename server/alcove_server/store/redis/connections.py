"""One connection a key over all nodes: a newer one takes the place of an older one.

A node announces each connection on the room's channel, with the time of Redis at which it was made.
The node that holds an older one of the same key closes it. A node that missed an announcement, as
while it had no connection to Redis, announces its own again with their times. The node with the
newer one answers that with its own.

A node closes nothing by the order of announcements, since one may be late: the connection that the
client has given up would replace the one that it uses. It tells how long ago its own was made.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from struct import Struct
from typing import Final

_ANNOUNCEMENT: Final = Struct(">16sd32s")
_TIME: Final = Struct(">d")
Announce = Callable[[bytes, Callable[[], tuple[bytes, ...]]], None]
"""Runs the script `connected` for a channel, with the arguments that a function makes."""


class _Connection:
    """`id` is the node's and the connection's own. `at` is the time of Redis at which it was made,
    as soon as the node was told it."""

    __slots__ = ("at", "id", "on_replaced", "since")

    def __init__(self, id: bytes, since: float, on_replaced: Callable[[], None]) -> None:
        self.id = id
        self.since = since
        self.on_replaced = on_replaced
        self.at: float | None = None


class Connections:
    """The connections of this node, by channel and key. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float], announce: Announce) -> None:
        self._clock = clock
        self._announce = announce
        self._node = os.urandom(8)
        self._made = 0
        self._by: dict[bytes, dict[bytes, _Connection]] = {}

    def connected(self, channel: bytes, key: bytes, on_replaced: Callable[[], None]) -> None:
        """As `Store.connected`."""
        self._made += 1
        id = self._node + self._made.to_bytes(8, "big")
        one = _Connection(id, self._clock(), on_replaced)
        self._by.setdefault(channel, {})[key] = one
        self._tell(channel, key, one)

    def disconnected(self, channel: bytes, key: bytes) -> None:
        """As `Store.disconnected`."""
        here = self._by.get(channel, {})
        here.pop(key, None)
        if not here:
            self._by.pop(channel, None)

    def again(self, channels: Collection[bytes]) -> None:
        """Announcements to these channels may have been missed, here or there."""
        for channel in channels:
            for key, one in self._by.get(channel, {}).items():
                self._tell(channel, key, one)

    def heard(self, channel: bytes, message: bytes) -> None:
        """An announcement of any node."""
        id, at, key = _ANNOUNCEMENT.unpack(message)
        mine = self._by.get(channel, {}).get(key)
        if mine is None:
            return
        if id == mine.id:
            mine.at = at
        elif id.startswith(self._node) or mine.at is None:
            return  # of one that is gone; or the other node answers when it hears of this one
        elif at < mine.at:
            self._tell(channel, key, mine)  # the other node does not know of this one
        else:
            self.disconnected(channel, key)
            mine.on_replaced()

    def _tell(self, channel: bytes, key: bytes, one: _Connection) -> None:
        def arguments() -> tuple[bytes, ...]:
            if one.at is not None:
                return one.id, key, b"", _TIME.pack(one.at)
            return one.id, key, repr(self._clock() - one.since).encode(), b""

        self._announce(channel, arguments)
