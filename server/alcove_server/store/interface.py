"""What the relay remembers, and the one interface to it.

    chain     signed roster entries, from 0; its head is compared and swapped
    log       blobs by number, each with its class and its end; the base; who published which id
    doors     public halves of invites with what is left of them, and their sealed cards
    lobby     what waits for the facilitators, numbered on its own, and what was settled of late
    welcomes  sealed Welcomes for who was admitted and has not resumed yet
    end       the signed statement that ended the room; then it is all there is

**Atomic.** Each method is one step: it does all or nothing, and no other step happens in its
middle. `publish` is the one that matters; its order is written at the method. What a node judged
from its own copy of the roster it names (`roster`), and the step fails with `RosterMoved` when the
roster is another by now; so a node needs no lock and no second round trip.

**One clock.** Times are the store's, in seconds from an arbitrary zero. What is past its end is in
no answer, whether or not it was swept yet.

**Cheap where it counts.** What is made for every blob (`Publication`, `Taken`, `StoredBlob`) is a
plain class with final attributes: a frozen dataclass of nine fields costs a microsecond to make.

**Not trusted with meaning.** A store verifies no signature and understands no roster change: what
an entry does to doors and lobby is given as a `RosterStep`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobClass, LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove_server.store.budget import BLOB_FRAME


class RosterMoved(Exception):
    """The roster is another than the one the caller judged by: read it and judge again."""


class Stale(Refusal):
    """A publish on another base than the current one, which is `base`."""

    def __init__(self, base: Position) -> None:
        super().__init__("stale")
        self.base = base


@dataclass(frozen=True, slots=True)
class RoomHead:
    """Where a room stands. `ended` alone counts when it is there."""

    generation: bytes
    number: int
    base: int
    counter: int
    roster: bytes
    lobby: int
    ended: Signed | None = None

    @property
    def position(self) -> Position:
        return Position(self.generation, self.number)


class StoredBlob:
    """One blob of the log. `sender` is empty for the commit that a room was seated again with."""

    __slots__ = ("blob", "blob_class", "entry", "expires_at", "id", "number", "sender", "taken_at")

    def __init__(
        self,
        number: int,
        blob_class: BlobClass,
        id: bytes,
        sender: bytes,
        taken_at: float,
        expires_at: float,
        blob: bytes,
        entry: Signed | None = None,
    ) -> None:
        self.number: Final = number
        self.blob_class: Final = blob_class
        self.id: Final = id
        self.sender: Final = sender
        self.taken_at: Final = taken_at
        self.expires_at: Final = expires_at
        self.blob: Final = blob
        self.entry: Final = entry


def on_the_wire(blob: StoredBlob) -> int:
    """The most bytes that a blob is when it is sent: what pages are measured by."""
    size = len(blob.blob) + BLOB_FRAME
    entry = blob.entry
    return size if entry is None else size + len(entry.body) + len(entry.signature)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the log: its `blobs` are all there are from the asked position to number `up_to`.
    `complete` is false when more may follow; `lost` is true when application blobs after the asked
    position are gone, and always for another generation."""

    position: Position
    base: Position
    commit: bytes
    blobs: tuple[StoredBlob, ...]
    up_to: int
    lost: bool
    complete: bool
    now: float
    read_only: bool = False
    """No facilitator's beat for `limits.READ_ONLY_AFTER`: application blobs are refused."""


@dataclass(frozen=True, slots=True)
class Door:
    """The public half of an invite. `closed` is the refusal code for newcomers, or None."""

    id: bytes
    key: bytes
    uses_left: int
    expires_at: float
    card_number: int
    card: bytes
    closed: str | None = None


@dataclass(frozen=True, slots=True)
class StoredItem:
    """One item of the lobby. For `GONE`, `id` names the item that is settled."""

    number: int
    kind: LobbyKind
    id: bytes
    key: bytes
    taken_at: float
    expires_at: float
    blob: bytes
    door: bytes | None = None
    door_revoked: bool = False


