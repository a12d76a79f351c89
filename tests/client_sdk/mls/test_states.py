"""The states of a group: what each takes, what changes them, and that a group is never two."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
from alcove import mls
from alcove.mls.state import FOLLOWS, TAKES, GroupAct, GroupEvent, GroupState, Life

from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    SUITE,
    Room,
    epoch_of,
    forge,
    person,
    room,
    seal,
)

ACTS: dict[GroupAct, Callable[[mls.Group, bytes], object]] = {
    GroupAct.ENCRYPT: lambda group, _message: group.encrypt(b"text"),
    GroupAct.PROPOSE: lambda group, _message: group.propose(mls.Remove(0), now=NOW),
    GroupAct.COMMIT: lambda group, _message: group.commit(now=NOW),
    GroupAct.RECEIVE: lambda group, message: group.receive(message),
    GroupAct.INVITE: lambda group, _message: group.group_info(),
}


def _pending(these: Room) -> mls.Group:
    these["bob"].commit(now=NOW)
    return these["bob"]


def _left(these: Room) -> mls.Group:
    bob = these["bob"]
    these.settle("alice", these["alice"].commit(now=NOW))
    return bob


def _removed(these: Room) -> mls.Group:
    received = these["bob"].receive(these["alice"].commit([mls.Remove(1)], now=NOW).message)
    assert isinstance(received, mls.StagedCommit)
    with pytest.raises(mls.RemovedFromGroup):
        received.merge()
    return these["bob"]


def _wiped(these: Room) -> mls.Group:
    these["bob"].wipe()
    return these["bob"]


def _ended(these: Room) -> mls.Group:
    message = these["alice"].commit([mls.ReInit(b"next", 1, SUITE.number, ())], now=NOW).message
    received = these["bob"].receive(message)
    assert isinstance(received, mls.StagedCommit)
    return received.merge()


PLACES: dict[str, tuple[GroupState, Callable[[Room], mls.Group]]] = {
    "operational": (GroupState.OPERATIONAL, lambda these: these["bob"]),
    "commit pending": (GroupState.COMMIT_PENDING, _pending),
    "left": (GroupState.CLOSED, _left),
    "removed": (GroupState.CLOSED, _removed),
    "wiped": (GroupState.CLOSED, _wiped),
    "ended by a ReInit": (GroupState.CLOSED, _ended),
}


@pytest.mark.parametrize("act", GroupAct, ids=lambda act: act.value)
@pytest.mark.parametrize("place", PLACES)
def test_a_state_takes_what_its_table_says(place: str, act: GroupAct) -> None:
    these = room("bob", "carol")
    message = these["carol"].encrypt(b"text")
    state, arrive = PLACES[place]
    group = arrive(these)
    assert group.state is state
    if act in TAKES[state]:
        ACTS[act](group, message)
        return
    error = mls.CommitPending if state is GroupState.COMMIT_PENDING else mls.GroupClosed
    with pytest.raises(error):
        ACTS[act](group, message)
    assert group.state is state


@pytest.mark.parametrize("state", GroupState, ids=lambda state: state.value)
@pytest.mark.parametrize("event", GroupEvent, ids=lambda event: event.value)
def test_a_state_follows_only_the_events_of_its_table(state: GroupState, event: GroupEvent) -> None:
    life = Life(ended=False)
    life.state = state
    following = FOLLOWS.get((state, event))
    if following is None:
        with pytest.raises(mls.GroupClosed):
            life.follow(event)
        assert life.state is state
    else:
        life.follow(event)
        assert life.state is following


def test_every_state_can_be_reached_and_left() -> None:
    assert {state for state, _arrive in PLACES.values()} == set(GroupState)
    assert {state for state, _event in FOLLOWS} == set(GroupState)
    assert set(TAKES) == set(GroupState)


def test_a_second_commit_waits_until_the_first_is_dropped() -> None:
    these = room("bob")
    first = these["alice"].commit(now=NOW)
    with pytest.raises(mls.CommitPending):
        these["alice"].commit(now=NOW)
    first.drop()
    first.drop()
    these.settle("alice", these["alice"].commit(now=NOW))


def test_anothers_commit_is_taken_while_ones_own_waits() -> None:
    these = room("bob")
    waiting = these["bob"].commit(now=NOW)
    these.settle("alice", these["alice"].commit(now=NOW))
    assert these["bob"].state is GroupState.OPERATIONAL
    with pytest.raises(mls.StagedCommitSpent):
        waiting.merge()


def test_dropping_anothers_commit_leaves_ones_own_waiting() -> None:
    these = room("bob")
    own = these["bob"].commit(now=NOW)
    received = these["bob"].receive(these["alice"].commit(now=NOW).message)
    assert isinstance(received, mls.StagedCommit)
    received.drop()
    assert these["bob"].state is GroupState.COMMIT_PENDING
    these.groups["bob"] = own.merge()


def test_one_public_commit_received_twice_makes_one_group() -> None:
    """Two groups of one epoch would send generation 0 under one key."""
    these = room("bob")
    message = these["alice"].commit(wire_format="public", now=NOW).message
    first, second = these["bob"].receive(message), these["bob"].receive(message)
    assert isinstance(first, mls.StagedCommit)
    assert isinstance(second, mls.StagedCommit)
    old, new = these["bob"], first.merge()
    for again in (second.merge, first.merge):
        with pytest.raises(mls.StagedCommitSpent):
            again()
    with pytest.raises(mls.GroupClosed, match="left for a later epoch"):
        old.receive(message)
    assert new.epoch == 2


def test_a_group_that_a_reinit_ended_takes_nothing_from_a_patched_member() -> None:
    these = room("bob", "carol")
    staged = these["alice"].commit([mls.ReInit(b"next", 1, SUITE.number, ())], now=NOW)
    ended = {}
    for name in ("bob", "carol"):
        received = these[name].receive(staged.message)
        assert isinstance(received, mls.StagedCommit)
        ended[name] = received.merge()
    zombie = ended["bob"]
    zombie._life.state = GroupState.OPERATIONAL  # a patched client goes on
    epoch_of(zombie).reinit = None
    messages = [
        zombie.encrypt(b"zombie"),
        zombie.propose(mls.Remove(0), now=NOW),
        zombie.commit(force_path=True, now=NOW).message,
        seal(zombie, forge(zombie, b"")),
    ]
    for message in messages:
        with pytest.raises(mls.GroupClosed, match="ended by a ReInit"):
            ended["carol"].receive(message)
    # What begins the next group is still there.
    assert ended["carol"].reinit is not None
    assert len(ended["carol"].resumption_psk) == SUITE.size
    assert [member.index for member in ended["carol"].members()] == [0, 1, 2]


def test_a_member_removed_by_an_external_commit_is_closed() -> None:
    these = room("bob", "carol")
    staged = mls.Group.join_externally(
        these["alice"].group_info(),
        these.people["bob"].signer,
        mls.Credential.basic(b"bob"),
        mls.Capabilities(),
        remove=1,
        policy=epoch_of(these["alice"]).policy,
        now=NOW,
    )
    received = these["bob"].receive(staged.message)
    assert isinstance(received, mls.StagedCommit)
    with pytest.raises(mls.RemovedFromGroup):
        received.merge()
    with pytest.raises(mls.GroupClosed, match="removed me"):
        these["bob"].encrypt(b"still here")


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickle.dumps])
def test_what_holds_the_keys_of_an_epoch_is_never_copied(way: Callable[[object], object]) -> None:
    these = room("bob")
    alice, bob, newcomer = these["alice"], these["bob"], person("carol")
    pending = alice.commit([newcomer.add], now=NOW)
    received = bob.receive(pending.message)
    assert pending.welcome is not None
    joining = mls.Group.open_welcome(
        pending.welcome, newcomer.bundle, newcomer.signer, policy=POLICY, now=NOW
    )
    for held in (alice, pending, received, joining):
        with pytest.raises(TypeError, match="never copied"):
            way(held)
    pending.drop()
