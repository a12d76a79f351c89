"""Rows 2, 5, 9, 10: who may change the group, and what becomes of a forbidden change.

The relay's guard is off (`take`), so these tests are of the clients' own. The relay's has its test:
`test_a_participants_commit_is_refused_by_the_relay`.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from alcove import mls
from alcove.group.admission import leaf_extensions, leaf_lifetime, room_policy
from alcove.group.extensions import (
    REQUIRED_CAPABILITIES,
    ROOM_EXTENSION,
    capabilities,
    group_extensions,
    leaf_extension,
)
from alcove.group.keys import Identity
from alcove.group.rights import NOT_OFFERED
from alcove.mls import create_commit
from alcove.mls.nodes import LeafContent, sign_leaf
from alcove_protocol import frames, limits
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import BlobClass, Published, RelayAnswer, RequestRefused

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    appoint,
    appointment,
    aside,
    commit_blob,
    context,
    demote,
    evil_leaf_extensions,
    group_of,
    key_package,
    keys_of,
    leaf_of,
    rogue_commit,
    room_of,
    state_of,
    with_facilitator,
)
from tests.end_to_end.evil.rooms import (
    Room,
    authenticators,
    epochs,
    forget,
    goes_on,
    problems,
    three,
    two_facilitators,
)
from tests.end_to_end.world import Client

Make = Callable[[EvilWorld, Client, Client], bytes]
"""A commit's blob by the first client. The second is a member whom it may concern."""


def _stranger(world: EvilWorld, by: Client, agreement: bytes | None = None) -> mls.KeyPackage:
    """A stranger's KeyPackage: they accepted this agreement, else the room's, and never knocked."""
    identity = Identity.generate("Mallory", mls.ciphersuite(3), world.random)
    accepted = state_of(by).agreement if agreement is None else agreement
    return mls.KeyPackageBundle.create(
        identity.suite,
        identity.signature,
        mls.Credential.basic(b"Mallory"),
        capabilities(identity.suite),
        leaf_lifetime(world.wall()),
        leaf_extensions=leaf_extensions(identity, accepted),
        rng=world.random,
    ).key_package


def add(world: EvilWorld, by: Client, about: Client) -> bytes:
    return rogue_commit(by, mls.Add(_stranger(world, by)))


def remove(world: EvilWorld, by: Client, about: Client) -> bytes:
    return rogue_commit(by, mls.Remove(leaf_of(about)))


def empty_path(world: EvilWorld, by: Client, about: Client) -> bytes:
    return rogue_commit(by, force_path=True)


def state(world: EvilWorld, by: Client, about: Client) -> bytes:
    return rogue_commit(by, context(replace(state_of(by), doors=b"another.")))


def update_by_reference(world: EvilWorld, by: Client, about: Client) -> bytes:
    """The commit takes another member's Update, which travels with it."""
    message = group_of(about).propose_update()
    received = group_of(by).receive(message)
    assert isinstance(received, mls.ReceivedProposal)
    staged = aside(group_of(by).commit(references=(received.ref,), now=int(world.wall())))
    return commit_blob(staged.message, message)


ALLOWED: dict[str, Make] = {
    "add": add,
    "remove": remove,
    "empty path": empty_path,
    "state": state,
    "another's update": update_by_reference,
}
"""What only a facilitator may commit."""


def add_by_reference(world: EvilWorld, by: Client, about: Client) -> bytes:
    proposal = mls.Add(_stranger(world, by))
    message = group_of(about).propose(proposal, now=int(world.wall()))
    received = group_of(by).receive(message)
    assert isinstance(received, mls.ReceivedProposal)
    staged = aside(group_of(by).commit(references=(received.ref,), now=int(world.wall())))
    return commit_blob(staged.message, message)


