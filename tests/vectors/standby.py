"""The room's state with a standby: what a commit may do to it."""

from dataclasses import replace

from alcove.group.extensions import RoomExtension
from alcove.group.keys import SigningKey
from alcove.group.standby import StandbyKeys
from alcove_protocol.codec import pack_list
from alcove_protocol.labels import Label
from alcove_protocol.statements import Appointment

from tests.vectors.parts import MEMBER, MEMBER_MLS, ROOM, key_of, public

BOX = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
"""The X25519 key of RFC 7748, section 6.1."""
KEYS = StandbyKeys(
    public(key_of("standby, MLS")), public(key_of("standby, relay")), BOX, bytes(range(32))
)


def _appointed(keys: StandbyKeys, by: str = "facilitator, MLS") -> bytes:
    signer = SigningKey.from_seed(bytes(key_of(by)))
    statement = Appointment(ROOM, signer.public, keys.mls_key, keys.relay_key)
    return pack_list([signer.sign(Label.APPOINT, statement).encode()])


def _set(state: RoomExtension, keys: StandbyKeys) -> RoomExtension:
    return replace(state, standby=keys.encode(), appointments=state.appointments + _appointed(keys))


def changes(two: RoomExtension) -> dict[str, tuple[RoomExtension, RoomExtension]]:
    """States before and after a commit by the first of two facilitators."""
    other = StandbyKeys(
        public(key_of("other, MLS")), public(key_of("other, relay")), BOX, bytes(32)
    )
    there = _set(two, KEYS)
    known = replace(other, mls_key=public(MEMBER_MLS), relay_key=public(MEMBER))
    by_other = replace(
        two,
        standby=KEYS.encode(),
        appointments=two.appointments + _appointed(KEYS, "member, MLS"),
    )
    alone = replace(
        by_other,
        facilitators=two.facilitators[:64],
        lobby_key=BOX,
    )
    return {
        "a standby is set": (two, there),
        "a standby is set without an appointment": (two, replace(two, standby=KEYS.encode())),
        "a standby is set with another's appointment": (two, by_other),
        "a standby is appointed and not set": (
            two,
            replace(two, appointments=two.appointments + _appointed(KEYS)),
        ),
        "a standby is replaced": (there, _set(there, other)),
        "a standby is cleared": (there, replace(there, standby=None)),
        "a standby is set again": (replace(there, standby=None), _set(there, KEYS)),
        "a standby with the keys of a facilitator": (two, _set(two, known)),
        "a standby stays without the facilitator that set it": (by_other, alone),
        "a standby goes with the facilitator that set it": (by_other, replace(alone, standby=None)),
        "an appointment fills the standby's place": (
            two,
            replace(there, appointments=there.appointments + _appointed(other)),
        ),
    }
