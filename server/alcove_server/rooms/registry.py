"""The rooms that have clients on this node: loaded when the first client comes, released when the
last one goes, and read again when the store rings.

A room is watched from before its head is read until nothing of it is left here. So no change falls
between what was read and what the store tells.
"""

from __future__ import annotations

from asyncio import Event

from alcove_protocol.errors import Refusal

from alcove_server.client.client import Client
from alcove_server.ports import error_log
from alcove_server.ports.outlet import Close
from alcove_server.ports.place import NetworkPart
from alcove_server.ports.services import Services
from alcove_server.rooms.counts import KeptCounts
from alcove_server.rooms.doorstep import Doorstep
from alcove_server.rooms.fanout import Turns
from alcove_server.rooms.fetches import Fetches
from alcove_server.rooms.replay import Replays
from alcove_server.rooms.replay_budget import ReplayBudget
from alcove_server.rooms.restores import Restores
from alcove_server.rooms.room import LocalRoom
from alcove_server.rooms.roster_history import RosterHistory, follow
from alcove_server.rooms.roster_verifier import RosterVerifier
from alcove_server.rooms.waiting_knocks import WaitingKnocks
from alcove_server.store.interface import RoomHead, StoredBlob
from alcove_server.wire.says import bye


class Rooms:
    """The rooms of one node. `loaded` holds those with clients, by room id."""

    def __init__(self, services: Services) -> None:
        self.loaded: dict[bytes, LocalRoom] = {}
        self.verifier = RosterVerifier(services.clock)
        self.doorstep = Doorstep(services.clock, services.tally)
        self.waiting_knocks = WaitingKnocks()
        self.replay_budget = ReplayBudget(services.runner)
        self.replays = Replays(services, self.replay_budget)
        self.restores = Restores()
        self.counts = KeptCounts(services.settings.rates, services.clock)
        self.fetches = Fetches(services, self._client_of)
        self._services = services
        self._turns = Turns(services.runner.later)
        self._loading: dict[bytes, Event] = {}
        self._missed: set[bytes] = set()  # rung while they were loaded
        self._rung: set[bytes] = set()
        self._failed: set[bytes] = set()  # rung, and the read failed
        self._away: set[bytes] = set()  # of which the store can promise nothing
        self._idle: set[bytes] = set()  # watched, and perhaps without a room here
        services.store.listen(self)

    def _client_of(self, room: bytes, key: bytes) -> Client | None:
        """The client here with this key, in a room."""
        found = self.loaded.get(room)
        return found.clients.get(key) if found is not None else None

    # --- coming and going -------------------------------------------------------------------

    async def load(
        self, id: bytes, head: RoomHead | None, part: NetworkPart | None = None
    ) -> LocalRoom:
        """The room, with its roster as of `head`, which was just read, or later, for a client of
        this part of the network. A room without clients is to be `release`d. Raises `Refusal`
        (`unknown_room`, `ended`, `busy`)."""
        if head is None:
            raise Refusal("unknown_room")
        if head.ended is not None:
            raise Refusal("ended")
        known = self.loaded.get(id)
        if known is not None and known.generation == head.generation:
            if known.history.roster.head != head.roster:
                await known.catch_up()
            return known
        loading = self._loading.get(id)
        if loading is not None:  # a chain may be long, and one verification is enough for all
            await loading.wait()
            return await self.load(id, await self._services.store.head(id), part)
        done = self._loading[id] = Event()
        self._services.store.watch(id)
        self._idle.add(id)
        try:
            return await self._make(id, head, part)
        finally:
            del self._loading[id]
            self._missed.discard(id)
            done.set()

    async def _make(self, id: bytes, head: RoomHead, part: NetworkPart | None) -> LocalRoom:
        """A room that was not here, or that was restored. Its clients come to it only by
        authenticating. Those of an older one are told to come back."""
        history, head = await self._read_history(id, head, part)
        now = await self._services.store.head(id)
        if now is None or now.ended is not None:
            raise Refusal("unknown_room" if now is None else "ended")
        if now.generation != head.generation:
            return await self._make(id, now, part)  # it was restored meanwhile
        older = self.loaded.get(id)
        if older is not None and older.generation == head.generation:
            return older  # it was made meanwhile
        room = LocalRoom(
            self._services,
            self._turns,
            history,
            head,
            self.replays.on_promoted,
            self.doorstep,
            self.waiting_knocks,
            older.counts if older is not None else self.counts.take(id),
        )
        self.loaded[id] = room
        if older is not None:
            await older.close_all(Close.RESTARTING, bye("draining"))
        if now != head or id in self._missed:  # it changed while the chain was read
            self.on_ring(id)
        return room

    async def _read_history(
        self, id: bytes, head: RoomHead, part: NetworkPart | None
    ) -> tuple[RosterHistory, RoomHead]:
        """The roster as the store has it, and the head that it belongs to."""
        store = self._services.store
        history = self.verifier.known(id, head.roster)
        if history is None:
            chain = await store.chain(id, 0)
            breathe = self._services.runner.breathe
            history = await self.verifier.verify(chain, id, breathe, part)
        while history.roster.head != head.roster:  # it moved between the two reads
            for signed in await store.chain(id, history.roster.counter + 1):
                history = follow(history, signed)[0]
            again = await store.head(id)
            if again is None or again.generation != head.generation:
                raise Refusal("unknown_room")
            head = again
        return history, head

    def connected(self, room: LocalRoom, client: Client) -> LocalRoom:
        """A client authenticated for a room that `load` returned. Return the room that it is in:
        another one with this id may have been loaded since."""
        here = self.loaded.setdefault(room.id, room)
        client.room_id = here.id  # the same object, to hold these bytes once
        here.connected(client)
        return here

    def here(self, room: LocalRoom) -> LocalRoom:
        """The room with this id that is loaded now, if there is one, else the given one."""
        return self.loaded.get(room.id, room)

    def disconnected(self, room: LocalRoom, client: Client) -> None:
        """A client's connection is closed."""
        self.doorstep.leave(client)
        room.disconnected(client)
        if self.loaded.get(room.id) is room:
            self.release(room.id)

    def release(self, id: bytes) -> None:
        """Forget the room if it has no clients here."""
        room = self.loaded.get(id)
        if room is not None and not room.clients:
            del self.loaded[id]
            self.waiting_knocks.forget(id)
            self._idle.add(id)
            if room.over:  # nothing of it may stay
                self.verifier.forget(id)
            else:
                self.verifier.keep(room.history)
                self.counts.keep(id, room.counts)

    # --- what the store tells ---------------------------------------------------------------

    def on_blob(self, id: bytes, generation: bytes, blob: StoredBlob) -> None:
        """As `Listener.on_blob`: the clients hear the blob now, if it is the next."""
        room = self.loaded.get(id)
        if room is None or not room.announce(generation, blob):
            self.on_ring(id)

    def on_passed(self, id: bytes, sender: bytes, message: bytes) -> None:
        """As `Listener.on_passed`: a frame of the private line, or about a fetch."""
        room = self.loaded.get(id)
        if not self.fetches.passed(id, sender, message) and room is not None:
            room.tell_desk(sender, message)

    def on_ring(self, id: bytes) -> None:
        """As `Listener.on_ring`: the room is read when the work at hand is done, so that a request
        is answered before its effects are told."""
        room = self.loaded.get(id)
        if room is None:
            if id in self._loading:
                self._missed.add(id)
            self.verifier.forget(id)  # the room may be gone
            return
        room.ring()
        if not self._rung:
            self._services.runner.later(self._look)
        self._rung.add(id)

    def on_away(self, id: bytes) -> None:
        """As `Listener.on_away`: the clients are asked to come back."""
        self._away.add(id)
        if len(self._away) == 1:
            self._services.runner.later(self._send_away)

    def _send_away(self) -> None:
        self._services.runner.start(self._close_away())

    async def _close_away(self) -> None:
        """One room after the other, because all clients of the node may be among them."""
        while self._away:
            room = self.loaded.get(self._away.pop())
            if room is not None:
                await room.send_away()

    def _look(self) -> None:
        rung, self._rung = self._rung, set()
        for id in rung:
            self._services.runner.start(self.answer_ring(id))

    async def answer_ring(self, id: bytes) -> None:
        """Read what a room was rung for, unless it was read since. After a failure the next `tick`
        reads it."""
        room = self.loaded.get(id)
        if room is None or not room.rung:
            return
        try:
            await room.catch_up()
        except Exception as error:
            error_log.report(error)
            self._failed.add(id)

    async def catch_up(self, id: bytes) -> None:
        """Tell a room's clients here all that is in the store now."""
        room = self.loaded.get(id)
        if room is not None:
            await room.catch_up()

    async def tick(self) -> None:
        """Read rooms whose last read failed, and stop watching rooms of which nothing is here."""
        failed, self._failed = self._failed, set()
        for id in failed:
            await self.answer_ring(id)
        self.verifier.expire()
        self.counts.expire()
        await self.fetches.tick()
        while self.doorstep.tick():
            await self._services.runner.breathe()
        for id in [idle for idle in self._idle if idle not in self.verifier]:
            if self.fetches.waits_in(id):
                continue  # what another node says of its client is to be heard
            self._idle.discard(id)
            if id not in self.loaded and id not in self._loading:
                self._services.store.unwatch(id)
