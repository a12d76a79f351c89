"""A room's connections on this node, and the one path by which they hear of anything.

The store is the truth and `catch_up` is how a node learns it: whoever changed something rings, and
the hub reads from where it stood (log, lobby, roster, the room's end) and tells its connections. So
it makes no difference whether the change was made here or, with a shared store, elsewhere; and
because there is one cursor, members see one order. What this node has just appended itself, and is
the next at the cursor, it need not read: `took`.

A blob is encoded and framed once, gathered with what else a turn brings, and the same bytes go to
every live member (`fanout`). Its sender gets `published` in its place, which puts the answer
where it belongs in the order. No task is made for any member.
"""

from __future__ import annotations

from asyncio import Lock
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from alcove_protocol.errors import REFUSALS
from alcove_protocol.frames import (
    BlobIs,
    Bye,
    ConnectionRole,
    KnockRefused,
    LobbyItem,
    LobbyKind,
    WelcomeIs,
)
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove_server.ports import error_log
from alcove_server.ports.outlet import Close, framed
from alcove_server.rooms.fanout import Fanout, Turns
from alcove_server.rooms.roster_history import Outcome, RosterHistory, follow
from alcove_server.store.interface import (
    Publication,
    RoomHead,
    Store,
    StoredBlob,
    StoredItem,
    Taken,
)
from alcove_server.wire import fast

if TYPE_CHECKING:
    from alcove_server.session.connection import Connection

PAGE = 256 * 1024
"""Bytes of a stream that are read, and queued for one connection, at a time."""
_ITEMS_AT_ONCE: Final = 100
"""Items of the lobby that are queued for one connection before others have a turn: about 1 ms."""
_AN_ITEM: Final = 10
"""Blobs that an item counts as: it is encoded for each who is told."""
_PAGING: Final = 1 << 62
"""`heard_lobby` of who is being told what waits: the pages bring whatever comes meanwhile."""


def blob_frame(generation: bytes, blob: StoredBlob, now: float) -> bytes:
    """A stored blob as it is sent at a time of the store's clock, framed."""
    entry, age = blob.entry, max(0, int(now - blob.taken_at))
    at, blob_class = Position(generation, blob.number).encode(), blob.blob_class
    if entry is None:
        return fast.blob(at, blob_class, age, blob.blob)
    frame = BlobIs(at, blob_class, age, blob.blob, entry.body, entry.signature)
    return framed(frame.to_bytes())


def item_frame(item: StoredItem, now: float) -> LobbyItem:
    """A lobby item as it is sent at a time of the store's clock."""
    age = max(0, int(now - item.taken_at))
    return LobbyItem(
        item.number, item.kind, item.id, item.key, age, item.blob, item.door, item.door_revoked
    )


def bye(code: str, statement: Signed | None = None) -> Bye:
    """The last frame of a connection, with a code of `REFUSALS`."""
    if statement is None:
        return Bye(code, REFUSALS[code])
    return Bye(code, REFUSALS[code], statement.body, statement.signature)


def draining(delay: int) -> Bye:
    """The same to a client that is to come again after so many seconds."""
    return Bye("draining", REFUSALS["draining"], delay=delay)


@dataclass(slots=True)
class Replay:
    """How far a resume got: first the stream `room`, then, once its member is live there, the
    stream `lobby`. It goes on when the outlet has sent what it was given."""

    after: Position
    lobby: int
    lost: bool = False
    live: bool = False
    """Everything of `room` is told; what is left is the lobby after number `lobby`."""
    heard_lobby: int = 0
    """The last number of the lobby that was told."""
    running: bool = False
    """Somebody is reading the next page."""
    owed: dict[int, list[int]] = field(default_factory=dict)
    """Publishes of the member's that were taken beyond `after`, by the blob's number: the requests
    that the replay answers when it comes there, more than one when an id was repeated."""


