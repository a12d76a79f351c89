"""A leaf with an appointment reaches no commit of an honest facilitator."""

from dataclasses import replace

import pytest
from alcove import events, mls
from alcove.group import admission
from alcove.group.admission import leaf_extensions
from alcove.group.extensions import LEAF_EXTENSION, LeafExtension
from alcove.group.keys import Identity
from alcove_protocol.sealed import RequestKind

from tests.end_to_end.evil.rogue import appointment, committer_of, group_of, room_of
from tests.end_to_end.evil.rogue_requests import rejoin_of, tell
from tests.end_to_end.evil.rooms import epochs, two_facilitators
from tests.end_to_end.evil.test_rights import appointed_leaf, key_package_with


def test_a_facilitator_serves_no_request_with_an_appointment_in_its_leaf() -> None:
    """Its commit is burned by all others, and the facilitator is alone in the next epoch."""
    world, ann, bob, cleo = two_facilitators()
    before = epochs(ann, bob, cleo)
    message = group_of(cleo).propose_update(appointed_leaf(ann, cleo))
    for kind, content in (
        (RequestKind.UPDATE, message),
        (
            RequestKind.REJOIN,
            key_package_with(world, cleo.engine.identity, appointed_leaf(ann, cleo)).encode(),
        ),
    ):
        body = replace(rejoin_of(world, cleo), kind=kind, content=content)
        tell(world, ann, cleo, body, cleo, None)
    assert committer_of(ann).committer.updates == []
    assert epochs(ann, bob, cleo) == before


def test_a_knock_with_an_appointment_in_its_leaf_is_refused() -> None:
    world, ann, _bob, _cleo = two_facilitators()
    dora = world.client("Dora")
    signed = appointment(room_of(ann), ann, dora).encode()
    genuine = leaf_extensions

    def appointed(
        identity: Identity, agreement: bytes, *, reloaded: bool = False
    ) -> tuple[mls.Extension, ...]:
        (own,) = genuine(identity, agreement, reloaded=reloaded)
        content = replace(LeafExtension.decode(own.data), appointment=signed)
        return (mls.Extension(LEAF_EXTENSION, content.encode()),)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(admission, "leaf_extensions", appointed)
        world.knock_with(dora, ann.invite())
    assert [knock.name for knock in ann.of(events.Knocked)] == ["Bob", "Cleo"]
    assert [event.code for event in dora.of(events.Closed)] == ["bad_key_package"]
