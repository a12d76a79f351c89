"""A room's clients on this node, and the one path by which they hear of anything.

The store is the truth, and it tells each node what changed, whichever node made the change. A blob
that is the next at the room's cursor is told at once (`announce`). For anything else the store
rings: the room reads on from its cursor (log, lobby, roster, the room's end) and tells its clients
(`catch_up`). Because there is one cursor, members see one order.

A blob is encoded and framed once, gathered with the others of the turn, and the same bytes go to
every live member (`fanout`). Its sender gets `published` in its place, which puts the answer where
it belongs in the order. No task is made for any member.
"""

from __future__ import annotations

from asyncio import Lock
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.frames import BlobClass, Bye, ConnectionRole, LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove_server.client.client import Client
from alcove_server.client.feed import Feed
from alcove_server.ports import error_log
from alcove_server.ports.outlet import Close
from alcove_server.ports.services import Services
from alcove_server.ports.token_bucket import TokenBucket
from alcove_server.rooms.asks import STANDBYS, Asks
from alcove_server.rooms.away import AwayKeys
from alcove_server.rooms.counts import Counts
from alcove_server.rooms.doorstep import Doorstep
from alcove_server.rooms.fanout import Fanout, Turns
from alcove_server.rooms.roster_history import Outcome, RosterHistory, follow
from alcove_server.rooms.seated_chain import SeatedChain
from alcove_server.rooms.waiting_knocks import WaitingKnocks
from alcove_server.store.interface import LobbyPage, RoomHead, StoredBlob, StoredItem
from alcove_server.wire import fast_out
from alcove_server.wire.says import away, blob_frame, bye, item_frame

PAGE: Final = 256 * 1024
"""Bytes of a stream that are read, and queued for one client, at a time."""
TOLD_RATE: Final = 32.0 * limits.MIB
TOLD_BURST: Final = 256.0 * limits.MIB
"""Bytes a second, and at once, that the members of a room are told together. One member alone can
use up a sixth of it (`session.price`), so that no member can silence a room."""
_NONE: Final[frozenset[bytes]] = frozenset()
GOODBYE_STEPS: Final = 8.0
"""Steps (`ports.turn`) of closing one connection."""


