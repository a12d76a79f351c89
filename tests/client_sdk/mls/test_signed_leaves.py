"""A group knows which leaves of its own the next epoch may hold."""

from __future__ import annotations

from alcove import mls

from tests.client_sdk.mls.refusals import these_three
from tests.client_sdk.mls.support import NOW, person


def own_key(group: mls.Group) -> bytes:
    leaf = group.member(group.own_index)
    assert leaf is not None
    return leaf.encryption_key


def follow(group: mls.Group, message: bytes) -> mls.Group:
    staged = group.receive(message)
    assert isinstance(staged, mls.StagedCommit)
    return staged.merge()


def test_an_update_and_each_commit_with_a_path_sign_a_leaf() -> None:
    these = these_three()
    alice, bob = these["alice"], these["bob"]
    assert bob.signed_leaf_keys == ()
    update = bob.propose_update()
    dropped = bob.commit(force_path=True, now=NOW)
    dropped.drop()
    assert len(set(bob.signed_leaf_keys)) == 2
    assert own_key(bob) not in bob.signed_leaf_keys
    alice.receive(update)
    alice.commit(references=tuple(item.ref for item in alice.proposals), now=NOW).drop()
    assert len(alice.signed_leaf_keys) == 1


def test_the_next_epoch_holds_one_of_them_and_begins_without() -> None:
    these = these_three()
    alice, bob = these["alice"], these["bob"]
    dropped = bob.commit(force_path=True, now=NOW)
    dropped.drop()
    (signed,) = bob.signed_leaf_keys
    alice = follow(alice, dropped.message)
    index = bob.own_index
    leaf = alice.member(index)
    assert leaf is not None
    assert leaf.encryption_key == signed
    assert alice.signed_leaf_keys == ()
    bob.wipe()
    assert bob.signed_leaf_keys == ()


def test_a_commit_without_a_path_signs_no_leaf() -> None:
    alice = these_three()["alice"]
    staged = alice.commit([mls.Add(person("zoe").bundle.key_package)], now=NOW)
    assert not staged.has_path
    assert alice.signed_leaf_keys == ()
