"""Which members are here, as far as this client can know without the relay's word.

    here      a sign of life came lately; of a facilitator a heartbeat came at most 90 s ago, and
              of a participant, which only facilitators know, a frame of the private line
    away      none came for so long, while this client was connected; or they said goodbye
    unknown   this client cannot tell: it is not connected, or was not for long enough

A relay can keep signs of life away, and it can make none. So `here` is proved, and `away` says what
this client heard and not why. A change is told to facilitators.
"""

from alcove_protocol import limits

from alcove import events
from alcove.desk.life import SignsOfLife
from alcove.group.membership import Membership
from alcove.group.outcomes import Person
from alcove.members import Member, Whereabouts
from alcove.messages.presence import Presence
from alcove.relay.ports import Ports


class WhereaboutsWatch:
    """The whereabouts of all members."""

    def __init__(
        self, membership: Membership, presence: Presence, life: SignsOfLife, ports: Ports
    ) -> None:
        self._membership = membership
        self._presence = presence
        self._life = life
        self._emit = ports.emit
        self._told: dict[bytes, Whereabouts] = {}
        self._alive: set[bytes] = set()
        """The members of whom a sign of life came since they were let in last. It stays known when
        this client facilitates no more, and cannot hear signs of life of participants."""

    def let_in(self, key: bytes) -> None:
        """A commit let a member in again. Whether their Welcome arrived is not known yet."""
        self._alive.discard(key)
        self._life.let_in(key)

    def _of(self, person: Person, own: Person) -> Whereabouts:
        if person.key == own.key:
            return "here"
        if person.facilitator:
            return self._of_facilitator(person.key)
        return self._life.whereabouts(person.key) if own.facilitator else "unknown"

    def _of_facilitator(self, key: bytes) -> Whereabouts:
        presence = self._presence
        if not presence.connected:
            return "unknown"
        if key in presence.gone:
            return "away"
        if presence.nobody_is_connected:
            return "unknown"  # the relay alone says so: that is no proof that they are away
        alive = self._life.whereabouts(key) == "here"  # before the first heartbeat of one
        if alive or presence.heard_within(key, limits.READ_ONLY_AFTER):
            return "here"
        return "away" if presence.attendance.is_silent(key) else "unknown"

    def members(self) -> tuple[Member, ...]:
        """All members, from the group's own tree."""
        membership = self._membership
        own, paused = membership.own, membership.state.paused_keys()
        return tuple(
            Member(
                person.name,
                person.facilitator,
                person.key == own.key,
                person.key not in membership.unheard or person.key in self._alive,
                person.key in paused,
                self._of(person, own),
            )
            for person in membership.people()
        )

    def tick(self) -> None:
        """Tell this facilitator what is another than before. To begin with nothing is known."""
        self._life.tick()
        people, own = self._membership.people(), self._membership.own
        now = {person.key: self._of(person, own) for person in people}
        for person in people:
            before = self._told.get(person.key, "unknown")
            if now[person.key] != before and person.key != own.key:
                self._emit(events.PresenceChanged(person.name, now[person.key]))
        self._told = now
        self._alive &= now.keys()
        self._alive |= {key for key in now if self._life.heard_since_let_in(key)}
