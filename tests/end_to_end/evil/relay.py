"""The evil relay: the real one, with tricks on every connection.

    world = EvilWorld()
    ann = world.open("Ann")
    lost = world.drop(bob, BlobIs)           # from now on Bob receives no blob
    kept = world.keep_back(bob, BlobIs)      # ... until `world.release(kept)`
    world.alter(bob, BlobIs, lambda blob: replace(blob, age=10**6))
    world.answer(bob, Publish, lambda asked: Published(asked.n, anywhere))
    world.forge(bob, Bye("removed", ""))     # as if the relay had sent it
    world.take(blob, BlobClass.COMMIT)       # the relay without its guard takes anything

A trick keeps in `hits` what it changed, so that a test can show that the attack took place.
`world.record` has every frame that passed.
"""

import copy
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

from alcove.errors import NotNow, RoomClosed
from alcove.group.extensions import leaf_extension
from alcove.mls.errors import MLSError
from alcove.mls.framing import unwrap
from alcove.mls.private_message import PrivateMessage, open_sender_data
from alcove_protocol import frames, limits
from alcove_protocol.frames import BlobClass, BlobIs, Frame
from alcove_protocol.position import Position
from alcove_server.store.interface import Publication
from alcove_server.testing.embedded import EmbeddedRelay, embedded

from tests.end_to_end.world import Client, World

F = TypeVar("F", bound=Frame)
T = TypeVar("T")
UNKNOWN_SENDER = bytes(32)
"""A relay key of no member. What it publishes reaches every member."""


def anything(frame: Frame) -> bool:
    return True


@dataclass(eq=False)
class Trick(Generic[F]):
    """A change of the frames of one kind, on one client's connection."""

    client: Client
    kind: type[F]
    where: Callable[[F], bool]
    instead: Callable[[F], list[Frame]]
    most: int | None = None
    hits: list[F] = field(default_factory=list)
    on: bool = True

    def takes(self, frame: Frame) -> bool:
        if not self.on or not isinstance(frame, self.kind) or not self.where(frame):
            return False
        return self.most is None or len(self.hits) < self.most

    def apply(self, frame: Any) -> list[Frame]:  # Any: `takes` has compared its kind with F
        self.hits.append(frame)
        return self.instead(frame)

    def stop(self) -> None:
        self.on = False


@dataclass(frozen=True)
class Seen:
    """One frame as it passed, before any trick."""

    client: Client
    from_client: bool
    data: bytes

    @cached_property
    def frame(self) -> Frame:
        """The same decoded, once however often a test looks through the record."""
        return (frames.from_client if self.from_client else frames.from_relay)(self.data)


