"""A group through many random changes: all members always agree, every newcomer finds a valid
tree, and each member knows the private keys of all nodes above it that count on it."""

from __future__ import annotations

import random

import pytest
from alcove import mls

from tests.client_sdk.mls import invariants
from tests.client_sdk.mls.support import NOW, POLICY, Person, Room, capabilities, person, room


class Life:
    """A room and a die."""

    def __init__(self, seed: int) -> None:
        self.die = random.Random(seed)
        self.room: Room = room("p0", "p1")
        self.counter = 2

    def a_member(self) -> str:
        return self.die.choice(sorted(self.room.groups))

    def step(self) -> None:
        committer = self.a_member()
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
            self.room[self.a_member()].group_info(),
            newcomer.signer,
            newcomer.credential,
            capabilities(),
            policy=POLICY,
            now=NOW,
        )
        following = {}
        before = {group.own_index: group for group in self.room.groups.values()}
        invariants.check_path(before, staged)
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
        invariants.check_room(life.room.groups.values())
    assert life.room[life.a_member()].epoch >= 25
