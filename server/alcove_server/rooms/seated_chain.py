"""What the chain of an unsettled log says, worked out once for all who ask.

docs/protocol.md section 9. Nothing is committed in an unsettled log, so its chain stays as it is.
Every member of the room asks the same of it: at which entry a head is, and what the list was at the
entry that all share. The first costs a hash for each of thousands of entries, and the second their
signatures. Worked out for each request, either would hold up all rooms.
"""

from __future__ import annotations

from asyncio import Lock
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from alcove_protocol.labels import Label
from alcove_protocol.roster import Roster, entry_hash
from alcove_protocol.statements import Signed

Pause = Callable[[float], Awaitable[None]]
"""Counts steps (`ports.turn`) of long work. Others have their turn when this one has done enough.
It raises when the client that asked is gone."""

AT_ONCE: Final = 16
"""Entries that are looked at before a pause."""
_HASH_STEPS: Final = 4.0
"""Steps of as many hashes."""


def head_of(chain: Sequence[Signed], counter: int) -> bytes:
    """The hash of the entry with this counter."""
    return entry_hash(Label.ROSTER if counter else Label.OPEN, chain[counter].body)


async def counters_of(chain: Sequence[Signed], pause: Pause) -> dict[bytes, int]:
    """The counters of all entries, by hash. Raises what `pause` raises."""
    found: dict[bytes, int] = {}
    for counter in range(len(chain)):
        if counter % AT_ONCE == 0:
            await pause(_HASH_STEPS)
        found[head_of(chain, counter)] = counter
    return found


class SeatedChain:
    """The chain of one room's log. Those that ask for the same wait for one answer."""

    __slots__ = ("_counters", "_line", "_list", "_lists_line")

    def __init__(self) -> None:
        self._line = Lock()
        self._lists_line = Lock()
        self._counters: dict[bytes, int] | None = None
        self._list: tuple[int, Roster] | None = None

    def forget(self) -> None:
        """The log is settled, and nothing more is asked."""
        self._counters, self._list = None, None

    async def counter_of(
        self, head: bytes, read: Callable[[], Awaitable[Sequence[Signed]]], pause: Pause
    ) -> int | None:
        """The counter of the entry with this hash, or None. `read` reads the chain. Raises what
        these two raise."""
        async with self._line:
            if self._counters is None:
                self._counters = await counters_of(await read(), pause)
            return self._counters.get(head)

    async def list_at(self, counter: int, verified: Callable[[], Awaitable[Roster]]) -> Roster:
        """The list after the entry with this counter. `verified` works it out. The last answer is
        kept: the entry that all share only ever is an earlier one. Raises as `verified`."""
        async with self._lists_line:
            if self._list is None or self._list[0] != counter:
                self._list = counter, await verified()
            return self._list[1]
