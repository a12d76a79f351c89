"""Appointments by hand, for commits that no honest client makes (docs/protocol.md 11)."""

from dataclasses import replace

from alcove.group.extensions import FacilitatorKeys, RoomExtension
from alcove.group.keys import Identity
from alcove_protocol.codec import pack_list
from alcove_protocol.labels import Label
from alcove_protocol.statements import Appointment, Signed


def keys_of(identity: Identity) -> FacilitatorKeys:
    return FacilitatorKeys(identity.signature.public, identity.relay.public)


def appointment(room: bytes, by: Identity, keys: FacilitatorKeys) -> Signed:
    statement = Appointment(room, by.signature.public, keys.mls_key, keys.relay_key)
    return by.mls_signer().sign(Label.APPOINT, statement)


def with_facilitator(
    state: RoomExtension, room: bytes, by: Identity, keys: FacilitatorKeys
) -> RoomExtension:
    """The state in which `by` has appointed the member with these keys."""
    signed = appointment(room, by, keys)
    return replace(
        state,
        facilitators=state.facilitators + keys.encode(),
        appointments=state.appointments + pack_list([signed.encode()]),
    )
