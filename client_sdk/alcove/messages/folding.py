"""What facilitators folded: shown behind a sentence, and opened by each reader that asks.

A fold deletes nothing, and says nothing else about the author than the message does. There are
three: of one message, which a facilitator names in a message of their own; of all that one member
writes, whose key the state lists; and of all that came from a place in the log on, when the room
is held. Each client folds by itself, from the state and the log alone, also when it is back after
an absence.
"""

from collections.abc import Callable, Mapping
from typing import Final

from alcove_protocol.position import Position

from alcove import events
from alcove.group.membership import Membership
from alcove.members import FoldReason
from alcove.messages.fair_memory import FairMemory
from alcove.messages.shown import ShownItem, ShownMessages
from alcove.messages.stream import Stream
from alcove.relay.ports import Ports

NAMED: Final = 1_000
"""Folded messages that have not come, which are remembered until they would expire: their authors
may send them again in a new log, behind the fold."""


class Folding:
    """The folds of one member's client."""

    def __init__(
        self,
        membership: Membership,
        stream: Stream,
        shown: ShownMessages,
        ports: Ports,
        on_fold: Callable[[str, str], None],
    ) -> None:
        """`on_fold` is told of each single message that is folded: its author, and by whom."""
        self._on_fold = on_fold
        self._membership = membership
        self._stream = stream
        self._shown = shown
        self._emit = ports.emit
        self._clock = ports.clock
        self._keys = membership.state.folded_keys()
        self._hold = membership.state.hold
        self._named: FairMemory[float] = FairMemory(NAMED)

    def covers(self, message: bytes, author: bytes) -> bool:
        """Whether a message that comes now is folded already."""
        return author in self._membership.state.folded_keys() or message in self._named

    def fold(self, message: bytes, facilitator: bytes, by: str) -> None:
        """A facilitator folds this message, which may not have come yet."""
        author = self._shown.author(message)
        if author is not None:
            person = self._membership.find_key(author)
            self._on_fold("" if person is None else person.name, by)
            self._tell(lambda id, item: id == message, "message", by=by)
        elif message not in self._named:
            self._named.put(facilitator, message, self._clock() + self._membership.state.ttl)

    def own_sent(self, message: bytes, *, folded: bool) -> None:
        """This client's own message was sent, and may have been folded before that."""
        if not folded:
            return
        id, own = message.hex(), self._membership.own.key
        why: FoldReason = "member" if own in self._membership.state.folded_keys() else "message"
        self._emit(events.Folded((id,), why=why, yours=(id,)))

    def look(self, names: Mapping[bytes, str], by: str = "") -> None:
        """Fold by the state as it is now. `names` has those of the members, and of those that
        have just gone. `by` is the name of the facilitator that changed it."""
        state = self._membership.state
        before, self._keys = self._keys, state.folded_keys()
        for key in self._keys:
            if key not in before:
                self._tell(self._is_of(key), "member", names.get(key, ""), by=by)
        for key in before:
            if key not in self._keys and self._membership.find_key(key) is not None:
                self._emit(events.Folded((), names.get(key, ""), by, on=False, why="member"))
        held, self._hold = self._hold, state.hold
        if state.hold is not None and state.hold != held:
            start = Position.decode(state.hold)
            ids = self._tell(
                lambda id, item: not self._stream.is_before(item.at, start), "hold", by=by
            )
            if ids and by:
                self._on_fold("", by)

    def came_back(self, hold: bytes | None) -> None:
        """The person came back, and sees messages from before. What the state folds of them is told
        by the next look. `hold` is the one that they knew when they went: what was said under it
        stays open."""
        self._keys, self._hold = (), hold

    def unfolded(self, author: bytes) -> tuple[bytes, ...]:
        """What is shown of this author and not folded, the oldest first."""
        return self._shown.unfolded(author)

    def place(self, message: bytes) -> Position | None:
        """Where a message that is shown stands in the log."""
        return self._shown.place(message)

    @property
    def next_place(self) -> Position:
        """The place of what comes next. What is on its way is folded by a hold from there on."""
        cursor = self._stream.cursor
        return Position(cursor.generation, cursor.number + 1)

    def _is_of(self, author: bytes) -> Callable[[bytes, ShownItem], bool]:
        return lambda id, item: self._shown.is_of(id, author)

    def _tell(
        self,
        which: Callable[[bytes, ShownItem], bool],
        why: FoldReason,
        name: str = "",
        *,
        by: str,
    ) -> tuple[bytes, ...]:
        ids, own = self._shown.fold(which), self._membership.own.key
        yours = tuple(id.hex() for id in ids if self._shown.is_of(id, own))
        if ids or name:
            told = tuple(id.hex() for id in ids)
            self._emit(events.Folded(told, name, by, why=why, yours=yours))
        return tuple(ids)

    def tick(self) -> None:
        """Forget folded messages that can come no more."""
        now = self._clock()
        for message in [m for m, deadline in self._named if deadline <= now]:
            self._named.pop(message)

    def forget(self) -> None:
        """At close."""
        self._named.clear()
