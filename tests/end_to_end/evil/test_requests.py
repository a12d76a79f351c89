"""A member's requests: signed by the member, of this stay, and sealed with the epoch's secret."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from alcove.errors import NotTrusted
from alcove.group.seal_secrets import DESK, DESK_KEPT, REQUEST, REQUESTS_KEPT, SealSecrets
from alcove.group.sealing import (
    Psk,
    door_psk,
    open_request,
    open_welcome,
    seal_request,
    seal_welcome,
)
from alcove_protocol.frames import LobbyItem
from alcove_protocol.labels import Label
from alcove_protocol.sealed import RequestBody

from tests.end_to_end.evil.rogue import committer_of, group_of, room_of
from tests.end_to_end.evil.rogue_requests import psk_of, rejoin_of, tell
from tests.end_to_end.evil.rooms import (
    a_request,
    authenticators,
    commit_by,
    epochs,
    goes_on,
    miss_a_commit,
    three,
)


def test_a_request_that_its_member_signed_is_granted() -> None:
    """So that the refusals below are for what they change, and for nothing else. Cleo's client did
    not ask. It sees which leaf it was given, and asks to have that one replaced."""
    world, ann, bob, cleo = three()
    before = group_of(ann).epoch
    tell(world, ann, cleo, rejoin_of(world, cleo), cleo, None)
    assert group_of(ann).epoch == before + 1
    world.advance(62)  # a minute between two returns of one member
    assert group_of(ann).epoch == before + 2
    goes_on(world, ann, bob, cleo)


Spoil = Callable[[RequestBody], RequestBody]
SPOILED: dict[str, Spoil] = {
    "of another room": lambda body: replace(body, room=bytes(32)),
    "of an earlier epoch than it is sealed in": lambda body: replace(body, epoch=body.epoch - 1),
    "of a later epoch": lambda body: replace(body, epoch=body.epoch + 1),
    "from before the member was added": lambda body: replace(body, counter=0),
    "of an earlier leaf": lambda body: replace(body, leaf_key=bytes(32)),
    "without a reply key": lambda body: replace(body, reply_key=None),
    "of an unknown kind": lambda body: replace(body, kind="other"),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_a_request_is_of_this_room_this_epoch_and_this_stay(spoil: Spoil) -> None:
    world, ann, bob, cleo = three()
    before = epochs(ann, bob, cleo)
    tell(world, ann, cleo, spoil(rejoin_of(world, cleo)), cleo, None)
    assert epochs(ann, bob, cleo) == before
    goes_on(world, ann, bob, cleo)


def test_no_member_asks_for_another() -> None:
    world, ann, bob, cleo = three()
    before = epochs(ann, bob, cleo)
    tell(world, ann, cleo, rejoin_of(world, cleo), bob, None)
    assert epochs(ann, bob, cleo) == before


def test_a_request_without_the_secret_of_its_epoch_opens_for_nobody() -> None:
    world, ann, bob, cleo = three()
    before = epochs(ann, bob, cleo)
    wrong = Psk(bytes(32), psk_of(ann).id)
    tell(world, ann, cleo, rejoin_of(world, cleo), cleo, wrong)
    assert epochs(ann, bob, cleo) == before


def test_a_request_that_the_relay_kept_puts_no_member_out_later() -> None:
    """Cleo asks twice. The second is granted, and the first comes when she is in again."""
    world, ann, bob, cleo = three()
    withheld = world.drop(ann, LobbyItem, a_request, most=1)
    miss_a_commit(world, ann, cleo)
    commit_by(world, ann)
    assert len(withheld.hits) == 1
    world.advance(65)
    assert len(authenticators(ann, bob, cleo)) == 1
    before = epochs(ann, bob, cleo)
    first = withheld.hits[0]
    assert isinstance(first, LobbyItem)
    number = committer_of(ann).lobby.number + 1
    world.forge(ann, replace(first, number=number))
    world.settle()
    assert epochs(ann, bob, cleo) == before
    goes_on(world, ann, bob, cleo)


# --- seals ------------------------------------------------------------------------------------


def test_a_welcome_opens_with_its_psk_only() -> None:
    world, ann, _, cleo = three()
    opening = ann.engine.opening
    assert opening is not None
    reply, room = cleo.engine.identity.desk, room_of(ann)
    right = door_psk(opening.invite)
    sealed = seal_welcome(room, reply.public, b"welcome", right, world.random)
    assert open_welcome(room, reply, sealed, right) == b"welcome"
    for wrong in (Psk(bytes(32), right.id), Psk(right.secret, bytes(8)), psk_of(ann)):
        with pytest.raises(NotTrusted):
            open_welcome(room, reply, sealed, wrong)


def test_a_request_is_bound_to_room_sender_and_epoch() -> None:
    world, ann, _, cleo = three()
    signer = cleo.engine.identity.mls_signer()
    signed = signer.sign(Label.REQUEST, rejoin_of(world, cleo))
    keys, room, psk = cleo.engine.identity.desk, room_of(ann), psk_of(ann)
    sealed = seal_request(room, keys.public, b"k" * 32, signed, psk, world.random)
    assert open_request(room, keys, b"k" * 32, sealed, psk) == signed
    later = Psk(psk.secret, (group_of(ann).epoch + 1).to_bytes(8, "big"))
    for wrong in (
        (bytes(32), b"k" * 32, psk),
        (room, b"x" * 32, psk),
        (room, b"k" * 32, later),
    ):
        with pytest.raises(NotTrusted):
            open_request(wrong[0], keys, wrong[1], sealed, wrong[2])


@pytest.mark.parametrize(
    ("context", "kept"), [(REQUEST, REQUESTS_KEPT), (DESK, DESK_KEPT)], ids=["request", "desk"]
)
def test_the_secret_of_an_epoch_is_kept_for_its_time(context: bytes, kept: float) -> None:
    world, ann, _, _ = three()
    secrets = SealSecrets(context, kept)
    first = group_of(ann).epoch
    secrets.add(group_of(ann))
    secrets.tick(0.0)
    commit_by(world, ann)
    secrets.add(group_of(ann))
    secrets.tick(1.0)
    secrets.tick(1.0 + kept)
    assert secrets.of(first) is not None
    secrets.tick(2.0 + kept)
    assert secrets.of(first) is None
    assert secrets.of(first + 1) is not None
    secrets.wipe()
    assert secrets.of(first + 1) is None


def test_members_of_one_epoch_have_one_secret_for_requests_and_another_for_the_desk() -> None:
    world, ann, bob, cleo = three()
    epoch = group_of(ann).epoch
    members = [client.engine.require_member().membership for client in (ann, bob, cleo)]
    requests = {member.request_secrets.of(epoch) for member in members}
    desks = {member.desk_secrets.of(epoch) for member in members}
    assert len(requests) == len(desks) == 1
    assert requests != desks
    world.advance(DESK_KEPT, step=15)
    commit_by(world, ann)
    world.advance(DESK_KEPT + 30, step=15)
    assert members[1].desk_secrets.of(epoch) is None
    assert members[1].request_secrets.of(epoch) in requests
