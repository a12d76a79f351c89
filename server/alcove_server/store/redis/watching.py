"""The rooms that a node watches: what it hears of them, and what it does when it may have missed
something."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection
from functools import partial
from time import monotonic
from typing import Final

from alcove_protocol.errors import Refusal
from alcove_protocol.position import GENERATION_SIZE

from alcove_server.store.budget import StoreBounds
from alcove_server.store.interface import Listener
from alcove_server.store.redis import records
from alcove_server.store.redis.calls import Calls
from alcove_server.store.redis.connections import Connections
from alcove_server.store.redis.gate import Reply
from alcove_server.store.redis.health import NO_REIGN
from alcove_server.store.redis.line import Line
from alcove_server.store.redis.looks import SELDOM, Looks
from alcove_server.store.redis.refusals import failure_of
from alcove_server.store.redis.told import Told
from alcove_server.store_address import Address

log = logging.getLogger(__name__)

_KIND: Final = 2
"""Bytes that say what a push is: its kind, and the layout of what follows. What a node does not
know, as from a node of another version, is a ring: the room is read."""
_BLOB: Final = b"b" + bytes([records.LAYOUT])
_STORED: Final = _KIND + GENERATION_SIZE
"""Where a stored blob begins in its push, behind the generation."""
_CONNECTED: Final = b"c" + bytes([records.LAYOUT])
_PASSED: Final = b"d" + bytes([records.LAYOUT])
_NODE_SIZE: Final = 8
_SENDER: Final = _KIND + _NODE_SIZE
_MESSAGE: Final = _SENDER + 32
"""Where the parts of what is passed on begin: the node that did it, the sender's key, the rest."""
LOOK_SECONDS: Final = 2.0
"""Seconds for which a tick of the node waits for its looks."""
SHORT_SECONDS: Final = 1.0
"""Seconds after which a room is due again whose server's replicas confirm nothing."""


