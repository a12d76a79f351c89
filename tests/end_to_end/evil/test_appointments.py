"""Row 33, of appointments: what newcomers would refuse, members refuse first.

Every newcomer and every member who comes back verifies the whole list of appointments, which grows,
and loses only what nobody needs. So one wrong item would close the room to all of them for good.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest
from alcove import events, mls
from alcove.errors import AlcoveError, NotNow
from alcove.events import ConnectionState
from alcove.group.appointments import unpack_appointments
from alcove.group.extensions import RoomExtension
from alcove.group.keys import SigningKey
from alcove.group.membership import Membership
from alcove.group.rights import NotAllowed, judge
from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import BlobClass
from alcove_protocol.labels import Label
from alcove_protocol.statements import Appointment, Signed

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    appoint,
    appointment,
    aside,
    change,
    commit_blob,
    committer_of,
    context,
    demote,
    group_of,
    keys_of,
    now,
    room_of,
    state_of,
    with_facilitator,
    without_facilitator,
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


# --- 32 places ------------------------------------------------------------------------------------


def count(client: Client) -> int:
    return len(unpack_appointments(state_of(client).appointments))


def use_up(world: EvilWorld, by: Client, helper: Client) -> None:
    """`by` appoints and demotes a helper until no place is left, and leaves none out."""
    keys, room = helper.engine.identity, room_of(by)
    while count(by) < limits.APPOINTMENTS:
        state = state_of(by)
        listed = keys_of(helper) in state.facilitator_list()
        if listed:
            change(world, by, lambda m: (context(without_facilitator(m.state, helper)),))
        else:
            change(world, by, lambda m: (context(with_facilitator(m.state, room, by, helper)),))
    assert keys.signature.public in state_of(by).facilitator_keys()


def becomes(state: RoomExtension, membership: Membership) -> tuple[mls.Proposal, ...]:
    return (context(state),)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A room has place for six, so that few commits use them up."""
    monkeypatch.setattr(limits, "APPOINTMENTS", 6)


@pytest.mark.usefixtures("few")
def test_nobody_uses_up_the_appointments_of_a_room() -> None:
    """Bob appoints and demotes a helper until the list is full. Ann demotes both, and the room has
    a second facilitator again."""
    world, ann, bob, cleo = two_facilitators()
    dora = world.join(ann, "Dora")
    use_up(world, bob, dora)
    demote(world, ann, bob)
    world.advance(2)
    with suppress(AlcoveError):
        demote(world, ann, dora)
    world.advance(2)
    appoint(world, ann, cleo)
    assert state_of(cleo).facilitator_keys() == {
        client.engine.identity.signature.public for client in (ann, cleo)
    }
    assert count(dora) == 1
    world.join(ann, "Emil")
    assert len(authenticators(ann, bob, cleo, dora)) == 1


@pytest.mark.usefixtures("few")
def test_a_line_of_appointments_is_kept_while_its_last_one_facilitates() -> None:
    """Each appoints the next, and only Ann and the last one facilitate then. What newcomers need to
    know the last one by stays, in a full list too; when that one goes, it all may go."""
    world, ann, bob, cleo = two_facilitators()
    helpers = [cleo, *(world.join(ann, name) for name in ("Dora", "Emil", "Finn"))]
    last = bob
    for helper in helpers:
        listed = with_facilitator(state_of(ann), room_of(ann), last, helper)
        change(world, last, partial(becomes, listed))
        change(world, ann, partial(becomes, without_facilitator(state_of(ann), last)))
        last = helper
    world.advance(130)
    assert count(ann) == 5
    kept = state_of(ann).appointments
    newcomer = world.knock(ann.invite(), "Gil")
    last.admit(last.of(events.Knocked)[-1])  # the Welcome's signer is the last one of the line
    world.settle()
    assert newcomer.of(events.Joined), newcomer.told
    appoint(world, ann, bob)
    assert state_of(ann).appointments.startswith(kept)
    demote(world, ann, bob)
    with pytest.raises(NotNow) as refused:
        ann.engine.commands.appoint("Bob", lambda error: None)  # whose last one has to stay
    assert refused.value.code == "too_many_appointments"
    appoint(world, ann, newcomer)  # in the place of the one that nobody needs
    assert count(ann) == 6
    demote(world, ann, last)
    appoint(world, ann, cleo)
    assert count(ann) == 4
    assert len(authenticators(ann, bob, cleo, newcomer)) == 1


def test_only_all_that_nobody_needs_together_may_be_left_out() -> None:
    world, ann, bob, cleo = two_facilitators()
    demote(world, ann, bob)
    appoint(world, ann, cleo)
    demote(world, ann, cleo)
    appoint(world, ann, world.join(ann, "Dora"))
    state = state_of(ann)
    listed = unpack_appointments(state.appointments)
    first, second, third = (pack_list([one.encode()]) for one in listed)
    for wrong in (first + second, first + third, second + third, first, b""):
        assert verdict(ann, replace(state, appointments=wrong)) == "appointments_rewritten"
    assert verdict(ann, replace(state, appointments=third)) is None


def verdict(by: Client, state: RoomExtension) -> str | None:
    """How a member judges a commit of this state."""
    staged = group_of(by).commit([context(state)], now=now(by))
    try:
        judge(group_of(by), staged)
    except NotAllowed as refused:
        return refused.code
    finally:
        staged.drop()
    return None
