"""Roster chains verified, and what came of it kept for a while.

Anybody may bring a long chain of a room of their own, and a room's whole chain is read when the
first of its members comes. So two chains at most are verified at a time, one of them a short one:
whoever brings long ones waits for others who do, and nobody else. `history.replay` gives everybody
a turn every 2 ms. And a ledger is kept for some minutes after the last of a room has gone, or who
comes and goes could have the chain verified each time.
"""

from asyncio import Lock
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.statements import Signed

from alcove_server.rooms.roster_history import RosterHistory, replay

Breathe = Callable[[], Awaitable[None]]

SHORT: Final = 64 * limits.KIB
"""Bytes of a chain that waits for no long one. Verifying it takes 0.1 s at most."""
WAITING: Final = 256
"""Who may wait for either. Who comes then is told to come again."""
KEPT: Final = 100_000
"""Keys on all ledgers that are kept: about 30 MB."""
KEPT_SECONDS: Final = 300.0
"""Longer than a client that lost the network stays away before it tries again."""


class RosterVerifier:
    """What this node knows of chains. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._turn = {True: Lock(), False: Lock()}
        self._waiting = {True: 0, False: 0}
        self._kept: OrderedDict[bytes, tuple[RosterHistory, float]] = OrderedDict()
        self._keys = 0

    def __len__(self) -> int:
        """How many ledgers are kept."""
        return len(self._kept)

    def __contains__(self, room: bytes) -> bool:
        """Whether anything of a room is kept."""
        return room in self._kept

    async def verify(self, chain: Sequence[Signed], room: bytes, breathe: Breathe) -> RosterHistory:
        """The ledger after a whole chain. Raises `Malformed` as `replay`, `Refusal` (`busy`), and
        whatever `breathe` does."""
        short = sum(len(entry.body) for entry in chain) <= SHORT
        if self._waiting[short] >= WAITING:
            raise Refusal("busy")
        self._waiting[short] += 1
        try:
            turn = self._turn[short]
            waits = turn.locked()
            async with turn:
                if waits:
                    await breathe()  # where it is told when nobody needs it any more
                return await replay(chain, room, breathe)
        finally:
            self._waiting[short] -= 1

    # --- what is kept -----------------------------------------------------------------------

    def known(self, room: bytes, head: bytes) -> RosterHistory | None:
        """The room's ledger, if its last entry is the one with this hash."""
        kept = self._kept.get(room)
        return kept[0] if kept is not None and kept[0].roster.head == head else None

    def keep(self, history: RosterHistory) -> None:
        """The last connection of a room has gone, but the room is still there."""
        room = history.roster.room
        self.forget(room)
        self._kept[room] = (history, self._clock() + KEPT_SECONDS)
        self._keys += _keys(history)
        while self._keys > KEPT:
            self.forget(next(iter(self._kept)))

    def forget(self, room: bytes) -> None:
        """Nothing of the room may be left here."""
        kept = self._kept.pop(room, None)
        if kept is not None:
            self._keys -= _keys(kept[0])

    def expire(self) -> None:
        """Forget what was kept long enough."""
        now = self._clock()
        while self._kept:
            room, (_, end) = next(iter(self._kept.items()))
            if end > now:
                return
            self.forget(room)


def _keys(history: RosterHistory) -> int:
    return len(history.roster.seats) + len(history.removed) + 1
