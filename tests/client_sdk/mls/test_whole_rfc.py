"""What of the RFC a room of Alcove may never use, done once from end to end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import pytest
from alcove import mls

from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    SUITE,
    Room,
    capabilities,
    found,
    limits,
    person,
    room,
)
from tests.client_sdk.mls.validation.forging import GREASE

_SERVICE = SUITE.signature_keypair(os.urandom)


def _taken(these: Room, message: bytes) -> bytes:
    """All members receive a proposal from outside. Returns its reference."""
    refs = set()
    for group in these.groups.values():
        received = group.receive(message)
        assert isinstance(received, mls.ReceivedProposal)
        assert received.sender is None
        refs.add(received.ref)
    (ref,) = refs
    return ref


def _served() -> Room:
    listed = mls.ExternalSender(_SERVICE.public, mls.Credential.basic(b"service"))
    these = Room({"alice": found(extensions=(mls.encode_external_senders((listed,)),))}, {})
    bob = person("bob")
    these.settle("alice", these["alice"].commit([bob.add], now=NOW), [bob])
    return these


def test_an_external_sender_proposes_all_that_it_may() -> None:
    these, zoe = _served(), person("zoe")
    listed = these["alice"].context.extensions
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    store = mls.PskStore({b"id": mls.Secret(bytes(32))})

    def propose(proposal: mls.Proposal) -> bytes:
        group = these["alice"]
        return _taken(
            these,
            mls.propose_as_external_sender(_SERVICE, group.group_id, group.epoch, 0, proposal),
        )

    these.settle("bob", these["bob"].commit(references=[propose(zoe.add)], now=NOW), [zoe])
    these.settle("alice", these["alice"].commit(references=[propose(mls.Remove(2))], now=NOW))
    change = mls.GroupContextExtensions(listed)
    these.settle("bob", these["bob"].commit(references=[propose(change)], now=NOW))
    staged = these["alice"].commit(references=[propose(psk)], psks=store, now=NOW)
    received = these["bob"].receive(staged.message, store)
    assert isinstance(received, mls.StagedCommit)
    these.groups = {"alice": staged.merge(), "bob": received.merge()}
    these.agree()
    reinit = mls.ReInit(b"next", 1, SUITE.number, ())
    staged = these["alice"].commit(references=[propose(reinit)], now=NOW)
    received = these["bob"].receive(staged.message)
    assert isinstance(received, mls.StagedCommit)
    assert received.merge().reinit == reinit == staged.merge().reinit


def test_the_cache_of_proposals_is_of_one_epoch() -> None:
    these = room("bob", "carol")
    remove = mls.Remove(2)
    for n in range(3):
        message = these["alice"].propose(remove, authenticated_data=bytes((n,)), now=NOW)
        these["bob"].receive(message)
    cached = these["bob"].proposals
    assert [item.proposal for item in cached] == [mls.Remove(2)] * 3
    assert [item.origin.leaf_index for item in cached] == [0] * 3
    these.groups.pop("carol")
    these.settle("bob", these["bob"].commit(references=[cached[1].ref], now=NOW))
    assert these["alice"].proposals == these["bob"].proposals == ()


def test_proposals_overtake_each_other_and_the_commit_names_them() -> None:
    these = room("bob", "carol", "dave")
    sent = [these["bob"].propose_update(), these["bob"].propose(mls.Remove(3), now=NOW)]
    for name in ("alice", "carol", "dave"):
        for message in reversed(sent):
            these[name].receive(message)
    refs = [item.ref for item in these["alice"].proposals]
    these.groups.pop("dave")
    these.settle("alice", these["alice"].commit(references=refs, now=NOW))
    assert sorted(these.groups) == ["alice", "bob", "carol"]


def test_a_custom_proposal_goes_by_reference_too_and_needs_a_path() -> None:
    caps = capabilities(proposals=(0xF0F1,))
    these = Room({"alice": found(caps=caps)}, {})
    bob = person("bob", caps=caps)
    these.settle("alice", these["alice"].commit([bob.add], now=NOW), [bob])
    message = these["bob"].propose(mls.CustomProposal(0xF0F1, b"as agreed"), now=NOW)
    received = these["alice"].receive(message)
    assert isinstance(received, mls.ReceivedProposal)
    staged = these["alice"].commit(references=[received.ref], now=NOW)
    assert staged.has_path
    these.settle("alice", staged)


def test_all_members_export_the_same_and_no_two_epochs_do() -> None:
    these = room("bob", "carol")
    exported: list[bytes] = []
    for _ in range(3):
        values = [group.export("label", b"context", 64) for group in these.groups.values()]
        assert values[0] == values[1] == values[2]
        exported.append(values[0].expose())
        these.settle("bob", these["bob"].commit(now=NOW))
    exported.extend(
        these["alice"].export(label, context, 64).expose()
        for label, context in (("label", b"context"), ("other", b"context"), ("label", b""))
    )
    assert len(set(exported)) == 6
    assert {len(value) for value in exported} == {64}
    with pytest.raises(ValueError):
        these["alice"].export("label", b"", 255 * SUITE.size + 1)


def test_members_with_certificates_live_in_a_group_that_takes_them() -> None:
    policy = limits(accept_x509=True)
    caps = replace(capabilities(), credentials=(1, 2))
    alice = found(caps=caps, policy=policy)
    chain = mls.Credential(mls.CredentialType.X509, (b"leaf certificate", b"authority"))
    bob = person("bob", caps=caps, credential=chain)
    staged = alice.commit([bob.add], now=NOW)
    assert staged.welcome is not None
    with pytest.raises(mls.InvalidTree, match=r"X\.509"):
        mls.Group.join(staged.welcome, bob.bundle, bob.signer, policy=POLICY, now=NOW)
    joined = mls.Group.join(staged.welcome, bob.bundle, bob.signer, policy=policy, now=NOW)
    these = Room({"alice": staged.merge(), "bob": joined}, {})
    these.settle("bob", these["bob"].commit(now=NOW))
    leaf = these["alice"].member(1)
    assert leaf is not None
    assert leaf.credential == chain
    with pytest.raises(mls.InvalidCredential):
        _ = leaf.credential.identity


def test_a_room_full_of_grease_lives_as_any_other() -> None:
    caps = mls.Capabilities(
        versions=(*GREASE, 1),
        ciphersuites=(*GREASE, SUITE.number),
        extensions=GREASE,
        proposals=GREASE,
        credentials=(*GREASE, 1),
    )
    leaf_extensions = tuple(mls.Extension(kind, os.urandom(7)) for kind in GREASE)
    people = [person(name, caps=caps, leaf_extensions=leaf_extensions) for name in ("bob", "carol")]
    these = Room({"alice": found(caps=caps)}, {})
    staged = these["alice"].commit(
        [one.add for one in people], group_info_extensions=leaf_extensions, now=NOW
    )
    these.settle("alice", staged, people)
    these.settle("bob", these["bob"].commit(references=[these.propose_update("carol")], now=NOW))
    joining = mls.Group.join_externally(
        these["carol"].group_info(leaf_extensions),
        SUITE.signature_keypair(os.urandom),
        mls.Credential.basic(b"zoe"),
        caps,
        leaf_extensions,
        policy=POLICY,
        now=NOW,
    )
    these.groups = {**_following(these, joining.message), "zoe": joining.merge()}
    these.agree()


def _following(these: Room, message: bytes) -> dict[str, mls.Group]:
    following = {}
    for name, group in these.groups.items():
        received = group.receive(message)
        assert isinstance(received, mls.StagedCommit)
        following[name] = received.merge()
    return following


def test_a_resync_with_a_pre_shared_key() -> None:
    these = room("bob", "carol")
    store = mls.PskStore({b"door": mls.Secret(os.urandom(32))})
    bob = these.people["bob"]
    back = mls.Group.join_externally(
        these["alice"].group_info(),
        bob.signer,
        bob.credential,
        capabilities(),
        remove=these.index("bob"),
        psk_ids=(mls.PreSharedKeyID.external(SUITE, b"door", os.urandom),),
        psks=store,
        policy=POLICY,
        now=NOW,
    )
    these.groups.pop("bob")
    following: dict[str, mls.Group] = {}
    for name, group in these.groups.items():
        received = group.receive(back.message, store)
        assert isinstance(received, mls.StagedCommit)
        assert (received.removed, received.committer) == ((1,), 1)
        following[name] = received.merge()
    these.groups = {**following, "bob": back.merge()}
    these.agree()


@pytest.mark.parametrize("members", [(), ("bob",)])
def test_a_group_begins_anew_with_extensions_and_other_members_too(members: Sequence[str]) -> None:
    these = room("bob")
    data = mls.RequiredCapabilities(credential_types=(1,)).encode()
    extensions = (mls.Extension(mls.ExtensionType.REQUIRED_CAPABILITIES, data),)
    reinit = mls.ReInit(b"next", 1, SUITE.number, extensions)
    staged = these["bob"].commit([reinit], now=NOW)
    after = _following(Room({"alice": these["alice"]}, {}), staged.message)["alice"]
    old_bob = staged.merge()
    psk = mls.PreSharedKeyID.of_epoch(
        SUITE, after.group_id, after.epoch, os.urandom, mls.ResumptionPSKUsage.REINIT
    )
    store = mls.PskStore(resumption={(after.group_id, after.epoch): after.resumption_psk})
    anew = found(group_id=b"next", extensions=extensions)
    people = [person("bob"), *(person(f"{name} too") for name in members)]
    begun = anew.commit([mls.PreSharedKey(psk), *(one.add for one in people)], psks=store, now=NOW)
    assert begun.welcome is not None
    joined = mls.Group.join(
        begun.welcome,
        people[0].bundle,
        people[0].signer,
        predecessor=old_bob,
        known_by=lambda leaf: leaf.credential,
        policy=POLICY,
        now=NOW,
    )
    assert joined.epoch == 1
    assert joined.context.extensions == extensions
    Room({"alice": begun.merge(), "bob": joined}, {}).agree()
