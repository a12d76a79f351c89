"""A member judges its own commits and proposals as the others will, before it gives them out, and
never makes the same Welcome twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from alcove import mls
from alcove.mls import key_schedule

from tests.client_sdk.mls.support import (
    NOW,
    capabilities,
    found,
    limits,
    person,
    room,
    snapshot,
)
from tests.client_sdk.mls.validation import forging

UNLISTED = (mls.Extension(0xF123, b""),)
TWICE = (mls.Extension(1, b"a"), mls.Extension(1, b"b"))


@pytest.mark.parametrize("extensions", [UNLISTED, TWICE], ids=["unlisted", "twice"])
def test_a_leaf_that_others_would_refuse_goes_into_no_commit(
    extensions: tuple[mls.Extension, ...],
) -> None:
    these = room("bob")
    before = snapshot(these["alice"])
    for make in (
        lambda: these["alice"].commit(leaf_extensions=extensions, now=NOW),
        lambda: these["alice"].propose_update(leaf_extensions=extensions),
        lambda: forging.join_externally(these["alice"].group_info(), leaf_extensions=extensions),
    ):
        with pytest.raises(mls.InvalidLeaf):
            make()
    assert snapshot(these["alice"]) == before
    these.settle("alice", these["alice"].commit(now=NOW))


def test_a_path_is_judged_before_it_is_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of one's own code, or of a library below it, must not burn at all the others."""
    these = room("bob", "carol")
    real: Any = forging.create_commit.encrypt_path
    monkeypatch.setattr(
        forging.create_commit, "encrypt_path", lambda *arguments: real(*arguments)[:-1]
    )
    with pytest.raises(mls.InvalidPath):
        these["alice"].commit(now=NOW)
    assert these["alice"].state is mls.GroupState.OPERATIONAL


def test_nothing_larger_than_others_take_is_sent() -> None:
    policy = limits(max_message=2000)
    these = room("bob", policy=policy)
    alice, zoe = these["alice"], person("zoe")
    before, large = snapshot(alice), (mls.Extension(0xF001, bytes(1900)),)
    data = bytes(1900)
    sends: list[Callable[[], object]] = [
        lambda: alice.encrypt(data),
        lambda: alice.encrypt(b"", data),
        lambda: alice.encrypt(b"", padding=lambda _size: 1950),
        lambda: alice.propose(mls.Remove(1), authenticated_data=data, now=NOW),
        lambda: alice.propose(mls.Remove(1), "public", authenticated_data=data, now=NOW),
        lambda: alice.commit(authenticated_data=data, now=NOW),
        lambda: alice.commit(authenticated_data=data, wire_format="public", now=NOW),
        lambda: alice.commit([zoe.add], group_info_extensions=large, now=NOW),
        lambda: alice.group_info(large),
    ]
    for send in sends:
        with pytest.raises(mls.TooLarge):
            send()
    assert snapshot(alice) == before
    info = found().group_info()
    with pytest.raises(mls.TooLarge):
        forging.join_externally(info, policy=limits(max_message=len(info)))


@pytest.mark.parametrize("size", [63, 64, 65, 300, 1843, 1844, 1845, 1900])
def test_what_is_sent_is_as_long_as_was_reckoned(size: int) -> None:
    """At every length of a length, a message is either refused or taken by the others."""
    these = room("bob", policy=limits(max_message=2000))
    try:
        message = these["alice"].encrypt(bytes(size), bytes(size % 70))
    except mls.TooLarge:
        wide = room("bob")
        assert len(wide["alice"].encrypt(bytes(size), bytes(size % 70))) > 2000
        return
    assert len(message) <= 2000
    assert isinstance(these["bob"].receive(message), mls.ReceivedApplication)


def _keys(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    seen: list[tuple[bytes, bytes]] = []
    real = key_schedule.welcome_key_and_nonce

    def spy(suite: mls.CipherSuite, secret: mls.Secret) -> tuple[bytes, bytes]:
        seen.append(real(suite, secret))
        return seen[-1]

    monkeypatch.setattr(key_schedule, "welcome_key_and_nonce", spy)
    return seen


def test_a_welcome_made_again_has_another_key_and_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    """12.4.3.1: one key and nonce for two GroupInfos would give both away."""
    seen, kind = _keys(monkeypatch), 0xF1A2
    caps = capabilities((kind,))
    alice, bob = found(caps=caps), person("bob", caps=caps)

    def attempt(data: bytes) -> mls.StagedCommit:
        return alice.commit([bob.add], group_info_extensions=(mls.Extension(kind, data),), now=NOW)

    first = attempt(b"one roster")
    assert not first.has_path  # the first attempt of an epoch needs none
    first.drop()
    second = attempt(b"another roster")
    second.drop()
    with pytest.raises(mls.TooLarge):
        attempt(bytes(5 * 2**20))
    third = attempt(b"a third")
    assert second.has_path
    assert third.has_path
    assert len(set(seen)) == len(seen) == 4
    assert third.welcome is not None
    joined = forging.join(third.welcome, bob)
    assert joined.epoch_authenticator == third.merge().epoch_authenticator


def test_a_first_attempt_without_a_welcome_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, alice = _keys(monkeypatch), found()
    alice.commit(now=NOW).drop()
    assert alice.commit([person("bob").add], now=NOW).has_path
    assert len(seen) == 1


def test_a_failed_attempt_makes_no_path_needed() -> None:
    """What was refused before anything was encrypted is no attempt."""
    alice = found()
    with pytest.raises(mls.InvalidProposal):
        alice.commit([mls.Remove(0)], now=NOW)
    assert not alice.commit([person("bob").add], now=NOW).has_path
