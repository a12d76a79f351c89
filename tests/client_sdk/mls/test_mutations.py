"""A message changed on its way is refused by name, and nothing changes."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

import pytest
from alcove import mls
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    SUITE,
    Person,
    Room,
    capabilities,
    dropped,
    person,
    room,
    snapshot,
)


@st.composite
def mutations(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """One change of some bytes: flipped, cut, grown, doubled, or a piece replaced."""
    kind = draw(st.sampled_from(["flip", "cut", "grow", "repeat", "replace", "drop"]))
    place, size = draw(st.floats(0, 1, exclude_max=True)), draw(st.integers(1, 40))
    bit, noise = draw(st.integers(0, 7)), draw(st.binary(min_size=1, max_size=40))

    def mutate(data: bytes) -> bytes:
        at = int(place * len(data))
        if kind == "flip":
            return data[:at] + bytes((data[at] ^ 1 << bit,)) + data[at + 1 :]
        if kind == "cut":
            return data[:at]
        if kind == "grow":
            return data[:at] + noise + data[at:]
        if kind == "repeat":
            return data[: at + size] + data[at:]
        if kind == "replace":
            return data[:at] + noise + data[at + len(noise) :]
        return data[:at] + data[at + size :]

    return mutate


@cache
def _scene() -> tuple[Room, dict[str, bytes], Person, bytes]:
    these = room("bob", "carol", "dave", "erin")
    alice = these["alice"]
    zoe = person("zoe")
    change: list[mls.Proposal] = [
        mls.Remove(these.index("erin")),
        zoe.add,
        mls.GroupContextExtensions(()),
    ]
    external = mls.Group.join_externally(
        alice.group_info(),
        SUITE.signature_keypair(os.urandom),
        mls.Credential.basic(b"yan"),
        capabilities(),
        policy=POLICY,
        now=NOW,
    )
    staged = dropped(alice.commit(change, now=NOW))
    assert staged.welcome is not None
    messages = {
        "application": alice.encrypt(b"text", b"data", mls.power_of_two_padding(256)),
        "proposal": alice.propose(mls.Remove(1), now=NOW),
        "public proposal": alice.propose(mls.Remove(1), "public", now=NOW),
        "update": alice.propose_update(),
        "commit": staged.message,
        "public commit": alice.commit(change, wire_format="public", now=NOW).message,
        "external commit": external.message,
        "newcomer": mls.propose_oneself(
            zoe.signer, alice.group_id, alice.epoch, zoe.bundle.key_package
        ),
    }
    return these, messages, zoe, staged.welcome


MANY = settings(max_examples=300)


@pytest.mark.parametrize("kind", _scene()[1])
@MANY
@given(mutate=mutations())
def test_a_mutated_message_is_refused_and_changes_nothing(
    kind: str, mutate: Callable[[bytes], bytes]
) -> None:
    these, messages, _zoe, _welcome = _scene()
    message = messages[kind]
    mutated = mutate(message)
    if mutated == message:
        return
    bob = these["bob"]
    before = snapshot(bob)
    with pytest.raises(mls.MLSError):
        bob.receive(mutated)
    assert snapshot(bob) == before


@MANY
@given(mutate=mutations())
def test_a_mutated_welcome_is_refused(mutate: Callable[[bytes], bytes]) -> None:
    _these, _messages, zoe, welcome = _scene()
    mutated = mutate(welcome)
    if mutated != welcome:
        with pytest.raises(mls.MLSError):
            mls.Group.join(mutated, zoe.bundle, zoe.signer, policy=POLICY, now=NOW)


@MANY
@given(mutate=mutations())
def test_a_mutated_group_info_is_refused(mutate: Callable[[bytes], bytes]) -> None:
    these, _messages, zoe, _welcome = _scene()
    info = _group_info()
    mutated = mutate(info)
    if mutated != info:
        with pytest.raises(mls.MLSError):
            mls.Group.join_externally(
                mutated, zoe.signer, zoe.credential, capabilities(), policy=POLICY, now=NOW
            )
    assert these["alice"].epoch == 1


@cache
def _group_info() -> bytes:
    return _scene()[0]["alice"].group_info()


@MANY
@given(mutate=mutations())
def test_a_mutated_key_package_is_refused(mutate: Callable[[bytes], bytes]) -> None:
    package = _scene()[2].bundle.key_package.encode()
    mutated = mutate(package)
    if mutated != package:
        with pytest.raises(mls.MLSError):
            mls.KeyPackage.decode(mutated).verify(SUITE, POLICY, NOW)


@settings(max_examples=500)
@given(data=st.binary(max_size=400))
def test_any_bytes_at_all_are_refused(data: bytes) -> None:
    bob = _scene()[0]["bob"]
    for prefix in (b"", b"\x00\x01\x00\x01", b"\x00\x01\x00\x02"):
        with pytest.raises(mls.MLSError):
            bob.receive(prefix + data)
        with pytest.raises(mls.MLSError):
            mls.peek(b"\x00\x01\x00\x05" + data)


def test_the_messages_of_this_scene_are_right_when_nothing_is_done_to_them() -> None:
    these, messages, zoe, welcome = _scene()
    taken = {}
    for kind, message in messages.items():
        taken[kind] = type(these["carol"].receive(message)).__name__
    assert taken == {
        "application": "ReceivedApplication",
        "proposal": "ReceivedProposal",
        "public proposal": "ReceivedProposal",
        "update": "ReceivedProposal",
        "commit": "StagedCommit",
        "public commit": "StagedCommit",
        "external commit": "StagedCommit",
        "newcomer": "ReceivedProposal",
    }
    mls.Group.join(welcome, zoe.bundle, zoe.signer, policy=POLICY, now=NOW)
