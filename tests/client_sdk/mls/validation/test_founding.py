"""Section 11: beginning a group, what it demands of members, and continuing another one."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from alcove import mls

from tests.client_sdk.mls.support import (
    NOW,
    Person,
    Room,
    capabilities,
    epoch_of,
    found,
    limits,
    person,
    release,
    room,
)
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import SUITE, list_refused

REINIT, BRANCH = mls.ResumptionPSKUsage.REINIT, mls.ResumptionPSKUsage.BRANCH
NEXT = b"the next room"


def by_name(leaf: mls.LeafNode) -> mls.Credential:
    """A rule that suits these tests, whose people begin a group anew with fresh keys."""
    return leaf.credential


def _join(message: bytes, who: Person, old: mls.Group, **how: Any) -> mls.Group:
    return forging.join(message, who, predecessor=old, known_by=by_name, **how)


def _requires(**what: tuple[int, ...]) -> mls.Extension:
    data = mls.RequiredCapabilities(**what).encode()
    return mls.Extension(mls.ExtensionType.REQUIRED_CAPABILITIES, data)


def psk_of(
    old: mls.Group, usage: mls.ResumptionPSKUsage, **changes: Any
) -> tuple[mls.PreSharedKey, mls.PskStore]:
    """A proposal of an epoch's resumption PSK, and the store that knows its value."""
    group_id, epoch = changes.get("group_id", old.group_id), changes.get("epoch", old.epoch)
    psk = mls.PreSharedKeyID.of_epoch(SUITE, group_id, epoch, os.urandom, usage)
    return mls.PreSharedKey(psk), mls.PskStore(resumption={(group_id, epoch): old.resumption_psk})


def test_a_founder_lives_by_its_own_extensions() -> None:
    """11-1"""
    with pytest.raises(mls.InvalidLeaf, match="lacks a required capability"):
        found(extensions=(_requires(extension_types=(0xF001,)),))
    with pytest.raises(mls.InvalidLeaf, match="does not support an extension of the group"):
        found(extensions=(mls.Extension(0xF001, b""),))
    one = _requires()
    with pytest.raises(mls.InvalidProposal, match="occurs twice"):
        found(extensions=(one, one))
    with pytest.raises(mls.MalformedMessage, match="truncated"):
        found(extensions=(mls.Extension(mls.ExtensionType.EXTERNAL_SENDERS, b"\x01"),))
    # And by its own leaf: what no joiner would take is not founded.
    unlisted, listed = mls.Extension(0xF001, b""), capabilities(extensions=(0xF001,))
    with pytest.raises(mls.InvalidLeaf, match="not among the capabilities"):
        found(leaf_extensions=(unlisted,))
    with pytest.raises(mls.InvalidLeaf, match="occurs twice"):
        found(leaf_extensions=(unlisted, unlisted), caps=listed)
    with pytest.raises(mls.InvalidCredential, match="not among the capabilities"):
        found(caps=replace(capabilities(), credentials=()))
    with pytest.raises(mls.InvalidLeaf, match="the lifetime is too long"):
        found(policy=limits(max_lifetime=1))


def test_an_added_member_lacks_a_required_capability() -> None:
    """11.1-1"""
    caps = capabilities(proposals=(0xF002,))
    alice = found(caps=caps, extensions=(_requires(proposal_types=(0xF002, 1, 7)),))
    bob = person("bob", caps=caps)
    these = Room({"alice": alice}, {})
    these.settle("alice", alice.commit([bob.add], now=NOW), [bob])
    staged = forging.lawless_commit(these["alice"], person("zoe").add)
    list_refused([these["bob"]], staged.message, "a member lacks a required capability")


def test_new_requirements_that_a_member_does_not_meet() -> None:
    """11.1-2"""
    these = room("bob", "carol")
    detail = "a member lacks a required capability"
    for what in ({"extension_types": (0xF001,)}, {"credential_types": (2,)}):
        change = mls.GroupContextExtensions((_requires(**what),))
        forging.cannot_commit(these["alice"], mls.InvalidLeaf, detail, change)
        staged = forging.lawless_commit(these["alice"], change)
        list_refused([these["bob"], these["carol"]], staged.message, detail)
    # The committer meets them itself, whose leaf is the only one that the commit changes.
    able = capabilities(extensions=(0xF001,))
    served, bob = Room({"alice": found(caps=able)}, {}), person("bob")
    served.settle("alice", served["alice"].commit([bob.add], now=NOW), [bob])
    change = mls.GroupContextExtensions((_requires(extension_types=(0xF001,)),))
    forging.cannot_commit(served["alice"], mls.InvalidLeaf, detail, change)
    staged = forging.lawless_commit(served["alice"], change)
    list_refused([served["bob"]], staged.message, detail)
    defaults = _requires(extension_types=(1, 2, 3, 4, 5), proposal_types=(1, 2, 3, 4, 5, 6, 7))
    release(these["alice"])
    these.settle("alice", these["alice"].commit([mls.GroupContextExtensions((defaults,))], now=NOW))