@dataclass(frozen=True, slots=True)
class PendingWelcome:
    """A sealed Welcome, the position of its commit and the entry that went with it."""

    position: Position
    welcome: bytes
    entry: Signed


@dataclass(frozen=True, slots=True)
class RosterStep:
    """What one roster entry does, worked out by the node that verified it.

    `admitted` maps relay keys to the doors they came by: each must be waiting there, and consumes
    a use. `revoked` doors close. Lobby items of `settled` keys are done with. `gone` keys are off
    the list: what is kept for them alone (Welcomes, publish ids) is dropped.
    """

    entry: Signed
    counter: int
    head: bytes
    admitted: Mapping[bytes, bytes]
    revoked: frozenset[bytes]
    settled: frozenset[bytes]
    gone: frozenset[bytes]
    welcomes: Mapping[bytes, bytes]


class Publication:
    """One blob to be taken. `base` is an encoded position; `roster` is the head that `sender`'s
    right was judged by."""

    __slots__ = ("base", "blob", "blob_class", "id", "room", "roster", "sender", "step", "ttl")

    def __init__(
        self,
        room: bytes,
        sender: bytes,
        id: bytes,
        base: bytes,
        blob_class: BlobClass,
        ttl: int,
        blob: bytes,
        roster: bytes,
        step: RosterStep | None = None,
    ) -> None:
        self.room: Final = room
        self.sender: Final = sender
        self.id: Final = id
        self.base: Final = base
        self.blob_class: Final = blob_class
        self.ttl: Final = ttl
        self.blob: Final = blob
        self.roster: Final = roster
        self.step: Final = step

    def with_step(self, step: RosterStep) -> Publication:
        """The same with another step."""
        return Publication(
            self.room,
            self.sender,
            self.id,
            self.base,
            self.blob_class,
            self.ttl,
            self.blob,
            self.roster,
            step,
        )


class Taken:
    """What became of a publication: where it stands. It is `fresh` when it was taken by this call,
    and not before: what the position holds is then what the caller gave."""

    __slots__ = ("fresh", "generation", "number")

    def __init__(self, generation: bytes, number: int, fresh: bool) -> None:
        self.generation: Final = generation
        self.number: Final = number
        self.fresh: Final = fresh

    @property
    def position(self) -> Position:
        return Position(self.generation, self.number)


@dataclass(frozen=True, slots=True)
class SeatedRoom:
    """A room as a facilitator brings it back: the whole chain, verified, and its last commit."""

    room: bytes
    chain: tuple[Signed, ...]
    head: bytes
    generation: bytes
    commit: bytes
    doors: tuple[Door, ...]


