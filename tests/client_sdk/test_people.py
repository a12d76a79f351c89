"""Members and the lists of the room's state are read once in an epoch, and say what is so."""

from dataclasses import replace

import pytest
from alcove.group.extensions import FacilitatorKeys
from alcove.group.membership import Membership
from alcove.group.outcomes import person_of
from alcove_protocol.errors import Malformed

from tests.end_to_end.evil.rogue import demote, state_of
from tests.end_to_end.evil.rooms import two_facilitators


def read_anew(membership: Membership) -> list[object]:
    """The members, from the leaves and the state alone."""
    listed = membership.state.facilitators
    keys = {listed[at : at + 32] for at in range(0, len(listed), 64)}
    return [person_of(one.leaf, keys) for one in membership.group.members()]


def test_the_people_of_an_epoch_are_read_once_and_of_the_next_one_anew() -> None:
    world, ann, bob, cleo = two_facilitators()
    membership = cleo.engine.require_member().membership
    first = membership.people()
    assert membership.people() is first
    assert list(first) == read_anew(membership)
    assert membership.own in first
    assert membership.own.name == "Cleo"
    demote(world, ann, bob)
    world.advance(1)
    assert membership.people() is not first
    assert list(membership.people()) == read_anew(membership)
    assert [person.facilitator for person in first] == [True, True, False]
    assert [person.facilitator for person in membership.people()] == [True, False, False]
    assert not bob.engine.require_member().membership.own.facilitator


def test_lists_that_are_kept_are_those_of_this_state() -> None:
    _world, ann, bob, _cleo = two_facilitators()
    state = state_of(ann)
    both = [FacilitatorKeys(one.engine.identity.signature.public, one.engine.identity.relay.public)
            for one in (ann, bob)]  # fmt: skip
    assert list(state.facilitator_list()) == both
    alone = replace(state, facilitators=both[1].encode())
    assert alone.facilitator_list() == (both[1],)
    assert alone.facilitator_keys() == {both[1].mls_key}
    assert state.facilitator_keys() == {one.mls_key for one in both}


def test_a_list_that_does_not_divide_is_refused_each_time() -> None:
    _world, ann, _bob, _cleo = two_facilitators()
    wrong = replace(state_of(ann), facilitators=bytes(63), paused=bytes(31))
    for read in (wrong.facilitator_list, wrong.facilitator_keys, wrong.paused_keys) * 2:
        with pytest.raises(Malformed):
            read()
