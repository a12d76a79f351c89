"""Who is here, as far as this client can know without the relay's word.

    here      a sign of life came lately; for a facilitator a heartbeat, at most 90 s ago
    away      none came for so long, while this client was connected; or they said goodbye
    unknown   this client cannot tell: it is not connected, or was not for long enough

A relay can keep signs of life away, and it can make none. So `here` is proved, and `away` says what
this client heard and not why. A change is told to facilitators.
"""

from alcove_protocol import limits

from alcove import events
from alcove.group.membership import Membership
from alcove.group.outcomes import Person
from alcove.members import Member, Whereabouts
from alcove.messages.presence import Presence
from alcove.relay.ports import Ports


class WhereaboutsWatch:
    """The whereabouts of all members."""

    def __init__(self, membership: Membership, presence: Presence, ports: Ports) -> None:
        self._membership = membership
        self._presence = presence
        self._emit = ports.emit
        self._told: dict[bytes, Whereabouts] = {}

    def of(self, person: Person) -> Whereabouts:
        """Where a member is."""
        if person.key == self._membership.own.key:
            return "here"
        if person.facilitator:
            return self._of_facilitator(person.key)
        return "unknown"

    def _of_facilitator(self, key: bytes) -> Whereabouts:
        presence = self._presence
        if not presence.connected:
            return "unknown"
        if presence.heard_within(key, limits.READ_ONLY_AFTER):
            return "here"
        gone = key in presence.gone or presence.attendance.is_silent(key)
        return "away" if gone else "unknown"

    def members(self) -> tuple[Member, ...]:
        """All members, from the group's own tree."""
        membership = self._membership
        own, paused = membership.own.key, membership.state.paused_keys()
        return tuple(
            Member(
                person.name,
                person.facilitator,
                person.key == own,
                person.key not in membership.unheard,
                person.key in paused,
                self.of(person),
            )
            for person in membership.people()
        )

    def tick(self) -> None:
        """Tell a facilitator what is another than before. To begin with nothing is known."""
        people = self._membership.people()
        now = {person.key: self.of(person) for person in people}
        own = self._membership.own
        for person in people if own.facilitator else ():
            before = self._told.get(person.key, "unknown")
            if now[person.key] != before and person.key != own.key:
                self._emit(events.PresenceChanged(person.name, now[person.key]))
        self._told = now
