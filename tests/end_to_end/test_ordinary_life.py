"""Ordinary life on an honest relay: no client says that it is cut off, or that the room is split.

Members speak, lose their connections for seconds or minutes, come, go and are removed, and the
relay restarts. `python -m tests.end_to_end.test_ordinary_life 300` runs so many schedules.
"""

import random
import sys

import pytest
from alcove import events
from alcove.events import RoomState

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import appoint, committer_of
from tests.end_to_end.world import Client

CALM = 130.0
"""Seconds for which a facilitator and the client must have been connected. Until then a client may
truthfully say that it heard nothing: a message waits 90 s for its beat."""


class Life:
    """One room's schedule, drawn from one seed."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.world = EvilWorld()
        self.ann = self.world.open("Ann", ttl=self.draw.choice([10, 60, 1800]))
        self.present: list[Client] = [self.ann]
        self.back_at: dict[Client, float] = {}
        self.calm_since = self.world.clock()
        self.faults: list[str] = []
        self.number = 0
        self.second: Client | None = None
        for _ in range(self.draw.randint(1, 4)):
            self.join()
        if self.draw.random() < 0.4:
            self.second = self.present[1]
            appoint(self.world, self.ann, self.second)

    def join(self) -> None:
        if self.ann in self.back_at or len(self.present) > 6:
            return
        self.number += 1
        newcomer = self.world.knock(self.ann.invite(), f"Person{self.number}")
        knocks = self.ann.of(events.Knocked)
        if knocks and knocks[-1].name == newcomer.name:
            self.ann.admit(knocks[-1])
            self.world.settle()
        if newcomer.of(events.Joined):
            self.present.append(newcomer)

    def say(self) -> None:
        client = self.draw.choice(self.present)
        if client.engine.closed is None:
            client.say(f"{client.name} at {self.world.clock():.0f}")
            self.world.settle()

    def cut(self) -> None:
        client = self.draw.choice(self.present)
        away = self.draw.choice([1.0, 5.0, 20.0, 60.0, 150.0])
        if client is not self.ann or self.draw.random() < 0.3:
            client.cut()
            self.back_at[client] = self.world.clock() + away

    def restart_relay(self) -> None:
        if self.draw.random() < 0.15 and not self.back_at:
            self.world.kill_relay()
            self.world.start_relay()
            self.calm_since = self.world.clock()

    def part(self) -> None:
        others = [c for c in self.present if c not in (self.ann, self.second)]
        if len(others) < 2 or self.back_at:
            return
        client = self.draw.choice(others)
        if self.draw.random() < 0.5:
            self.ann.remove(client.name)
        else:
            client.engine.commands.leave(lambda: None)
        self.world.settle()
        self.present.remove(client)

    def refresh(self) -> None:
        if self.ann not in self.back_at:
            self.ann.engine.commands.invite(lambda url, error: None)
            self.world.settle()

    def pass_time(self) -> None:
        for _ in range(self.draw.choice([1, 3, 10, 40])):
            away = tuple(self.back_at)
            if away:
                self.calm_since = self.world.clock()
            self.world.advance(1, stay_away=away)
            for client, when in list(self.back_at.items()):
                if self.world.clock() >= when:
                    del self.back_at[client]
            self.look()

    def look(self) -> None:
        for client in self.present:
            if client.engine.closed is not None:
                self.faults.append(f"{client.name} closed: {client.engine.closed}")
                continue
            state = client.engine.require_member().presence.state
            calm = self.world.clock() - self.calm_since
            if state is RoomState.SPLIT or (state is RoomState.NOT_HEARD and calm > CALM):
                self.faults.append(f"{client.name} {state} {calm:.0f} s calm")
            problems = {event.code for event in client.of(events.Problem)}
            if problems & {"conversation_differs", "commit_refused", "held"}:
                self.faults.append(f"{client.name} {problems}")

    def run(self, steps: int) -> None:
        acts = [self.say] * 6 + [self.cut] * 2 + [self.join, self.part, self.refresh]
        acts.append(self.restart_relay)
        for _ in range(steps):
            self.draw.choice(acts)()
            self.pass_time()
            if self.faults:
                return
        for _ in range(int(CALM) + 60):
            self.back_at.clear()
            self.world.advance(1)
        self.look()
        assert committer_of(self.ann).committer.idle
        for client in self.present:
            if client.engine.closed is None:
                last = client.say("the last word")
                self.world.settle()
                assert client.of(events.Sent)[-1].id == last, (client.name, client.told[-5:])


@pytest.mark.parametrize("seed", range(12))
def test_no_false_alarm_in_ordinary_life(seed: int) -> None:
    life = Life(seed)
    life.run(30)
    assert life.faults == []


def main() -> None:
    most, found = int(sys.argv[1]), 0
    for seed in range(most):
        life = Life(seed)
        try:
            life.run(30)
        except AssertionError as error:
            life.faults.append(f"assertion {error}")
        if life.faults:
            found += 1
            sys.stdout.write(f"{seed}: {life.faults[:2]}\n")
    sys.stdout.write(f"{most} schedules, {found} with a false alarm\n")


if __name__ == "__main__":
    main()
