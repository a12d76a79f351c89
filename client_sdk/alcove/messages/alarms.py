"""What a client tells of a member's faults: at once, and then at most once a minute for each.

One member can be wrong in every message. Each event reaches every person in the room, so without
this bound one participant alarms everybody as often as they like. The member is named, so that the
others know whose messages are wrong, and a facilitator can act.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from alcove import events
from alcove.group.outcomes import Person
from alcove.relay.ports import Ports

AGAIN: Final = 60.0
"""Seconds between two events of one kind about one member."""
UNKNOWN: Final = b""
"""Stands for an author whom no signature names."""


class RoomWatch(Protocol):
    """What judges the room by what its messages show: see `Presence`."""

    def split(self) -> None: ...
    def differs(self, sender: bytes, name: str) -> None: ...


@dataclass(slots=True)
class _Missed:
    """Messages of one member that were missed since they were told of last."""

    name: str
    told_at: float
    count: int | None = 0


class Alarms:
    """Bounds the events about each member. Keys are MLS signature keys."""

    def __init__(self, ports: Ports) -> None:
        self._emit: Callable[[events.AnyEvent], None] = ports.emit
        self._clock = ports.clock
        self._missed: dict[bytes, _Missed] = {}
        self._told: dict[tuple[bytes, str], float] = {}

    def missed(self, key: bytes, name: str, count: int | None) -> None:
        """Messages of this member were missed. None when their number is not known."""
        known = self._missed.get(key)
        if known is None:
            self._missed[key] = _Missed(name, self._clock())
            self._emit(events.Gap(count, name))
        elif known.count is None or count is None:
            known.count = None
        else:
            known.count += count

    def problem(self, code: str, text: str, key: bytes = UNKNOWN, name: str | None = None) -> None:
        """Something is wrong with this member's messages. The same within a minute is not told."""
        if (key, code) not in self._told:
            self._told[key, code] = self._clock()
            self._emit(events.Problem(code, text, sender=name))

    def unreadable(self, author: Person | None) -> None:
        """A message could not be read, or what its author signed could not."""
        if author is None:
            self.problem(
                "unreadable", "A message came that your client cannot read, so it is not shown."
            )
        else:
            text = f"{author.name} sent something that your client cannot read, so it is not shown."
            self.problem("unreadable", text, author.key, author.name)

    def out_of_turn(self, key: bytes, name: str) -> None:
        """In slow mode this member wrote before their pause was over, and the relay took it. Or it
        kept a text back: nothing here tells when it took one."""
        text = (
            f"{name} seems to write more often than the room allows now. The relay lets it "
            "through, or kept a text of theirs back for a while."
        )
        self.problem("out_of_turn", text, key, name)

    def nobodys_beat(self, publisher: Person | None) -> None:
        """A heartbeat came that no member of this epoch can have sent. No signature names its
        author, so what the relay says of the publisher is told as that."""
        text = "A heartbeat came that cannot be read here: damaged, of another part of the group, "
        text += "or the relay's own work."
        if publisher is not None:
            text += f" The relay says that it is {publisher.name}'s."
        self.problem("beat_unreadable", text)

    def tick(self) -> None:
        """Tell what was missed since the last time, when its minute is over."""
        due = self._clock() - AGAIN
        self._told = {what: at for what, at in self._told.items() if at > due}
        for key, missed in list(self._missed.items()):
            if missed.told_at > due:
                continue
            if missed.count == 0:
                del self._missed[key]
            else:
                self._emit(events.Gap(missed.count, missed.name))
                self._missed[key] = _Missed(missed.name, self._clock())

    def forget(self, key: bytes) -> None:
        """This member is gone. What was missed of them and not told yet is told now."""
        missed = self._missed.pop(key, None)
        if missed is not None and missed.count != 0:
            self._emit(events.Gap(missed.count, missed.name))
