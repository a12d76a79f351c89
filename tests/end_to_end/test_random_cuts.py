"""Connections that break at any frame, over an honest relay that may lose its memory.

At the end everybody is in one room, and what each was told is what happened. The simulator has more
people, acts and faults. This is the trial that found the first of them.
"""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from alcove import events
from alcove.errors import AlcoveError

from tests.end_to_end.evil.rogue import Making, committer_of, group_of
from tests.end_to_end.evil.rooms import authenticators, state
from tests.end_to_end.world import Client, World

OFTEN = 0.04
ACTS = 40
NAMES = (
    *("Dora", "Eve", "Finn", "Gus", "Hal", "Ida", "Jon", "Kim", "Lou", "Max", "Nia", "Oda", "Pia"),
    *("Quin", "Ray", "Sue", "Tom", "Uma"),
)
ENDS = (events.Sent, events.Failed, events.Retracted)


class Cutting(World):
    """Any frame may be the last of its connection: before it arrives, or after."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        super().__init__(random.Random(seed).randbytes)
        self.cuts = 0.0

    def client(self, name: str, *, wall: Callable[[], float] | None = None) -> Client:
        client = super().client(name, wall=wall)
        client.to_relay, client.to_client = self._up, self._down
        return client

    def _up(self, client: Client, data: bytes) -> list[bytes]:
        if self.draw.random() >= self.cuts:
            return [data]
        if self.draw.random() < 0.5:
            assert client.link is not None
            client.link.receive(data)
        client.cut()
        return []

    def _down(self, client: Client, data: bytes) -> list[bytes]:
        if client.link is None:  # cut before this one
            return []
        if self.draw.random() >= self.cuts:
            return [data]
        client.cut()
        return []


@dataclass(frozen=True)
class Said:
    by: Client
    text: str
    id: str
    entitled: frozenset[Client]


@dataclass
class Trial:
    """One room, and what was said in it."""

    world: Cutting
    ann: Client
    people: list[Client]
    dies: bool
    waiting: list[Client] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    names: list[str] = field(default_factory=lambda: list(NAMES))

    def play(self) -> None:
        draw = self.world.draw
        self.world.cuts = OFTEN
        for number in range(ACTS):
            inside = [one for one in self.people if one.engine.member and not one.engine.closed]
            with suppress(AlcoveError):  # a person is told why it cannot be now
                self.act(draw.choice(inside), draw.random(), f"m{number}", inside)
            self.world.settle(5000)
            self.world.advance(draw.choice([0, 0, 1, 3, 10]))
            self.seat()
        self.world.cuts = 0.0
        self.world.advance(200)
        self.seat()

    def seat(self) -> None:
        self.people += [one for one in self.waiting if one.engine.member and one not in self.people]

    def act(self, by: Client, chance: float, text: str, inside: list[Client]) -> None:
        world, ann = self.world, self.ann
        if chance < 0.5:
            self.said.append(Said(by, text, by.say(text), frozenset(inside)))
        elif chance < 0.6:
            self.waiting.append(world.knock(ann.invite(), self.names.pop(0)))
        elif chance < 0.75:
            gone = {knock.id for knock in ann.of(events.KnockGone)}
            for knock in [one for one in ann.of(events.Knocked) if one.id not in gone][-1:]:
                ann.admit(knock)
        elif chance < 0.8:
            committer_of(ann).committer.want(Making())
        elif chance < 0.85 and by is not ann:
            by.engine.require_member()._hold()
        elif chance < 0.9:
            ann.engine.require_member().beat()
        elif chance < 0.93 and self.dies:
            world.kill_relay()
            world.advance(1)
            world.start_relay()
        elif chance < 0.95:
            for said in [said for said in self.said if said.by is by][-1:]:
                by.engine.commands.retract(said.id)

    def all_are_in_one_room(self) -> None:
        assert not any(one.engine.closed for one in self.people)
        assert len(authenticators(*self.people)) == 1, [group_of(one).epoch for one in self.people]
        for one in self.people:
            assert state(one) is events.RoomState.OPEN
            assert not one.engine.require_member().conversation.outbox.waiting()
            assert len(set(one.texts())) == len(one.texts())
        outside = [one for one in self.waiting if not one.engine.member]
        assert not {one.name for one in outside if not one.engine.closed} & self.ann.members()

    def what_was_told_is_so(self) -> None:
        for said in self.said:
            told = [e for e in said.by.told if isinstance(e, ENDS) and e.id == said.id]
            ends = [type(event) for event in told if not isinstance(event, events.Retracted)]
            assert len(ends) == 1 or (told and not ends), (said, told)
            for other in said.entitled - {said.by}:
                heard = said.text in other.texts()
                if ends == [events.Sent]:
                    assert heard or other.of(events.Gap), (other.name, said.text)
                else:
                    assert not heard, (other.name, said.text)


@pytest.mark.parametrize("dies", [False, True], ids=["the relay lives", "the relay dies"])
@pytest.mark.parametrize("seed", range(6))
def test_connections_that_break_anywhere_part_nobody_and_tell_nothing_false(
    seed: int, dies: bool
) -> None:
    world = Cutting(seed)
    ann = world.open("Ann")
    people = [ann, *(world.join(ann, name) for name in ("Bob", "Cleo"))]
    trial = Trial(world, ann, people, dies)
    trial.play()
    lost = [e for one in people for e in one.of(events.ConnectionChanged)]
    assert len(lost) > 10  # the cuts took place
    trial.all_are_in_one_room()
    trial.what_was_told_is_so()
