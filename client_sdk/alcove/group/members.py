"""The members of a room, found by name and by key. From the MLS tree alone."""

from alcove_protocol.roster import Roster

from alcove import mls
from alcove.group.extensions import RoomExtension, leaf_extension
from alcove.group.outcomes import Person, person_of


class Members:
    """Of one group, in the epoch that it is in."""

    group: mls.Group
    roster: Roster
    state: RoomExtension
    _seen: tuple[tuple[mls.GroupMember, ...], bytes, tuple[Person, ...]] | None = None
    """The leaves and the facilitators of an epoch, and the people that they are: each tick asks."""

    def person(self, leaf: mls.LeafNode) -> Person:
        return person_of(leaf, self.state.facilitator_keys())

    def people(self) -> tuple[Person, ...]:
        """All members, from the MLS tree alone: the relay cannot add one."""
        members, listed = self.group.members(), self.state.facilitators
        if self._seen is None or self._seen[0] is not members or self._seen[1] != listed:
            people = tuple(self.person(member.leaf) for member in members)
            self._seen = (members, listed, people)
        return self._seen[2]

    def find_name(self, name: str, *, facilitator: bool) -> Person | None:
        """Of several members with this name the latest, in this part if there is one: a facilitator
        with a changed client let them in under an earlier member's name."""
        named = [person for person in self.people() if person.name == name]
        wanted = [person for person in named if person.facilitator == facilitator]
        return max(wanted or named, key=self._seated, default=None)

    def _seated(self, person: Person) -> int:
        """The counter of the entry that seated a member, 0 for those before this client. A member
        outside the list came with a commit that hid them from it."""
        roster = self.roster
        unlisted = 0 if person.relay_key in roster.seats else roster.counter + 1
        return roster.since.get(person.relay_key, unlisted)

    def leaf_of(self, key: bytes) -> mls.LeafNode | None:
        """The leaf of the member with this MLS key."""
        index = self.group.find(key)
        return None if index is None else self.group.member(index)

    def find_key(self, key: bytes) -> Person | None:
        """The member with this MLS key."""
        leaf = self.leaf_of(key)
        return None if leaf is None else self.person(leaf)

    def find_relay_key(self, key: bytes | None) -> Person | None:
        leaves = (member.leaf for member in self.group.members())
        found = (self.person(leaf) for leaf in leaves if leaf_extension(leaf).relay_key == key)
        return next(found, None)
