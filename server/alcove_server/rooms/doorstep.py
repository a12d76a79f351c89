"""Newcomers at the doors of one node's rooms, until they knock.

Each holder of a link may stand at its door as often as there are addresses. So those that stand
there give way: when a door, a room or a part of the network has too many, the oldest of the largest
part of the network is closed for the next one. So a crowd from a few prefixes, or from many of one
provider, is shown out by its own next member, and a newcomer from elsewhere gets in. A newcomer
that waits with a knock does not give way here: the lobby bounds those.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Refusal

from alcove_server.client.client import Client
from alcove_server.ports.crowd import Crowd
from alcove_server.ports.outlet import Close
from alcove_server.ports.place import Quota
from alcove_server.ports.tally import Tally
from alcove_server.wire.says import bye

IN_A_ROOM: Final = 4 * limits.KNOCKS
"""Newcomers that stand at the doors of one room and read its card."""
AT_A_DOOR: Final = IN_A_ROOM // 2
"""Those of them at one door."""
OF_A_PREFIX: Final = 100
"""Those of one part of the network at one room, for each prefix that it stands for: the people of a
clinic, who come by one link in one moment and have one address."""
UNDISTURBED: Final = 3.0
"""Seconds in which a newcomer does not give way: enough to read the card, and to knock if its
person has decided before."""
READING_SECONDS: Final = 15 * 60.0
"""Seconds in which a person reads the card and knocks. As long as a knock is kept."""
_LATE_AT_ONCE: Final = 50
"""Newcomers that are closed before others have a turn: about 5 ms."""


class _Place:
    """Where one newcomer stands, and since when."""

    __slots__ = ("door", "part", "room", "since")

    def __init__(self, room: bytes, door: bytes, part: Quota | None, since: float) -> None:
        self.room: Final = room
        self.door: Final = door
        self.part: Final = part
        self.since: Final = since


class Doorstep:
    """Those of one node. `clock` gives seconds, and `tally` counts those that are shown out."""

    def __init__(self, clock: Callable[[], float], tally: Tally) -> None:
        self._clock = clock
        self._tally = tally
        self._places: OrderedDict[Client, _Place] = OrderedDict()  # the oldest first
        self._rooms: dict[bytes, dict[Client, _Place]] = {}
        self._knocked: dict[Client, bytes] = {}  # whose knock waits, by its door

    def __len__(self) -> int:
        """How many stand there."""
        return len(self._places)

    def make_room(self, room: bytes, door: bytes, part: Quota | None) -> None:
        """Have another newcomer give way where one more is too many. Raises `Refusal`
        (`too_many_knocks`) when none may be disturbed yet."""
        there = self._rooms.get(room, {})
        crowds = (
            (OF_A_PREFIX * (part.weight if part is not None else IN_A_ROOM), self._of(there, part)),
            (AT_A_DOOR, [one for one, place in there.items() if place.door == door]),
            (IN_A_ROOM, list(there)),
        )
        for most, crowd in crowds:
            if len(crowd) >= most:
                self._show_out(crowd)
                return

    def _of(self, there: dict[Client, _Place], part: Quota | None) -> list[Client]:
        return [one for one, place in there.items() if place.part is part]

    def _show_out(self, crowd: list[Client]) -> None:
        """The oldest of the largest part of the network."""
        largest = Crowd(self._places[client].part for client in crowd).largest
        oldest = next(client for client in crowd if self._places[client].part in largest)
        if self._clock() - self._places[oldest].since < UNDISTURBED:
            raise Refusal("too_many_knocks")
        self._tally.count("busy")
        oldest.finish(Close.TRY_AGAIN, bye("busy"))

    def stand(self, client: Client, door: bytes) -> None:
        """A newcomer stands at a door of its room, without a knock."""
        self._knocked.pop(client, None)
        place = _Place(client.room_id, door, client.part, self._clock())
        self._places[client] = place
        self._rooms.setdefault(place.room, {})[client] = place

    def knocked(self, client: Client, door: bytes) -> None:
        """Its knock waits in the lobby."""
        self._forget(client)
        self._knocked[client] = door

    def answered(self, client: Client) -> None:
        """Its knock is settled, and it was not let in: it stands there again."""
        door = self._knocked.pop(client, None)
        if door is not None:
            self.stand(client, door)

    def leave(self, client: Client) -> None:
        """It became a member, or is gone."""
        self._knocked.pop(client, None)
        self._forget(client)

    def _forget(self, client: Client) -> None:
        place = self._places.pop(client, None)
        if place is not None:
            there = self._rooms[place.room]
            del there[client]
            if not there:
                del self._rooms[place.room]

    def __contains__(self, client: Client) -> bool:
        """Whether it still stands there."""
        return client in self._places

    def standing_at(self, room: bytes, doors: frozenset[bytes]) -> list[Client]:
        """Those that stand at these doors of a room, at most `IN_A_ROOM`."""
        there = self._rooms.get(room, {})
        return [one for one, place in there.items() if place.door in doors]

    def tick(self) -> bool:
        """Close some of those that stood too long. Return whether there are more."""
        end = self._clock() - READING_SECONDS
        for _ in range(_LATE_AT_ONCE):
            if not self._places:
                return False
            client, place = next(iter(self._places.items()))
            if place.since > end:
                return False
            self._forget(client)
            self._tally.count("idle")
            client.finish(Close.REFUSED, bye("idle"))
        return True
