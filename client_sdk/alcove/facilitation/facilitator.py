"""What only a facilitator does: commits, the lobby, doors, heartbeats, the room again after a loss.

A participant's client has none of this object, and every client's rights table refuses what one
would send all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.codec import pack_list
from alcove_protocol.invite import Invite
from alcove_protocol.labels import Label
from alcove_protocol.roster import NO_DOOR, NO_HASH
from alcove_protocol.statements import EndStatement, ReseatStatement, Signed

from alcove import events, mls
from alcove.engine.presence import Presence
from alcove.errors import AlcoveError, InvalidInput, NotNow, Refused
from alcove.facilitation.committer import Committer, Taken
from alcove.facilitation.doors import Door, Doors, RoomCard
from alcove.facilitation.intents import Done, NewDoor, Refresh, Remove
from alcove.facilitation.lobby import Lobby
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.relay.link import Link

UPDATES_GATHERED: Final = 10.0
"""Seconds that Updates of participants are gathered before one commit takes them all."""
REFRESH_INTERVAL: Final = 30 * 60.0
"""Seconds after which a facilitator's path gets fresh keys, though nobody came or went."""
OTHERS_WAIT: Final = 10.0
"""Seconds that a facilitator who is not first in line waits more before a scheduled commit."""
LATELY: Final = 60.0


@dataclass(frozen=True, slots=True)
class InviteTerms:
    uses: int
    ttl: int


