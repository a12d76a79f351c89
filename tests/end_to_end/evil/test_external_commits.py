"""External commits that a relay took which judges nothing: of strangers, of a found link, of an old
or forged GroupInfo. Each member burns what does not come by the standby's link.

The insider is Cleo: she has the GroupInfo of each epoch and the key that wraps an external commit.
Ann facilitates, and is there all the while.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from alcove import events, mls
from alcove.events import RoomState
from alcove.facilitation.intents import RefreshKeys
from alcove.group.admission import room_policy
from alcove.group.extensions import LEAF_EXTENSION, LeafExtension, capabilities
from alcove.group.external_wrap import wrap_external, wrap_key
from alcove.group.keys import ROOM_SUITE, Identity
from alcove.group.outcomes import Burned
from alcove.group.standby import StandbySecrets
from alcove_protocol.frames import BlobClass
from alcove_protocol.invite import Invite

from tests.client_sdk.mls.validation import forging
from tests.end_to_end.evil.relay import UNKNOWN_SENDER, EvilWorld
from tests.end_to_end.evil.rogue import (
    commit_blob,
    committer_of,
    context,
    group_of,
    leaf_of,
    now,
    relay_key,
    room_of,
    state_of,
)
from tests.end_to_end.evil.rooms import (
    authenticators,
    epochs,
    forget,
    goes_on,
    problems,
    state,
    three,
)
from tests.end_to_end.evil.test_standby_rights import leaf_by, package
from tests.end_to_end.facilitating import do
from tests.end_to_end.standing_by import close_link, make_link
from tests.end_to_end.world import Client


@dataclass
class Found:
    """Who found the link has it, and Cleo's help."""

    world: EvilWorld
    ann: Client
    bob: Client
    cleo: Client
    secrets: StandbySecrets
    identity: Identity

    @property
    def members(self) -> tuple[Client, Client, Client]:
        return self.ann, self.bob, self.cleo

    def info(self) -> bytes:
        return group_of(self.cleo).group_info()

    def leaf(self, **other: object) -> LeafExtension:
        """The leaf that the link's own client would bring."""
        agreed = state_of(self.cleo).agreement
        right = leaf_by(self.secrets, room_of(self.cleo), self.identity, agreed)
        return replace(right, **other)  # type: ignore[arg-type]

    def joins(self, *more: mls.Proposal, leaf: LeafExtension | None = None, **how: Any) -> bytes:
        """The PublicMessage of an external commit, judged by nobody."""
        extension = mls.Extension(LEAF_EXTENSION, (leaf or self.leaf()).encode())
        staged = forging.lawless_join(
            how.pop("info", None) or self.info(),
            *more,
            signer=self.identity.signature,
            credential=mls.Credential.basic(self.identity.name.encode()),
            caps=capabilities(self.identity.suite),
            leaf_extensions=(extension,),
            policy=room_policy(50),
            now=now(self.cleo),
            **how,
        )
        message = staged.message
        staged.drop()
        return message

    def wrapped(self, message: bytes) -> bytes:
        """As Cleo wraps it for the present epoch."""
        group, key = group_of(self.cleo), wrap_key(group_of(self.cleo))
        return wrap_external(key.expose(), group.group_id, group.epoch, message, self.world.random)


def found() -> Found:
    world, ann, bob, cleo = three()
    link = make_link(world, ann)
    goes_on(world, ann, bob, cleo)
    forget(ann, bob, cleo)
    identity = Identity.generate("Mallory", mls.ciphersuite(ROOM_SUITE), world.random)
    return Found(world, ann, bob, cleo, StandbySecrets.of(Invite.parse(link)), identity)


def by_a_stranger(it: Found) -> bytes:
    return it.wrapped(it.joins(leaf=it.leaf(appointment=None)))


def by_another_links_appointee(it: Found) -> bytes:
    make_link(it.world, it.ann)  # the room has another link now
    return it.wrapped(it.joins())


def by_the_appointee_of_a_closed_link(it: Found) -> bytes:
    close_link(it.world, it.ann)
    return it.wrapped(it.joins())


def by_the_appointee_of_a_closed_link_in_the_epoch_before(it: Found) -> bytes:
    """Made while the link was good. The relay kept it until the link was closed."""
    blob = it.wrapped(it.joins())
    close_link(it.world, it.ann)
    return blob


def with_the_appointment_of_other_keys(it: Found) -> bytes:
    other = Identity.generate("Mallory", mls.ciphersuite(ROOM_SUITE), it.world.random)
    theirs = leaf_by(it.secrets, room_of(it.cleo), other, state_of(it.cleo).agreement)
    return it.wrapped(it.joins(leaf=it.leaf(appointment=theirs.appointment)))


def with_an_appointment_of_another_room(it: Found) -> bytes:
    theirs = leaf_by(it.secrets, bytes(32), it.identity, state_of(it.cleo).agreement)
    return it.wrapped(it.joins(leaf=it.leaf(appointment=theirs.appointment)))


def with_the_keys_of_the_link(it: Found) -> bytes:
    it.identity = replace(it.identity, relay=it.secrets.relay)
    return it.wrapped(it.joins())


