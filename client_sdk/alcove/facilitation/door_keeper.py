"""The doors as the relay has them: put, put anew with another card, closed.

A card names the lobby key and shows the agreement. So a new one of these needs a new card at every
door: by the facilitator whose commit brought it at once, and else by the first in line. What the
link asks stands on its card alone. So a client that may not have written it reads it first.

A door that a commit takes off the list is closed at the relay by its committer at once, and by the
first in line 10 s later: the committer may be gone.
"""

from collections.abc import Callable, Iterable
from typing import Final

from alcove_protocol import frames
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.invite import Invite
from alcove_protocol.statements import Signed

from alcove.errors import PASSING, AlcoveError, NotNow, NotTrusted, Refused
from alcove.facilitation.doors import Door, Doors, InviteTerms
from alcove.facilitation.in_line import OTHERS_WAIT, InLine
from alcove.facilitation.intents import Done, not_awaited
from alcove.group.membership import Membership
from alcove.joining.card import read_card
from alcove.relay.ports import Ports

GIVEN_UP: Final = 120.0
"""Seconds in which one facilitator after another may put the cards anew, or close a door."""
_NO_TEXT: Final = (
    "The text of the ground rules has not come here, so no invite can show it. If no other "
    "facilitator is here to send it, give the room its ground rules anew: /newrules FILE."
)
_REVOKED: Final = (
    "A facilitator closed this invite before it was ready. /invite new makes another one."
)
_EXPIRED: Final = (
    "The time of this invite was over before it was ready. /invite new makes another one."
)
_USED: Final = (
    "Others came in by this invite before you were told that it is ready. /invite new makes "
    "another one."
)
AGAIN: Final = 1.0
"""Seconds after which the relay is told once more that a door is closed."""