class Store(Protocol):
    """Every method may raise `Refusal`; the codes it chooses itself are named. All but `open`,
    `head`, `reseat` and `sweep` raise `unknown_room` or `ended` for a room that is not there."""

    async def open(self, room: bytes, entry: Signed, head: bytes, generation: bytes) -> None:
        """Begin a room at entry 0. The same entry again does nothing. Raises `Refusal`
        (`room_exists`, `ended`, `busy`)."""

    async def head(self, room: bytes) -> RoomHead | None:
        """Where the room stands, or None for an unknown one. Never raises `ended`."""

    async def chain(self, room: bytes, start: int) -> tuple[Signed, ...]:
        """The roster entries from counter `start` on."""

    async def publish(self, publication: Publication) -> Taken:
        """Take one blob, all of it or nothing, in this order:

        1. an id of this sender that was taken before: its position, and nothing happens;
        2. `RosterMoved` when the roster is another;
        3. `read_only` for an application blob without a recent beat;
        4. `Stale` when the base is another;
        5. room for it (`busy`);
        6. each admitted key waits at its door (`unknown_knock`) and the door has a use left
           (`door_used`);
        7. the number, the blob, the chain, doors, lobby, Welcomes, the id, the time of a beat.
        """

    @property
    def publish_now(self) -> Callable[[Publication], Taken] | None:
        """The same without waiting, of a store that can; else None."""

    async def published(self, room: bytes, sender: bytes, id: bytes) -> Position | None:
        """The position that this id was given, if it is still remembered."""

    async def read(self, room: bytes, after: Position, most: int) -> Page:
        """Unexpired blobs after a position, in order; from another generation, or a number that
        does not exist yet, from the first. A page has at most `most` bytes, measured by
        `on_the_wire`, but always room for one blob; and at most `PAGE_BLOBS` blobs. It costs what a
        page costs, however long the log, wherever it begins, and however much has just expired: an
        incomplete page may be empty, and the next begins at its `up_to`."""

    async def put_door(self, room: bytes, door: Door, roster: bytes) -> None:
        """Make a door, or give an existing one a card of a higher number. `expires_at` is a
        duration here: seconds from now. Raises `RosterMoved`, `Refusal` (`too_many_doors`,
        `bad_statement`, `busy`, or what closed the door)."""

    async def revoke_door(self, room: bytes, door: bytes, roster: bytes) -> None:
        """Close a door for good. Raises `RosterMoved`, `Refusal` (`unknown_door`)."""

    async def door(self, room: bytes, door: bytes) -> Door | None:
        """A door, open or closed, as long as it is remembered."""

    async def knock(self, room: bytes, key: bytes, door: bytes, id: bytes, blob: bytes) -> None:
        """Put a knock into the lobby; the same again does nothing. Raises `Refusal`
        (`already_waiting`, `too_many_knocks`, `busy`, or what closed the door)."""

    async def waiting(self, room: bytes, key: bytes) -> bytes | None:
        """The id of this key's knock, if one is open."""

    async def withdraw(self, room: bytes, key: bytes) -> None:
        """Raises `Refusal` (`unknown_knock`)."""

    async def add_item(
        self, room: bytes, kind: LobbyKind, key: bytes, id: bytes, blob: bytes
    ) -> None:
        """A request or a leave. The same id, or a second leave, does nothing; a request too many of
        one key takes the place of its oldest. Raises `Refusal` (`busy`)."""

    async def settle(self, room: bytes, id: bytes, reason: bytes | None = None) -> None:
        """An item is done with. With a `reason` it must be a knock, and the reason is kept for
        who knocked. Raises `Refusal` (`unknown_knock`)."""

    async def lobby(self, room: bytes, after: int, settled: bool) -> tuple[StoredItem, ...]:
        """Open items after a number, in order; if asked for, also what says that one is settled:
        who has been told of none has no use for that."""

    async def take_refusal(self, room: bytes, key: bytes) -> tuple[bytes, bytes] | None:
        """The id and the sealed reason of a knock that was refused (empty: expired), once."""

    async def welcome(self, room: bytes, key: bytes) -> PendingWelcome | None:
        """The Welcome that waits for a key."""

    async def welcomed(self, room: bytes, key: bytes, position: Position) -> None:
        """The key resumed from a position: a Welcome of that commit, or before, is dropped."""

    async def end(self, room: bytes, statement: Signed, roster: bytes) -> None:
        """Delete everything but the statement. Raises `RosterMoved`."""

    async def reseat(self, seated: SeatedRoom, expected: bytes | None) -> None:
        """Put a room in the place of the one whose roster head is `expected` (None: of none).
        Waiting newcomers are forgotten. Raises `RosterMoved`, `Refusal` (`ended`, `busy`,
        `bad_statement` when one door comes with two keys), and then nothing was changed."""

    async def now(self) -> float:
        """The store's clock."""

    async def sweep(self, most: int) -> frozenset[bytes]:
        """Drop what is past its end, in at most `most` rooms, and a bounded number of blobs in
        all; the rest is for the next sweep. The rooms where members or newcomers have something to
        be told."""

    async def ready(self) -> bool:
        """Whether the store can take anything now."""

    async def close(self) -> None:
        """Give back what the store holds open."""
