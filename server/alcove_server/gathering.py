"""What one turn of the loop brings a room, joined once and given to every live member once.

A system call per member and message is what fan-out costs; so the messages of a turn are gathered,
joined for all together, and each member's transport gets the same bytes in one write. Most members
get all of a turn. Who needs something of their own in between (the answer to their own publish, a
Welcome, a goodbye) is first given what was gathered so far, and later only the rest: `_given`
counts how much that was. So everybody's frames keep the one order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from alcove_server.outlet import Message

if TYPE_CHECKING:
    from alcove_server.connection import Connection


_FEW: Final = 32
"""Members who are written to at once. In a larger room what waits in the queue meanwhile is joined
with what comes next, and that saves more than the queue costs."""


class Gathering:
    """One room's. `later` runs something at the end of the turn; `live` tells the members then."""

    def __init__(
        self,
        later: Callable[[Callable[[], None]], None],
        live: Callable[[], Iterable[Connection]],
    ) -> None:
        self._later = later
        self._live = live
        self._messages: list[Message] = []
        self._given: dict[Connection, int] = {}

    def add(self, message: Message, but: Iterable[Connection] = ()) -> None:
        """One more for everybody, `but` for some, who have been given all before it."""
        self._messages.append(message)
        for connection in but:
            self.pass_over(connection)
        if len(self._messages) == 1:
            self._later(self._flush)

    def settle(self, connection: Connection) -> None:
        """Give a member now what was gathered so far."""
        if self._messages:
            self._give(connection, self._messages)
            self.pass_over(connection)

    def pass_over(self, connection: Connection) -> None:
        """A member needs nothing of what was gathered so far."""
        if self._messages:
            self._given[connection] = len(self._messages)

    def _give(self, connection: Connection, messages: list[Message]) -> None:
        rest = messages[self._given.get(connection, 0) :]
        if rest:
            connection.outlet.send(Message.joined(rest))

    def _flush(self) -> None:
        messages, given = self._messages, self._given
        joined = Message.joined(messages)
        live = list(self._live())
        few = len(live) <= _FEW
        for connection in live:
            if connection in given:
                self._give(connection, messages)
            elif few:
                connection.outlet.send_last(joined)
            else:
                connection.outlet.send(joined)
        self._messages, self._given = [], {}
