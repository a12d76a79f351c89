"""How what is told to a whole room reaches its members: joined, and in one write for each.

A system call for each member and message is what fan-out costs. So a room's messages are gathered
while a turn of the event loop lasts, and then each member is given at once all that it lacks. A
`Feed` says what that is. A large room is served over several turns (`Turns`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from alcove_server.client.feed import AWAY, Feed, Messages

AT_ONCE: Final = 256
"""Members that are written to before the loop has its turn: about 1 ms. A room of 1,000 would hold
the loop for 4 ms. Messages that come meanwhile reach the other members together with these."""


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
        left = AT_ONCE
        try:
            while self._waiting and left > 0:
                fanout = self._waiting.popleft()
                try:
                    left -= fanout.serve(left)
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

    def serve(self, most: int) -> int:
        """Give at most `most` members what they lack; return their number."""
        messages = self._messages
        if self._at == len(self._round):
            self._round, self._at, self._until = list(self._feeds), 0, messages.end
        part = self._round[self._at : self._at + most]
        end, same, joined = messages.end, AWAY, b""
        for feed in part:
            self._at += 1  # a feed that fails is passed over; the others are served next turn
            told = feed.told
            if feed.own is not None:
                feed.give(end)
            elif told < end:
                if told != same:
                    same, joined = told, messages.joined(told, end)
                feed.told = end
                feed.outlet.write(joined)
        if self._at == len(self._round):
            messages.forget(self._until)
            self._round, self._at = [], 0
        return len(part)
