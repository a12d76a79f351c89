"""A line of clients that all want the same, of which one has it at a time.

The order is not that of coming. Each waits behind what its part of the network had, and asked for,
since the line was last empty. So a client of a part that had nothing waits for the one that
has it, and for no crowd of another part, however many wait there.

    had(part)   what the part had and waits for, divided by its weight; of a provider, all its parts
    start       had(part), but at least `now`: those that were not here meanwhile save nothing up
    next        the smallest start, which `now` becomes; among equals who had least, then what takes
                least

This is start-time fair queueing (Goyal, Vin, Cheng 1996). In it all that come again and again begin
at `now` once in a round, as a newcomer does. That one had nothing, and so waits for none of them.
Where places in the line are bounded, the last in it gives way to another client that would stand
before it.
"""

from __future__ import annotations

from asyncio import CancelledError, Future, get_running_loop
from heapq import heapify, heappop, heappush
from typing import Final

from alcove_protocol.errors import Refusal

from alcove_server.ports.place import NetworkPart

_SWEPT_AT: Final = 4_096
"""Parts of the network that are remembered before those are forgotten that have nothing to pay. Not
earlier: they had something, and a newcomer had nothing."""
_REMEMBERED: Final = 8_192
"""Parts that are remembered at most. Beyond that all are forgotten, and begin anew."""


class _Waiting:
    """One client that waits, of this part of the network. Where `place` is smaller, it stands
    before others. `charged` is given back when it has no turn."""

    __slots__ = ("called", "charged", "number", "part", "place", "who")

    def __init__(
        self,
        part: NetworkPart | None,
        place: tuple[float, float, float],
        number: int,
        called: Future[None],
        charged: dict[NetworkPart | None, float],
        who: object,
    ) -> None:
        self.part = part
        self.place = place
        self.number = number
        self.called = called
        self.charged = charged
        self.who = who

    @property
    def start(self) -> float:
        return self.place[0]

    def __lt__(self, other: _Waiting) -> bool:
        return (self.place, self.number) < (other.place, other.number)


class FairLine:
    """At most `most` clients, with the one that has its turn, and `of_a_part` of one part of the
    network. 0 is no bound: then the connections of the node bound what waits."""

    __slots__ = (
        "_had",
        "_most",
        "_now",
        "_number",
        "_of_a_part",
        "_served",
        "_sweep_at",
        "_waiting",
    )

    def __init__(self, most: int = 0, of_a_part: int = 0) -> None:
        self._most = most
        self._of_a_part = of_a_part
        self._waiting: list[_Waiting] = []  # a heap
        self._served: list[NetworkPart | None] = []  # the part of the one that has its turn
        self._had: dict[NetworkPart | None, float] = {}
        self._now = 0.0
        self._number = 0
        self._sweep_at = _SWEPT_AT

    def __len__(self) -> int:
        """Those that wait, and the one that has its turn."""
        return len(self._waiting) + len(self._served)

    async def enter(self, part: NetworkPart | None, size: float = 1.0, who: object = None) -> None:
        """Wait for the turn of a client of this part of the network, that takes about `size`, in a
        unit that all in this line use. `leave` ends the turn. None is the relay itself. `gone`
        needs `who` it is. Raises `Refusal` (`busy`; `idle` when it is gone), before or while it
        waits, and then there is no turn."""
        if self._of_a_part and self._count(part) >= self._most_of(part):
            raise Refusal("busy")
        start = max([self._of(one) for one in _counted(part)])
        had = max([self._had.get(one, 0.0) for one in _counted(part)])
        if not self._served:
            self._served.append(part)
            self._charge(part, size)
            return
        if self._most and len(self) >= self._most:
            self._show_out((start, had, size))
        charged = self._charge(part, size)
        self._number += 1
        called = get_running_loop().create_future()
        one = _Waiting(part, (start, had, size), self._number, called, charged, who)
        heappush(self._waiting, one)
        try:
            await one.called
        except CancelledError:
            if one.called.done() and not one.called.cancelled():
                self.leave()  # it was called in this moment
            raise

    def leave(self) -> None:
        """The turn is over: the next is called."""
        self._served.clear()
        while self._waiting:
            one = heappop(self._waiting)
            if not one.called.done():
                self._now = one.start
                self._served.append(one.part)
                one.called.set_result(None)
                self._sweep()
                return
        self._had.clear()
        self._now = 0.0

    def gone(self, who: object) -> None:
        """A client does not wait any longer, and its part of the network did not have what it
        waited for. Does nothing when it does not wait."""
        for one in self._waiting:
            if one.who is who:
                self._put_out(one, "idle")
                return

    def _of(self, part: NetworkPart | None) -> float:
        return max(self._now, self._had.get(part, 0.0))

    def _charge(self, part: NetworkPart | None, size: float) -> dict[NetworkPart | None, float]:
        """Count for the part, and for its provider. Return how much more each has had by that."""
        charged = {}
        for one in _counted(part):
            before = self._had.get(one, 0.0)
            self._had[one] = self._of(one) + size / (one.weight if one is not None else 1)
            charged[one] = self._had[one] - before
        return charged

    def _count(self, part: NetworkPart | None) -> int:
        return self._served.count(part) + sum([1 for one in self._waiting if one.part is part])

    def _most_of(self, part: NetworkPart | None) -> int:
        """None is without a bound of its own, and others have half of all at most."""
        if part is None:
            return self._most
        return min(self._of_a_part * part.weight, self._most // 2)

    def _show_out(self, place: tuple[float, float, float]) -> None:
        """Have the last give way to one that would stand there. Raises `Refusal` (`busy`)."""
        last = max(self._waiting, default=None)
        if last is None or last.place <= place:
            raise Refusal("busy")
        self._put_out(last, "busy")

    def _put_out(self, one: _Waiting, code: str) -> None:
        self._waiting.remove(one)
        heapify(self._waiting)
        if not one.called.done():
            one.called.set_exception(Refusal(code))
        for part, charged in one.charged.items():
            if part in self._had:
                self._had[part] -= charged

    def _sweep(self) -> None:
        """Forget the parts that are no worse off than those that were never here."""
        if len(self._had) >= self._sweep_at:
            had = {part: had for part, had in self._had.items() if had > self._now}
            self._had = had if len(had) < _REMEMBERED else {}
            self._sweep_at = 2 * len(self._had) + _SWEPT_AT


def _counted(part: NetworkPart | None) -> list[NetworkPart | None]:
    """The part, and its provider's. What the relay does itself counts for nobody else."""
    whole = part.whole if part is not None else None
    return [part] if whole is None else [part, whole]
