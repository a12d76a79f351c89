"""A group through many random changes: all members always agree, every newcomer finds a valid
tree, and each member knows the private keys of all nodes above it that count on it."""

from __future__ import annotations

import random

import pytest
from alcove import mls
from alcove.mls import tree_math
from alcove.mls.nodes import ParentNode
from alcove.mls.treekem import private_keys_match

from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    SUITE,
    Person,
    Room,
    capabilities,
    epoch_of,
    person,
    room,
)


def check_tree_invariant(group: mls.Group) -> None:
    """4.2: the private key of a node is known to exactly the members below it, less unmerged."""
    epoch = epoch_of(group)
    expected = {2 * epoch.own_index}
    for index in tree_math.direct_path(2 * epoch.own_index, epoch.tree.size):
        node = epoch.tree.nodes[index]
        if isinstance(node, ParentNode) and epoch.own_index not in node.unmerged_leaves:
            expected.add(index)
    assert set(epoch.private) == expected
    assert private_keys_match(SUITE, epoch.tree, epoch.private)


class Life:
    """A room and a die."""

    def __init__(self, seed: int) -> None:
        self.die = random.Random(seed)
        self.room: Room = room("p0", "p1")
        self.counter = 2

    def someone(self) -> str:
        return self.die.choice(sorted(self.room.groups))

    def step(self) -> None:
        committer = self.someone()
        others = self.room.others(committer)
        self.die.shuffle(others)
        room_, group = self.room, self.room[committer]
        if self.die.random() < 0.08:
            self.join_from_outside()
            return
        references: list[bytes] = []
        proposals: list[mls.Proposal] = []
        newcomers: list[Person] = []
        gone: set[str] = set()
        for name in others:
            chance = self.die.random()
            if chance < 0.10 and len(room_.groups) - len(gone) > 2:
                gone.add(name)
                proposals.append(mls.Remove(room_.index(name)))
                if name in room_.people and self.die.random() < 0.4:
                    renewed = room_.people[name].renew()
                    newcomers.append(renewed)
            elif chance < 0.25:
                references.append(room_.propose_update(name))
        crowded = len(room_.groups) > 20
        for _ in range(0 if crowded else self.die.choice((0, 0, 1, 1, 2, 5))):
            newcomers.append(person(f"p{self.counter}"))
            self.counter += 1
        if self.die.random() < 0.1:
            proposals.append(mls.GroupContextExtensions(()))
        staged = group.commit(
            [*proposals, *(one.add for one in newcomers)],
            references,
            force_path=self.die.random() < 0.5,
            wire_format=self.die.choice(("private", "public")),
            now=NOW,
        )
        for name in gone & {one.name for one in newcomers}:
            removed = room_.groups.pop(name).receive(staged.message)
            assert isinstance(removed, mls.StagedCommit)
            assert removed.removes_me
        room_.settle(committer, staged, newcomers)

    def join_from_outside(self) -> None:
        name = f"p{self.counter}"
        self.counter += 1
        newcomer = person(name)
        staged = mls.Group.join_externally(
            self.room[self.someone()].group_info(),
            newcomer.signer,
            newcomer.credential,
            capabilities(),
            policy=POLICY,
            now=NOW,
        )
        following = {}
        for other, group in self.room.groups.items():
            received = group.receive(staged.message)
            assert isinstance(received, mls.StagedCommit)
            following[other] = received.merge()
        self.room.groups = {**following, name: staged.merge()}
        self.room.people[name] = newcomer


@pytest.mark.parametrize("seed", range(4))
def test_members_agree_through_a_long_life(seed: int) -> None:
    life = Life(seed)
    for _ in range(25):
        life.step()
        authenticators = {group.epoch_authenticator for group in life.room.groups.values()}
        assert len(authenticators) == 1
        for group in life.room.groups.values():
            check_tree_invariant(group)
    assert life.room[life.someone()].epoch >= 25
