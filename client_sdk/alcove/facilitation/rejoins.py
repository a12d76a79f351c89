"""Members who ask to be let in again, and how often that is granted without a person.

    asked ──a minute after their last return──▶ due ──gathered with others──▶ one commit
      └──five returns in an hour, or too many of the room──▶ a person: admit, refuse

Every rejoin is a commit, which all members follow, and which makes late what they are sending. One
participant could ask without end, and many together many times as often. So a member comes back
once a minute, all who are due share a commit, and such commits keep their distance.

All of it is one facilitator's own clock and memory. No other client judges a commit by it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.padding import bucket

from alcove import events
from alcove.errors import AlcoveError
from alcove.facilitation.committer import Committer
from alcove.facilitation.intents import Done, ReadmitMembers, Returning
from alcove.group.membership import Membership
from alcove.group.outcomes import Person
from alcove.relay.ports import Ports

AGAIN: Final = 60.0
"""Seconds between two returns of one member."""
APART: Final = 10.0
"""Seconds between two commits that let members in again."""
HOUR: Final = 3600.0
OWN_MOST: Final = 5
"""Returns of one member within an hour that need no person."""
ROOM_MOST: Final = 30
"""Commits within an hour that let members in again and need no person."""
WAITS: Final = 15 * 60.0
"""Seconds that a request waits. An honest client repeats it each minute."""
TOGETHER: Final = 16
"""Members in one commit at most. Each is sent a Welcome with all leaves of the group."""
BYTES_A_MEMBER: Final = 4096
"""Bytes of a Welcome for each member of the group: more than a leaf and a node of the tree have."""


@dataclass(slots=True)
class _Waiting:
    """The newest request of one member."""

    request: Returning
    done: Done
    since: float
    id: bytes | None = None
    """Under this id a person was asked."""
    granted: Done | None = None
    """A person granted it, and waits for this."""


class Rejoins:
    """At most one request of each member, and when it is granted."""

    def __init__(self, membership: Membership, committer: Committer, ports: Ports) -> None:
        self._membership = membership
        self._committer = committer
        self._emit: Callable[[events.AnyEvent], None] = ports.emit
        self._clock = ports.clock
        self._wall = ports.wall
        self._random = ports.random
        self._waiting: dict[bytes, _Waiting] = {}
        self._on_the_way: frozenset[bytes] = frozenset()
        self._returns: dict[bytes, list[float]] = {}
        self._commits: list[float] = []
        self._refused: dict[bytes, float] = {}

    def ask(self, request: Returning, done: Done, *, waited: bool) -> bool:
        """Take a member's request in the place of their earlier one, with `done` for what becomes
        of it. False when a person refused that member within the hour, or one is on the way.

        One that `waited` at the relay is granted at the next tick. A client that comes back reads
        the whole lobby at once, and the program that sent the first of several requests may be
        gone, with the key of the answer.
        """
        key = request.relay_key
        refused = self._clock() - self._refused.get(key, -HOUR) < HOUR
        if refused or key in self._on_the_way:
            return False
        known = self._waiting.get(key)
        if known is not None:
            known.done(None)
            known.request, known.done, known.since = request, done, self._clock()
        else:
            self._waiting[key] = _Waiting(request, done, self._clock())
        if not waited:
            self.tick()
        return True

    def returned(self, people: tuple[Person, ...]) -> None:
        """A commit let these members in again: this client's own, or another facilitator's."""
        if not people:
            return
        now = self._clock()
        self._commits = [at for at in self._commits if now - at < HOUR] + [now]
        for person in people:
            earlier = self._returns.get(person.relay_key, [])
            self._returns[person.relay_key] = [at for at in earlier if now - at < HOUR] + [now]
            item = self._waiting.get(person.relay_key)
            if item is not None and not item.request.proposals(self._membership):
                self._drop(person.relay_key)  # granted by another facilitator

    # --- time ----------------------------------------------------------------------------------

    def tick(self) -> None:
        """Commit what is due, and ask a person about what no client grants by itself."""
        now = self._clock()
        for key, item in list(self._waiting.items()):
            if now - item.since > WAITS or self._membership.find_relay_key(key) is None:
                self._drop(key)
        last = self._commits[-1] if self._commits else -APART
        if self._on_the_way or now - last < APART:
            return
        due = [item for item in self._waiting.values() if self._is_due(item)]
        if due:
            self._commit(due[: self._together])

    def _is_due(self, item: _Waiting) -> bool:
        """Whether it is granted now. Asks the person, once, when it is theirs to say."""
        key, now = item.request.relay_key, self._clock()
        if item.granted is not None:
            return True
        returns = [at for at in self._returns.get(key, []) if now - at < HOUR]
        if item.id is not None or (returns and now - returns[-1] < AGAIN):
            return False
        commits = [at for at in self._commits if now - at < HOUR]
        if len(returns) < OWN_MOST and len(commits) < ROOM_MOST:
            return True
        self._ask_person(item, len(returns), len(commits))
        return False

    def _ask_person(self, item: _Waiting, own: int, room: int) -> None:
        person = self._membership.find_relay_key(item.request.relay_key)
        if person is None:
            return
        item.id = self._random(frames.ID_SIZE)
        text = f"{person.name} asks to be let in again, for the {own + 1}. time within an hour."
        if own < OWN_MOST:
            text = f"{person.name} asks to be let in again; in this hour members were {room} times."
        text += " Each time interrupts everybody. You decide: /admit or /refuse."
        self._emit(events.Problem("rejoins", text, sender=person.name))
        self._emit(events.Knocked(item.id.hex(), person.name, "", False))

    @property
    def _together(self) -> int:
        """How many Welcomes fit one commit's frame. Each has the whole tree in it."""
        welcome = BYTES_A_MEMBER * len(self._membership.people())
        if welcome > limits.HANDSHAKE_BUCKET:
            return 1
        return min(TOGETHER, limits.WELCOMES // bucket(welcome, most=limits.HANDSHAKE_BUCKET))

    def _commit(self, items: list[_Waiting]) -> None:
        keys = self._on_the_way = frozenset(item.request.relay_key for item in items)
        for item in items:
            del self._waiting[item.request.relay_key]

        def done(error: AlcoveError | None) -> None:
            if self._on_the_way is keys:
                # Else it was refused, and the log shows now that it was taken.
                self._on_the_way = frozenset()
            for item in items:
                item.done(error)
                if item.granted is not None:
                    item.granted(error)
                if item.id is not None:
                    self._emit(events.KnockGone(item.id.hex()))

        members = tuple(item.request for item in items)
        self._committer.want(ReadmitMembers(done, members, int(self._wall())))

    def _drop(self, key: bytes) -> None:
        item = self._waiting.pop(key)
        item.done(None)
        if item.granted is not None:
            item.granted(None)
        if item.id is not None:
            self._emit(events.KnockGone(item.id.hex()))

    def close(self, error: AlcoveError) -> None:
        """This client decides no more. The requests stay at the relay, for other facilitators."""
        waiting, self._waiting = self._waiting, {}
        for item in waiting.values():
            if item.granted is not None:
                item.granted(error)
            if item.id is not None:
                self._emit(events.KnockGone(item.id.hex()))

    # --- a person's decisions ------------------------------------------------------------------

    def waits(self, id: bytes) -> bool:
        """Whether a member waits under this id for a person to let them in again."""
        return self._asked(id) is not None

    def admit(self, id: bytes, done: Done) -> bool:
        """A person lets this member in again. False when no member waits under this id."""
        item = self._asked(id)
        if item is None:
            return False
        item.granted = done
        self.tick()
        return True

    def refuse(self, id: bytes) -> bool:
        """A person does not, and hears no more of it for an hour. False as for `admit`."""
        item = self._asked(id)
        if item is None:
            return False
        self._refused[item.request.relay_key] = self._clock()
        self._drop(item.request.relay_key)
        return True

    def _asked(self, id: bytes) -> _Waiting | None:
        return next((item for item in self._waiting.values() if item.id == id), None)
