"""Connections whose bytes wait because a turn of the loop has done enough.

    bytes ─▶ the turn has steps left ─▶ handled at once, up to `SHARE`
                  └─▶ beyond that ─▶ here, and the connection is not read meanwhile
                                     │
            each turn: one connection of each part of the network, and round again

So a crowd of connections of one prefix delays a client of another prefix by one share, not by all
of theirs. The class of shared addresses stands for many people, and has `weight` places in a round.
So have all networks of one provider together: whoever rents them would else have a place for each.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Protocol

from alcove_server.ports.place import NetworkPart
from alcove_server.ports.turn import Turn

SHARE: Final = 16.0
"""Steps that one connection may take in a turn while others wait: a few requests."""


class WaitingReader(Protocol):
    """A connection with bytes that wait."""

    def read_on(self) -> bool:
        """Handle one share. Return whether more waits."""


class Everyone:
    """The part of the network of connections without a place, in tests of a single one."""

    weight: Final = 1
    whole: NetworkPart | None = None


EVERYONE: Final = Everyone()


class Inbox:
    """The connections of one node that wait. It serves them whenever `turn` is renewed."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self._groups: OrderedDict[NetworkPart, OrderedDict[WaitingReader, None]] = OrderedDict()
        turn.when_renewed(self._serve)

    def __len__(self) -> int:
        """How many connections wait."""
        return sum(len(readers) for readers in self._groups.values())

    def wait(self, reader: WaitingReader, group: NetworkPart) -> None:
        """Read on with this connection when its turn comes."""
        self._groups.setdefault(group.whole or group, OrderedDict())[reader] = None
        self.turn.ask()

    def discard(self, reader: WaitingReader, group: NetworkPart) -> None:
        """This connection is gone, or wants to read no more."""
        group = group.whole or group
        readers = self._groups.get(group)
        if readers is not None:
            readers.pop(reader, None)
            if not readers:
                del self._groups[group]

    def _serve(self) -> None:
        groups, turn = self._groups, self.turn
        while groups and turn.left > 0:
            group, readers = groups.popitem(last=False)
            for _ in range(min(group.weight, len(readers))):
                if turn.left <= 0:
                    break
                reader, _none = readers.popitem(last=False)
                if reader.read_on():
                    readers[reader] = None
            self._put_back(group, readers)
        if groups:
            turn.ask()

    def _put_back(self, group: NetworkPart, readers: OrderedDict[WaitingReader, None]) -> None:
        newer = self._groups.get(group)  # `read_on` may have made another one wait
        if newer is not None:
            readers.update(newer)
        if readers:
            self._groups[group] = readers
