"""A world on one clock: the real relay in this process, real SDK engines, no sockets.

    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")          # knocks, is admitted, is in
    ann.say("hello"); world.settle()
    assert bob.texts() == ["hello"]

Every frame between a client and the relay passes through `to_relay` or `to_client`. They see its
bytes and return the frames that really arrive. An evil relay replaces them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from alcove import events, mls
from alcove.engine.engine import Engine
from alcove.facilitation.doors import InviteTerms, RoomCard
from alcove.facilitation.opening import RoomPlan
from alcove.group.keys import ROOM_SUITE, Identity
from alcove_protocol import frames
from alcove_protocol.card import AgreementText
from alcove_protocol.invite import Invite
from alcove_server.testing.embedded import EmbeddedLink, EmbeddedRelay, ManualClock, embedded

from tests.randomness import seeded

HOST = "relay.test"
ORIGIN = f"https://{HOST}"
AGREEMENT = "What is said here stays here."

E = TypeVar("E", bound=events.Event)
Hook = Callable[["Client", bytes], list[bytes]]


def _as_it_is(client: "Client", data: bytes) -> list[bytes]:
    return [data]


@dataclass(eq=False)
class Client:
    """One person's engine, and the events it told so far."""

    world: "World"
    engine: Engine
    name: str
    link: EmbeddedLink | None = None
    online: bool = True
    told: list[events.Event] = field(default_factory=list)
    to_relay: Hook = _as_it_is
    to_client: Hook = _as_it_is

    def of(self, kind: type[E]) -> list[E]:
        """All events of one type, in order."""
        return [event for event in self.told if isinstance(event, kind)]

    def texts(self) -> list[str]:
        return [event.text for event in self.of(events.Message)]

    def members(self) -> set[str]:
        return {person.name for person in self.engine.require_member().membership.people()}

    def say(self, text: str) -> str:
        """Post, as `Room.post` does. Return the message's id."""
        return self.engine.commands.say(text)

    def admit(self, knock: events.Knocked) -> list[Exception | None]:
        """Admit. The list gets the result once it is known."""
        result: list[Exception | None] = []
        self.engine.commands.admit(knock.id, result.append)
        return result

    def remove(self, name: str) -> list[Exception | None]:
        """Put a member out. The list gets the result once it is known."""
        result: list[Exception | None] = []
        self.engine.commands.remove(name, result.append)
        return result

    def invite(self) -> str:
        """The newest invite that this facilitator's events hold, but for those it asked for."""
        made = [
            e.invite
            for e in self.told
            if isinstance(e, events.Opened | events.InviteChanged) and not getattr(e, "door", "")
        ]
        return made[-1]

    def collect(self) -> None:
        self.told.extend(self.engine.drain_events())

    def cut(self) -> None:
        """Lose the connection and stay away until `back`."""
        self.online = False
        if self.link is not None:
            self.link.close()
            self.link = None
            self.engine.disconnected()
            self.collect()

    def back(self) -> None:
        self.online = True