class DoorKeeper:
    """Sends what `doors` makes."""

    def __init__(self, membership: Membership, doors: Doors, ports: Ports, in_line: InLine) -> None:
        self._membership = membership
        self._doors = doors
        self._link = ports.link
        self._clock = ports.clock
        self._in_line = in_line
        self._unsent: list[tuple[Door, Done]] = []
        self._cards_unsent: list[Door] = []
        self._brought: set[bytes] = set()
        """Doors of `_unsent` that waited while a relay lost its memory."""
        self._closing: dict[bytes, float] = {}
        """Doors that this client's commits took off the list, and when the relay is told."""
        self._others_closed: dict[bytes, float] = {}
        """Those that others' commits took off, and since when: their committer may be gone."""
        self._look_at = 0.0
        self._lobby_key = membership.state.lobby_key
        self._due: float | None = None
        self._since = 0.0
        self._own = False

    def put(self, invite: Invite, terms: InviteTerms, done: Done) -> None:
        """Give the relay the door of an invite that the group's state lists."""
        if not self._doors.fits(self._membership):
            done(NotNow("no_agreement", _NO_TEXT))
            return
        self._send(self._doors.make(invite, self._membership, terms), done)

    def _send(self, door: Door, done: Done) -> None:
        signed = door.statement
        assert signed is not None  # this client made the door

        def answered(answer: RelayAnswer | None) -> None:
            if not _arrived(answer):
                # Without an answer it may not have arrived: it goes again after `resume`. The
                # group's state lists this door, so a busy relay gets it a little later.
                self._unsent.append((door, done))
            elif isinstance(answer, frames.RequestRefused):
                done(Refused.by_relay(answer.code))
            else:
                done(self._over(door))

        self._ask(signed, door.card, answered)

    def _over(self, door: Door) -> NotNow | None:
        """Why nobody comes in by this door. It may have waited for long, and is no invite to give
        away then."""
        if door.revoked:
            return NotNow("door_revoked", _REVOKED)
        if self._clock() >= door.deadline:
            return NotNow("door_expired", _EXPIRED)
        return None if door.uses_left else NotNow("door_used", _USED)

    def _ask(
        self, signed: Signed, card: bytes, answered: Callable[[RelayAnswer | None], None]
    ) -> None:
        self._link.request(
            lambda n: frames.PutDoor(n, signed.body, signed.signature, card), answered
        )

    def new_log(self) -> None:
        """The relay lost its memory. A room is brought back with its doors."""
        self._brought.update(door.id for door, _ in self._unsent)

    def send_unsent(self) -> None:
        unsent, self._unsent = self._unsent, []
        for door, done in unsent:
            over = self._over(door)
            if over is not None:
                done(over)
                continue
            if door.id in self._brought:
                # It may have come with the room, and have a later card there.
                self._doors.with_new_card(door, self._membership)
            self._send(door, done)
        self._brought.clear()
        cards, self._cards_unsent = self._cards_unsent, []
        for door in cards:
            self._renew(door)
        self._close_due()

    def ask(self, door: Door, question: str) -> None:
        """Put the door's card anew, with this question for newcomers."""
        door.question = question
        self._renew(door)

    def revoke(self, doors: Iterable[bytes]) -> None:
        """Close doors that the state no longer lists."""
        for door in doors:
            self._closing[door] = self._clock()
        self._close_due()

    def _close_due(self) -> None:
        now = self._clock()
        for door in [door for door, due in self._closing.items() if now >= due]:
            self._close(door)

    def closed_by_other(self, doors: Iterable[bytes]) -> None:
        """Another facilitator's commit took these doors off the list."""
        now = self._clock()
        self._look_at = now + OTHERS_WAIT
        self._others_closed.update((door, now) for door in doors)

    def close_for_others(self) -> None:
        """Close what another facilitator's client may not have closed, if this one is first."""
        now = self._clock()
        if not self._others_closed or now < self._look_at:
            return
        self._look_at = now + OTHERS_WAIT
        if self._in_line.is_first():
            self.revoke(self._others_closed)
            self._others_closed.clear()
        for door in [key for key, at in self._others_closed.items() if now - at >= GIVEN_UP]:
            del self._others_closed[door]

    def _close(self, door: bytes) -> None:
        del self._closing[door]
        signed = self._doors.revocation(self._membership.group.group_id, door)

        def answered(answer: RelayAnswer | None) -> None:
            if not _arrived(answer):
                self._closing[door] = self._clock() + AGAIN

        self._ask(signed, b"", answered)

    def moved(self, *, own: bool) -> None:
        """The group moved on, by this client's own commit or by another's."""
        state = self._membership.state
        self._doors.unlisted(state.door_ids())
        if state.lobby_key != self._lobby_key:
            self._lobby_key = state.lobby_key
            self.cards_changed(own=own)

    def cards_changed(self, *, own: bool) -> None:
        """The cards say something else now: put them anew."""
        self._since, self._own = self._clock(), own
        self._due = self._since if own else self._since + OTHERS_WAIT

    def renew_cards(self) -> None:
        """Put the cards anew, if it is due. To be called while the vault is complete."""
        now = self._clock()
        if self._due is None or now < self._due or not self._doors.fits(self._membership):
            return  # without the agreement's text, a card would show an earlier one
        if not self._own and not self._in_line.is_first():
            self._due = now + OTHERS_WAIT if now - self._since < GIVEN_UP else None
            return
        self._due = None
        alone = self._membership.facilitates_alone
        for door in self._doors.of_state(self._membership.state.door_ids()):
            if alone and door.statement is not None:
                self._renew(door)
            else:
                self._read_first(door)

    def _read_first(self, door: Door) -> None:
        """Another facilitator may have changed what the link asks. When the relay does not say,
        the new card asks what the last one did that this client knows."""

        def answered(answer: RelayAnswer | None) -> None:
            if not _arrived(answer):
                self._cards_unsent.append(door)
                return
            if isinstance(answer, frames.CardIs):
                self.card_read(door.id, answer)
            self._renew(door)

        self._link.request(lambda n: frames.ReadCard(n, door.id), answered)

    def card_read(self, id: bytes, answer: frames.CardIs) -> None:
        """Take over what the link asks, from a card that a facilitator of this room signed."""
        door = self._doors.get(id)
        if door is None:
            return
        try:
            checked = read_card(door.invite, answer)
        except NotTrusted:
            return
        door.question = checked.card.question or ""
        door.seen = max(door.seen, answer.number)

    def _renew(self, door: Door) -> None:
        self.put_anew(door, not_awaited)

    def put_anew(self, door: Door, done: Done) -> None:
        """Put the door's card anew, of the state as it is. `done` is told why the relay does not
        take it. It goes again when no answer came."""
        renewed = self._doors.with_new_card(door, self._membership)
        if renewed is None:
            return

        def answered(answer: RelayAnswer | None) -> None:
            if not _arrived(answer):
                self._cards_unsent.append(door)
            elif isinstance(answer, frames.RequestRefused):
                done(Refused.by_relay(answer.code))
            else:
                done(None)

        self._ask(*renewed, answered)

    def close(self, error: AlcoveError) -> None:
        """Fail what was not put."""
        unsent, self._unsent = self._unsent, []
        for _, done in unsent:
            done(error)


def _arrived(answer: RelayAnswer | None) -> bool:
    passing = isinstance(answer, frames.RequestRefused) and answer.code in PASSING
    return answer is not None and not passing
