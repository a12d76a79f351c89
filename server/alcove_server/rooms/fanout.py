"""How what is told to a whole room reaches its members: joined, and in one write for each.

A system call for each member and message is what fan-out costs. So a room's messages are gathered
while a turn of the event loop lasts, and then each member is given at once all that it lacks. A
`Feed` says what that is. A large room is served over several turns (`Turns`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from alcove_protocol import limits

from alcove_server.client.feed import AWAY, Feed, Messages
from alcove_server.ports.turn import BYTES

AT_ONCE: Final = 256
"""Steps (`ports.turn`) of writing before the loop has its turn: as many members are written to, and
fewer when there are many bytes for each. A room of 1,000 would hold the loop for 4 ms. Messages
that come meanwhile reach the other members together with these."""
EACH: Final = 128
"""Steps of one room before the next room is served. So rooms that are told megabytes delay a room
that is told a line by half a turn each."""
_PASSED: Final = 0.05
"""Steps of passing over a member that has everything."""
BEHIND_BYTES: Final = limits.MIB
BEHIND: Final = 1024
"""A room that has more to tell than this, in bytes or messages, is behind. Its members' requests
wait until it is not: otherwise a room would grow what waits as fast as it is read."""


class Turns:
    """The rooms that have something to tell, first come, first served. `later` runs a function when
    a turn of the loop is over."""

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
        left = float(AT_ONCE)
        try:
            while self._waiting and left > 0:
                fanout = self._waiting.popleft()
                try:
                    left -= fanout.serve(min(left, EACH))
                finally:
                    if fanout.behind:
                        self._waiting.append(fanout)
        finally:  # a room that fails does not stop the others
            self._go_on()


class Fanout:
    """One room's fan-out, to the feeds of its live members."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._messages = Messages()
        self._feeds: dict[Feed, None] = {}  # a set that keeps its order
        self._round: list[Feed] = []  # the feeds of this round, served up to `_at`
        self._at = 0
        self._until = 0  # the message up to which all feeds are served when the round is over

    @property
    def behind(self) -> bool:
        """Whether a member may not have been given all messages."""
        return self._messages.end > self._messages.first

    @property
    def crowded(self) -> bool:
        """Whether no more should be told before the members have what there is."""
        messages = self._messages
        return messages.size > BEHIND_BYTES or len(messages) > BEHIND

    def subscribe(self, feed: Feed) -> None:
        """A member is live, and has heard all messages so far."""
        feed.begin(self._messages)
        self._feeds[feed] = None

    def unsubscribe(self, feed: Feed) -> None:
        """A member is no longer live."""
        del self._feeds[feed]
        feed.stop()

    def add(self, message: bytes, instead: dict[Feed, bytes]) -> None:
        """Tell all members one more message. Some live members get other bytes in its place: an
        answer, or nothing."""
        messages = self._messages
        for feed, own in instead.items():
            feed.replace(messages.end, own)
        messages.add(message)
        if len(messages) == 1:
            self._turns.ask(self)

    def serve(self, most: float) -> float:
        """Give members what they lack until `most` steps are done; return the steps."""
        messages = self._messages
        if self._at == len(self._round):
            self._round, self._at, self._until = list(self._feeds), 0, messages.end
        end, same, joined, steps = messages.end, AWAY, b"", 0.0
        served, each = self._round, 1.0
        while self._at < len(served) and steps < most:
            feed = served[self._at]
            self._at += 1  # a feed that fails is passed over; the others are served next turn
            told = feed.told
            if feed.own is not None:
                steps += feed.give(end)
            elif told < end:
                if told != same:
                    same, joined = told, messages.joined(told, end)
                    each = 1 + len(joined) / BYTES
                feed.told = end
                feed.outlet.write(joined)
                steps += each
            else:
                steps += _PASSED
        if self._at == len(self._round):
            messages.forget(self._until)
            self._round, self._at = [], 0
        return steps