class World:
    """A relay, its clients, and one clock for all."""

    def __init__(
        self, random: Callable[[int], bytes] | None = None, *, stopped_after: float = float("inf")
    ) -> None:
        """`stopped_after` is how long a client may be without a tick. A long step of the clock is
        no stop in most tests."""
        self.stopped_after = stopped_after
        self.clock = ManualClock()
        self.random = random = random or seeded()
        self.seconds_at_start = 1_700_000_000.0
        self.relay: EmbeddedRelay | None = embedded(self.clock, random, wall=self.wall)
        self.clients: list[Client] = []

    def wall(self) -> float:
        return self.seconds_at_start + self.clock()

    # --- people --------------------------------------------------------------------------------

    def client(self, name: str, *, wall: Callable[[], float] | None = None) -> Client:
        """A person who has not connected yet. `wall` is their device's clock, else the relay's."""
        identity = Identity.generate(name, mls.ciphersuite(ROOM_SUITE), self.random)
        engine = Engine(
            identity,
            self.clock,
            wall or self.wall,
            self.random,
            stopped_after=self.stopped_after,
        )
        client = Client(self, engine, name)
        self.clients.append(client)
        return client

    def open(
        self, name: str, *, uses: int = 50, members: int = 50, ttl: int = 1800, contact: str = ""
    ) -> Client:
        return self.open_with(
            self.client(name), uses=uses, members=members, ttl=ttl, contact=contact
        )

    def open_with(
        self,
        client: Client,
        *,
        title: str = "Thursday circle",
        agreement: str = AGREEMENT,
        uses: int = 50,
        members: int = 50,
        ttl: int = 1800,
        start: int = 1,
        stay: int = 1,
        absent: int = 0,
        contact: str = "",
        helplines: str = "",
    ) -> Client:
        """A room that this client facilitates. It needs so many to start and to go on. Most tests
        let nobody go for a lost connection: they are about what becomes of members."""
        texts = (AgreementText("en", "", agreement),)
        card = RoomCard(title, 1, texts, "en", helplines, contact)
        plan = RoomPlan(card, members, ttl, InviteTerms(uses, 86400), ORIGIN, start, stay, absent)
        client.engine.begin_opening(plan)
        self.settle()
        return client

    def knock(self, invite: str, name: str, *, accept: bool = True) -> Client:
        return self.knock_with(self.client(name), invite, accept=accept)

    def knock_with(self, client: Client, invite: str, *, accept: bool = True) -> Client:
        """This client as a newcomer at a door."""
        client.engine.begin_joining(Invite.parse(invite), accept=accept)
        self.settle()
        return client

    def join(self, host: Client, name: str) -> Client:
        """A newcomer, admitted."""
        client = self.knock(host.invite(), name)
        host.admit(host.of(events.Knocked)[-1])
        self.settle()
        assert client.of(events.Joined), client.told
        return client

    # --- time and frames -----------------------------------------------------------------------

    def settle(self, rounds: int = 500) -> None:
        """Carry frames until nothing moves. Time stands still."""
        for _ in range(rounds):
            if not any([self._step(client) for client in self.clients]):
                return
        raise AssertionError("the world does not come to rest")

    def _step(self, client: Client) -> bool:
        moved = self._connect(client)
        client.collect()
        link, engine = client.link, client.engine
        if link is None:
            return moved
        while engine.link.outgoing and client.link is link:
            moved = True
            for data in client.to_relay(client, engine.link.outgoing.popleft()):
                link.receive(data)
        for data in link.outgoing():
            moved = True
            for seen in client.to_client(client, data):
                engine.received(seen)
        client.collect()
        gone = link.closed is not None or engine.link.hang_up or engine.closed is not None
        if gone and not engine.link.outgoing:
            link.close()
            client.link = None
            engine.disconnected()
            client.collect()
            # A real client waits before it comes back. Here it waits until time passes.
            client.online = False
            moved = True
        return moved

    def _connect(self, client: Client) -> bool:
        if client.link is not None or not client.online or client.engine.closed is not None:
            return False
        if not client.engine.begun:
            return False
        if self.relay is None:
            return False
        client.link = self.relay.connect(host=HOST)
        client.engine.connected(HOST)
        return True

    def advance(
        self, seconds: float, *, step: float = 1.0, stay_away: tuple[Client, ...] = ()
    ) -> None:
        """Let time pass. Clients without a connection come back, all but `stay_away`."""
        passed = 0.0
        while passed < seconds:
            self.clock.advance(step)
            passed += step
            if self.relay is not None:
                self.relay.tick()
            for client in self.clients:
                if client not in stay_away:
                    client.online = True
                client.engine.tick()
            self.settle()

    # --- the relay -----------------------------------------------------------------------------

    def kill_relay(self) -> None:
        """The process dies, and its memory with it."""
        self.relay = None
        for client in self.clients:
            client.cut()

    def start_relay(self) -> None:
        self.relay = embedded(self.clock, self.random, wall=self.wall)


def kind_of(data: bytes) -> str:
    """The kind of a relay's frame."""
    return frames.from_relay(data).KIND


def closed(client: Client) -> events.Closed:
    assert client.engine.closed is not None, client.told
    assert client.told[-1] == client.engine.closed
    return client.engine.closed


def room_of_three() -> tuple[World, Client, Client, Client]:
    world = World()
    ann = world.open("Ann")
    return world, ann, world.join(ann, "Bob"), world.join(ann, "Cleo")
