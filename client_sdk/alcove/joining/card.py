"""The card of a room: from the room id in the invite to the card's signer, trusting no relay."""

from dataclasses import dataclass

from alcove_protocol import limits
from alcove_protocol.card import Card
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import CardIs
from alcove_protocol.invite import Invite
from alcove_protocol.labels import Label
from alcove_protocol.roster import open_roster
from alcove_protocol.statements import Opening, Signed, verify

from alcove.errors import NotTrusted
from alcove.group.appointments import chained_facilitators, unpack_appointments
from alcove.group.keys import check_hpke_key
from alcove.group.sealing import open_card
from alcove.messages.agreements import Agreement, read_agreement


@dataclass(frozen=True, slots=True)
class CheckedCard:
    """A card that a facilitator of this room signed, and what it leads to."""

    card: Card
    opening: Opening
    ground_rules: Agreement

    @property
    def agreement(self) -> bytes:
        """The hash that a newcomer binds by accepting this card's ground rules."""
        return self.ground_rules.hash


def read_card(invite: Invite, answer: CardIs) -> CheckedCard:
    """Open and check the card that the relay gave out. Raises `NotTrusted` (`bad_card`)."""
    signed = open_card(invite, answer.number, answer.card)
    return check_card(signed, invite.room, answer.number)


def check_card(signed: Signed, room: bytes, number: int) -> CheckedCard:
    """Go from the room id to the card's signer. Raises `NotTrusted` (`bad_card`)."""
    try:
        claimed = Card.decode(signed.body, limit=limits.CARD)
        _, opening = open_roster(Signed.decode(claimed.opening), room)
        appointments = unpack_appointments(claimed.appointments)
        if claimed.signer not in chained_facilitators(opening.statement, appointments, room):
            raise Malformed("bad_statement", "The room does not know the signer.")
        card = verify(Card, Label.CARD, signed, claimed.signer).statement
        if card.room != room or card.number != number:
            raise Malformed("bad_field", "The card is of another room or number.")
        check_hpke_key(card.lobby_key)
        rules = read_agreement(room, card.agreement_version, card.agreement)
    except Malformed:
        raise NotTrusted(
            "bad_card", "The room's card does not fit this invite; do not go on."
        ) from None
    return CheckedCard(card, opening.statement, rules)
