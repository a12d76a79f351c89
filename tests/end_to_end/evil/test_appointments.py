"""Row 33, of appointments: what newcomers would refuse, members refuse first.

The list of appointments only grows, and every newcomer and every member who comes back verifies the
whole of it. So one wrong item would close the room to all of them for good.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from alcove import events, mls
from alcove.events import ConnectionState
from alcove.group.keys import SigningKey
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import BlobClass
from alcove_protocol.labels import Label
from alcove_protocol.statements import Appointment, Signed

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    appoint,
    appointment,
    aside,
    commit_blob,
    committer_of,
    context,
    demote,
    group_of,
    now,
    room_of,
    state_of,
)
from tests.end_to_end.evil.rooms import (
    authenticators,
    commit_by,
    epochs,
    forget,
    miss_a_commit,
    problems,
    two_facilitators,
)
from tests.end_to_end.evil.test_held import states
from tests.end_to_end.world import Client


def by_a_stranger(world: EvilWorld, bob: Client) -> bytes:
    stranger = SigningKey.generate(world.random)
    claimed = Appointment(room_of(bob), stranger.public, bytes(32), bytes(32))
    return pack_list([stranger.sign(Label.APPOINT, claimed).encode()])


def of_nobody(world: EvilWorld, bob: Client) -> bytes:
    signer = bob.engine.identity.mls_signer()
    claimed = Appointment(room_of(bob), signer.public, bytes(32), bytes(32))
    return pack_list([signer.sign(Label.APPOINT, claimed).encode()])


def of_a_facilitator_again(world: EvilWorld, bob: Client) -> bytes:
    return pack_list([appointment(room_of(bob), bob, world.clients[0]).encode()])


def with_a_wrong_signature(world: EvilWorld, bob: Client) -> bytes:
    signer = bob.engine.identity.mls_signer()
    claimed = Appointment(room_of(bob), signer.public, bytes(32), bytes(32))
    return pack_list([Signed(claimed.encode(), bytes(64)).encode()])


def no_appointment(world: EvilWorld, bob: Client) -> bytes:
    return pack_list([b"junk"])


def half_an_item(world: EvilWorld, bob: Client) -> bytes:
    return of_nobody(world, bob)[:-1]


JUNK: list[Callable[[EvilWorld, Client], bytes]] = [
    by_a_stranger,
    of_nobody,
    of_a_facilitator_again,
    with_a_wrong_signature,
    no_appointment,
    half_an_item,
]


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: junk.__name__)
def test_a_junk_appointment_is_burned_by_all_and_the_room_stays_open(
    junk: Callable[[EvilWorld, Client], bytes],
) -> None:
    world, ann, bob, cleo = two_facilitators()
    link: list[str] = []
    committer_of(ann).invite(lambda url, error: link.append(url or str(error)))
    world.settle()
    forget(ann, bob, cleo)
    before = epochs(ann, cleo)
    state = state_of(bob)
    longer = replace(state, appointments=state.appointments + junk(world, bob))
    staged = aside(group_of(bob).commit([context(longer)], now=now(bob)))
    world.take(room_of(bob), commit_blob(staged.message), BlobClass.COMMIT)
    assert epochs(ann, cleo) == before
    assert problems(ann) == problems(cleo) == ["commit_refused"]
    assert state_of(ann).appointments == state.appointments

    dora = world.knock(link[0], "Dora")
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert dora.of(events.Joined)
    miss_a_commit(world, ann, cleo)
    commit_by(world, ann)
    world.advance(70, step=5)
    assert ConnectionState.REJOINED in states(cleo)
    assert len(authenticators(ann, bob, cleo, dora)) == 1


def test_who_was_demoted_leaves_appointments_that_newcomers_still_take() -> None:
    """The keys of former facilitators stay in the chain, and verify."""
    world, ann, bob, _cleo = two_facilitators()
    demote(world, ann, bob)
    assert ann.remove("Bob") == []
    world.settle()
    dora = world.join(ann, "Dora")
    assert dora.members() == {"Ann", "Cleo", "Dora"}


def test_who_is_appointed_again_with_another_relay_key_lets_newcomers_in() -> None:
    """Bob was demoted and removed. He comes back with his MLS key and a fresh relay key, and the
    last appointment of that key is the one that counts."""
    world, ann, bob, cleo = two_facilitators()
    signature = bob.engine.identity.signature
    kept = mls.SignatureKeyPair(signature.suite, signature.private.copy(), signature.public)
    demote(world, ann, bob)
    assert ann.remove("Bob") == []
    world.settle()
    robert = world.client("Robert")
    robert.engine.identity = replace(robert.engine.identity, signature=kept)
    world.knock_with(robert, ann.invite())
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    appoint(world, ann, robert)
    link: list[str] = []
    committer_of(robert).invite(lambda url, error: link.append(url or str(error)))
    world.settle()
    dora = world.knock(link[0], "Dora")
    robert.admit(robert.of(events.Knocked)[-1])
    world.settle()
    assert dora.of(events.Joined)
    assert len(authenticators(ann, robert, cleo, dora)) == 1
