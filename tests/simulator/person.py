"""One person with the real SDK: `Room`, engine and transport, on the world's time and network."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Protocol, cast

from alcove import mls
from alcove.engine.engine import Engine
from alcove.errors import AlcoveError, ConnectionFailed
from alcove.events import AnyEvent
from alcove.facilitation.doors import InviteTerms, RoomCard
from alcove.facilitation.opening import RoomPlan
from alcove.group.keys import ROOM_SUITE, Identity
from alcove.group.standby import StandbySecrets
from alcove.relay.transport import Transport, TransportOptions
from alcove.room import Room
from alcove_protocol import frames, limits
from alcove_protocol.card import AgreementText
from alcove_protocol.frames import BlobClass, Publish
from alcove_protocol.invite import Invite, InviteRole
from alcove_protocol.roster import RosterEntry
from alcove_protocol.ticket import Ticket
from alcove_server.testing.embedded import EmbeddedLink

from tests.simulator.epochs import Epochs
from tests.simulator.network import ORIGIN, Trap, Wire

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

AGREEMENT = "What is said here stays here."
TITLE = "Thursday circle"
UNBROKEN = 12.0
"""Seconds between two frames of the private line that come one after the other."""
DESK = b"\xa1t\xa4desk"
"""In the first bytes of each frame of the private line."""
UNIX = 1_700_000_000.0
"""Unix time at the start of every world, in seconds."""


class Surroundings(Protocol):
    """What a person's client is in."""

    def reach(self, on_output: Callable[[], None]) -> EmbeddedLink | None:
        """A connection to the relay, or None when it is down."""

    def sends(self, blob: bytes, id: str) -> None: ...
    def shown(self, person: "Person", event: AnyEvent) -> None: ...
    def delay(self) -> float: ...
    def failed(self, person: "Person", code: str) -> None:
        """This room could not be entered."""

    def fail(self, what: str) -> None: ...


@dataclass(slots=True)
class Signs:
    """Frames of one member that came to a client. They are signs of life once they came without a
    break for so long that each names a heartbeat of this minute."""

    since: float = float("-inf")
    last: float = float("-inf")
    heard_to: float = float("-inf")

    def came(self, now: float) -> None:
        if now - self.last > UNBROKEN:
            self.since = now
        self.last = now
        if now - self.since >= 2 * limits.HEARTBEAT_INTERVAL:
            self.heard_to = now


