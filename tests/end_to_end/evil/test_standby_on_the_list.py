"""A standby key on the list: no leaf, no member, and no alarm; and the list when it is restated."""

from dataclasses import replace

import pytest
from alcove.facilitation.intents import RefreshKeys
from alcove.group.standby import standby_of
from alcove_protocol.frames import BlobClass, Publish
from alcove_protocol.roster import ENTRANT, LINK, Change, Op, Role, Seat

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    change,
    committer_of,
    context,
    entry_by,
    group_of,
    relay_key,
    rogue_commit,
    room_of,
    roster_of,
    state_of,
    with_facilitator,
)
from tests.end_to_end.evil.rooms import (
    authenticators,
    forget,
    goes_on,
    problems,
    three,
    two_facilitators,
)
from tests.end_to_end.standing_by import close_link, make_link
from tests.end_to_end.world import Client


def put_standby(world: EvilWorld, by: Client) -> bytes:
    make_link(world, by)
    standby = standby_of(state_of(by))
    assert standby is not None
    return standby.relay_key


def test_a_standby_key_on_the_list_is_no_alarm_and_no_member() -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    key = put_standby(world, ann)
    goes_on(world, ann, bob, cleo)
    dora = world.join(ann, "Dora")
    goes_on(world, ann, bob, cleo, dora)
    for client in (ann, bob, cleo, dora):
        assert problems(client) == []
        assert client.members() == {"Ann", "Bob", "Cleo", "Dora"}
        assert roster_of(client).standbys() == {key}
    ann.remove("Dora")
    world.settle()  # a commit that waits behind another leaves the others their turn
    close_link(world, ann)
    assert roster_of(bob).standbys() == frozenset()
    assert problems(bob) == []


def test_a_standby_keeps_one_place_and_takes_none() -> None:
    world = EvilWorld()
    ann = world.open("Ann", members=3)
    put_standby(world, ann)
    assert world.join(ann, "Bob").members() == {"Ann", "Bob"}


def test_a_link_that_the_state_does_not_name_is_an_alarm() -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    change(world, ann, lambda membership: (), Change(Op.ADD, world.random(32), LINK))
    assert problems(bob) == ["roster_mismatch"]
    assert problems(cleo) == ["roster_mismatch"]


def test_a_key_that_enters_without_a_leaf_is_none() -> None:
    """As after a false answer: it lets nobody read or write."""
    world, ann, bob, cleo = three()
    put_standby(world, ann)
    world.advance(2)
    forget(ann, bob, cleo)
    change(world, ann, lambda membership: (), Change(Op.ADD, world.random(32), ENTRANT))
    goes_on(world, ann, bob, cleo)
    assert problems(bob) == []
    assert problems(cleo) == []
    close_link(world, ann)  # it goes with the link
    assert roster_of(bob).standbys() == frozenset()
    assert problems(bob) == []


def test_a_member_in_the_role_of_a_standby_is_an_alarm() -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    key = relay_key(bob)
    listing = ann.engine.require_member().membership.listing()
    restated = [replace(item, seat=LINK) if item.key == key else item for item in listing]
    change(world, ann, lambda membership: (), *restated)
    assert roster_of(cleo).standbys() == {key}
    assert problems(cleo) == ["roster_mismatch"]


def burn_with_entry(
    world: EvilWorld, by: Client, *changes: Change, lobby: bytes | None = None
) -> None:
    """A commit that every member burns, with an entry that the relay takes before any other."""
    blob = rogue_commit(by, context(replace(state_of(by), desk_interval=30)))
    member = by.engine.require_member()
    entry = entry_by(by.engine.identity.relay, by, blob, *changes, lobby=lobby)
    member._link.request(
        lambda n: Publish(
            n,
            world.random(16),
            member.membership.base.encode(),
            int(BlobClass.COMMIT),
            86400,
            blob,
            entry.body,
            entry.signature,
        ),
        lambda answer: None,
    )
    world._step(by)
    world.settle()


@pytest.mark.parametrize("burned", [Op.ADD, Op.REMOVE])
def test_a_restated_list_keeps_the_standby_keys_that_the_group_has(burned: Op) -> None:
    world, ann, bob, cleo = two_facilitators()
    key = put_standby(world, ann)
    goes_on(world, ann, bob, cleo)
    other = world.random(32)
    wrong = Change(Op.ADD, other, ENTRANT) if burned is Op.ADD else Change(Op.REMOVE, key)
    burn_with_entry(world, bob, wrong)
    assert roster_of(cleo).standbys() == ({key, other} if burned is Op.ADD else frozenset())
    forget(ann, cleo)
    goes_on(world, ann, cleo)
    for client in (ann, cleo):
        assert roster_of(client).standbys() == {key}
        assert problems(client) == []


def test_a_restated_list_has_the_roles_of_the_group_and_not_of_the_burned_entry() -> None:
    world, ann, bob, cleo = two_facilitators()
    key = relay_key(cleo)
    burn_with_entry(world, bob, Change(Op.CHANGE, key, Seat(role=Role.FACILITATOR)))
    assert roster_of(cleo).is_facilitator(key)
    forget(ann, cleo)
    goes_on(world, ann, cleo)
    assert not roster_of(cleo).is_facilitator(key)
    assert problems(cleo) == []


def test_a_commit_that_lost_to_a_burned_entry_restates_the_list() -> None:
    world, ann, bob, cleo = two_facilitators()
    key = cleo.engine.identity.relay.public
    epoch = group_of(ann).epoch
    committer_of(ann).committer.want(RefreshKeys())  # it names no member, so it has no entry
    burn_with_entry(world, bob, Change(Op.CHANGE, key, Seat(role=Role.FACILITATOR)))
    assert group_of(ann).epoch == group_of(cleo).epoch == epoch + 1
    for client in (ann, cleo):
        assert not roster_of(client).is_facilitator(key)
        assert not client.engine.require_member().membership.restate


def test_a_list_with_other_facilitators_than_the_group_is_an_alarm() -> None:
    world, ann, bob, cleo = two_facilitators()
    forget(ann, bob, cleo)
    state = with_facilitator(state_of(ann), room_of(ann), ann, cleo)
    change(world, ann, lambda membership: (context(state),))
    assert problems(bob) == ["roster_mismatch"]
    assert len(authenticators(ann, bob, cleo)) == 1  # told, and never refused for it
    assert committer_of(ann).committer.idle
