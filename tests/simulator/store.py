"""The relay's memory store, slow or failing when the world says so, and overheard by the model."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from alcove_protocol.statements import Signed
from alcove_server.store.budget import Holding, Pays
from alcove_server.store.interface import Parking, Publication, PublishDone, SeatedRoom, Taken
from alcove_server.store.memory.store import MemoryStore

from tests.simulator.model import Truth


class Moods:
    """How the store behaves. It outlives the store, as the machine outlives the process."""

    def __init__(self) -> None:
        self.slow_until = 0.0
        self.seconds = 0.0
        self.failures: deque[bool] = deque()
        """The next calls that fail: before the store acts, or (True) after it acted."""


class Process:
    """The store as one process of the relay has it. What a dead one still does reaches no store."""

    def __init__(self, store: "MoodyStore") -> None:
        self._store = store
        self.dead = False

    def __getattr__(self, name: str) -> object:
        if not self.dead:
            return getattr(self._store, name)
        if name in ("listen", "watch", "unwatch", "connected", "disconnected", "pass_on"):
            return lambda *given: None
        raise OSError("this process is dead")


class MoodyStore:
    """A `Store`. Without a mood every call is done when it returns, as the memory store's are."""

    def __init__(self, store: MemoryStore, truth: Truth, moods: Moods) -> None:
        self.store = store
        self.listen, self.watch, self.unwatch = store.listen, store.watch, store.unwatch
        self.connected, self.disconnected = store.connected, store.disconnected
        self.pass_on = store.pass_on
        self._truth = truth
        self._moods = moods
        self._clock = asyncio.get_running_loop().time
        self._soon: list[tuple[Publication, PublishDone]] = []
        self._order = asyncio.Lock()
        self._flushes: set[asyncio.Task[None]] = set()
        self.dead = False
        """Whether its memory is lost: what it takes from now on is no fact."""

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, object]]:
        act = getattr(self.store, name)  # Any: each method has its own arguments

        async def call(*given: object) -> object:
            fails = await self._before()
            answer: object = await act(*given)
            await self._after(fails)
            return answer

        return call

    # --- what the model overhears --------------------------------------------------------------

    async def publish(self, publication: Publication) -> Taken:
        fails = await self._before()
        taken = await self.store.publish(publication)
        self._note(publication, taken)
        await self._after(fails)
        return taken

    async def open(
        self,
        room: bytes,
        entry: Signed,
        head: bytes,
        generation: bytes,
        holding: Holding | None = None,
    ) -> None:
        fails = await self._before()
        await self.store.open(room, entry, head, generation, holding)
        if not self.dead:
            self._truth.opened(entry, generation)
        await self._after(fails)

    async def reseat(
        self,
        seated: SeatedRoom,
        expected: bytes | None,
        over: Signed | None = None,
    ) -> None:
        fails = await self._before()
        await self.store.reseat(seated, expected, over)
        if not self.dead:
            self._truth.restored(seated.chain, seated.generation, len(seated.commits))
        await self._after(fails)

    async def end(self, room: bytes, statement: Signed, roster: bytes) -> None:
        fails = await self._before()
        await self.store.end(room, statement, roster)
        if not self.dead:
            self._truth.ended()
        await self._after(fails)

    async def park(self, room: bytes, key: bytes, parking: Parking, payer: Pays = None) -> None:
        fails = await self._before()
        await self.store.park(room, key, parking, payer)
        if not self.dead:
            self._truth.parked.park(key, parking.slot)
        await self._after(fails)

    async def fetched(self, room: bytes, slot: bytes) -> None:
        fails = await self._before()
        await self.store.fetched(room, slot)
        if not self.dead:
            self._truth.handed_out(slot)
        await self._after(fails)

    async def unpark(self, room: bytes, key: bytes) -> None:
        fails = await self._before()
        await self.store.unpark(room, key)
        if not self.dead:
            self._truth.parked.drop(key)
        await self._after(fails)

    def _note(self, publication: Publication, taken: Taken) -> None:
        if not self.dead:
            self._truth.taken(publication, taken.generation, taken.number)

    # --- publications without an entry, in their order -----------------------------------------

    def publish_soon(self, publication: Publication, done: PublishDone) -> None:
        if not self._waits and not self._soon and not self._order.locked():
            self.store.publish_soon(publication, self._noting(done))
            return
        self._soon.append((publication, done))
        if len(self._soon) == 1:
            flush = asyncio.create_task(self._flush())
            self._flushes.add(flush)
            flush.add_done_callback(self._flushes.discard)

    def _noting(self, done: PublishDone) -> PublishDone:
        def noting(publication: Publication, outcome: Taken | Exception) -> None:
            if isinstance(outcome, Taken):
                self._note(publication, outcome)
            done(publication, outcome)

        return noting

    async def _flush(self) -> None:
        async with self._order:
            batch, self._soon = self._soon, []
            outcomes: list[Taken | Exception] = []
            try:
                fails = await self._before()
                for publication, _ in batch:
                    heard = self._noting(lambda _, outcome: outcomes.append(outcome))
                    self.store.publish_soon(publication, heard)
                await self._after(fails)
            except OSError as error:
                outcomes = [error] * len(batch)
            for (publication, done), outcome in zip(batch, outcomes, strict=True):
                done(publication, outcome)

    # --- moods ---------------------------------------------------------------------------------

    @property
    def _waits(self) -> bool:
        return bool(self._moods.failures) or self._clock() < self._moods.slow_until

    async def _before(self) -> bool:
        """Wait before the store acts. Return whether its answer is to be lost. Raises `OSError`."""
        if not self._waits:
            return False
        after = self._moods.failures.popleft() if self._moods.failures else None
        await asyncio.sleep(self._moods.seconds / 2)
        if after is False:
            raise OSError("the store is away")
        return after is True

    async def _after(self, fails: bool) -> None:
        if self._clock() < self._moods.slow_until:
            await asyncio.sleep(self._moods.seconds / 2)
        if fails:
            raise OSError("the store's answer was lost")
