"""A relay that keeps one member in the past: in an old epoch, a second log, or a slow one.

past = Past(world, cleo, generation=SECOND)
past.begin()
past.slow_down(most=300)
past.go(700)         # beats come later and later, up to 300 s
past.steal()         # from now on the relay takes what Cleo sends, and hands it to nobody else
"""

from dataclasses import replace

from alcove import events, mls
from alcove.events import RoomState
from alcove.messages.payload import Payload, Text
from alcove_protocol.frames import (
    BlobIs,
    Bye,
    Frame,
    Publish,
    Published,
    RequestRefused,
    Resume,
    Resumed,
)
from alcove_protocol.position import Position

from tests.end_to_end.evil.relay import EvilWorld, Trick, anything
from tests.end_to_end.evil.rogue import (
    group_of,
)
from tests.end_to_end.evil.rooms import state, three
from tests.end_to_end.world import Client

SECOND = b"\x55" * 8
WITHIN = 90
"""Seconds."""


class Past:
    """What one member is shown of the log, and when."""

    def __init__(self, world: EvilWorld, victim: Client, *, generation: bytes | None) -> None:
        self._world = world
        self._victim = victim
        self._real = victim.engine.require_member().stream.cursor.generation
        self._shown = generation if generation is not None else self._real
        self._queue: list[tuple[float, BlobIs]] = []
        self._slow_since: float | None = None
        self._most = 0.0
        self._extra = 0
        self._stealing = False
        self._answer_with_new_number = True
        self.stolen: list[bytes] = []

    def _to_victim(self, position: bytes) -> bytes:
        return self._shown + position[8:] if position[:8] == self._real else position

    def _to_relay(self, position: bytes) -> bytes:
        return self._real + position[8:] if position[:8] == self._shown else position

    def begin(self) -> None:
        """Cut the victim off, and put these lies between it and the relay."""
        world, victim = self._world, self._victim
        victim.cut()
        world._play(Trick(victim, BlobIs, anything, self._keep))
        world.alter(
            victim,
            Resumed,
            lambda r: replace(r, head=self._to_victim(r.head), base=self._to_victim(r.base)),
        )
        world.alter(victim, Published, lambda p: replace(p, position=self._to_victim(p.position)))
        world._play(Trick(victim, Publish, anything, self._publish))
        world.alter(victim, Resume, lambda p: replace(p, position=self._to_relay(p.position)))
        victim.back()

    def _keep(self, blob: BlobIs) -> list[Frame]:
        now = self._world.clock()
        late = 0.0 if self._slow_since is None else min(now - self._slow_since, self._most)
        self._queue.append((now + late, blob))
        return []

    def _publish(self, asked: Publish) -> list[Frame]:
        if not self._stealing:
            return [replace(asked, base=self._to_relay(asked.base))]
        if asked.blob not in self.stolen:  # it comes again when the answer cannot be true
            self.stolen.append(asked.blob)
        at = self._victim.engine.require_member().stream.cursor.number
        if self._answer_with_new_number:
            self._extra += 1
            at += 1
        answer = Published(asked.n, Position(self._shown, at).encode())
        self._victim.engine.received(answer.to_bytes())
        return []

    def slow_down(self, *, most: float) -> None:
        """From now on, hand over each blob a little later than the one before."""
        self._slow_since, self._most = self._world.clock(), most

    def steal(self, *, new_number: bool = True) -> None:
        """From now on, take what the victim sends without putting it into the log. It is told a
        new number for it, or one that it had passed, so that its log stays true."""
        self._stealing, self._answer_with_new_number = True, new_number

    def _hand_over(self) -> None:
        while self._queue and self._queue[0][0] <= self._world.clock():
            blob = self._queue.pop(0)[1]
            number = Position.decode(blob.position).number + self._extra
            position = Position(self._shown, number).encode()
            self._world.forge(self._victim, replace(blob, position=position, age=0))

    def hole(self) -> None:
        """Leave one number out of what the victim is shown."""
        self._extra += 1

    def swap(self) -> None:
        """Let the last two blobs that wait for the victim change places."""
        (first_at, first), (second_at, second) = self._queue[-2:]
        self._queue[-2:] = [
            (first_at, replace(second, position=first.position)),
            (second_at, replace(first, position=second.position)),
        ]

    def go(self, seconds: int) -> None:
        for _ in range(seconds):
            self._hand_over()
            self._world.advance(1)
            self._hand_over()


def states(client: Client) -> list[RoomState]:
    return [event.state for event in client.of(events.RoomChanged)]


def wait_for(world: EvilWorld, client: Client, wanted: RoomState, most: int) -> float:
    """Seconds until the client calls the room so."""
    begun = world.clock()
    while state(client) is not wanted:
        assert world.clock() - begun <= most, (client.name, states(client))
        world.advance(1)
    return world.clock() - begun


def keep_keys(world: EvilWorld, removed: Client) -> mls.Group:
    """A client that was changed to keep its group, whatever comes."""
    world.drop(removed, BlobIs)
    world.drop(removed, Bye)
    group = group_of(removed)
    group.wipe = lambda: None  # type: ignore[method-assign]  # the change
    return group


def read(group: mls.Group, blobs: list[bytes]) -> list[str]:
    """The texts among these, as far as the group's keys open them."""
    found = []
    for blob in blobs:
        try:
            received = group.receive(blob)
        except mls.WrongEpoch:
            continue  # she had followed the removal
        assert isinstance(received, mls.ReceivedApplication)
        payload = Payload.decode(received.plaintext)
        if payload.kind == Text.KIND:
            found.append(Text.decode(payload.body).text)
    return found


def shown_a_second_log() -> tuple[EvilWorld, Client, Past]:
    """Cleo is shown the log as if it were another, until a beat has come in it."""
    world, _, _, cleo = three()
    world.advance(65, step=5)
    past = Past(world, cleo, generation=SECOND)
    past.begin()
    past.go(35)
    return world, cleo, past


def silent_thief(world: EvilWorld, victim: Client, answer: str) -> Trick[Publish]:
    """The relay takes the victim's messages, and answers so."""

    def take(asked: Publish) -> list[Frame]:
        at = victim.engine.require_member().stream.cursor
        where = Position(at.generation, at.number + 1).encode()
        old = Position(at.generation, 1).encode()
        frames = {
            "published": Published(asked.n, where),
            "published before": Published(asked.n, old),
            "refused": RequestRefused(asked.n, "too_large", ""),
            "stale": RequestRefused(asked.n, "stale", "", old),
            "busy": RequestRefused(asked.n, "busy", ""),
        }
        if answer in frames:
            victim.engine.received(frames[answer].to_bytes())
        return []

    return world._play(Trick(victim, Publish, anything, take))
