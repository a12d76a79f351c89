"""A standby: the keys of a printed link, by which a room without facilitators goes on.

The link's keys only authorise. They sign an appointment of fresh keys, and no leaf ever has one of
them (docs/protocol.md 11, "The standby"). All of them follow from the link's secret.
"""

from dataclasses import dataclass, field

from alcove_protocol.errors import Malformed
from alcove_protocol.invite import Invite
from alcove_protocol.labels import Label
from alcove_protocol.statements import KEY_SIZE, Appointment, AskStatement, Signed, verify

from alcove import mls
from alcove.group.extensions import RoomExtension, leaf_extension
from alcove.group.keys import ROOM_SUITE, SigningKey
from alcove.mls.secret import Secret


@dataclass(frozen=True, slots=True)
class StandbyKeys:
    """What the room's state says of a standby: `STANDBY_SIZE` bytes. `psk` is known to members and
    to the holder of the link, and to no relay."""

    mls_key: bytes
    relay_key: bytes
    hpke_key: bytes
    psk: bytes = field(repr=False)

    def encode(self) -> bytes:
        return self.mls_key + self.relay_key + self.hpke_key + self.psk

    @classmethod
    def decode(cls, data: bytes) -> "StandbyKeys":
        """From exactly `STANDBY_SIZE` bytes."""
        return cls(*(data[at : at + KEY_SIZE] for at in range(0, len(data), KEY_SIZE)))


@dataclass(frozen=True, slots=True)
class StandbySecrets:
    """The private keys of a link, for its holder. They never print."""

    keys: StandbyKeys
    signature: SigningKey
    relay: SigningKey

    @classmethod
    def of(cls, link: Invite) -> "StandbySecrets":
        """The keys of a standby's link."""
        signature = SigningKey.from_seed(link.standby_seed("mls"))
        relay = SigningKey.from_seed(link.standby_seed("relay"))
        box = mls.ciphersuite(ROOM_SUITE).derive_key_pair(Secret(link.standby_seed("hpke")))
        public = box.public
        box.private.wipe()  # what members answer is sealed to a fresh key with the psk
        keys = StandbyKeys(signature.public, relay.public, public, link.standby_psk())
        return cls(keys, signature, relay)

    def appoint(self, room: bytes, mls_key: bytes, relay_key: bytes) -> Signed:
        """The appointment of the fresh keys of the person that comes by the link."""
        statement = Appointment(room, self.keys.mls_key, mls_key, relay_key)
        return self.signature.sign(Label.APPOINT, statement)

    def wipe(self) -> None:
        self.signature.wipe()
        self.relay.wipe()


def standby_of(state: RoomExtension) -> StandbyKeys | None:
    """The standby of the room's state."""
    return None if state.standby is None else StandbyKeys.decode(state.standby)


def checked_ask(
    state: RoomExtension, room: bytes, id: bytes, key: bytes, signed: Signed
) -> AskStatement:
    """The ask that the relay told under this id, from this relay key: of this room, and signed by
    the facilitator with that relay key, or else by the state's standby. Raises `Malformed`
    (`bad_statement`, `bad_signature`)."""
    asker = _asker(state, key)
    said = verify(AskStatement, Label.STANDBY, signed, asker).statement
    if (said.epoch is not None) is not (asker in state.facilitator_keys()):
        # All are told of a standby's ask, and of a facilitator's none.
        raise Malformed("bad_statement", "Only a facilitator's ask names an epoch.")
    if (said.room, said.id, said.relay_key) != (room, id, key):
        raise Malformed("bad_statement", "The ask is of another room or asker.")
    return said


def _asker(state: RoomExtension, relay_key: bytes) -> bytes:
    """The MLS key that has to have signed an ask of this relay key."""
    for keys in state.facilitator_list():
        if keys.relay_key == relay_key:
            return keys.mls_key
    standby = standby_of(state)
    if standby is None:
        raise Malformed("bad_statement", "The room has no standby.")
    return standby.mls_key


def standby_key(state: RoomExtension) -> bytes:
    """The MLS key of the state's standby. Empty when there is none."""
    return (state.standby or b"")[:KEY_SIZE]


def enters_by(leaf: mls.LeafNode) -> bytes | None:
    """The MLS key of the standby that appointed the member with this leaf, as the leaf says. None
    for a leaf that holds no appointment. Raises `Malformed`."""
    appointment = leaf_extension(leaf).appointment
    if appointment is None:
        return None
    return Appointment.decode(Signed.decode(appointment).body).appointer
