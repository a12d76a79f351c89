"""Roster chains are verified in turn, and the histories are kept for a while.

Any client may bring a long chain of its own room, and a room's whole chain is read when the first
of its members comes. So at most two chains are verified at a time, one of them a short one. A
client with a long chain waits only for other long chains, of which each part of the network has its
turn (`FairLine`). `verify_chain` gives the others a turn
every 2 ms. A history is kept for some minutes after the last client of its room has gone. Otherwise
a client that comes and goes would have the chain verified each time.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from alcove_protocol import limits
from alcove_protocol.statements import Signed

from alcove_server.ports.line import FairLine
from alcove_server.ports.place import NetworkPart
from alcove_server.rooms.roster_history import RosterHistory, verify_chain

Breathe = Callable[[], Awaitable[None]]

SHORT: Final = 64 * limits.KIB
"""Bytes of a chain that need not wait for long ones. Verifying it takes 0.1 s at most."""
WAITING: Final = 256
"""Clients that may wait for each of the two. Beyond that, the last of a part of the network that
had more gets `busy`."""
KEPT: Final = 100_000
"""Keys in all histories that are kept: about 30 MB."""
KEPT_SECONDS: Final = 300.0
"""Longer than a client waits before it tries again after it lost the network."""


class RosterVerifier:
    """The verified histories of one node. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lines = {True: FairLine(WAITING), False: FairLine(WAITING)}
        self._kept: OrderedDict[bytes, tuple[RosterHistory, float]] = OrderedDict()
        self._keys = 0

    def __len__(self) -> int:
        """The number of histories that are kept."""
        return len(self._kept)

    def __contains__(self, room: bytes) -> bool:
        """Whether anything of a room is kept."""
        return room in self._kept

    async def verify(
        self,
        chain: Sequence[Signed],
        room: bytes,
        breathe: Breathe,
        part: NetworkPart | None = None,
    ) -> RosterHistory:
        """The history after a whole chain, for a client of this part of the network. Raises
        `Malformed` as `verify_chain`, `Refusal` (`busy`), and what `breathe` raises."""
        size = sum(len(entry.body) for entry in chain)
        line = self._lines[size <= SHORT]
        waits = len(line) > 0
        await line.enter(part, size)
        try:
            if waits:
                await breathe()  # it raises when the client has gone meanwhile
            return await verify_chain(chain, room, breathe)
        finally:
            line.leave()

    # --- what is kept -----------------------------------------------------------------------

    def known(self, room: bytes, head: bytes) -> RosterHistory | None:
        """The room's history, if the hash of its last entry is `head`."""
        kept = self._kept.get(room)
        return kept[0] if kept is not None and kept[0].roster.head == head else None

    def keep(self, history: RosterHistory) -> None:
        """Keep a history: the last client of its room has gone, but the room is still there."""
        room = history.roster.room
        self.forget(room)
        self._kept[room] = (history, self._clock() + KEPT_SECONDS)
        self._keys += _keys(history)
        while self._keys > KEPT:
            self.forget(next(iter(self._kept)))

    def forget(self, room: bytes) -> None:
        """Drop the room's history."""
        kept = self._kept.pop(room, None)
        if kept is not None:
            self._keys -= _keys(kept[0])

    def expire(self) -> None:
        """Drop the histories that were kept long enough."""
        now = self._clock()
        while self._kept:
            room, (_, end) = next(iter(self._kept.items()))
            if end > now:
                return
            self.forget(room)


def _keys(history: RosterHistory) -> int:
    return len(history.roster.seats) + len(history.removed) + 1