class Watching:
    """The watched rooms of a node, and the calls of its scripts."""

    def __init__(
        self,
        address: Address,
        replicas: int,
        bounds: StoreBounds,
        clock: Callable[[], float] | None,
    ) -> None:
        self.calls = Calls(address, replicas, self, bounds, clock)
        self.told = Told()
        self.listener: Listener | None = None
        self._watched: dict[bytes, bytes] = {}  # channel: room
        self._channels: dict[bytes, bytes] = {}  # room: channel
        self._alive: set[bytes] = set()  # watched rooms that were there at the last look
        self._left: set[bytes] = set()  # channels whose clients were sent away, to be held
        self._looks = Looks()
        self._now = clock if clock is not None else monotonic
        self._node = os.urandom(_NODE_SIZE)
        self.connections = Connections(self._now, self._announce)

    def watch(self, room: bytes) -> None:
        """As `Store.watch`."""
        channel = records.tag_of(room)
        self._watched[channel], self._channels[room] = room, channel
        self._alive.add(room)
        self._looks.at(room, self._now())
        self.calls.lines.watch(channel)

    def unwatch(self, room: bytes) -> None:
        """As `Store.unwatch`."""
        channel = records.tag_of(room)
        self._watched.pop(channel, None)
        self._channels.pop(room, None)
        self._alive.discard(room)
        self._looks.forget(room)
        self.told.forget(channel)
        self.calls.lines.unwatch(channel)

    def channel_of(self, room: bytes) -> bytes:
        """What all keys of a room begin with."""
        return self._channels.get(room) or records.tag_of(room)

    def note(self, channel: bytes, generation: bytes, number: int, reign: bytes) -> None:
        """A number is told, if this room is watched."""
        if channel in self._watched:
            self.told.note(channel, generation, number, reign)

    def pass_on(self, room: bytes, sender: bytes, message: bytes) -> None:
        """As `Store.pass_on`."""
        channel = records.tag_of(room)
        line = self.calls.lines.line_of(channel)
        if line is not None and line.health is not None:
            make = partial(self.calls.command, channel, "pass_on", self._node, sender, message)
            self.calls.lines.send(channel, make, lambda _: None)

    async def close(self) -> None:
        """As `Store.close`."""
        await self.calls.lines.close()
        self._watched.clear()
        self._channels.clear()
        self.listener = None

    # --- what the lines tell ----------------------------------------------------------------

    def on_push(self, line: Line, channel: bytes, message: bytes) -> None:
        room, listener = self._watched.get(channel), self.listener
        if room is None or listener is None:
            return
        kind = message[:_KIND]
        if kind == _BLOB:
            generation, blob = message[_KIND:_STORED], records.blob_of(message, _STORED)
            if blob.expires_at <= self.calls.time_at(line):
                listener.on_ring(room)  # it waited for replicas, or this node stood still
                return
            self.told.note(channel, generation, blob.number, line.reign)
            listener.on_blob(room, generation, blob)
        elif kind == _CONNECTED:
            self.connections.heard(channel, message[_KIND:])
        elif kind == _PASSED:
            if message[_KIND:_SENDER] != self._node:
                listener.on_passed(room, message[_SENDER:_MESSAGE], message[_MESSAGE:])
        else:
            listener.on_ring(room)

    def on_back(self, line: Line, channels: Collection[bytes]) -> None:
        self._left = {one for one in self._left if self.calls.lines.line_of(one) is not line}
        rooms = {one: self._watched[one] for one in channels if one in self._watched}
        for told in self.told.under_another(line.reign):
            if told[0] in rooms:
                self.compare(*told)
        self.connections.again(rooms)
        if self.listener is not None:
            for room in rooms.values():
                self.listener.on_ring(room)

    def on_away(self, line: Line) -> None:
        """Clients shall not wait for what nobody can promise. Their rooms are this node's until
        they can come back, or they would end without a heartbeat."""
        self._left |= line.channels
        rooms = [self._watched[one] for one in line.channels if one in self._watched]
        if self.listener is not None:
            for room in rooms:
                self.listener.on_away(room)

    def to_hold(self, line: Line) -> list[bytes]:
        left = {one for one in self._left if self.calls.lines.line_of(one) is line}
        return [self.calls.command(channel, "hold") for channel in line.channels | left]

    def compare(self, channel: bytes, generation: bytes, number: int, reign: bytes) -> None:
        """Have the server forget a room that lacks what was told under another reign."""
        here = NO_REIGN

        def make() -> bytes:
            nonlocal here
            here = self.calls.reign(channel)
            told = (here, reign, generation, b"%d" % number)
            return self.calls.command(channel, "fence", *told)

        def on_reply(reply: Reply) -> None:
            if reply == b"lost":
                log.warning("a room was forgotten: the primary lacks what its members were told")
            if failure_of(reply) is None:
                self.told.compared(channel, generation, number, here)

        self.calls.lines.send(channel, make, on_reply)

    def _announce(self, channel: bytes, arguments: Callable[[], tuple[bytes, ...]]) -> None:
        line = self.calls.lines.line_of(channel)
        if line is None or line.health is None:
            return  # it would be late: it is announced when the line is back

        def make() -> bytes:
            return self.calls.command(channel, "connected", *arguments())

        self.calls.lines.send(channel, make, lambda _: None)

    # --- time -------------------------------------------------------------------------------

    async def expire(self, most: int) -> bool:
        """As `Store.expire`."""
        looked = [asyncio.ensure_future(self._look(room)) for room in self._due(most)]
        if looked:
            await asyncio.wait(looked, timeout=LOOK_SECONDS)  # what is late goes on by itself
        return False  # data ends by itself; the next call looks at further rooms

    def _due(self, most: int) -> list[bytes]:
        """The rooms to look at now. On a server whose replicas confirm nothing no answer would
        come, and the tick of the node has other work."""
        due = []
        for room in self._looks.take(self._now(), most):
            line = self.calls.lines.line_of(records.tag_of(room))
            if line is not None and line.is_short:
                self._looks.at(room, self._now() + SHORT_SECONDS)
            else:
                due.append(room)
        return due

    async def _look(self, room: bytes) -> None:
        """See whether a watched room is still there, and when to look again."""
        there, seconds = True, SELDOM
        try:
            found, next_end = await self.calls.run("look", room)
            there = bool(found)
            if there:
                seconds = min(SELDOM, max(0.0, float(next_end)))
        except Refusal:
            seconds = 1.0
        if records.tag_of(room) not in self._watched:
            return
        self._looks.at(room, self._now() + seconds)
        if there:
            self._alive.add(room)
        elif room in self._alive:
            self._alive.discard(room)
            if self.listener is not None:
                self.listener.on_ring(room)
