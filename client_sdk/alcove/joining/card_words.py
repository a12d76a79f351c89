"""The words on the room's cards that no state has, for a facilitator that comes back by a ticket.

The ground rules, the languages, the helplines and the contact are the hosts' own, and may be larger
than a ticket's place. The cards at the doors have them, and the doors' secrets were parked. Without
them the next card would show newcomers no helpline, and without ground rules there is none.
"""

from typing import Final, NamedTuple

from alcove_protocol import frames
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.invite import Invite, InviteRole, door_id_of
from alcove_protocol.ticket import Ticket

from alcove.errors import NotTrusted
from alcove.group.parked import ParkedBody
from alcove.joining.card import read_card
from alcove.messages.agreements import Agreement
from alcove.relay.link import Link

_READ: Final = 3
"""Doors whose card is read: some may be over, and each answer may have 32 KiB."""


class CardWords(NamedTuple):
    """As on `RoomCard`."""

    languages: str
    helplines: str
    contact: str


class CardWordsReader:
    """Reads them. A card counts that a facilitator of the room signed; one's own before others'."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._own = False
        self.words: CardWords | None = None
        self._rules: dict[bytes, Agreement] = {}

    def read(self, ticket: Ticket, body: ParkedBody, own: bytes) -> None:
        """Ask for them. `own` is this facilitator's MLS key, which signs its cards."""
        for secret in body.door_secrets(ticket.room)[:_READ]:
            door = door_id_of(ticket.room, secret)
            self._ask(Invite(InviteRole.PARTICIPANT, door, ticket.room, ticket.origin, secret), own)

    def rules(self, hashed: bytes) -> Agreement | None:
        """The ground rules with this hash, if a card had them."""
        return self._rules.get(hashed)

    def _ask(self, invite: Invite, own: bytes) -> None:
        def answered(answer: RelayAnswer | None) -> None:
            if isinstance(answer, frames.CardIs):
                self._came(invite, answer, own)

        self._link.request(lambda n: frames.ReadCard(n, invite.door), answered)

    def _came(self, invite: Invite, answer: frames.CardIs, own: bytes) -> None:
        try:
            checked = read_card(invite, answer)
        except NotTrusted:
            return  # no newcomer would take it either
        card, rules = checked.card, checked.ground_rules
        self._rules[rules.hash] = rules
        is_own = card.signer == own
        words = CardWords(card.languages, card.helplines, card.contact or "")
        # An empty one may be of a program that knew none, as this person's own one of before.
        if any(words) and (self.words is None or (is_own and not self._own)):
            self.words = words
            self._own = is_own