# -- ReInit (11.2)


def _ended(**changes: Any) -> tuple[mls.Group, mls.Group, mls.ReInit]:
    """Alice's and Bob's last epoch of a group that a ReInit ended."""
    these = room("bob")
    reinit = replace(mls.ReInit(NEXT, 1, SUITE.number, ()), **changes)
    staged = these["alice"].commit([reinit], now=NOW)
    received = these["bob"].receive(staged.message)
    assert isinstance(received, mls.StagedCommit)
    return staged.merge(), received.merge(), reinit


def _begin(
    old: mls.Group, usage: mls.ResumptionPSKUsage, group: mls.Group, **how: Any
) -> tuple[bytes, Any]:
    """A Welcome to `group` that claims to continue `old`, and its receiver."""
    bob = person("bob")
    proposal, store = psk_of(old, usage, **how)
    staged = group.commit([proposal, bob.add], psks=store, now=NOW)
    assert staged.welcome is not None
    return staged.welcome, bob


def test_a_group_that_is_not_what_the_reinit_announced() -> None:
    """11.2-1"""
    alice, bob, _reinit = _ended()
    caps = capabilities(extensions=(0xF001,))
    other = found(group_id=NEXT, extensions=(_requires(),))
    for group in (found(group_id=b"another"), other):
        message, newcomer = _begin(alice, REINIT, group)
        forging.not_joined(
            mls.InvalidWelcome,
            "not what the ReInit announced",
            # Mypy infers no lambda with defaults.
            lambda m=message, n=newcomer: _join(m, n, bob),  # type: ignore[misc]
        )
    for changes in ({"cipher_suite": 1}, {"version": 2}, {"extensions": (_requires(),)}):
        alice, bob, _reinit = _ended(**changes)
        message, newcomer = _begin(alice, REINIT, found(group_id=NEXT, caps=caps))
        forging.not_joined(
            mls.InvalidWelcome,
            "not what the ReInit announced",
            lambda m=message, n=newcomer, b=bob: forging.join(
                m, n, predecessor=b, known_by=by_name
            ),  # type: ignore[misc]  # mypy infers no lambda with defaults
        )


@pytest.mark.parametrize("usage", [REINIT, BRANCH])
def test_a_continuation_that_does_not_begin_at_epoch_one(usage: mls.ResumptionPSKUsage) -> None:
    """11.2-2 and 11.3-2"""
    alice, bob, _reinit = _ended()
    anew = found(group_id=NEXT).commit(now=NOW).merge()
    newcomer = person("bob")
    proposal, store = psk_of(alice, usage)
    staged = forging.lawless_commit(anew, proposal, newcomer.add, psks=store)
    message = staged.welcome
    assert message is not None
    forging.not_joined(
        mls.InvalidWelcome,
        "it does not continue the group from its end",
        lambda: _join(message, newcomer, bob),
    )


def test_a_group_that_does_not_name_the_end_of_the_old_one() -> None:
    """11.2-3"""
    alice, bob, _reinit = _ended()
    newcomer = person("bob")
    staged = found(group_id=NEXT).commit([newcomer.add], now=NOW)
    without = staged.welcome
    assert without is not None
    forging.not_joined(
        mls.InvalidWelcome,
        "it does not say that it continues the group",
        lambda: _join(without, newcomer, bob),
    )
    for changes, detail in (
        ({"group_id": b"another"}, "the group that this one continues is not at hand"),
        ({"epoch": 1}, "it does not continue the group from its end"),
    ):
        message, who = _begin(alice, REINIT, found(group_id=NEXT), **changes)
        _proposal, store = psk_of(alice, REINIT, **changes)
        forging.not_joined(
            mls.InvalidWelcome,
            detail,
            lambda m=message, w=who, s=store: forging.join(
                m, w, predecessor=bob, known_by=by_name, psks=s
            ),  # type: ignore[misc]  # mypy infers no lambda with defaults
        )


def test_a_group_begun_anew_without_some_of_the_old_members_or_without_a_reinit() -> None:
    """11.2-4"""
    these = room("bob", "carol")
    staged = these["alice"].commit([mls.ReInit(NEXT, 1, SUITE.number, ())], now=NOW)
    received = these["bob"].receive(staged.message)
    assert isinstance(received, mls.StagedCommit)
    message, newcomer = _begin(staged.merge(), REINIT, found(group_id=NEXT))
    after, detail = received.merge(), "not the old group begun anew"
    forging.not_joined(
        mls.InvalidWelcome,
        detail,
        lambda: _join(message, newcomer, after),
    )
    these = room("bob")
    living, who = _begin(these["alice"], REINIT, found(group_id=NEXT))
    forging.not_joined(
        mls.InvalidWelcome,
        detail,
        lambda: _join(living, who, these["bob"]),
    )


