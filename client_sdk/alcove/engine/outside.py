"""This member steps outside: out of the keys, at the door, and back when they want.

    member ──asks, with a signed leave and the secret of a door──▶ asked
    asked ──a commit lets them go and lists that door──▶ outside, as a newcomer at it
    outside ──says so──▶ a facilitator's client adds them again, by that door

The door is for this member alone: they made its secret, and only facilitators read it. So the way
back uses no invite of others. They accepted the rules before, and are asked only about later ones.
"""

from dataclasses import dataclass
from typing import Final

from alcove_protocol.frames import RelayAnswer
from alcove_protocol.invite import SECRET_SIZE, Invite, InviteRole, door_id_of
from alcove_protocol.labels import Label
from alcove_protocol.sealed import RequestKind
from alcove_protocol.statements import LeaveStatement

from alcove import events
from alcove.engine.standing import Standing
from alcove.errors import NotNow
from alcove.joining.card import CheckedCard
from alcove.joining.newcomer import Newcomer
from alcove.messages.slow import OwnTurn
from alcove.relay.ports import Ports

AGAIN: Final = 10.0
"""Seconds after which it is asked again: the relay or a facilitator may have lost it."""
PATIENCE: Final = 60.0
"""Seconds in which a facilitator's client lets a member go, and puts their door at the relay."""
NOT_LET_OUT: Final = (
    "No facilitator's client has let you outside yet, so you are still in the room. One may still "
    "do it, and you are told then. Ask them, or type /leave to go."
)
HOLDS_THE_ROOM: Final = (
    "You facilitate now, so you are not let outside, and are still in the room. To go outside, be "
    "a participant first: /stepdown or /handover NAME."
)


@dataclass(frozen=True, slots=True)
class WayOut:
    """Where a member goes that steps outside. `accepted` is the hash of the rules that they last
    accepted."""

    invite: Invite
    card: CheckedCard
    accepted: bytes
    came_by: Invite
    """Of the door by which the member came first, for when the relay has none of their own."""


class SteppingOutside:
    """At most one wish at a time."""

    def __init__(self, standing: Standing, ports: Ports) -> None:
        self._standing = standing
        self._ports = ports
        self._way: WayOut | None = None
        self._again_at: float | None = None
        self._asked_at = 0.0
        self._door_since = 0.0
        """Since when a facilitator's client can put this member's door: since this member was let
        go, or since the relay first lacked it in another log."""
        self._log: bytes | None = None
        """In which log they were let go, or in which the relay lacked the door since."""
        self.came_by: Invite | None = None
        self.turn = OwnTurn()
        """Of slow mode, when this member was let go."""

    def ask(self) -> None:
        """Raises `NotNow` (`is_facilitator`, `not_outside`), `RoomClosed`."""
        standing, member = self._standing, self._standing.require_member()
        if member.facilitator is not None:
            text = (
                "Be a participant first, so that others hold the room: /stepdown or /handover NAME."
            )
            raise NotNow("is_facilitator", text)
        newcomer = standing.newcomer
        if not isinstance(newcomer, Newcomer) or newcomer.card is None:
            text = "Your program came by no invite, so there is no way back by one. /leave leaves."
            raise NotNow("not_outside", text)
        if self._way is not None and self._again_at is not None:
            return  # the wish goes on: a facilitator puts the door that it named first
        # A wish of before may still wait at a facilitator's client, which lists that door.
        invite = self._way.invite if self._way is not None else self._new_door(newcomer.invite)
        accepted = member.membership.accepted
        self._way = WayOut(invite, newcomer.card, accepted, newcomer.invite)
        self._asked_at = self._ports.clock()
        self._send()

    def _new_door(self, came_by: Invite) -> Invite:
        secret = self._ports.random(SECRET_SIZE)
        door = door_id_of(came_by.room, secret)
        return Invite(InviteRole.PARTICIPANT, door, came_by.room, came_by.origin, secret)

    def _send(self) -> None:
        member, way = self._standing.member, self._way
        if member is None or way is None:
            return
        relay, counter = self._standing.identity.relay, member.membership.roster.counter
        leave = LeaveStatement(way.invite.room, relay.public, counter)
        wish = relay.sign(Label.LEAVE, leave)
        self._again_at = self._ports.clock() + AGAIN

        def answered(answer: RelayAnswer | None) -> None:
            pass  # it goes again until the commit came

        content = way.invite.secret + wish.encode()
        member.requests.send(RequestKind.OUTSIDE, content, answered=answered)

    def tick(self) -> None:
        """Ask again while this client is a member, in step with the group."""
        member, now = self._standing.member, self._ports.clock()
        if self._again_at is None:
            return
        if member is not None and member.facilitator is not None:  # appointed meanwhile
            self._again_at = None
            self._standing.emit(events.Problem("not_outside", HOLDS_THE_ROOM))
            return
        if now < self._again_at:
            return
        ready = member is not None and member.ready
        if now - self._asked_at <= PATIENCE:
            if ready:
                self._send()
        elif not ready:
            self._again_at = now + AGAIN  # what was decided meanwhile comes with the connection
        else:
            self._again_at = None
            self._standing.emit(events.Problem("not_outside", NOT_LET_OUT))
            if member is not None:
                member.renew_soon()  # a relay that kept the wish cannot use it any more then

    def take(self) -> WayOut | None:
        """The way out, once, when this client was let go."""
        way, self._way, self._again_at = self._way, None, None
        if way is not None:
            if self._standing.member is not None:
                self.turn = self._standing.member.conversation.slow.turn
                self._log = self._standing.member.stream.cursor.generation
            self.came_by = way.came_by
            self._door_since = self._ports.clock()
        return way

    def no_door_in(self, generation: bytes | None) -> None:
        """The relay has no door of this member in its log, which is settled. In one that began
        since, facilitators can put it from now on."""
        if generation not in (None, self._log):
            self._log, self._door_since = generation, self._ports.clock()

    @property
    def door_may_come(self) -> bool:
        """Whether the relay may still be told of this member's door."""
        return self._ports.clock() - self._door_since < PATIENCE