class Facilitator:
    """One facilitator's part of a room."""

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        link: Link,
        presence: Presence,
        emit: Callable[[events.Event], None],
        clock: Callable[[], float],
        wall: Callable[[], float],
        random: Callable[[int], bytes],
        *,
        opening: Signed,
        card: RoomCard,
        origin: str,
        lobby_key: mls.HpkeKeyPair,
        terms: InviteTerms,
        on_taken: Taken,
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._link = link
        self._presence = presence
        self._emit = emit
        self._clock = clock
        self._terms = terms
        self._lobby_key = lobby_key
        self.doors = Doors(identity, opening, card, origin, clock, random)
        self.committer = Committer(membership, identity, link, wall, random, on_taken)
        self.lobby = Lobby(
            membership, self.committer, self.doors, lobby_key, link, emit, wall, random
        )
        self._refresh_at = clock() + REFRESH_INTERVAL
        self._updates_since: float | None = None
        self._unsent: list[tuple[Door, Done]] = []

    # --- invites -------------------------------------------------------------------------------

    def first_invite(self) -> Invite:
        """The invite whose door is in the group's state from its first epoch on."""
        return self.doors.new_invite(self._membership.group.group_id)

    def put_door(self, invite: Invite, terms: InviteTerms, done: Done) -> None:
        """Give the relay the door of an invite that the group's state lists."""
        door = self.doors.make(invite, self._membership, terms.uses, terms.ttl)
        self._send_door(door, done)

    def _send_door(self, door: Door, done: Done) -> None:
        def answered(answer: frames.Request | None) -> None:
            if isinstance(answer, frames.Refused):
                done(Refused.by_relay(answer.code))
            elif answer is None:
                # Whether it arrived is unknown; a door is put again after `resume`.
                self._unsent.append((door, done))
            else:
                done(None)

        signed = door.statement
        self._link.request(
            lambda n: frames.PutDoor(n, signed.body, signed.signature, door.card), answered
        )

    def invite(self, done: Callable[[str | None, AlcoveError | None], None]) -> None:
        """Make one more invite: the group's state lists its door first."""
        if len(self._membership.state.door_ids()) >= limits.DOORS:
            done(None, NotNow("too_many_doors", "The room has too many invites."))
            return
        invite = self.first_invite()

        def listed(error: AlcoveError | None) -> None:
            if error is not None:
                done(None, error)
                return
            self.put_door(
                invite,
                self._terms,
                lambda problem: done(None if problem else invite.url(), problem),
            )

        self.committer.want(NewDoor(listed, invite))

    # --- people --------------------------------------------------------------------------------

    def remove(self, name: str, done: Done) -> None:
        """Put somebody out. Raises `InvalidInput` (`unknown_name`), `NotNow` (`not_oneself`)."""
        person = self._membership.find_name(name)
        if person is None:
            raise InvalidInput("unknown_name", "Nobody in the room has this name.")
        if person.key == self._identity.signature.public:
            raise NotNow("not_oneself", "You cannot remove yourself; leave or end the room.")
        if person.facilitator:
            raise NotNow("not_facilitator", "A facilitator has to be demoted first.")
        seat = self._membership.roster.seats.get(person.relay_key)
        door = self.doors.get(seat.door) if seat is not None else None
        open_door = door if door is not None and not door.revoked else None
        replacement = self.first_invite() if open_door and open_door.multi_use else None

        def removed(error: AlcoveError | None) -> None:
            if error is None and open_door is not None:
                self._replace_door(open_door, replacement)
            done(error)

        self.committer.want(
            Remove(removed, person.key, seat.door if seat else NO_DOOR, replacement)
        )

    def _replace_door(self, old: Door, replacement: Invite | None) -> None:
        if old.revoked:
            return
        self.doors.revoke(old.id)
        if replacement is not None and replacement.door not in self._membership.state.door_ids():
            return  # the group does not list it: no invite is made silently
        left = int(old.deadline - self._clock())
        if replacement is None or left <= 0 or not old.uses_left:
            return

        def put(error: AlcoveError | None) -> None:
            if error is None:
                self._emit(events.InviteChanged(replacement.url()))
            else:
                self._emit(events.Problem(error.code, error.text))

        self.put_door(replacement, InviteTerms(old.uses_left, left), put)

    def merged(self, *, own: bool) -> None:
        """The group moved on: what this facilitator keeps of it."""
        if own:
            self._refresh_at = self._clock() + REFRESH_INTERVAL
        self._updates_since = None

    # --- time ----------------------------------------------------------------------------------

    def tick(self) -> None:
        """Scheduled commits: Updates that were gathered, and fresh keys every half hour."""
        now = self._clock()
        if self.committer.updates and self._updates_since is None:
            self._updates_since = now
        delay = 0.0 if self._first_in_line() else OTHERS_WAIT
        gathered = (
            self._updates_since is not None
            and now - self._updates_since >= UPDATES_GATHERED + delay
        )
        if (gathered or now >= self._refresh_at + delay) and self.committer.idle:
            self._refresh_at = now + REFRESH_INTERVAL
            self._updates_since = None
            if len(self._membership.people()) > 1:
                self.committer.want(Refresh())

    def _first_in_line(self) -> bool:
        """Whether no facilitator with a lower leaf was heard lately."""
        keys = self._membership.state.facilitator_keys()
        for member in self._membership.group.members():
            key = member.leaf.signature_key
            if key == self._identity.signature.public:
                return True
            if key in keys and self._presence.heard_within(key, LATELY):
                return False
        return True

    def resumed(self, new_log: bool) -> None:
        """Connected again. What was under way goes first, byte for byte."""
        if new_log:
            self.lobby.new_log()
        self.lobby.resumed()
        unsent, self._unsent = self._unsent, []
        for door, done in unsent:
            self._send_door(door, done)
        self.committer.pump()

    # --- the room as a whole -------------------------------------------------------------------

    def end(self, done: Done) -> None:
        """Ask the relay to delete everything."""
        relay = self._identity.relay
        statement = EndStatement(self._membership.group.group_id, relay.public)
        signed = relay.sign(Label.END, statement)

        def answered(answer: frames.Request | None) -> None:
            if isinstance(answer, frames.Done):
                done(None)
            elif isinstance(answer, frames.Refused):
                done(Refused.by_relay(answer.code))
            else:
                done(NotNow("not_connected", "The relay did not answer; try again."))

        self._link.request(lambda n: frames.EndRoom(n, signed.body, signed.signature), answered)

    @property
    def can_reseat(self) -> bool:
        """Whether this client has the roster chain from entry 0, and it fits a frame."""
        chain = self._membership.chain
        size = sum(4 + len(entry.encode()) for entry in chain)
        return len(chain) == self._membership.roster.counter + 1 and size <= limits.ROSTER_CHAIN

    def reseat(self, answered: Callable[[frames.Request | None], None]) -> None:
        """Give a relay that lost its memory the room again (docs/protocol.md 9)."""
        membership, relay = self._membership, self._identity.relay
        statement = ReseatStatement(
            membership.group.group_id,
            relay.public,
            membership.roster.head,
            membership.commit_hash if membership.commit_blob else NO_HASH,
        )
        signed = relay.sign(Label.RESEAT, statement)
        chain = pack_list([entry.encode() for entry in membership.chain])
        self._link.request(
            lambda n: frames.Reseat(
                n,
                signed.body,
                signed.signature,
                chain,
                membership.commit_blob,
                self.doors.seated(),
            ),
            answered,
        )

    def close(self, error: AlcoveError) -> None:
        self.committer.close(error)
        self._lobby_key.private.wipe()