class EvilWorld(World):
    """A world whose relay lies. Without tricks it is the honest one."""

    def __init__(self) -> None:
        super().__init__()
        self.record: list[Seen] = []
        self.tricks: list[Trick[Any]] = []  # each of another kind of frame
        self.other_relay: EmbeddedRelay | None = None
        self._at_other: set[Client] = set()

    def client(self, name: str, *, wall: Callable[[], float] | None = None) -> Client:
        client = super().client(name, wall=wall)
        client.to_relay, client.to_client = self._up, self._down
        return client

    def _up(self, client: Client, data: bytes) -> list[bytes]:
        return self._pass(Seen(client, True, data))

    def _down(self, client: Client, data: bytes) -> list[bytes]:
        return self._pass(Seen(client, False, data))

    def _pass(self, seen: Seen) -> list[bytes]:
        self.record.append(seen)
        for trick in self.tricks:
            if trick.client is seen.client and trick.takes(seen.frame):
                return [frame.to_bytes() for frame in trick.apply(seen.frame)]
        return [seen.data]

    # --- tricks --------------------------------------------------------------------------------

    def _play(self, trick: Trick[F]) -> Trick[F]:
        self.tricks.append(trick)
        return trick

    def drop(
        self,
        client: Client,
        kind: type[F],
        where: Callable[[F], bool] = anything,
        most: int | None = None,
    ) -> Trick[F]:
        return self._play(Trick(client, kind, where, lambda frame: [], most))

    def keep_back(
        self, client: Client, kind: type[F], where: Callable[[F], bool] = anything
    ) -> Trick[F]:
        """Withhold frames to this client until they are released, or forged in another order."""
        return self._play(Trick(client, kind, where, lambda frame: []))

    def release(self, trick: Trick[F]) -> None:
        """Hand over what was kept back, and keep back no more."""
        trick.stop()
        for frame in trick.hits:
            self.forge(trick.client, frame)

    def alter(
        self,
        client: Client,
        kind: type[F],
        change: Callable[[F], Frame],
        where: Callable[[F], bool] = anything,
        most: int | None = None,
    ) -> Trick[F]:
        return self._play(Trick(client, kind, where, lambda frame: [change(frame)], most))

    def answer(
        self,
        client: Client,
        kind: type[F],
        reply: Callable[[F], Frame],
        where: Callable[[F], bool] = anything,
        most: int | None = None,
    ) -> Trick[F]:
        """Answer a request of this client without the relay's ever doing it."""

        def forged(frame: F) -> list[Frame]:
            client.engine.received(reply(frame).to_bytes())
            return []

        return self._play(Trick(client, kind, where, forged, most))

    def forge(self, client: Client, frame: Frame) -> None:
        """Hand a client a frame as if the relay had sent it. A blob has the key of its author."""
        if isinstance(frame, BlobIs) and frame.key is None:
            frame = replace(frame, key=self.author(frame.blob))
        client.engine.received(frame.to_bytes())
        client.collect()

    # --- what was seen -------------------------------------------------------------------------

    def seen(self, kind: type[F], client: Client | None = None) -> list[F]:
        """All frames of a kind that passed, on one connection or on all, in order."""
        found: list[F] = []
        for item in self.record:
            if client is not None and item.client is not client:
                continue
            if isinstance(item.frame, kind):
                found.append(item.frame)
        return found

    def last_blob(self, client: Client, blob_class: BlobClass) -> BlobIs:
        """The newest blob of a class that was sent to this client."""
        return [b for b in self.seen(BlobIs, client) if b.blob_class == blob_class][-1]

    # --- the relay without its guards ----------------------------------------------------------

    def take(
        self,
        room: bytes,
        blob: bytes,
        blob_class: BlobClass,
        *,
        base: Position | None = None,
        ttl: int = limits.TTL_MAX,
        publisher: bytes | None = None,
    ) -> Position:
        """Put a blob into the log as the relay would if it judged no rights. It says that its
        author published it, or else the member with the relay key `publisher`."""
        assert self.relay is not None
        relay = self.relay.relay
        head = self._run(relay.services.store.head(room))
        assert head is not None
        at = base if base is not None else Position(head.generation, head.base)
        relay_room = relay.rooms.loaded[room]
        publication = Publication(
            room,
            publisher or self.author(blob),
            self.random(16),
            at.encode(),
            blob_class,
            ttl,
            blob,
            relay_room.history.roster.head,
        )
        position = self._run(relay.services.store.publish(publication)).position
        self.settle()
        return position

    def author(self, blob: bytes) -> bytes:
        """The relay key of the member in whose name an application message is, as an insider can
        tell the relay. That of no member when no client is in its epoch."""
        for client in self.clients:
            with suppress(MLSError, RoomClosed, NotNow):
                epoch = client.engine.require_member().membership.group._epoch
                message = PrivateMessage.decode(unwrap(blob)[1])
                if message.epoch != epoch.context.epoch:
                    continue
                secret = epoch.secrets.sender_data_secret
                sender = open_sender_data(epoch.suite, secret, message)
                leaf = epoch.tree.leaf(sender.leaf_index)
                if leaf is not None:
                    return leaf_extension(leaf).relay_key
        return UNKNOWN_SENDER

    def _run(self, work: Coroutine[Any, Any, T]) -> T:  # its sends and yields are not used
        """Work on the relay's store, as the relay itself would run it."""
        assert self.relay is not None
        done: list[T] = []

        async def whole() -> None:
            done.append(await work)

        self.relay.relay.services.runner.start(whole())
        return done[0]

    def head(self, room: bytes) -> Position:
        """The log's last position."""
        assert self.relay is not None
        head = self._run(self.relay.relay.services.store.head(room))
        assert head is not None
        return Position(head.generation, head.number)

    # --- a second relay ------------------------------------------------------------------------

    def split(self, *away: Client) -> None:
        """From now on these clients talk to a second relay, which knows all the first one knew."""
        assert self.relay is not None
        kept = (self.clock, self.random, self.wall, self.relay.relay.rooms)  # which listens
        shared = {id(part): part for part in kept}
        store = copy.deepcopy(self.relay.store, shared)
        self.other_relay = embedded(self.clock, self.random, store=store, wall=self.wall)
        self._at_other = set(away)
        for client in away:
            client.cut()
        self.advance(1)

    def _connect(self, client: Client) -> bool:
        if client not in self._at_other:
            return super()._connect(client)
        first, self.relay = self.relay, self.other_relay
        try:
            return super()._connect(client)
        finally:
            self.relay = first

    def advance(
        self, seconds: float, *, step: float = 1.0, stay_away: tuple[Client, ...] = ()
    ) -> None:
        passed = 0.0
        while passed < seconds:
            passed += step
            super().advance(step, step=step, stay_away=stay_away)
            if self.other_relay is not None:
                self.other_relay.tick()
