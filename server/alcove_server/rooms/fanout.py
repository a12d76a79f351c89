"""What is told to a whole room: joined for all together, and given to each member in one write.

A system call for each member and message is what fan-out costs. So a room's messages are gathered
while a turn of the event loop lasts, and then each member is given at once all that it lacks.

    messages     first ... ... ... ... ... end      numbered in the order in which they came
    a member         told ─────────────────▶ end    is given what lies between
    its author           told ── own ── own ▶ end   the same, with answers in the place of messages

`told` alone says what a member has been given. So it makes no difference when that happens: at the
end of the turn, some turns later because the room is large (`Turns`), or before, because something
for this member alone is to follow (`settle`). Everybody's frames keep the one order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from alcove_protocol import limits

if TYPE_CHECKING:
    from alcove_server.session.connection import Connection

AT_ONCE: Final = 256
"""Members who are written to before the loop has its turn: about 1 ms. A room of 1,000 would hold
it for 4 ms; and what comes meanwhile is given to the rest of them together with this."""
AWAY: Final = 1 << 62
"""`told` of who is not live: nothing is ever beyond it."""
_JOINED: Final = 64 * limits.KIB
"""An author's own bytes are joined up to here. Beyond, they are given one by one, as the objects
that others are given too, or a flood would be copied for each of its authors."""


class Turns:
    """Which rooms have something to tell, in the order in which they came to have it. `later` runs
    something once a turn of the loop is over."""

    def __init__(self, later: Callable[[Callable[[], None]], None]) -> None:
        self._later = later
        self._waiting: deque[Fanout] = deque()
        self._due = False

    def ask(self, fanout: Fanout) -> None:
        """This room has something to tell."""
        self._waiting.append(fanout)
        self._go_on()

    def _go_on(self) -> None:
        if self._waiting and not self._due:
            self._due = True
            self._later(self._turn)

    def _turn(self) -> None:
        self._due = False
        left = AT_ONCE
        try:
            while self._waiting and left > 0:
                fanout = self._waiting.popleft()
                try:
                    left -= fanout.serve(left)
                finally:
                    if fanout.behind:
                        self._waiting.append(fanout)
        finally:  # should one fail, the others are none of its business
            self._go_on()


class Fanout:
    """One room's. `live` tells the members at any time."""

    def __init__(self, turns: Turns, live: Callable[[], Iterable[Connection]]) -> None:
        self._turns = turns
        self._live = live
        self._messages: list[bytes] = []
        self._first = 0
        self._end = 0
        self._round: list[Connection] = []  # who is served in this round, in order, up to `_at`
        self._at = 0
        self._until = 0  # what all of them have been given when it is over

    @property
    def behind(self) -> bool:
        """Whether somebody may not have been given everything."""
        return self._end > self._first

    def enter(self, connection: Connection) -> None:
        """A member is live, and has heard all that came until now."""
        connection.told = self._end

    def leave(self, connection: Connection) -> None:
        """A member is live no more. It is given what there is up to the last answer to it: an
        answer comes but once. The rest is for its resume to bring."""
        if connection.own:
            self._give(connection, connection.own[-1][0] + 1)
        connection.told = AWAY

    def add(self, message: bytes, instead: dict[Connection, bytes]) -> None:
        """One more message for everybody. Some, who are live, get other bytes in its place: an
        answer, or nothing."""
        for connection, own in instead.items():
            if connection.own is None:
                connection.own = []
            connection.own.append((self._end, own))
        self._messages.append(message)
        self._end += 1
        if len(self._messages) == 1:
            self._turns.ask(self)

    def settle(self, connection: Connection) -> None:
        """Give a member now what it lacks."""
        if connection.told < self._end:
            self._give(connection, self._end)

    def serve(self, most: int) -> int:
        """Give at most so many members what they lack; how many that were."""
        if self._at == len(self._round):
            self._round, self._at, self._until = list(self._live()), 0, self._end
        part = self._round[self._at : self._at + most]
        end, same, joined = self._end, AWAY, b""
        for connection in part:
            self._at += 1  # should one fail, the rest are served in the next turn
            told = connection.told
            if connection.own is not None:
                self._give(connection, end)
            elif told < end:
                if told != same:
                    same, joined = told, self._between(told, end)
                connection.told = end
                connection.outlet.write(joined)
        if self._at == len(self._round):
            del self._messages[: self._until - self._first]
            self._first = self._until
            self._round, self._at = [], 0
        return len(part)

    def _between(self, start: int, end: int) -> bytes:
        messages = self._messages[start - self._first : end - self._first]
        return messages[0] if len(messages) == 1 else b"".join(messages)

    def _give(self, connection: Connection, end: int) -> None:
        parts: list[bytes] = []
        at = connection.told
        for number, own in connection.own or ():
            parts += self._messages[at - self._first : number - self._first]
            parts.append(own)
            at = number + 1
        parts += self._messages[at - self._first : end - self._first]
        connection.told, connection.own = end, None
        if sum([len(part) for part in parts]) <= _JOINED:
            parts = [b"".join(parts)]
        for part in parts:
            if part:
                connection.outlet.write(part)
