"""The lines to the primaries of a Cluster: one each, made when a room there needs it.

A room lies in one slot, and so on one primary. While its slot moves, a part of its keys is on each
of two servers. Scripts refuse before they write anything then, and this node asks neither server
for the room until the slot is whole again (`Move`): it follows no `ASK`. A command that a server
did not do is made again for the next one, in order.

What a server confirmed to its own `WAIT` is told, whether the slot is there any more or not. What
is read on the new server waits for a `WAIT` there, behind the keys that came.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Final

from alcove_server.store.redis.errors import SlotMoved
from alcove_server.store.redis.gate import OnReply, Reply
from alcove_server.store.redis.line import Line, LineOwner
from alcove_server.store.redis.lines import Make
from alcove_server.store.redis.move import Move
from alcove_server.store.redis.topology import SLOTS, At, Topology, slot_of, topology_of
from alcove_server.store.redis.wire import encode
from alcove_server.store_address import Address

log = logging.getLogger(__name__)

_AGAIN: Final = 0.05
"""Seconds between two looks at a slot that moves."""
NOWHERE: Final = b"x"
"""What makes the name of a key that no room has: `whole.lua` looks for it too."""


class Cluster:
    """As `ServerLines`."""

    def __init__(self, address: Address, replicas: int, owner: LineOwner) -> None:
        self._address = address
        self._replicas = replicas
        self._owner = owner
        self._slots: list[Line | None] = [None] * SLOTS
        self._lines: dict[At, Line] = {}
        self._servers: frozenset[At] = frozenset()
        self._watched: dict[int, set[bytes]] = {}  # channels by slot
        self._moves: dict[int, Move] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: asyncio.Task[None] | None = None
        self._closed = False

    def line_of(self, channel: bytes) -> Line | None:
        return self._slots[slot_of(channel)]

    def send(self, channel: bytes, make: Make, on_reply: OnReply) -> None:
        slot = slot_of(channel)
        line, move = self._slots[slot], self._moves.get(slot)
        if self._closed:
            on_reply(ConnectionError("the store is closed"))
        elif move is None and line is not None:
            self._send(line, channel, make, on_reply)
        else:
            self._move(channel).add(make, on_reply)

    def _send(self, line: Line, channel: bytes, make: Make, on_reply: OnReply) -> None:
        def answered(reply: Reply) -> None:
            if isinstance(reply, SlotMoved):
                self._move(channel).refused(make, on_reply)
            else:
                on_reply(reply)

        line.send(make(), answered)

    def watch(self, channel: bytes) -> None:
        slot = slot_of(channel)
        self._watched.setdefault(slot, set()).add(channel)
        line = self._slots[slot]
        if line is not None and slot not in self._moves:  # else when the slot has arrived
            line.watch(channel)

    def unwatch(self, channel: bytes) -> None:
        slot = slot_of(channel)
        watched = self._watched.get(slot, set())
        watched.discard(channel)
        if not watched:
            self._watched.pop(slot, None)
        line = self._slots[slot]
        if line is not None and channel in line.channels:
            line.unwatch(channel)

    async def channels(self) -> Sequence[bytes]:
        if not any(self._slots):
            await self._ask()
        return [self.tag_on(line) for line in self._lines.values() if line in self._slots]

    async def close(self) -> None:
        self._closed = True
        tasks = [*self._tasks, *([self._asking] if self._asking is not None else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for move in self._moves.values():
            move.fail(float("inf"))
        self._moves.clear()
        for line in self._lines.values():
            await line.close()

    # --- a slot that moves ------------------------------------------------------------------

    def on_gone(self, channel: bytes) -> None:
        """A server ended the subscription of a channel: its slot moved."""
        if channel in self._watched.get(slot_of(channel), ()):
            self._move(channel)

    def _move(self, channel: bytes) -> Move:
        """What waits until the slot of this channel is whole on one server."""
        slot = slot_of(channel)
        move = self._moves.get(slot)
        if move is None:
            loop = asyncio.get_running_loop()
            move = self._moves[slot] = Move(loop.time)
            task = loop.create_task(self._follow(channel, slot, move))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return move

    async def _follow(self, channel: bytes, slot: int, move: Move) -> None:
        known = self._slots[slot] is not None
        while move.waits or self._watched.get(slot):
            line = await self._whole_at(channel, slot)
            if line is not None:
                del self._moves[slot]
                self._arrived(line, slot, known)
                for make, on_reply in move.take():
                    self._send(line, channel, make, on_reply)
                return
            await asyncio.sleep(_AGAIN)
            move.fail(asyncio.get_running_loop().time())
        del self._moves[slot]

    def _arrived(self, line: Line, slot: int, known: bool) -> None:
        watched = tuple(self._watched.get(slot, ()))
        if known:
            line.adopt(watched)
            return
        for channel in watched:  # nothing was missed: this is the first that is heard of the slot
            line.watch(channel)

    async def _whole_at(self, channel: bytes, slot: int) -> Line | None:
        """The line to the server that has all of the slot. None when it is to be asked again."""
        line = self._slots[slot]
        if line is None:
            await self._ask()
            return None
        # A server refuses to say whether a key is there while others of its slot are elsewhere.
        # The answer comes behind those to all commands for the slot that were sent before.
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        line.send(encode(b"GET", channel + NOWHERE), lambda reply: _settle(answered, reply))
        reply = await answered
        if isinstance(reply, SlotMoved):
            if reply.at is not None:
                host, port = reply.at
                self._assign(slot, self._line_at((host or line.host, port)))
        elif isinstance(reply, Exception):
            await self._ask()
        else:
            return line if self._slots[slot] is line else None
        return None

    def _assign(self, slot: int, line: Line) -> None:
        old = self._slots[slot]
        self._slots[slot] = line
        if old is not None:
            old.channels.difference_update(self._watched.get(slot, ()))

    # --- the servers ------------------------------------------------------------------------

    def _line_at(self, at: At) -> Line:
        line = self._lines.get(at)
        if line is None:
            address = replace(self._address, hosts=(at,), cluster=False)
            line = self._lines[at] = Line(address, self._replicas, self._owner, self)
        return line

    def on_failed(self) -> None:
        """A primary cannot be reached: perhaps another one has its slots by now."""
        if self._asking is None and not self._closed:
            self._asking = asyncio.get_running_loop().create_task(self._look())

    async def _ask(self) -> None:
        self.on_failed()
        if self._asking is not None:
            await asyncio.wait([self._asking])

    async def _look(self) -> None:
        try:
            self._take(await topology_of(self._address, self._servers))
        except ConnectionError:
            pass  # the lines say that Redis cannot be reached
        finally:
            self._asking = None

    def _take(self, found: Topology) -> None:
        """Lead rooms to the servers on which they are now."""
        self._servers = frozenset(member.at for member in found.members.values())
        moved = 0
        for primary in found.primaries():
            line = self._line_at(primary.at)
            adopted: list[bytes] = []
            for slot in primary.slots():
                before = self._slots[slot]
                if before is line:
                    continue
                self._assign(slot, line)
                if slot in self._moves:
                    continue
                if before is None:
                    self._arrived(line, slot, False)
                else:
                    moved += 1
                    adopted += self._watched.get(slot, ())
            if adopted:
                line.adopt(adopted)
        if moved:
            log.info("%d slots of the Cluster have another primary", moved)

    def tag_on(self, line: Line) -> bytes:
        """The tag of a key in a slot of this line's server. Raises `ConnectionError` when it has
        none."""
        own = {slot for slot, one in enumerate(self._slots) if one is line}
        if not own:
            raise ConnectionError("the server has no slots")
        node = os.urandom(8).hex().encode()
        tags = (b"{%b-%d}" % (node, at) for at in count())
        return next(tag for tag in tags if slot_of(tag) in own)


def _settle(answered: asyncio.Future[Reply], reply: Reply) -> None:
    if not answered.done():
        answered.set_result(reply)