def remove_by_reference(world: EvilWorld, by: Client, about: Client) -> bytes:
    target = next(c for c in world.clients if c not in (by, about))
    message = group_of(about).propose(mls.Remove(leaf_of(target)), now=int(world.wall()))
    received = group_of(by).receive(message)
    assert isinstance(received, mls.ReceivedProposal)
    staged = aside(group_of(by).commit(references=(received.ref,), now=int(world.wall())))
    return commit_blob(staged.message, message)


def add_without_agreement(world: EvilWorld, by: Client, about: Client) -> bytes:
    return rogue_commit(by, mls.Add(_stranger(world, by, agreement=bytes(32))))


def reinit(world: EvilWorld, by: Client, about: Client) -> bytes:
    extensions = group_of(by).context.extensions
    return rogue_commit(by, mls.ReInit(b"elsewhere", 1, 3, extensions))


def other_name(world: EvilWorld, by: Client, about: Client) -> bytes:
    group = group_of(by)
    leaf = group.member(group.own_index)
    assert leaf is not None
    content = LeafContent(mls.Credential.basic(b"Ann B."), leaf.capabilities, leaf.extensions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(group, "_leaf_content", lambda extensions: content)
        return rogue_commit(by, force_path=True)


def other_signature_key(world: EvilWorld, by: Client, about: Client) -> bytes:
    """The commit is signed with the member's key, and its leaf with a fresh one."""
    group = group_of(by)
    fresh = group.suite.signature_keypair(world.random)
    honest = sign_leaf

    def sign(suite: mls.CipherSuite, signer: object, *rest: object, **more: object) -> mls.LeafNode:
        return honest(suite, fresh, *rest, **more)  # type: ignore[arg-type]  # passed on as they came

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(create_commit, "sign_leaf", sign)
        return rogue_commit(by, force_path=True)


def other_relay_key(world: EvilWorld, by: Client, about: Client) -> bytes:
    group = group_of(by)
    extensions = evil_leaf_extensions(by, world.random(32))
    staged = aside(group.commit(force_path=True, leaf_extensions=extensions, now=int(world.wall())))
    return commit_blob(staged.message)


def relay_key_of_another(world: EvilWorld, by: Client, about: Client) -> bytes:
    theirs = group_of(by).member(leaf_of(about))
    assert theirs is not None
    extensions = evil_leaf_extensions(by, leaf_extension(theirs).relay_key)
    staged = aside(
        group_of(by).commit(force_path=True, leaf_extensions=extensions, now=int(world.wall()))
    )
    return commit_blob(staged.message)


def external_senders(world: EvilWorld, by: Client, about: Client) -> bytes:
    """Otherwise an outsider could propose later."""
    sender = mls.ExternalSender(
        about.engine.identity.signature.public, mls.Credential.basic(b"outside")
    )
    more = mls.encode_external_senders((sender,))
    return rogue_commit(by, mls.GroupContextExtensions((*group_extensions(state_of(by)), more)))


def no_required_capabilities(world: EvilWorld, by: Client, about: Client) -> bytes:
    kept = [e for e in group_extensions(state_of(by)) if e.type != REQUIRED_CAPABILITIES]
    return rogue_commit(by, mls.GroupContextExtensions(tuple(kept)))


def no_room_state(world: EvilWorld, by: Client, about: Client) -> bytes:
    kept = [e for e in group_extensions(state_of(by)) if e.type != ROOM_EXTENSION]
    return rogue_commit(by, mls.GroupContextExtensions(tuple(kept)))


def no_facilitators(world: EvilWorld, by: Client, about: Client) -> bytes:
    return rogue_commit(by, context(replace(state_of(by), facilitators=b"")))


def facilitator_without_leaf(world: EvilWorld, by: Client, about: Client) -> bytes:
    return rogue_commit(
        by, mls.Remove(leaf_of(about)), context(replace(state_of(by), facilitators=bytes(96)))
    )


def unsigned_appointment(world: EvilWorld, by: Client, about: Client) -> bytes:
    named = replace(state_of(by), facilitators=state_of(by).facilitators + keys_of(about).encode())
    return rogue_commit(by, context(named))


def self_signed_appointment(world: EvilWorld, by: Client, about: Client) -> bytes:
    """The appointed signs their own appointment."""
    signed = appointment(room_of(by), about, about)
    named = replace(
        state_of(by),
        facilitators=state_of(by).facilitators + keys_of(about).encode(),
        appointments=state_of(by).appointments + pack_list([signed.encode()]),
    )
    return rogue_commit(by, context(named))


def appointment_of_another_room(world: EvilWorld, by: Client, about: Client) -> bytes:
    signed = appointment(bytes(32), by, about)
    named = replace(
        state_of(by),
        facilitators=state_of(by).facilitators + keys_of(about).encode(),
        appointments=state_of(by).appointments + pack_list([signed.encode()]),
    )
    return rogue_commit(by, context(named))


def agreement_without_version(world: EvilWorld, by: Client, about: Client) -> bytes:
    return rogue_commit(by, context(replace(state_of(by), agreement=world.random(32))))


def appointments_rewritten(world: EvilWorld, by: Client, about: Client) -> bytes:
    """A facilitator whose appointment is left out could admit no newcomer any more."""
    return rogue_commit(by, context(replace(state_of(by), appointments=b"")))


def appointment_without_listing(world: EvilWorld, by: Client, about: Client) -> bytes:
    """Junk among the appointments: whoever is not listed needs none."""
    signed = appointment(room_of(by), by, about)
    added = state_of(by).appointments + pack_list([signed.encode()])
    return rogue_commit(by, context(replace(state_of(by), appointments=added)))


def appointed_twice(world: EvilWorld, by: Client, about: Client) -> bytes:
    state = with_facilitator(state_of(by), room_of(by), by, about)
    signed = appointment(room_of(by), by, about)
    added = state.appointments + pack_list([signed.encode()])
    return rogue_commit(by, context(replace(state, appointments=added)))


WAITING: dict[str, object] = {
    "absent": 60,
    "facilitators_start": 2,
    "facilitators_stay": 2,
    "ttl": 10,
}
"""Fields that no command sets yet, each with another value than it has."""
DESK: dict[str, object] = {"desk_interval": 30, "desk_size": 2048}
"""Those that follow from how many members and facilitators there are."""


def changes(name: str) -> Make:
    def make(world: EvilWorld, by: Client, about: Client) -> bytes:
        # Values of many types.
        state = replace(state_of(by), **{name: {**WAITING, **DESK}[name]})  # type: ignore[arg-type]
        assert state != state_of(by)
        return rogue_commit(by, context(state))

    return make


FORBIDDEN: dict[str, Make] = {
    "add by reference": add_by_reference,
    "remove by reference": remove_by_reference,
    "add without acceptance": add_without_agreement,
    "reinit": reinit,
    "another name in the path": other_name,
    "another signature key in the path": other_signature_key,
    "another relay key in the path": other_relay_key,
    "another member's relay key": relay_key_of_another,
    "external senders": external_senders,
    "no required capabilities": no_required_capabilities,
    "no room state": no_room_state,
    "no facilitators": no_facilitators,
    "a facilitator without a leaf": facilitator_without_leaf,
    "a facilitator without an appointment": unsigned_appointment,
    "a self-signed appointment": self_signed_appointment,
    "an appointment of another room": appointment_of_another_room,
    "another agreement, same version": agreement_without_version,
    "appointments left out": appointments_rewritten,
    "an appointment that lists nobody": appointment_without_listing,
    "two appointments of one facilitator": appointed_twice,
    **{f"another {name}": changes(name) for name in WAITING},
}
"""What no member may commit."""


def demoted() -> Room:
    world, ann, bob, cleo = two_facilitators()
    demote(world, ann, bob)
    return world, ann, bob, cleo


UNREADABLE = "commit_unreadable"
"""What is told of a commit that no member of this epoch signed."""


def burned_by_all(
    world: EvilWorld,
    author: Client,
    blob: bytes,
    *victims: Client,
    code: str = "commit_refused",
) -> None:
    """All refuse it. No key and no list changes, and the position is the next commit's base."""
    clients = (author, *victims)
    before = epochs(*clients), authenticators(*clients)
    people = [client.members() for client in clients]
    forget(*clients)
    position = world.take(room_of(author), blob, BlobClass.COMMIT)
    for client in victims:
        assert world.last_blob(client, BlobClass.COMMIT).blob == blob  # it did arrive
        assert problems(client) == [code]
    assert (epochs(*clients), authenticators(*clients)) == before
    assert [client.members() for client in clients] == people
    for client in clients:
        assert client.engine.require_member().membership.base == position


def test_every_field_that_waits_for_its_command_is_tried() -> None:
    assert set(WAITING) == set(NOT_OFFERED)


def test_an_earlier_appointment_serves_nobody_again() -> None:
    world, ann, bob, cleo = demoted()
    listed = state_of(ann).facilitators + keys_of(bob).encode()
    blob = rogue_commit(ann, context(replace(state_of(ann), facilitators=listed)))
    burned_by_all(world, ann, blob, bob, cleo)
    appoint(world, ann, bob)
    assert keys_of(bob) in state_of(cleo).facilitator_list()
    goes_on(world, ann, bob, cleo)


@pytest.mark.parametrize("kind", [*ALLOWED, *FORBIDDEN])
def test_every_commit_of_a_participant_is_burned_by_all_and_the_room_goes_on(kind: str) -> None:
    world, ann, bob, cleo = three()
    blob = {**ALLOWED, **FORBIDDEN}[kind](world, bob, cleo)
    burned_by_all(world, bob, blob, ann, cleo)
    goes_on(world, ann, bob, cleo)


@pytest.mark.parametrize("kind", [*ALLOWED, *FORBIDDEN])
def test_every_commit_of_a_former_facilitator_is_burned(kind: str) -> None:
    world, ann, bob, cleo = demoted()
    blob = {**ALLOWED, **FORBIDDEN}[kind](world, bob, cleo)
    burned_by_all(world, bob, blob, ann, cleo)
    goes_on(world, ann, bob, cleo)


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_a_forbidden_commit_of_a_facilitator_is_burned_and_the_room_goes_on(kind: str) -> None:
    world, ann, bob, cleo = two_facilitators()
    burned_by_all(world, bob, FORBIDDEN[kind](world, bob, cleo), ann, cleo)
    goes_on(world, ann, bob, cleo)


@pytest.mark.parametrize("kind", ALLOWED)
def test_the_same_commits_take_effect_when_a_facilitator_makes_them(kind: str) -> None:
    """The control: the commits above are refused for their author, not for their form."""
    world, ann, bob, cleo = two_facilitators()
    dora = world.join(ann, "Dora")
    before = group_of(ann).epoch
    forget(ann, dora)
    world.take(room_of(ann), ALLOWED[kind](world, bob, cleo), BlobClass.COMMIT)
    assert epochs(ann, dora) == {before + 1}
    assert len(authenticators(ann, dora)) == 1
    assert "commit_refused" not in problems(ann) + problems(dora)


@pytest.mark.parametrize("kind", [*ALLOWED])
def test_a_participants_commit_is_refused_by_the_relay(kind: str) -> None:
    world, ann, bob, cleo = three()
    blob = ALLOWED[kind](world, bob, cleo)
    base = bob.engine.require_member().membership.base.encode()
    answers: list[RelayAnswer | None] = []
    bob.engine.link.request(
        lambda n: frames.Publish(n, world.random(16), base, BlobClass.COMMIT, 600, blob),
        answers.append,
    )
    before = world.head(room_of(ann))
    world.settle()
    assert [a.code for a in answers if isinstance(a, RequestRefused)] == ["not_allowed"]
    assert world.head(room_of(ann)) == before


@pytest.mark.parametrize("kind", ["another name in the path", "no facilitators", "reinit"])
def test_a_facilitators_invalid_commit_is_taken_by_the_relay_and_burned_by_all(kind: str) -> None:
    world, ann, bob, cleo = two_facilitators()
    blob = FORBIDDEN[kind](world, bob, cleo)
    base = bob.engine.require_member().membership.base.encode()
    before = epochs(ann, bob, cleo)
    answers: list[RelayAnswer | None] = []
    bob.engine.link.request(
        lambda n: frames.Publish(n, world.random(16), base, BlobClass.COMMIT, 600, blob),
        answers.append,
    )
    forget(ann, cleo)
    world.settle()
    (taken,) = answers
    assert isinstance(taken, Published)  # the relay cannot see inside
    assert problems(ann) == problems(cleo) == ["commit_refused"]
    assert epochs(ann, bob, cleo) == before
    assert ann.engine.require_member().membership.base.encode() == taken.position
    goes_on(world, ann, cleo)


@pytest.mark.second("Cleo")
@pytest.mark.parametrize("removes", [False, True])
def test_an_external_commit_is_burned(removes: bool) -> None:
    """By a stranger with a GroupInfo. With `removes` it also puts a member out."""
    world, ann, bob, cleo = three()
    info = group_of(bob).group_info()
    identity = Identity.generate("Mallory", mls.ciphersuite(3), world.random)
    if removes:
        identity = replace(identity, signature=bob.engine.identity.signature, name="Bob")
    staged = mls.Group.join_externally(
        info,
        identity.signature,
        mls.Credential.basic(identity.name.encode()),
        capabilities(identity.suite),
        leaf_extensions(identity, state_of(bob).agreement),
        world.random,
        remove=leaf_of(bob) if removes else None,
        policy=room_policy(limits.MEMBERS_MAX),
        now=int(world.wall()),
    )
    assert isinstance(group_of(cleo).receive(staged.message), mls.StagedCommit)  # MLS would
    burned_by_all(world, bob, commit_blob(staged.message), ann, cleo, code=UNREADABLE)
    goes_on(world, ann, bob, cleo)


@pytest.mark.second("Cleo")
def test_an_external_commit_on_an_old_group_info_is_burned() -> None:
    world, ann, bob, cleo = three()
    info = group_of(bob).group_info()
    goes_on(world, ann, bob, cleo)
    identity = Identity.generate("Mallory", mls.ciphersuite(3), world.random)
    staged = mls.Group.join_externally(
        info,
        identity.signature,
        mls.Credential.basic(b"Mallory"),
        capabilities(identity.suite),
        leaf_extensions(identity, state_of(bob).agreement),
        world.random,
        policy=room_policy(limits.MEMBERS_MAX),
        now=int(world.wall()),
    )
    burned_by_all(world, bob, commit_blob(staged.message), ann, cleo, code=UNREADABLE)
    goes_on(world, ann, bob, cleo)


def test_a_commit_passed_off_as_a_message_changes_nothing() -> None:
    world, ann, bob, cleo = two_facilitators()
    blob = aside(group_of(bob).commit(force_path=True, now=int(world.wall()))).message
    before = epochs(ann, cleo)
    forget(ann, cleo)
    world.take(room_of(ann), blob, BlobClass.APPLICATION)
    assert problems(ann) == problems(cleo) == ["unreadable"]
    assert epochs(ann, cleo) == before
    goes_on(world, ann, bob, cleo)


def test_a_message_passed_off_as_a_commit_is_burned() -> None:
    world, ann, bob, cleo = three()
    message = group_of(bob).encrypt(b"not a commit")
    burned_by_all(world, bob, commit_blob(message), ann, cleo, code=UNREADABLE)
    goes_on(world, ann, bob, cleo)


def test_an_add_of_a_present_member_is_burned() -> None:
    world, ann, bob, cleo = two_facilitators()
    again = key_package(cleo).key_package
    with pytest.raises(mls.MLSError):
        rogue_commit(bob, mls.Add(again))  # not even MLS makes one
    goes_on(world, ann, bob, cleo)