@pytest.mark.parametrize("usage", [REINIT, BRANCH])
def test_a_founding_psk_anywhere_else(usage: mls.ResumptionPSKUsage) -> None:
    """11.2-5 and 11.3-4"""
    these = room("bob")
    proposal, store = psk_of(these["alice"], usage)
    detail = "a pre-shared key for founding another group"
    forging.cannot_commit(these["alice"], mls.InvalidProposal, detail, proposal, psks=store)
    with pytest.raises(mls.InvalidProposal, match=detail):
        these["alice"].propose(proposal, now=NOW)
    staged = forging.lawless_commit(these["alice"], proposal, psks=store)
    list_refused([these["bob"]], staged.message, detail)


def test_a_group_continues_one_other_at_most() -> None:
    """11.2-6"""
    these = room("bob")
    one, store = psk_of(these["alice"], BRANCH)
    two, _store = psk_of(these["alice"], BRANCH)
    detail = "several pre-shared keys for founding a group"
    group = found(group_id=b"branch")
    forging.cannot_commit(group, mls.InvalidProposal, detail, one, two, psks=store)
    plain, _store = psk_of(these["alice"], mls.ResumptionPSKUsage.APPLICATION)
    bob = person("bob")
    staged = group.commit([plain, one, bob.add], psks=store, now=NOW)
    assert staged.welcome is not None
    joined = _join(staged.welcome, bob, these["bob"])
    assert joined.epoch_authenticator == staged.epoch_authenticator


@pytest.mark.parametrize("usage", [REINIT, BRANCH])
def test_a_group_that_continues_another_with_other_keys_under_the_same_names(
    usage: mls.ResumptionPSKUsage,
) -> None:
    """11.2-7"""
    these = room("bob", "carol")
    ended = these["alice"].commit([mls.ReInit(NEXT, 1, SUITE.number, ())], now=NOW)
    received = these["bob"].receive(ended.message)
    assert isinstance(received, mls.StagedCommit)
    living = these["bob"], these["alice"]
    old_bob, old_alice = (received.merge(), ended.merge()) if usage is REINIT else living
    keys = {name: one.signer for name, one in these.people.items()}
    signer = epoch_of(old_alice).signer
    for carol, taken in ((person("carol"), False), (person("carol", keys["carol"]), True)):
        proposal, store = psk_of(old_alice, usage)
        bob = person("bob", keys["bob"])
        begun = found(group_id=NEXT, signer=signer)
        message = begun.commit([proposal, bob.add, carol.add], psks=store, now=NOW).welcome
        assert message is not None
        if taken:
            assert forging.join(message, bob, predecessor=old_bob).epoch == 1
            continue
        detail = "not a branch" if usage is BRANCH else "not the old group begun anew"
        forging.not_joined(
            mls.InvalidWelcome,
            detail,
            # Mypy infers no lambda with defaults.
            lambda m=message, b=bob: forging.join(m, b, predecessor=old_bob),  # type: ignore[misc]
        )
        # An application with a rule of its own may know members by their credentials.
        joined = _join(message, bob, old_bob)
        assert joined.epoch == 1


# -- branches (11.3)


def test_a_branch_of_another_suite() -> None:
    """11.3-1"""
    these = room("bob")
    suite = mls.ciphersuite(1)
    caps = replace(capabilities(), ciphersuites=(1,))
    psk = mls.PreSharedKeyID.of_epoch(
        suite, these["alice"].group_id, these["alice"].epoch, os.urandom, BRANCH
    )
    key = (these["alice"].group_id, these["alice"].epoch)
    store = mls.PskStore(resumption={key: these["alice"].resumption_psk})
    bob = person("bob", suite=suite, caps=caps)
    staged = found(suite, caps=caps, group_id=b"branch").commit(
        [mls.PreSharedKey(psk), bob.add], psks=store, now=NOW
    )
    message = staged.welcome
    assert message is not None
    forging.not_joined(
        mls.InvalidWelcome,
        "not a branch of the old group",
        lambda: _join(message, bob, these["bob"]),
    )


def test_a_branch_with_a_new_member() -> None:
    """11.3-3"""
    these = room("bob")
    proposal, store = psk_of(these["alice"], BRANCH)
    bob, zoe = person("bob"), person("zoe")
    staged = found(group_id=b"branch").commit([proposal, bob.add, zoe.add], psks=store, now=NOW)
    message = staged.welcome
    assert message is not None
    forging.not_joined(
        mls.InvalidWelcome,
        "not a branch of the old group",
        lambda: _join(message, bob, these["bob"]),
    )