class Person:
    """A person in one stay: who comes again comes as a new person."""

    def __init__(self, slot: int, name: str, world: Surroundings, seed: str) -> None:
        self.slot = slot
        self.name = name
        self.world = world
        self.random = Random(seed)
        self._loop = asyncio.get_running_loop()
        self._stood = 0.0
        self._stands_since: float | None = None
        self.clock_error = 0.0
        """Seconds by which the wall clock of this device is wrong."""
        self.frozen = False
        self.online = True
        self.dead = False
        self.died_at = float("-inf")
        self.ticket = ""
        """The newest ticket that they were told, or that they came by."""
        self.came_by = ""
        """The ticket by which this program brings its person back. Empty for all others."""
        self.began_at = self._loop.time()
        self.wire: Wire | None = None
        self.traps: list[Trap] = []
        self.door = b""
        """The door of the invite by which this person comes. Empty for all others."""
        self.link: bytes = b""
        """The relay key of the standby's link by which this person comes. Empty for all others."""
        self.steps_in = False
        """Whether they are outside, and said that they come back."""
        self.failure: AlcoveError | None = None
        """Why the room could not be entered."""
        self.beat_sent = self.frame_sent = float("-inf")
        """When it last gave its connection a heartbeat, and a sign of life: a frame of the private
        line, or a message."""
        self.sign_came = self.frame_came = float("-inf")
        """When the last sign of life came to the relay. One under way at a death never does."""
        self._said: set[bytes] = set()
        """The bytes of its messages."""
        self.kept_at = float("-inf")
        """When the relay last kept a frame from it."""
        self.replaced_unseen = False
        """Whether the relay kept the commit from it by which another program of this person, that
        came by a ticket, took its place."""
        self.said_came: list[float] = []
        """When each of its messages came to the relay."""
        self.signs: dict[bytes, Signs] = {}
        """Of those whose frames of the private line came, by relay key."""
        self.epochs = Epochs()
        """Those that its client was in."""
        self._wake = asyncio.Event()
        self._wake.set()
        identity = Identity.generate(name, mls.ciphersuite(ROOM_SUITE), self.random.randbytes)
        self.engine = _Engine(self, identity, self.clock, self.wall, self.random.randbytes)
        self.room: Room | None = None
        self._life: asyncio.Task[None] | None = None

    # --- clocks --------------------------------------------------------------------------------

    def clock(self) -> float:
        """As CLOCK_MONOTONIC: it stands while the device sleeps."""
        since = self._stands_since
        return (self._loop.time() if since is None else since) - self._stood

    def wall(self) -> float:
        return UNIX + self._loop.time() + self.clock_error

    async def awake(self) -> None:
        await self._wake.wait()

    @property
    def stood(self) -> float:
        """Seconds in which its clock stood, as on a system that has none that goes on while the
        device sleeps. The client knows nothing of them."""
        return self._stood

    @property
    def slept(self) -> bool:
        """Whether its clock stood: then what it has expires later, as its clock has it."""
        return self._stood > 0

    def freeze(self, *, clock_stands: bool) -> None:
        self.frozen = True
        self._wake.clear()
        self._stands_since = self._loop.time() if clock_stands else None
        if self.wire is not None:
            self.wire.freeze()

    def thaw(self) -> None:
        self.frozen = False
        self._wake.set()
        if self._stands_since is not None:
            self._stood += self._loop.time() - self._stands_since
            self._stands_since = None
        if self.wire is not None:
            self.wire.thaw()

    # --- a life --------------------------------------------------------------------------------

    def open(self, ttl: int, uses: int, absent: int = 0) -> None:
        card = RoomCard(TITLE, 1, (AgreementText("en", "", AGREEMENT),), "en", "")
        plan = RoomPlan(card, 50, ttl, InviteTerms(uses, 86400), ORIGIN, absent=absent)
        self.engine.begin_opening(plan)
        self._begin(Room(self.engine, ORIGIN, TransportOptions(), TITLE))

    def join(self, invite: str, *, accept: bool) -> None:
        parsed = Invite.parse(invite)
        if parsed.role == InviteRole.STANDBY:
            self.link = StandbySecrets.of(parsed).keys.relay_key
        else:
            self.door = parsed.door
        self.engine.begin_joining(parsed, accept=accept)
        self._begin(Room(self.engine, ORIGIN, TransportOptions()))

    def resume(self, ticket: str) -> None:
        """Come back by a ticket, as `alcove.resume` does."""
        self.ticket = self.came_by = ticket
        self.engine.begin_resuming(Ticket.parse(ticket))
        self._begin(Room(self.engine, ORIGIN, TransportOptions()))

    def _begin(self, room: Room) -> None:
        self.room = room
        room._transport = _Transport(self, room)
        self._life = self._loop.create_task(self._live(room))

    async def _live(self, room: Room) -> None:
        try:
            async with room:
                async for event in room:
                    self.world.shown(self, event)
        except AlcoveError as error:
            self.failure = error
            self.world.failed(self, error.code)
        except Exception as error:
            self.world.fail(f"the room of {self.name} raised {error!r}")

    def die(self) -> None:
        """The process ends at once: nothing is said to the relay."""
        if not self.dead:
            self.died_at = self._loop.time()
        self.dead = True
        if self.wire is not None:
            self.wire.cut()
        tasks = [self._life, *(self.room._tasks if self.room is not None else ())]
        for task in tasks:
            if task is not None:
                task.cancel()

    @property
    def there(self) -> bool:
        """Whether this client runs and is not over."""
        over = self.engine.closed is not None or self.failure is not None
        return self.room is not None and not self.dead and not over

    @property
    def facilitates(self) -> bool:
        """Whether this client acts as a facilitator."""
        member = self.engine.member
        founds = self.slot == 0 and self.engine.newcomer is None
        return founds if member is None else member.facilitator is not None

    @property
    def inside(self) -> bool:
        return self.there and self.engine.member is not None

    # --- the connection ------------------------------------------------------------------------

    async def connect(self) -> Wire:
        """Raises `ConnectionFailed`."""
        await self.awake()
        await asyncio.sleep(2 * self.world.delay())
        await self.awake()
        heard = self._sending, self._reaching, self._hearing, self._keeping
        wire = Wire(self.world.delay, self.traps, *heard)
        link = self.world.reach(wire.fetch_soon) if self.online and not self.dead else None
        if link is None:
            raise ConnectionFailed("unreachable", "The relay cannot be reached.")
        wire.attach(link)
        self.wire = wire
        return wire

    def _sending(self, data: bytes) -> None:
        """Note which message these bytes are of, and when signs of life were sent."""
        if DESK in data[:16]:
            self.frame_sent = self._loop.time()
        if b"publish" not in data or self.engine.member is None:
            return
        frame = frames.from_client(data)
        if isinstance(frame, Publish) and frame.blob_class == BlobClass.BEAT:
            self.beat_sent = self._loop.time()
        head = self.engine.member.conversation.outbox.head
        said = head is not None and head.shown  # a void keeps the id of what it stands in for
        if (
            isinstance(frame, Publish)
            and frame.blob_class == BlobClass.APPLICATION
            and head
            and said
        ):
            self.frame_sent = self._loop.time()  # a message is a sign of life, too
            self._said.add(data)
            self.world.sends(frame.blob, head.id.hex())

    def _reaching(self, data: bytes) -> None:
        """Note the signs of life that come to the relay."""
        now = self._loop.time()
        if DESK in data[:16]:
            self.sign_came = self.frame_came = now
        elif data in self._said:
            self.sign_came = now
            self.said_came.append(now)

    def _keeping(self, data: bytes) -> None:
        self.kept_at = self._loop.time()
        frame = frames.from_relay(data)
        if isinstance(frame, frames.BlobIs) and frame.blob_class == BlobClass.EXTERNAL:
            assert frame.entry is not None  # the relay takes none without
            signer = RosterEntry.decode(frame.entry, limit=limits.ENTRY).signer
            self.replaced_unseen |= signer == self.engine.identity.relay.public

    def _hearing(self, data: bytes) -> None:
        """Note whose frames of the private line come."""
        if DESK in data[:16]:
            frame = frames.from_relay(data)
            assert isinstance(frame, frames.DeskIs)
            self.signs.setdefault(frame.key, Signs()).came(self._loop.time())


class _Engine(Engine):
    """An engine whose process can stand still."""

    def __init__(self, person: Person, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]  # the arguments of `Engine`, in order
        self._person = person

    def tick(self) -> None:
        if not self._person.frozen:
            super().tick()
            self._person.epochs.note(self)


class _Transport(Transport):
    """The SDK's transport, whose connections go through the world's network."""

    def __init__(self, person: Person, room: Room) -> None:
        super().__init__(person.engine, ORIGIN, TransportOptions(), room._changed)
        self._person = person

    async def _connect(self) -> "ClientConnection":
        # A `Wire` has what the transport uses of the library's class.
        return cast("ClientConnection", await self._person.connect())