def with_a_members_relay_key(it: Found) -> bytes:
    it.identity = replace(it.identity, relay=it.bob.engine.identity.relay)
    return it.wrapped(it.joins())


def with_an_agreement_that_is_not_the_rooms(it: Found) -> bytes:
    return it.wrapped(it.joins(leaf=it.leaf(agreement=bytes(32))))


def that_removes_a_member(it: Found) -> bytes:
    return it.wrapped(it.joins(remove=leaf_of(it.bob)))


def that_removes_the_facilitator(it: Found) -> bytes:
    return it.wrapped(it.joins(remove=leaf_of(it.ann)))


def that_removes_two(it: Found) -> bytes:
    removes = mls.Remove(leaf_of(it.ann)), mls.Remove(leaf_of(it.bob))
    return it.wrapped(it.joins(*removes))


def that_adds_another(it: Found) -> bytes:
    other = Identity.generate("Friend", mls.ciphersuite(ROOM_SUITE), it.world.random)
    return it.wrapped(it.joins(mls.Add(package(it.world, other, it.bob))))


def that_changes_the_state(it: Found) -> bytes:
    return it.wrapped(it.joins(context(replace(state_of(it.cleo), locked=True))))


def on_an_old_group_info(it: Found) -> bytes:
    """A true one, of the epoch before. Cleo wraps it for the present epoch."""
    old = it.info()
    committer_of(it.ann).committer.want(RefreshKeys())
    it.world.settle()
    assert len(epochs(*it.members)) == 1
    return it.wrapped(it.joins(info=old))


def on_an_old_group_info_and_of_its_time(it: Found) -> bytes:
    """As above, wrapped in its own epoch, so that nobody can open it any more."""
    blob = it.wrapped(it.joins())
    committer_of(it.ann).committer.want(RefreshKeys())
    it.world.settle()
    return blob


def on_a_forged_group_info(it: Found) -> bytes:
    """Of a group with the room's id and state that has other members: those who made it up."""
    group = mls.Group.create(
        it.identity.suite,
        room_of(it.cleo),
        it.cleo.engine.identity.signature,
        mls.Credential.basic(b"Cleo"),
        capabilities(it.identity.suite),
        (mls.Extension(LEAF_EXTENSION, it.leaf(appointment=None).encode()),),
        group_of(it.cleo).context.extensions,
        it.world.random,
        policy=room_policy(50),
        lifetime=mls.Lifetime(now(it.cleo), now(it.cleo) + 3600),
        now=now(it.cleo),
    )
    while group.epoch < group_of(it.cleo).epoch:
        group = group.commit(force_path=True, now=now(it.cleo)).merge()
    return it.wrapped(it.joins(info=group.group_info()))


def in_no_wrapping(it: Found) -> bytes:
    return it.joins()


def wrapped_by_another_key(it: Found) -> bytes:
    group = group_of(it.cleo)
    return wrap_external(bytes(32), group.group_id, group.epoch, it.joins(), it.world.random)


def a_members_commit_in_the_wrapping(it: Found, by: Client | None = None) -> bytes:
    by = by or it.cleo
    staged = group_of(by).commit(force_path=True, wire_format="public", now=now(by))
    staged.set_aside()
    return it.wrapped(staged.message)


def a_facilitators_commit_in_the_wrapping(it: Found) -> bytes:
    return a_members_commit_in_the_wrapping(it, it.ann)


def a_private_message_in_the_wrapping(it: Found) -> bytes:
    return it.wrapped(group_of(it.cleo).encrypt(b"a text"))


WRONG: dict[Callable[[Found], bytes], set[str]] = {
    by_a_stranger: {"committer"},
    by_another_links_appointee: {"appointment", "bad_signature"},
    by_the_appointee_of_a_closed_link: {"committer"},
    by_the_appointee_of_a_closed_link_in_the_epoch_before: {"bad_signature"},
    with_the_appointment_of_other_keys: {"appointment"},
    with_an_appointment_of_another_room: {"appointment"},
    with_the_keys_of_the_link: {"standby_key"},
    with_a_members_relay_key: {"relay_key_twice"},
    with_an_agreement_that_is_not_the_rooms: {"agreement_not_accepted"},
    that_removes_a_member: {"standby_leaf"},
    that_removes_the_facilitator: {"standby_leaf"},
    that_removes_two: {"invalid_proposal_list"},
    that_adds_another: {"invalid_proposal_list"},
    that_changes_the_state: {"invalid_proposal_list"},
    on_an_old_group_info: {"wrong_epoch"},
    on_an_old_group_info_and_of_its_time: {"bad_signature"},
    on_a_forged_group_info: {"commit_unreadable"},
    in_no_wrapping: {"bad_signature"},
    wrapped_by_another_key: {"bad_signature"},
    a_members_commit_in_the_wrapping: {"committer"},
    a_facilitators_commit_in_the_wrapping: {"class"},
    a_private_message_in_the_wrapping: {"class"},
}
"""Each way of making one, and the codes with which every member burns it."""


