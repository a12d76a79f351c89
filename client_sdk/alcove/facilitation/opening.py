"""Opening a room: the root key, entry 0, the group of one, the first door.

The root key lives for one signature. Afterwards the room is what its hash says it is, and every
chain of trust begins with the facilitator whom entry 0 names.
"""

from collections.abc import Callable
from dataclasses import dataclass

from alcove_protocol import frames
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.labels import VERSION, Label, room_id_of
from alcove_protocol.position import GENERATION_SIZE, Position
from alcove_protocol.roster import NO_HASH, open_roster
from alcove_protocol.statements import Opening, Signed

from alcove import events, mls
from alcove.errors import AlcoveError, Refused
from alcove.facilitation.doors import InviteTerms, RoomCard, new_invite
from alcove.facilitation.facilitator import Facilitator, Handover
from alcove.group.admission import leaf_extensions, leaf_lifetime, room_policy
from alcove.group.extensions import (
    ABSENT_DEFAULT,
    FacilitatorKeys,
    RoomExtension,
    capabilities,
    group_extensions,
)
from alcove.group.keys import ROOM_SUITE, Identity, SigningKey
from alcove.group.membership import Membership
from alcove.messages.agreements import read_agreement
from alcove.relay.ports import Ports


@dataclass(frozen=True, slots=True)
class RoomPlan:
    """What the first facilitator decides before the room exists. Times in seconds."""

    card: RoomCard
    members: int
    ttl: int
    terms: InviteTerms
    origin: str
    facilitators_start: int = 1
    facilitators_stay: int = 1
    absent: int = ABSENT_DEFAULT
    """Seconds without a sign of life after which a participant is let go. 0 is never."""


class RoomOpening:
    """Makes the room at the relay, then puts its first door."""

    def __init__(
        self,
        identity: Identity,
        plan: RoomPlan,
        ports: Ports,
        fail: Callable[[AlcoveError], None],
    ) -> None:
        self._identity = identity
        self.plan = plan
        self._link = ports.link
        self._emit = ports.emit
        self._fail = fail
        self._random = ports.random
        self.made = False
        root = SigningKey.generate(ports.random)
        self.room = room_id_of(root.public)
        self.statement = Opening(
            VERSION,
            self.room,
            root.public,
            identity.relay.public,
            identity.signature.public,
            plan.members,
            plan.ttl,
        )
        self.signed: Signed = root.sign(Label.OPEN, self.statement)
        root.wipe()
        self.lobby_key = mls.ciphersuite(ROOM_SUITE).hpke_keypair(ports.random)
        card = plan.card
        self.agreement = read_agreement(self.room, card.agreement_version, card.packed_agreement())
        self.invite = new_invite(self.room, plan.origin, ports.random)

    def make(self, then: Callable[[], None]) -> None:
        """Ask the relay for the room. The same entry again is harmless."""

        def answered(answer: RelayAnswer | None) -> None:
            if isinstance(answer, frames.Done):
                self.made = True
                then()
            elif isinstance(answer, frames.RequestRefused):
                self._fail(Refused.by_relay(answer.code))

        signed = self.signed
        self._link.request(lambda n: frames.OpenRoom(n, signed.body, signed.signature), answered)

    def found_group(self, now: float) -> Membership:
        """The MLS group with one member, the roster with one entry. `now` is in Unix seconds."""
        identity, plan = self._identity, self.plan
        agreement = self.agreement.hash
        group = mls.Group.create(
            identity.suite,
            self.room,
            identity.signature,
            mls.Credential.basic(identity.name.encode()),
            capabilities(identity.suite),
            leaf_extensions(identity, agreement),
            group_extensions(self._first_state(agreement)),
            self._random,
            policy=room_policy(plan.members),
            lifetime=leaf_lifetime(now),
            now=int(now),
        )
        roster, _ = open_roster(self.signed, self.room)
        nowhere = Position(bytes(GENERATION_SIZE), 0)  # `resume` tells the generation
        membership = Membership(group, roster, nowhere, NO_HASH)
        membership.chain.append(self.signed)
        return membership

    def _first_state(self, agreement: bytes) -> RoomExtension:
        identity, plan = self._identity, self.plan
        keys = FacilitatorKeys(identity.signature.public, identity.relay.public)
        return RoomExtension(
            version=VERSION,
            facilitators=keys.encode(),
            appointments=b"",
            lobby_key=self.lobby_key.public,
            agreement_version=plan.card.agreement_version,
            agreement=agreement,
            paused=b"",
            doors=self.invite.door,
            locked=False,
            listen_only=False,
            slow=0,
            ttl=plan.ttl,
            absent=plan.absent,
            facilitators_start=plan.facilitators_start,
            facilitators_stay=plan.facilitators_stay,
        )

    def handover(self) -> Handover:
        """What makes the opener the first facilitator."""
        plan = self.plan
        return Handover(self.signed, plan.card, plan.origin, plan.terms, self.lobby_key)

    def open_first_door(self, facilitator: Facilitator, then: Callable[[], None]) -> None:
        """Once connected, put the first invite's door. With it the room is open."""

        def put(error: AlcoveError | None) -> None:
            if error is not None:
                self._fail(error)
                return
            then()
            self._emit(events.Opened(self.invite.url()))
            name = self._identity.name
            self._emit(events.Joined(name, you=True, members=(name,)))

        facilitator.put_door(self.invite, self.plan.terms, put)