class LocalRoom:
    """One room on this node. `clients` are all that authenticated, by relay key. `live` are the
    members among them that resumed and have heard everything up to `number`. When `over`, the room
    has ended, is forgotten, or was restored with another log."""

    def __init__(
        self,
        services: Services,
        turns: Turns,
        history: RosterHistory,
        head: RoomHead,
        on_promoted: Callable[[LocalRoom, Client], None],
        doorstep: Doorstep,
        waiting_knocks: WaitingKnocks,
        counts: Counts,
    ) -> None:
        """`on_promoted` tells a live member that became a facilitator what waits in the lobby."""
        self._doorstep = doorstep
        self._waiting_knocks = waiting_knocks
        self.id = history.roster.room
        self.history = history
        self.generation = head.generation
        self.number = head.number
        self.lobby = head.lobby
        self.clients: dict[bytes, Client] = {}
        self.live: dict[bytes, Client] = {}
        self.over = False
        self.settled = False
        """Whether the log is known to be settled. In an unsettled one nothing is committed."""
        self.asks = Asks()
        self.beats: dict[bytes, float] = {}
        """When this node was told the last beat of each facilitator."""
        self.loaded_at = services.clock()
        self.seated = SeatedChain()
        """What the chain of an unsettled log says."""
        self._services = services
        self._on_promoted = on_promoted
        self._fanout = Fanout(turns)
        rate = TOLD_RATE * services.settings.rates
        self._told = TokenBucket(rate, TOLD_BURST, services.clock())
        self.counts = counts
        self.commit_turns = counts.commit_turns
        self.slow_turns = counts.slow_turns
        self._ahead: set[Client] = set()
        self.away = AwayKeys(services.clock, history.absent)
        self._reading = Lock()
        self._rung = 0
        self._looked = 0

    # --- clients ----------------------------------------------------------------------------

    def connected(self, client: Client) -> None:
        """A client authenticated. An older connection of the same key is closed. That may be this
        one, when the proof of the newer one took less time."""
        older = self.clients.get(client.key)
        if older is not None and older.since > client.since:
            client.replaced()
            return
        self.clients[client.key] = client  # first, because an empty room is released
        if older is not None:
            older.replaced()
        self._services.store.connected(self.id, client.key, client.replaced)

    def disconnected(self, client: Client) -> None:
        """A client's connection is closed."""
        if self.clients.get(client.key) is client:
            del self.clients[client.key]
            self._services.store.disconnected(self.id, client.key)
        self.go_away(client)

    def go_live(self, client: Client) -> None:
        """A member that was told everything up to `client.heard` hears what comes next."""
        if self.clients.get(client.key) is not client:
            return  # it went, or was replaced, while its replay was read
        self.live[client.key] = client
        self._fanout.subscribe(client.feed)
        if client.heard > self.number:
            self._ahead.add(client)

    def go_away(self, client: Client) -> None:
        """A member hears nothing more until it has resumed."""
        if self.live.get(client.key) is client:
            del self.live[client.key]
            self._fanout.unsubscribe(client.feed)
        self._ahead.discard(client)

    @property
    def crowded(self) -> bool:
        """Whether the members have much to be told before more should come."""
        return self._fanout.crowded

    def may_tell(self, size: int) -> bool:
        """Whether the members may be told so many bytes more, all together. Counts them."""
        return self._told.owe(self._services.clock(), size)

    async def close_all(self, code: int, reason: Bye) -> None:
        """Close all connections: the room is gone, or its log is another one."""
        self.over = True
        await self._finish(list(self.clients.values()), code, reason)

    async def send_away(self) -> None:
        """Close all connections, because the store can promise nothing of this room for now. The
        room is still there, and so is what this node knows of it."""
        services = self._services
        for client in list(self.clients.values()):
            services.tally.count("unavailable")
            client.finish(Close.TRY_AGAIN, away(services.away_delay()))
            await services.pause(GOODBYE_STEPS)

    async def _finish(self, clients: list[Client], code: int, reason: Bye) -> None:
        """Close these connections. A thousand goodbyes take 0.1 s, so others have turns between."""
        for client in clients:
            client.finish(code, reason)
            await self._services.pause(GOODBYE_STEPS)

    async def close_doors(self, doors: frozenset[bytes]) -> None:
        """These doors are revoked: close the connections that stand there."""
        for client in self._doorstep.standing_at(self.id, doors):
            if client in self._doorstep:  # it may have become a member meanwhile
                client.finish(Close.REFUSED, bye("door_revoked"))
            await self._services.pause(GOODBYE_STEPS)

    # --- what is new ------------------------------------------------------------------------

    async def catch_up(self) -> None:
        """Read what is new in the store and tell it. On return everything is told that was in the
        store at the call. There is one reader at a time, and one look serves all rings before it
        began."""
        self._rung += 1
        mine = self._rung
        async with self._reading:
            if self._looked < mine:
                looking = self._rung
                await self._look()
                self._looked = looking

    def tell_desk(self, sender: bytes, message: bytes) -> None:
        """Tell the live members here a frame of the private line, from a client of any node: the
        facilitators a member's, and all a facilitator's."""
        author = self.live.get(sender)
        if self.history.roster.is_facilitator(sender):
            self._fanout.add(message, {author.feed: b""} if author is not None else {})
            return
        for client in _among(self.history.leading, self.live):
            client.send_framed(message)

    def ring(self) -> None:
        """Note that the store has something new."""
        self._rung += 1

    @property
    def rung(self) -> bool:
        """Whether the store may have something new that no look was begun for."""
        return self._looked < self._rung

    def announce(self, generation: bytes, blob: StoredBlob) -> bool:
        """Tell a blob without an entry that the store has just taken. False when it is not the next
        at the cursor, or when a read is under way. Then nothing happened, and `catch_up` tells the
        blob in its place."""
        number = self.number + 1
        if blob.number != number or generation != self.generation or self._reading.locked():
            return False
        at = generation + number.to_bytes(8, "big")
        message = fast_out.blob(at, blob.blob_class, 0, blob.blob, blob.sender)
        self._note(blob, 0.0)
        self._tell(number, at, blob.sender, blob.id, message)
        self.number = number
        return True

    async def _look(self) -> None:
        head = await self._services.store.head(self.id)
        if head is None:
            await self.close_all(Close.GOING_AWAY, bye("unknown_room"))
        elif head.ended is not None:
            await self.close_all(Close.ENDED, bye("ended", head.ended))
        elif head.generation != self.generation:
            # The room was restored: its clients must resume in the new log.
            await self.close_all(Close.RESTARTING, bye("draining"))
        else:
            while head.number > self.number:
                if not await self._read_log():
                    await self.close_all(Close.RESTARTING, bye("draining"))
                    return
            if head.lobby > self.lobby:
                await self._read_lobby(head.lobby)

    # --- the log ----------------------------------------------------------------------------

    async def _read_log(self) -> bool:
        """Tell the next page. False when the room was restored since `_look` asked for its head."""
        after = Position(self.generation, self.number)
        page = await self._services.store.read(self.id, after, PAGE)
        if page.position.generation != self.generation:
            return False
        for blob in page.blobs:
            at = Position(self.generation, blob.number).encode()
            message = blob_frame(self.generation, blob, page.now)
            self._tell(blob.number, at, blob.sender, blob.id, message)
            self.number = blob.number
            self._note(blob, max(0.0, page.now - blob.taken_at))
            if blob.entry is not None:
                await self._follow(blob.entry)
        self.number = page.up_to  # blobs that expired before they were read leave no gap
        return True

    def _note(self, blob: StoredBlob, age: float) -> None:
        """Count a message as its author's turn, and a beat as heard. Some node took it `age`
        seconds ago."""
        if blob.blob_class is BlobClass.APPLICATION:
            self.slow_turns.told(self.history.roster, blob.sender, age)
        elif blob.blob_class is BlobClass.BEAT:
            self.beats[blob.sender] = self._services.clock() - age

    def _tell(self, number: int, at: bytes, sender: bytes, id: bytes, message: bytes) -> None:
        instead = self._already_heard(number) if self._ahead else {}
        author = self.live.get(sender)
        if author is not None and author.feed not in instead:
            n = author.answers.pop(id)
            if n is not None:
                instead[author.feed] = fast_out.published(n, at)
        self._fanout.add(message, instead)

    def _already_heard(self, number: int) -> dict[Feed, bytes]:
        """The feeds of members that have this blob already, because their resume read a page that
        was newer than this room's cursor. They get nothing in its place."""
        self._ahead = {client for client in self._ahead if client.heard >= number}
        return {client.feed: b"" for client in self._ahead}

    async def _follow(self, signed: Signed) -> None:
        """After a commit that changes the list: tell the clients that it concerns."""
        self.history, _, outcome = follow(self.history, signed)
        self.away.learn(self.history.absent)
        await self._dismiss(outcome)
        for client in _among(outcome.promoted, self.live):
            self._promote(client)  # one that came by the standby was no member before
            self._on_promoted(self, client)
        seated = _among(outcome.seated, self.clients)
        for client in seated:
            self._promote(client)
        await self.close_doors(outcome.revoked)
        for client in seated:
            await self.give(client, self.send_welcome)

    async def _dismiss(self, outcome: Outcome) -> None:
        for client in _among(outcome.gone, self.clients):
            if client.key in outcome.removed:
                proof = self.history.removed[client.key]
                client.finish(Close.REMOVED, bye("removed", proof))
            else:
                client.finish(Close.DONE, bye("not_member"))
            await self._services.pause(GOODBYE_STEPS)

    async def give(self, client: Client, act: Callable[[Client], Awaitable[None]]) -> None:
        """Give one client what waits for it. A failure closes this connection and no other: the
        client is asked to come back, and gets it then."""
        try:
            await act(client)
        except Exception as error:
            error_log.report(error)
            client.finish(Close.TRY_AGAIN, bye("unavailable"))

    def _promote(self, client: Client) -> None:
        self._doorstep.leave(client)
        client.promote()

    async def send_welcome(self, client: Client) -> None:
        """The list names this client: make it a member, and send the Welcome that waits for it."""
        self._promote(client)
        pending = await self._services.store.welcome(self.id, client.key)
        if pending is None:
            return
        if client.part is not None:
            client.part.tell(len(pending.welcome))  # it is told all the same: the debt counts
        client.send(
            frames.WelcomeIs(
                pending.position.encode(),
                pending.welcome,
                pending.entry.body,
                pending.entry.signature,
            )
        )

    async def send_refusal(self, newcomer: Client) -> None:
        """Send the reason why a knock was refused, if one waits for this newcomer."""
        refusal = await self._services.store.take_refusal(self.id, newcomer.key)
        if refusal is not None:
            newcomer.send(frames.KnockRefused(*refusal))

    async def _read_lobby(self, up_to: int) -> None:
        more = True
        while more:
            page = await self._services.store.read_lobby(self.id, self.lobby, True)
            more = page.more
            await self._tell_items(page, 0 if more else up_to)

    async def _tell_items(self, page: LobbyPage, up_to: int) -> None:
        """Tell one page. At its end everything up to `up_to` was told."""
        self.lobby = max(self.lobby, up_to)
        facilitators = [
            client for key, client in self.live.items() if self.history.roster.is_facilitator(key)
        ]
        for item in page.items:
            self.lobby = max(self.lobby, item.number)
            if item.kind in STANDBYS:
                self.asks.tell(item, self.live, self.clients)
                continue
            message = fast_out.framed(item_frame(item, page.now).to_bytes())
            for client in facilitators:
                if client.heard_lobby < item.number and item.is_for(client.key):
                    client.send_framed(message)
            spoken_to = self.clients.get(item.to)
            if spoken_to is not None and spoken_to.role == ConnectionRole.DOOR:
                spoken_to.send_framed(message)
        await self._tell_newcomers(page.items)

    async def _tell_newcomers(self, items: Iterable[StoredItem]) -> None:
        """Of the knocks that are settled. A newcomer that knocked again meanwhile waits as
        before."""
        gone = dict.fromkeys(item.key for item in items if item.kind is LobbyKind.GONE)
        settled = gone.keys() - await self._knocking(gone)
        for key in settled:  # before anything else is awaited: it may knock again
            self._waiting_knocks.discard(self.id, key)
        newcomers = [self.clients[key] for key in gone if key in settled and key in self.clients]
        at_door = [one for one in newcomers if one.role == ConnectionRole.DOOR]
        for newcomer in at_door:
            self._doorstep.answered(newcomer)
        for newcomer in at_door:
            await self.give(newcomer, self.send_refusal)

    async def _knocking(self, keys: Iterable[bytes]) -> frozenset[bytes]:
        """Those of these keys whose knock waits. When the store does not say, none: then each is
        told by way of `give`."""
        noted = self._waiting_knocks.keys(self.id)
        among = [key for key in keys if key in noted or key in self.clients]
        try:
            return await self._services.store.waiting_among(self.id, among) if among else _NONE
        except Exception as error:
            error_log.report(error)
            return _NONE


def _among(keys: frozenset[bytes], clients: dict[bytes, Client]) -> list[Client]:
    return [clients[key] for key in keys if key in clients]
