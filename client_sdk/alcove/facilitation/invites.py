"""A facilitator's invites: several made at once, all of them listed, one closed.

An invite is a secret of the facilitators. Its door is in the group's state, so all of them see the
same list. How many came by a door is counted from the ADDs of the roster, which each member
verified. What a door allows is known to the facilitator that made it. The relay tells it to the
others, with the door's card.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.invite import Invite
from alcove_protocol.roster import Seat

from alcove import events
from alcove.errors import AlcoveError, InvalidInput, NotNow
from alcove.facilitation.committer import Committer
from alcove.facilitation.door_intents import CloseDoor
from alcove.facilitation.door_keeper import DoorKeeper
from alcove.facilitation.doors import Door, Doors, InviteTerms
from alcove.facilitation.intents import Done, ListDoor
from alcove.facilitation.lobby import Lobby
from alcove.facilitation.outside import WaysBack
from alcove.facilitation.vaults import Vaults
from alcove.group.membership import Membership
from alcove.group.outcomes import Merged
from alcove.relay.ports import Ports

HOUR: Final = 3600
AT_ONCE: Final = 20
"""Invites that one commit makes: one each for the people of a group."""
InvitesDone = Callable[[tuple[Invite, ...], AlcoveError | None], None]
"""Is called once: with the invites that were made, and with why others were not."""


@dataclass(frozen=True, slots=True)
class AskedInvite:
    """What a person asked for. None is as for the room's first invite."""

    uses: int | None = None
    hours: int | None = None
    question: str = field(default="", repr=False)

    def terms(self, count: int, usual: InviteTerms) -> InviteTerms:
        """Raises `InvalidInput` (`bad_count`, `bad_uses`, `bad_hours`, `bad_question`)."""
        uses = usual.uses if self.uses is None else self.uses
        ttl = usual.ttl if self.hours is None else self.hours * HOUR
        _within("count", count, 1, AT_ONCE)
        _within("uses", uses, 1, limits.USES_MAX)
        _within("hours", ceil(ttl / HOUR), 1, limits.DOOR_TTL_MAX // HOUR)
        try:
            size = len(self.question.encode())
        except UnicodeEncodeError:
            raise InvalidInput("bad_question", "It has characters that cannot be sent.") from None
        if size > limits.QUESTION:
            raise InvalidInput("bad_question", f"A question has at most {limits.QUESTION} bytes.")
        return InviteTerms(uses, ttl, self.question.strip())


def _within(what: str, number: int, least: int, most: int) -> None:
    if not least <= number <= most:
        text = f"{what} must be between {least} and {most}; it is {number}."
        raise InvalidInput(f"bad_{what}", text)


class Invites:
    """Makes invites, lists them, closes one."""

    def __init__(
        self,
        membership: Membership,
        committer: Committer,
        doors: Doors,
        door_keeper: DoorKeeper,
        vaults: Vaults,
        lobby: Lobby,
        outside: WaysBack,
        ports: Ports,
    ) -> None:
        self._outside = outside
        self._membership = membership
        self._committer = committer
        self._doors = doors
        self._door_keeper = door_keeper
        self._vaults = vaults
        self._lobby = lobby
        self._link = ports.link
        self._clock = ports.clock
        self._emit = ports.emit

    def make(self, count: int, terms: InviteTerms, done: InvitesDone) -> None:
        """Make so many invites on the same terms, by one commit. The group's state lists their
        doors before the relay has them."""
        room = self._membership.group.group_id
        invites = tuple(self._doors.new_invite(room) for _ in range(count))
        before = self._membership.state.door_ids()

        def listed(error: AlcoveError | None) -> None:
            if error is not None:
                for invite in invites:
                    self._doors.drop(invite)
                done((), error)
                return
            if len(before) + count > limits.DOORS:
                self._closed_for_others(before)
            self._put(invites, terms, done)

        intent = ListDoor(listed, invites)
        self._vaults.offer(self._vaults.others(), lambda: self._committer.want(intent))

    def _put(self, invites: tuple[Invite, ...], terms: InviteTerms, done: InvitesDone) -> None:
        made: list[Invite] = []
        failed: list[AlcoveError] = []

        def put(invite: Invite, error: AlcoveError | None) -> None:
            if error is not None:
                failed.append(error)
            else:
                made.append(invite)
            if len(made) + len(failed) == len(invites):
                done(tuple(made), failed[0] if failed else None)

        for invite in invites:
            self._door_keeper.put(invite, terms, partial(put, invite))

    def _closed_for_others(self, before: tuple[bytes, ...]) -> None:
        """Close at the relay what the full list lists no more, and tell the person."""
        listed = self._membership.state.door_ids()
        self._door_keeper.revoke(door for door in before if door not in listed)
        text = "The room has as many invites as it can have, so the oldest one was closed."
        self._emit(events.Problem("oldest_invite_closed", text))

    def close(self, door: bytes, done: Done) -> None:
        """Close an invite. Newcomers that wait by it are told so at once, and later ones by the
        relay. Raises `NotNow` (`unknown_invite`)."""
        if door not in self._membership.state.door_ids():
            raise NotNow("unknown_invite", "This invite is closed already, or is not this room's.")

        def closed(error: AlcoveError | None) -> None:
            if error is None:
                self._shut(door)
            done(error)

        self._committer.want(CloseDoor(closed, door))

    def _shut(self, door: bytes) -> None:
        """The state lists it no more, by a decision of this client's person."""
        self._doors.revoke(door)
        self._door_keeper.revoke((door,))
        self._lobby.link_closed(door)

    def moved(self, outcome: Merged, *, own: bool) -> None:
        """The group moved on. Tell which invites were closed, and see that the relay learns it."""
        before, now = set(outcome.before.door_ids()), set(outcome.state.door_ids())
        closed = sorted(before - now)
        # The entry that takes a member off the list closes their door at the relay.
        if not own and not outcome.gone and not outcome.joined:
            self._door_keeper.closed_by_other(closed)
        if own and not outcome.joined:  # else it is the door of one that came back by it
            for door in filter(self._outside.is_way_back, closed):
                self._shut(door)
        if own and not now <= before:
            return  # it put another invite in the place of one, and tells that itself
        # A commit that lets one in closes no invite, but the door of one that was outside: also for
        # a client that did not see them go.
        seats = self._membership.known_seats()
        came = {seats.get(person.relay_key, Seat()).door for person in outcome.joined}
        for door in closed:
            if not self._outside.is_way_back(door) and door not in came:
                self._emit(events.InviteRevoked(door.hex(), outcome.by))

    def list(self, ref: str | None) -> None:
        """Tell every open invite. `InvitesListed` follows, once the relay has shown the cards that
        another facilitator may have put."""
        listed = self._membership.state.door_ids()
        doors = [door for door in listed if not self._outside.is_way_back(door)]
        rows: dict[bytes, events.OpenInvite] = {}

        def known(door: bytes, row: events.OpenInvite) -> None:
            rows[door] = row
            if len(rows) == len(doors):
                self._emit(events.InvitesListed(tuple(rows[id] for id in doors), ref))

        if not doors:
            self._emit(events.InvitesListed((), ref))
        alone = self._membership.facilitates_alone
        for id in doors:
            door = self._doors.get(id)
            if door is not None and door.statement is not None and alone:
                known(id, self._own(door))
            else:
                self._ask(id, door, known)

    def _own(self, door: Door) -> events.OpenInvite:
        hours = max(0, ceil((door.deadline - self._clock()) / HOUR))
        came = self._came_by(door.id)
        return events.OpenInvite(
            door.id.hex(), came, door.uses_left, hours, door.question, yours=True
        )

    def _ask(
        self, id: bytes, door: Door | None, known: Callable[[bytes, events.OpenInvite], None]
    ) -> None:
        """The card says what the link asks, also an own one: another facilitator may have changed
        it. Of another's the uses and hours are the relay's word."""

        def answered(answer: RelayAnswer | None) -> None:
            uses = hours = None
            if isinstance(answer, frames.CardIs):
                self._door_keeper.card_read(id, answer)
                uses = answer.uses
                hours = None if answer.ttl is None else ceil(answer.ttl / HOUR)
            if door is not None and door.statement is not None:
                known(id, self._own(door))
                return
            question = door.question if door is not None else ""
            row = events.OpenInvite(id.hex(), self._came_by(id), uses, hours, question, yours=False)
            known(id, row)

        self._link.request(lambda n: frames.ReadCard(n, id), answered)

    def _came_by(self, door: bytes) -> int:
        """How many of the members came by this door."""
        return sum(seat.door == door for seat in self._membership.roster.seats.values())
