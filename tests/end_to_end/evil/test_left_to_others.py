"""What one facilitator cannot open or judge stays at the relay for the others."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.facilitation.lobby import PUT_OFF_MOST
from alcove.group.sealing import Psk
from alcove_protocol.frames import BlobIs, LobbyItem, LobbyKind, Publish, RefuseKnock, Settle
from alcove_protocol.labels import Label
from alcove_protocol.sealed import RequestKind
from alcove_protocol.statements import StepDownStatement

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import committer_of, group_of, relay_key, room_of, state_of
from tests.end_to_end.evil.rogue_requests import psk_of, rejoin_of, tell
from tests.end_to_end.evil.rooms import (
    Room,
    a_commit,
    authenticators,
    commit_by,
    goes_on,
    miss_a_commit,
    three,
    two_facilitators,
)
from tests.end_to_end.world import Client


def settled(world: EvilWorld, client: Client) -> int:
    """How many items this client settled, without the vaults that it opened."""
    items = world.seen(LobbyItem, client)
    vaults = {item.id for item in items if item.kind == LobbyKind.VAULT}
    return sum(1 for settle in world.seen(Settle, client) if settle.id not in vaults)


def without_earlier_secrets(client: Client) -> None:
    """As if this client had entered at its present epoch."""
    membership = client.engine.require_member().membership
    membership.request_secrets.wipe()
    membership.request_secrets.add(membership.group)


def is_let_in(world: EvilWorld, ann: Client, bob: Client, cleo: Client) -> None:
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def held_while_ann_is_away() -> Room:
    """Cleo is held in an epoch before Bob's first, and asks while only Bob is connected."""
    world, ann, bob, cleo = two_facilitators()
    miss_a_commit(world, ann, cleo)
    without_earlier_secrets(bob)
    ann.cut()
    commit_by(world, bob)  # Cleo sees that she missed one
    return world, ann, bob, cleo


def test_a_request_of_an_epoch_before_ones_own_is_left_to_another_facilitator() -> None:
    world, ann, bob, cleo = held_while_ann_is_away()
    assert world.seen(LobbyItem, bob)[-1].kind == LobbyKind.REQUEST
    assert settled(world, bob) == 0
    assert group_of(cleo).epoch < group_of(bob).epoch
    cleo.cut()  # she does not ask again
    ann.back()
    world.settle()
    cleo.back()
    world.settle()
    is_let_in(world, ann, bob, cleo)


def test_a_request_that_does_not_open_is_left() -> None:
    world, ann, _, cleo = three()
    tell(world, ann, cleo, rejoin_of(world, cleo), cleo, Psk(bytes(32), psk_of(ann).id))
    assert settled(world, ann) == 0


def test_a_request_of_a_kind_that_one_does_not_know_is_left() -> None:
    world, ann, _, cleo = three()
    tell(world, ann, cleo, replace(rejoin_of(world, cleo), kind="other"), cleo, None)
    assert settled(world, ann) == 0


@pytest.mark.parametrize("right", [True, False])
def test_a_wish_to_step_down_is_committed_when_it_is_right_and_settled_in_any_case(
    right: bool,
) -> None:
    world, ann, bob, _cleo = two_facilitators()
    identity = bob.engine.identity
    epoch = group_of(bob).epoch if right else group_of(bob).epoch - 1
    wish = StepDownStatement(room_of(bob), identity.signature.public, epoch)
    signed = identity.mls_signer().sign(Label.STEP_DOWN, wish)
    body = replace(rejoin_of(world, bob), kind=RequestKind.STEP_DOWN, content=signed.encode())
    tell(world, ann, bob, replace(body, reply_key=None), bob, None)
    assert settled(world, ann) == 1
    assert len(state_of(ann).facilitator_list()) == (1 if right else 2)


def test_a_request_that_is_wrong_for_every_facilitator_is_settled() -> None:
    world, ann, bob, cleo = three()
    tell(world, ann, cleo, rejoin_of(world, cleo), bob, None)
    assert settled(world, ann) == 1
    tell(world, ann, cleo, replace(rejoin_of(world, cleo), counter=0), cleo, None)
    assert settled(world, ann) == 2


def test_a_request_of_the_next_epoch_waits_for_its_commit() -> None:
    world, ann, bob, cleo = two_facilitators()
    kept = world.keep_back(bob, BlobIs)
    commit_by(world, ann)
    ann.cut()
    before = group_of(bob).epoch
    cleo.engine.require_member()._rejoining.ask(heard=True)
    world.settle()
    assert settled(world, bob) == 0
    world.release(kept)
    world.settle()
    assert group_of(bob).epoch == before + 2
    ann.back()
    world.advance(1)
    is_let_in(world, ann, bob, cleo)


def test_a_rejoin_is_settled_with_its_commit_and_not_before() -> None:
    world, ann, bob, cleo = two_facilitators()
    miss_a_commit(world, ann, cleo)
    bob.cut()
    lost = world.drop(ann, Publish, lambda frame: frame.blob_class == 1)
    cleo.engine.require_member()._rejoining.ask(heard=True)
    world.settle()
    assert lost.hits
    assert settled(world, ann) == 0
    ann.cut()
    cleo.cut()
    bob.back()
    world.settle()
    cleo.back()
    world.advance(1, stay_away=(ann,))
    assert len(authenticators(bob, cleo)) == 1
    assert settled(world, bob) == 1


def test_a_leave_outlives_the_facilitator_who_saw_it_first() -> None:
    world, ann, bob, cleo = two_facilitators()
    bob.cut()
    lost = world.drop(ann, Publish, lambda frame: frame.blob_class == 1)
    cleo.engine.commands.leave(lambda: None)
    world.settle()
    assert lost.hits
    assert settled(world, ann) == 0
    ann.cut()
    bob.back()
    world.advance(1, stay_away=(ann,))
    assert bob.members() == {"Ann", "Bob"}


def test_a_held_facilitator_refuses_no_knock_by_what_it_knew() -> None:
    """Cleo was removed in the commit that Bob missed, so her name is free."""
    world, ann, bob, _cleo = two_facilitators()
    made: list[str | None] = []
    bob.engine.commands.invite(lambda url, error: made.append(url))
    world.settle()
    missed = world.drop(bob, BlobIs, a_commit, most=1)
    ann.remove("Cleo")
    world.settle()
    assert missed.hits
    kept = world.keep_back(bob, LobbyItem)
    asks = world.drop(ann, LobbyItem)
    commit_by(world, ann)
    world.release(kept)
    assert made[0] is not None
    world.knock(made[0], "Cleo")
    assert not world.seen(RefuseKnock, bob)
    asks.stop()
    world.advance(61)
    assert len(authenticators(ann, bob)) == 1
    assert not world.seen(RefuseKnock, bob)
    assert bob.admit(bob.of(events.Knocked)[-1]) == []
    world.settle()
    assert ann.members() == {"Ann", "Bob", "Cleo"}


@pytest.mark.parametrize("many", [PUT_OFF_MOST, 3 * PUT_OFF_MOST])
def test_junk_of_later_epochs_takes_bounded_memory_and_settles_nothing(many: int) -> None:
    world, ann, bob, cleo = three()
    lobby = committer_of(ann).lobby
    key = relay_key(cleo)
    for _ in range(many):
        item = LobbyItem(
            lobby.number + 1, LobbyKind.REQUEST, world.random(16), key, 0, b"\x7f" * 99
        )
        world.forge(ann, item)
    assert len(lobby._later) == PUT_OFF_MOST
    world.advance(2)
    assert settled(world, ann) == 0
    is_let_in(world, ann, bob, cleo)
