"""Members that step outside: let go with a door of their own, and let in again when they say so.

Each facilitator's client reads the wish, and all of them want the same commit: the first counts. It
lists the door, and each puts it at the relay, so that it is there when the committer dies. After a
relay lost its memory each puts it once more, also one that was away at the time.

A member that comes back is let in without a person's decision, by the first in line at once and by
the others 10 s later, if the knock has the keys of the leaf that went. A pause goes on. It ends
when a person decides otherwise: to refuse that knock, or to remove that member, closes the door.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alcove_protocol.errors import Malformed
from alcove_protocol.invite import SECRET_SIZE, Invite, InviteRole, door_id_of
from alcove_protocol.roster import Seat, verify_leave
from alcove_protocol.statements import Signed

from alcove import events
from alcove.errors import AlcoveError
from alcove.facilitation.committer import Committer
from alcove.facilitation.door_intents import LetOutside
from alcove.facilitation.door_keeper import DoorKeeper
from alcove.facilitation.doors import Doors, InviteTerms
from alcove.facilitation.in_line import InLine
from alcove.facilitation.knock_check import WaitingKnock
from alcove.group.membership import Membership
from alcove.group.outcomes import Merged, Person
from alcove.group.rights import NotAllowed
from alcove.relay.ports import Ports

OUTSIDE_TTL: Final = 2 * 3600
"""Seconds for which the way back is open."""
HOUR: Final = 3600.0
IN_AN_HOUR: Final = 5
"""Steps outside of one member in an hour. Each costs the group two commits."""
LOOK_AGAIN: Final = 10.0
"""Seconds after which one that wants in is let in once more: the door may have been locked."""
_WAITS: Final = (
    " asks to come back from outside, and waits: the door is locked. /lock off opens it, and then "
    "they come in by themselves."
)


@dataclass(frozen=True, slots=True)
class _Gone:
    """A member outside, and whether they were paused. `until` is on the monotonic clock."""

    person: Person
    paused: bool
    until: float


class SeenGoing:
    """The members that went outside, as each client sees it in the commits. A member that is
    appointed later knows from it that they come back by themselves and are no newcomers."""

    def __init__(self, membership: Membership, clock: Callable[[], float]) -> None:
        self._membership = membership
        self._clock = clock
        self.gone: dict[bytes, _Gone] = {}
        """By the door that is their way back."""
        self.came_by: dict[bytes, bytes] = {}
        """By which invite the members first came, by MLS key, that were outside since."""
        self._went: dict[bytes, list[float]] = {}

    def moved(self, outcome: Merged) -> None:
        """A commit was followed, or made: a door that came with a wish to go is a way back."""
        new = [door for door in outcome.state.door_ids() if door not in outcome.before.door_ids()]
        went = [person for person in outcome.gone if person.relay_key in outcome.by_wish]
        paused = outcome.before.paused_keys()
        if len(new) == len(went) == 1:
            person, key = went[0], went[0].key
            seat = self._membership.known_seats().get(person.relay_key, Seat())
            self.came_by.setdefault(key, seat.door)
            self.gone[new[0]] = _Gone(person, key in paused, self._clock() + OUTSIDE_TTL)
            self._went[key] = [*self.lately(key), self._clock()]
        self.look()

    def look(self) -> None:
        """Forget those that are members, by whatever door they came, also when this client missed
        how: they need no way back, and may be removed. And those whose way back is closed."""
        membership = self._membership
        listed = membership.state.door_ids()
        self.gone = {
            door: gone
            for door, gone in self.gone.items()
            if door in listed and membership.find_key(gone.person.key) is None
        }

    def lately(self, key: bytes) -> list[float]:
        """When this member stepped outside within the last hour, by any facilitator."""
        now = self._clock()
        return [at for at in self._went.get(key, ()) if now - at < HOUR]


class WaysBack:
    """The members that are outside, as one facilitator's client knows them."""

    def __init__(
        self,
        membership: Membership,
        committer: Committer,
        doors: Doors,
        door_keeper: DoorKeeper,
        in_line: InLine,
        ports: Ports,
        origin: str,
        seen: SeenGoing,
    ) -> None:
        """`seen` is what this member saw before they facilitated, too."""
        self._membership = membership
        self._committer = committer
        self._doors = doors
        self._door_keeper = door_keeper
        self._in_line = in_line
        self._clock = ports.clock
        self._emit = ports.emit
        self._origin = origin
        self._seen = seen
        self._wants_in: dict[bytes, float] = {}
        self._lost: set[bytes] = set()
        """Doors that the relay may have lost. One that another facilitator put, and that waits for
        a vault with its secret, is not among those that this client brings with the room."""

    @property
    def _gone(self) -> dict[bytes, _Gone]:
        return self._seen.gone

    # --- going out -----------------------------------------------------------------------------

    def asked(self, person: Person, content: bytes) -> None:
        """A member's signed wish. Raises `Malformed`, `NotAllowed` (`facilitator`, `too_often`)."""
        if person.facilitator:
            raise NotAllowed("facilitator")
        if len(self._seen.lately(person.key)) >= IN_AN_HOUR:
            raise NotAllowed("too_often")
        secret, wish = content[:SECRET_SIZE], Signed.decode(content[SECRET_SIZE:])
        if len(secret) != SECRET_SIZE:
            raise Malformed("bad_length", "The secret has the wrong length.")
        verify_leave(self._membership.roster, person.relay_key, wish)
        room = self._membership.group.group_id
        door = door_id_of(room, secret)
        invite = Invite(InviteRole.PARTICIPANT, door, room, self._origin, secret)
        if self._doors.knows(door):
            return  # asked again
        self._doors.expect(invite)

        def gone(error: AlcoveError | None) -> None:
            if error is None and door in self._membership.state.door_ids():
                self._door_keeper.put(invite, InviteTerms(1, OUTSIDE_TTL), lambda error: None)
            else:
                self._doors.drop(invite)

        self._committer.want(LetOutside(gone, person.relay_key, wish, invite))

    def moved(self, outcome: Merged) -> None:
        """A commit was followed, or made."""
        self._seen.moved(outcome)

    def new_log(self) -> None:
        """The relay lost its memory. It has the doors that came with the room, and no others."""
        self._lost = set(self._gone)

    def tick(self) -> None:
        """Put the lost doors that are known here. To be called while this client is in step."""
        self._lost &= self._gone.keys()
        for door in tuple(self._lost):
            found = self._doors.get(door)
            if found is None:
                continue  # a vault may still bring its secret
            self._lost.discard(door)
            left = int(self._gone[door].until - self._clock())
            if found.statement is None and left > 0:
                self._door_keeper.put(found.invite, InviteTerms(1, left), lambda error: None)

    # --- coming back ---------------------------------------------------------------------------

    def knows(self, knock: WaitingKnock) -> bool:
        """Whether this knock is of a member that stepped outside, by their own way back."""
        gone = self._gone.get(knock.door)
        if gone is None or gone.person.relay_key != knock.body.relay_key:
            return False
        return gone.person.key == knock.key_package.leaf_node.signature_key

    def was_paused(self, knock: WaitingKnock) -> bool:
        """Whether they come back paused, by whatever door: their own may not be at the relay."""
        key = knock.key_package.leaf_node.signature_key
        return any(gone.paused for gone in self._gone.values() if gone.person.key == key)

    def is_way_back(self, door: bytes) -> bool:
        """Whether this door is for one member outside."""
        return door in self._gone

    def of(self, key: bytes) -> bytes | None:
        """The door of the member with this MLS key, if they are outside."""
        return next((door for door, gone in self._gone.items() if gone.person.key == key), None)

    def named(self, name: str) -> Person | None:
        """The member of this name that is outside."""
        people = [gone.person for gone in self._gone.values() if gone.person.name == name]
        return people[-1] if people else None

    def names(self) -> tuple[str, ...]:
        """The names of those whose way back is open, as far as this client's clock tells. The relay
        judges it: this is for a person to read."""
        now = self._clock()
        return tuple(gone.person.name for gone in self._gone.values() if now < gone.until)

    def came_by(self, key: bytes) -> bytes | None:
        """The invite by which a member first came that was outside since."""
        return self._seen.came_by.get(key)

    def wants_in(self, knock: WaitingKnock) -> None:
        """They say that they come back."""
        if not self.knows(knock) or knock.id in self._wants_in:
            return
        self._wants_in[knock.id] = self._clock() + self._in_line.delay()
        if self._membership.state.locked:  # else no facilitator knows that they wait
            name = knock.body.name
            self._emit(events.Problem("waits_outside", f"{name}{_WAITS}", sender=name))

    def waits_no_more(self, id: bytes) -> None:
        """This knock is settled."""
        self._wants_in.pop(id, None)

    def look(self, let_in: Callable[[bytes], None]) -> None:
        """Let those in that are due."""
        now = self._clock()
        for id in [id for id, due in self._wants_in.items() if now >= due]:
            self._wants_in[id] = now + LOOK_AGAIN
            let_in(id)