class Room:
    """One room on this node. `connections` are all that authenticated, by relay key; `live` those
    of them that resumed and have heard everything up to `number`."""

    def __init__(self, store: Store, turns: Turns, history: RosterHistory, head: RoomHead) -> None:
        self.room = history.roster.room
        self.history = history
        self.generation = head.generation
        self.number = head.number
        self.lobby = head.lobby
        self.connections: dict[bytes, Connection] = {}
        self.live: dict[bytes, Connection] = {}
        self._store = store
        self._fanout = Fanout(turns, self.live.values)
        self._ahead: set[Connection] = set()
        self._reading = Lock()
        self.over = False
        self._rung = 0
        self._looked = 0

    def join(self, connection: Connection) -> None:
        """A connection that authenticated. An older one of the same key gives way."""
        older = self.connections.get(connection.key)
        self.connections[connection.key] = connection  # first: an empty hub is forgotten
        if older is not None:
            older.finish(Close.REPLACED, bye("replaced"))

    def leave(self, connection: Connection) -> None:
        """A connection that is closed."""
        if self.connections.get(connection.key) is connection:
            del self.connections[connection.key]
        self.go_away(connection)

    def go_live(self, connection: Connection) -> None:
        """A member who has been told everything up to `connection.heard` hears what comes."""
        if self.connections.get(connection.key) is not connection:
            return  # it went, or was replaced, while its replay was read
        self.live[connection.key] = connection
        self._fanout.enter(connection)
        if connection.heard > self.number:
            self._ahead.add(connection)

    def go_away(self, connection: Connection) -> None:
        """A member hears nothing more until it has resumed."""
        if self.live.get(connection.key) is connection:
            del self.live[connection.key]
            self._fanout.leave(connection)
        self._ahead.discard(connection)

    def settle(self, connection: Connection) -> None:
        """Before a member is told something of its own: what everybody was told before it."""
        self._fanout.settle(connection)

    def newcomers(self) -> int:
        """Connections at a door."""
        at_door = (known.role == ConnectionRole.DOOR for known in self.connections.values())
        return sum(at_door)

    async def catch_up(self) -> None:
        """Read what is new in the store and tell everybody; when this returns, all that was in the
        store when it was called has been told. One reader at a time, and one look serves all who
        rang before it began."""
        self._rung += 1
        mine = self._rung
        async with self._reading:
            if self._looked < mine:
                looking = self._rung
                await self._look()
                self._looked = looking

    def took(self, publication: Publication, taken: Taken) -> bool:
        """The store has just taken, from this node, a blob without an entry. When it is the next
        that is to be told, and nobody is reading, everybody hears it at once. Else false, and
        nothing happened: `catch_up` will tell it in its place."""
        number = self.number + 1
        if taken.number != number or taken.generation != self.generation or self._reading.locked():
            return False
        at = self.generation + number.to_bytes(8, "big")
        message = fast.blob(at, publication.blob_class, 0, publication.blob)
        self._tell(number, at, publication.sender, publication.id, message)
        self.number = number
        return True

    async def _look(self) -> None:
        head = await self._store.head(self.room)
        if head is None:
            self.close_all(Close.GOING_AWAY, bye("unknown_room"))
        elif head.ended is not None:
            self.close_all(Close.ENDED, bye("ended", head.ended))
        elif head.generation != self.generation:
            # The room was seated again: its clients must resume in the new log.
            self.close_all(Close.RESTARTING, bye("draining"))
        else:
            while head.number > self.number:
                if not await self._read_log():
                    self.close_all(Close.RESTARTING, bye("draining"))
                    return
            if head.lobby > self.lobby:
                await self._read_lobby(head.lobby)

    def close_all(self, code: int, reason: Bye) -> None:
        """Say goodbye to everybody: the room is gone, or another than it was."""
        self.over = True
        for connection in list(self.connections.values()):
            connection.finish(code, reason)

    # --- the log ----------------------------------------------------------------------------

    async def _read_log(self) -> bool:
        """Tell the next page; False when the room was seated again since it was looked at."""
        after = Position(self.generation, self.number)
        page = await self._store.read(self.room, after, PAGE)
        if page.position.generation != self.generation:
            return False
        for blob in page.blobs:
            at = Position(self.generation, blob.number).encode()
            message = blob_frame(self.generation, blob, page.now)
            self._tell(blob.number, at, blob.sender, blob.id, message)
            self.number = blob.number
            if blob.entry is not None:
                await self._follow(blob.entry)
        self.number = page.up_to  # what expired before it was read is no one's gap
        return True

    def _tell(self, number: int, at: bytes, sender: bytes, id: bytes, message: bytes) -> None:
        instead = self._who_heard(number) if self._ahead else {}
        author = self.live.get(sender)
        if author is not None and author not in instead:
            n = author.unanswered.pop(id, None)
            if n is not None:
                instead[author] = fast.published(n, at)
        self._fanout.add(message, instead)

    def _who_heard(self, number: int) -> dict[Connection, bytes]:
        """Who resumed from a page that was newer than this hub, and so has this blob already."""
        self._ahead = {one for one in self._ahead if one.heard >= number}
        return dict.fromkeys(self._ahead, b"")

    async def _follow(self, signed: Signed) -> None:
        """After the commit that changes the list: whoever it concerns hears of it."""
        self.history, _, outcome = follow(self.history, signed)
        self._dismiss(outcome)
        for connection in _among(outcome.promoted, self.live):
            replay = Replay(Position(self.generation, self.number), 0)
            self.begin_lobby(connection, replay)
            connection.drained()
        seated = _among(outcome.seated, self.connections)
        for connection in seated:
            connection.promote()
        for connection in seated:
            await self.give(connection, self.send_welcome)

    def _dismiss(self, outcome: Outcome) -> None:
        for connection in _among(outcome.gone, self.connections):
            if connection.key in outcome.removed:
                proof = self.history.removed[connection.key]
                connection.finish(Close.REMOVED, bye("removed", proof))
            else:
                connection.finish(Close.DONE, bye("not_member"))

    async def give(
        self, connection: Connection, act: Callable[[Connection], Awaitable[None]]
    ) -> None:
        """Do what gives one connection what waits for it. Should it fail, that is this one's loss
        and no one else's: it is asked to come again, and gets it then."""
        try:
            await act(connection)
        except Exception as error:
            error_log.report(error)
            connection.finish(Close.TRY_AGAIN, bye("unavailable"))

    async def send_welcome(self, connection: Connection) -> None:
        """Who sits on the list now is a member, and gets the Welcome that waits for them."""
        connection.promote()
        pending = await self._store.welcome(self.room, connection.key)
        if pending is None:
            return
        connection.send(
            WelcomeIs(
                pending.position.encode(),
                pending.welcome,
                pending.entry.body,
                pending.entry.signature,
            )
        )

    # --- the lobby --------------------------------------------------------------------------

    async def _read_lobby(self, up_to: int) -> None:
        items = await self._store.lobby(self.room, self.lobby, True)
        now = await self._store.now()
        self.lobby = up_to
        facilitators = [
            connection
            for key, connection in self.live.items()
            if self.history.roster.is_facilitator(key)
        ]
        for item in items:
            self.lobby = max(self.lobby, item.number)
            message = framed(item_frame(item, now).to_bytes())
            for connection in facilitators:
                if connection.heard_lobby < item.number:
                    connection.send_framed(message)
            if item.kind is LobbyKind.GONE:
                await self._tell_newcomer(item)

    async def _tell_newcomer(self, gone: StoredItem) -> None:
        newcomer = self.connections.get(gone.key)
        if newcomer is not None and newcomer.role == ConnectionRole.DOOR:
            await self.give(newcomer, self.send_refusal)

    async def send_refusal(self, newcomer: Connection) -> None:
        """The reason why a knock was refused, if one waits for them."""
        refusal = await self._store.take_refusal(self.room, newcomer.key)
        if refusal is not None:
            newcomer.send(KnockRefused(*refusal))

    def begin_lobby(self, connection: Connection, replay: Replay) -> None:
        """A facilitator who is live is to be told what waits, in the order of its numbers: who
        comes again with the last one must have been told all before it."""
        replay.live, connection.replay = True, replay
        connection.heard_lobby = _PAGING

    async def page_lobby(self, connection: Connection, replay: Replay) -> None:
        """Queue what waits until the outlet has enough or everything is told; then the facilitator
        hears of items as they come."""
        paging = connection.relay.paging
        # Not `while connection.replay is replay`: mypyc would take it for a `Replay` until the end.
        while connection.outlet.backlog < PAGE:
            now, known = await self._store.now(), self.lobby
            items = await self._store.lobby(self.room, replay.lobby, replay.lobby > 0)
            if connection.replay is not replay:
                return
            if not self.history.roster.is_facilitator(connection.key):
                connection.replay = None
                return
            paging.read(_AN_ITEM * min(len(items), _ITEMS_AT_ONCE))
            for item in items[:_ITEMS_AT_ONCE]:
                if connection.outlet.backlog >= PAGE:
                    return
                connection.send(item_frame(item, now))
                replay.lobby = replay.heard_lobby = item.number
            if len(items) > _ITEMS_AT_ONCE:
                await paging.turn()
                if connection.replay is not replay:
                    return
                continue
            if self.lobby == known:  # else the others were told of items that came after the read
                connection.heard_lobby = max(known, replay.lobby)
                connection.replay = None
                return


def _among(keys: frozenset[bytes], connections: dict[bytes, Connection]) -> list[Connection]:
    return [connections[key] for key in keys if key in connections]