@pytest.mark.parametrize("make", WRONG, ids=lambda make: make.__name__)
def test_every_member_burns_it_and_the_room_goes_on(make: Callable[[Found], bytes]) -> None:
    it = found()
    blob = make(it)
    before, names = epochs(*it.members), it.ann.members()
    assert len(before) == 1
    forget(*it.members)
    for client in it.members:
        judged = client.engine.require_member().membership._judge_external(blob)
        assert isinstance(judged, Burned), judged
        assert judged.code in WRONG[make]
    it.world.take(room_of(it.ann), blob, BlobClass.EXTERNAL, publisher=UNKNOWN_SENDER)
    it.world.advance(2)
    assert epochs(*it.members) == before
    for client in it.members:
        assert client.members() == names
        assert not client.of(events.Joined)
        assert client.engine.closed is None
    goes_on(it.world, it.ann, it.bob, it.cleo)


@pytest.mark.parametrize("blob_class", [BlobClass.COMMIT, BlobClass.APPLICATION])
def test_a_good_one_in_another_class_is_none(blob_class: BlobClass) -> None:
    """As it is, in a list, or wrapped: no other class brings it in."""
    it = found()
    message = it.joins()
    for blob in (message, commit_blob(message), it.wrapped(message)):
        before = epochs(*it.members)
        it.world.take(room_of(it.ann), blob, blob_class, publisher=UNKNOWN_SENDER)
        it.world.advance(2)
        assert epochs(*it.members) == before
        assert "Mallory" not in it.bob.members()
    it.world.advance(31)
    goes_on(it.world, it.ann, it.bob, it.cleo)


def test_a_commit_in_the_class_of_external_ones_is_burned_by_its_maker_too() -> None:
    """The facilitator's own commit, put into that class: nobody is alone in an epoch after it."""
    it = found()
    blob = commit_blob(_public_of_ann(it))
    it.world.take(room_of(it.ann), blob, BlobClass.EXTERNAL, publisher=relay_key(it.ann))
    it.world.advance(2)
    assert len(authenticators(*it.members)) == 1
    goes_on(it.world, it.ann, it.bob, it.cleo)


def _public_of_ann(it: Found) -> bytes:
    staged = group_of(it.ann).commit(force_path=True, now=now(it.ann))
    staged.set_aside()
    return staged.message


# --- what cannot be prevented, and is seen ------------------------------------------------------


def enters(it: Found) -> None:
    """Cleo answered, the relay did not ask who is there: Mallory's leaf is in the group."""
    blob = it.wrapped(it.joins())
    it.world.take(room_of(it.ann), blob, BlobClass.EXTERNAL, publisher=it.secrets.relay.public)
    it.world.advance(1)
    for client in it.members:
        assert "Mallory" in client.members()
        assert "roster_mismatch" in problems(client)  # it came without an entry


def test_a_member_and_the_relay_let_the_finder_in_and_everybody_sees_it() -> None:
    """While a facilitator is there. It cannot be prevented, and is told before anything is read."""
    it = found()
    enters(it)
    for client in it.members:
        assert [one.name for one in client.of(events.Joined)] == ["Mallory"]
    it.world.advance(31)
    for client in it.members:  # nobody's heartbeat says another conversation for it
        assert "conversation_differs" not in problems(client)
        assert state(client) is RoomState.OPEN
    assert "Mallory" not in {
        person.name
        for person in it.bob.engine.require_member().membership.people()
        if person.facilitator
    }


def test_the_facilitator_who_is_there_puts_the_finder_out() -> None:
    it = found()
    enters(it)
    do(it.world, it.ann, "remove", "Mallory")
    for client in it.members:
        assert "Mallory" not in client.members()
    it.world.advance(31)  # the log hash began anew with the external commit
    goes_on(it.world, it.ann, it.bob, it.cleo)


def test_closing_the_link_puts_the_finder_out_too() -> None:
    it = found()
    enters(it)
    close_link(it.world, it.ann)
    for client in it.members:
        assert "Mallory" not in client.members()
    blob = it.wrapped(it.joins())
    it.world.take(room_of(it.ann), blob, BlobClass.EXTERNAL, publisher=UNKNOWN_SENDER)
    it.world.advance(2)
    assert "Mallory" not in it.bob.members()
    it.world.advance(31)
    goes_on(it.world, it.ann, it.bob, it.cleo)


def test_the_same_blob_again_lets_nobody_in_twice() -> None:
    it = found()
    blob = it.wrapped(it.joins())
    for _ in range(2):
        it.world.take(room_of(it.ann), blob, BlobClass.EXTERNAL, publisher=UNKNOWN_SENDER)
        it.world.advance(1)
    for client in it.members:
        assert [one.name for one in client.of(events.Joined)] == ["Mallory"]
    assert len(authenticators(*it.members)) == 1
    do(it.world, it.ann, "remove", "Mallory")
    it.world.take(room_of(it.ann), blob, BlobClass.EXTERNAL, publisher=UNKNOWN_SENDER)
    it.world.advance(1)
    assert "Mallory" not in it.bob.members()
    it.world.advance(31)
    goes_on(it.world, it.ann, it.bob, it.cleo)
