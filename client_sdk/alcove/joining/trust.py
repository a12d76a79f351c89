"""The way in: from the room id in the invite to the group in a Welcome, trusting no relay.

room id → entry 0 → appointments → the card's signer         (`check_card`)
                                 → the Welcome's signer      (`accept_welcome`)
        → the roster before one's own entry → that entry     (`roster_of_welcome`)
"""

from dataclasses import dataclass
from types import MappingProxyType

from alcove_protocol import limits
from alcove_protocol.codec import split, unpack_list
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.roster import (
    CHANGE_SIZE,
    Change,
    RoomFlag,
    Roster,
    Seat,
    apply_changes,
    extend,
    open_roster,
)
from alcove_protocol.statements import Appointment, Card, Opening, Signed, verify

from alcove import mls
from alcove.errors import NotTrusted
from alcove.group.extensions import (
    ROSTER_EXTENSION,
    Facilitator,
    RoomExtension,
    RosterExtension,
    agreement_hash,
    room_extension,
)
from alcove.group.keys import check_hpke_key


@dataclass(frozen=True, slots=True)
class CheckedCard:
    """A card that a facilitator of this room signed, and what it leads to."""

    card: Card
    opening: Opening
    agreement: bytes
    """The hash that accepting this card's ground rules binds."""


def check_card(signed: Signed, room: bytes, number: int) -> CheckedCard:
    """Go from the room id to the card's signer. Raises `NotTrusted` (`bad_card`)."""
    try:
        claimed = Card.decode(signed.body, limit=limits.CARD)
        _, opening = open_roster(Signed.decode(claimed.opening), room)
        known = chained_facilitators(opening.statement, _signed_list(claimed.appointments), room)
        if claimed.signer not in known:
            raise Malformed("bad_chain", "signed by nobody that the room knows")
        card = verify(Card, Label.CARD, signed, claimed.signer).statement
        if card.room != room or card.number != number:
            raise Malformed("bad_field", "a card of another room or number")
        check_hpke_key(card.lobby_key)
    except Malformed:
        raise NotTrusted(
            "bad_card", "The room's card does not fit this invite; do not go on."
        ) from None
    accepted = agreement_hash(room, card.agreement_version, card.agreement)
    return CheckedCard(card, opening.statement, accepted)


def _signed_list(data: bytes) -> tuple[Signed, ...]:
    return tuple(Signed.decode(item) for item in unpack_list(data, most=4 * limits.FACILITATORS))


def chained_facilitators(
    opening: Opening, appointments: tuple[Signed, ...], room: bytes
) -> dict[bytes, Facilitator]:
    """Everybody whom the opening names or a chain of appointments reaches, by MLS key.

    Raises `Malformed` when an appointment is by nobody known or its signature is wrong.
    """
    first = Facilitator(opening.mls_key, opening.relay_key, opening.hpke_key)
    known = {first.mls_key: first}
    for signed in appointments:
        claimed = Appointment.decode(signed.body)
        if claimed.appointer not in known or claimed.room != room:
            raise Malformed("bad_chain", "an appointment by nobody that the room knows")
        verify(Appointment, Label.APPOINT, signed, claimed.appointer)
        person = Facilitator(claimed.mls_key, claimed.relay_key, claimed.hpke_key)
        known.setdefault(person.mls_key, person)
    return known


def _untrusted(text: str) -> NotTrusted:
    return NotTrusted("bad_welcome", f"{text} Do not go on; ask for a new invite.")


def accept_welcome(
    staged: mls.StagedJoin, opening: Opening, room: bytes, accepted: bytes
) -> RoomExtension:
    """Hold the group in a Welcome against what the invite and the card promised.

    Raises `NotTrusted` (`bad_welcome`) unless the group is this room's, its signer is a facilitator
    in its state, that facilitator chains to the room id, and its agreement is the one accepted.
    """
    if staged.group_context.group_id != room:
        raise _untrusted("This is not the group of the room in the invite.")
    try:
        state = room_extension(staged.group_context)
        known = chained_facilitators(opening, _signed_list(state.appointments), room)
    except Malformed:
        raise _untrusted("The group's state is not a room's.") from None
    signer = staged.signer.leaf.signature_key
    current = {item.mls_key: item for item in state.facilitator_list()}
    if signer not in current or known.get(signer) != current[signer]:
        raise _untrusted("Who let you in is no facilitator of this room.")
    if state.agreement != accepted:
        raise _untrusted("The ground rules are not the ones that you accepted.")
    return state


def roster_of_welcome(staged: mls.StagedJoin, entry: Signed, room: bytes) -> Roster:
    """The roster that the Welcome carries, one verified entry further.

    Raises `NotTrusted` (`bad_welcome`).
    """
    data = staged.group_info.extension(ROSTER_EXTENSION)
    try:
        if data is None:
            raise Malformed("bad_field", "no roster")
        base = RosterExtension.decode(data, limit=limits.HANDSHAKE_BLOB)
        from_list = _decode_listing(base.listing)
        roster = Roster(
            room,
            base.counter,
            base.head,
            MappingProxyType(from_list),
            RoomFlag(base.flags),
            base.members,
            base.ttl,
        )
        after, _ = extend(roster, entry)
    except Malformed:
        raise _untrusted("The room's list of members is not signed as it must be.") from None
    return after


def _decode_listing(data: bytes) -> dict[bytes, Seat]:
    changes = tuple(
        Change.decode(item) for item in split(data, CHANGE_SIZE, most=2 * limits.MEMBERS_MAX + 1)
    )
    return apply_changes({}, changes)


def listing_of(roster: Roster) -> RosterExtension:
    """What goes into GroupInfo for who is admitted next."""
    return RosterExtension(
        roster.counter,
        roster.head,
        roster.listing(),
        int(roster.flags),
        roster.members,
        roster.ttl,
    )
