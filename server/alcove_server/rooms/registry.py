"""The rooms that have clients on this node: loaded when the first client comes, released when the
last one goes, and rung when something changed."""

from __future__ import annotations

from asyncio import Event
from collections.abc import Iterable

from alcove_protocol.errors import Refusal

from alcove_server.client.client import Client
from alcove_server.ports import error_log
from alcove_server.ports.outlet import Close
from alcove_server.ports.services import Services
from alcove_server.rooms.fanout import Turns
from alcove_server.rooms.replay import Replays
from alcove_server.rooms.replay_budget import ReplayBudget
from alcove_server.rooms.room import Room
from alcove_server.rooms.roster_history import RosterHistory, follow
from alcove_server.rooms.roster_verifier import RosterVerifier
from alcove_server.store.interface import RoomHead
from alcove_server.wire.says import bye


class Rooms:
    """The rooms of one node. `loaded` holds those with clients, by room id. `restores` counts the
    requests under way that bring a room back."""

    def __init__(self, services: Services) -> None:
        self.loaded: dict[bytes, Room] = {}
        self.verifier = RosterVerifier(services.clock)
        self.replay_budget = ReplayBudget(services.runner)
        self.replays = Replays(services, self.replay_budget)
        self.restores = 0
        self._services = services
        self._turns = Turns(services.runner.later)
        self._loading: dict[bytes, Event] = {}
        self._ring_again: set[bytes] = set()

    # --- coming and going -------------------------------------------------------------------

    async def load(self, id: bytes) -> Room:
        """The room, with its roster as the store has it now. A room without clients is to be
        `release`d. Raises `Refusal` (`unknown_room`, `ended`)."""
        head = await self._services.store.head(id)
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
            return await self.load(id)
        done = self._loading[id] = Event()
        try:
            return await self._make(id, head)
        finally:
            del self._loading[id]
            done.set()

    async def _make(self, id: bytes, head: RoomHead) -> Room:
        """A room that was not here, or that was restored. Its clients come to it only by
        authenticating. Those of an older one are told to come back."""
        history, head = await self._read_history(id, head)
        now = await self._services.store.head(id)
        if now is None or now.ended is not None:
            raise Refusal("unknown_room" if now is None else "ended")
        if now.generation != head.generation:
            return await self._make(id, now)  # it was restored meanwhile
        older = self.loaded.get(id)
        if older is not None and older.generation == head.generation:
            return older  # it was made meanwhile
        room = Room(self._services, self._turns, history, head, self.replays.on_promoted)
        self.loaded[id] = room
        if older is not None:
            older.close_all(Close.RESTARTING, bye("draining"))
        return room

    async def _read_history(self, id: bytes, head: RoomHead) -> tuple[RosterHistory, RoomHead]:
        """The roster as the store has it, and the head that it belongs to."""
        store = self._services.store
        history = self.verifier.known(id, head.roster)
        if history is None:
            chain = await store.chain(id, 0)
            history = await self.verifier.verify(chain, id, self._services.runner.breathe)
        while history.roster.head != head.roster:  # it moved between the two reads
            for signed in await store.chain(id, history.roster.counter + 1):
                history = follow(history, signed)[0]
            again = await store.head(id)
            if again is None or again.generation != head.generation:
                raise Refusal("unknown_room")
            head = again
        return history, head

    def connected(self, room: Room, client: Client) -> Room:
        """A client authenticated for a room that `load` returned. Return the room that it is in:
        another one with this id may have been loaded since."""
        here = self.loaded.setdefault(room.id, room)
        client.room_id = here.id  # the same object, to hold these bytes once
        here.connected(client)
        return here

    def here(self, room: Room) -> Room:
        """The room with this id that is loaded now, if there is one, else the given one."""
        return self.loaded.get(room.id, room)

    def disconnected(self, room: Room, client: Client) -> None:
        """A client's connection is closed."""
        room.disconnected(client)
        if self.loaded.get(room.id) is room:
            self.release(room.id)

    def release(self, id: bytes) -> None:
        """Forget the room if it has no clients here."""
        room = self.loaded.get(id)
        if room is not None and not room.clients:
            del self.loaded[id]
            if room.over:  # nothing of it may stay
                self.verifier.forget(id)
            else:
                self.verifier.keep(room.history)

    # --- what is new ------------------------------------------------------------------------

    async def ring(self, id: bytes) -> None:
        """Something changed in a room: tell its clients here."""
        room = self.loaded.get(id)
        if room is not None:
            await room.catch_up()

    async def ring_or_later(self, id: bytes) -> None:
        """As `ring`, after a change that is done and answered. When it fails, the next `ring_due`
        rings again."""
        try:
            await self.ring(id)
        except Exception as error:
            error_log.report(error)
            self._ring_again.add(id)

    async def ring_due(self, swept: Iterable[bytes]) -> None:
        """Ring the rooms that the store swept, and those whose last ring failed."""
        due, self._ring_again = self._ring_again.union(swept), set()
        for id in due:
            self.verifier.forget(id)  # it may be gone
            await self.ring_or_later(id)
