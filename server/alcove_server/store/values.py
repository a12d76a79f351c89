"""What a store is given and what it gives back. Times are the store's, in seconds.

**Cheap where it counts.** What is made for every blob (`Publication`, `Taken`, `StoredBlob`) is a
plain class with final attributes: a frozen dataclass of nine fields costs a microsecond to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import COMMITS, BlobClass, LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove_server.store.budget import BLOB_FRAME, BLOB_OVERHEAD, Holding, Pays


class UnfitStore(Exception):
    """The servers of the store would lose or keep what they must not. The message is one sentence
    that names what to change."""


class RosterMoved(Exception):
    """The roster differs from the one that the caller judged by. Read it and judge again."""


class Stale(Refusal):
    """A publish names another base than the current one, which is `base`."""

    def __init__(self, base: Position) -> None:
        super().__init__("stale")
        self.base = base


@dataclass(frozen=True, slots=True)
class RoomHead:
    """Where a room stands. When `ended` is set, of the other fields only `generation` means
    something."""

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


@dataclass(frozen=True, slots=True)
class Vote:
    """The head that a key named first in a log that was brought back. `common` is the counter of
    the last entry that its chain shares with the seated one, and `beyond` says whether it goes on
    from there with other entries. A `void` one is of a key that signed entries of both."""

    head: bytes
    common: int
    beyond: bool
    void: bool = False


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A log that a client brought back, `age` seconds ago, and the votes by relay key."""

    generation: bytes
    age: float
    votes: Mapping[bytes, Vote]


class StoredBlob:
    """One blob of the log. `sender` is empty for the commit with which a room was restored."""

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


def lifetime(blob_class: BlobClass, ttl: int) -> int:
    """Return for how many seconds the relay keeps a blob. docs/protocol.md section 9."""
    if blob_class in COMMITS:
        return limits.REJOIN_WINDOW
    if blob_class is BlobClass.BEAT:
        return min(ttl, limits.HEARTBEAT_TTL)
    return ttl


def blob_size(blob: bytes, entry: Signed | None) -> int:
    """Return the bytes that a blob takes of the budget, without the record of its id."""
    return len(blob) + (len(entry.body) if entry is not None else 0) + BLOB_OVERHEAD


def is_too_large(blob_class: BlobClass, blob: bytes) -> bool:
    """Whether a blob is larger than its class allows."""
    most = limits.HANDSHAKE_BLOB if blob_class in COMMITS else limits.APPLICATION_BLOB
    return len(blob) > most


def on_the_wire(blob: StoredBlob) -> int:
    """Return the most bytes that a blob takes when it is sent. Pages are measured by it."""
    size = len(blob.blob) + BLOB_FRAME
    entry = blob.entry
    return size if entry is None else size + len(entry.body) + len(entry.signature)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the log: all unexpired blobs from the asked position up to number `up_to`.

    `complete` is false when more may follow. `lost` is true when application blobs after the asked
    position have expired, and always for another generation."""

    position: Position
    base: Position
    commit: bytes
    blobs: tuple[StoredBlob, ...]
    up_to: int
    lost: bool
    complete: bool
    now: float
    read_only: bool = False
    """No beat came for `limits.READ_ONLY_AFTER` seconds, so application blobs are refused."""


@dataclass(frozen=True, slots=True)
class StoredDoor:
    """The public half of an invite. `closed` is the refusal code that newcomers get, or None. `by`
    is the relay key of the facilitator that put it."""

    id: bytes
    key: bytes
    uses_left: int
    expires_at: float
    card_number: int
    card: bytes
    closed: str | None = None
    by: bytes = b""


@dataclass(frozen=True, slots=True)
class StoredItem:
    """One item of the lobby. A `GONE` item carries the `id` of the item that was settled. A vault
    is for the facilitator with the relay key `to` alone."""

    number: int
    kind: LobbyKind
    id: bytes
    key: bytes
    taken_at: float
    expires_at: float
    blob: bytes
    door: bytes | None = None
    door_revoked: bool = False
    to: bytes = b""

    def is_for(self, key: bytes) -> bool:
        """Whether the facilitator with this relay key is told it."""
        return self.to in (b"", key)


@dataclass(frozen=True, slots=True)
class PendingWelcome:
    """A sealed Welcome, with the position of its commit and the roster entry of that commit."""

    position: Position
    welcome: bytes
    entry: Signed


@dataclass(frozen=True, slots=True)
class RosterStep:
    """The effects of one roster entry, worked out by the node that verified it.

    `admitted` maps relay keys to the doors they came by. Each key must wait at its door and
    consumes a use of it, unless it is `replacing` a key that came by it. `revoked` doors close. The
    lobby items of `settled` keys are settled. `gone` keys have left the roster: the Welcomes and
    publish ids kept for them are dropped.
    """

    entry: Signed
    counter: int
    head: bytes
    admitted: Mapping[bytes, bytes]
    revoked: frozenset[bytes]
    settled: frozenset[bytes]
    gone: frozenset[bytes]
    welcomes: Mapping[bytes, bytes]
    replacing: frozenset[bytes] = frozenset()

    @property
    def spent(self) -> list[bytes]:
        """The doors of which a use is consumed, one for each use."""
        return [door for key, door in self.admitted.items() if key not in self.replacing]


class Publication:
    """One blob to append. `base` is an encoded position. `roster` is the roster head by which the
    sender's right was judged. `payer` is its sender's: None is one without limits."""

    __slots__ = (
        "base",
        "blob",
        "blob_class",
        "id",
        "payer",
        "room",
        "roster",
        "sender",
        "step",
        "ttl",
    )

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
        payer: Pays = None,
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
        self.payer: Final = payer

    def with_step(self, step: RosterStep) -> Publication:
        """Return the same publication with another step."""
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
            self.payer,
        )


class Taken:
    """The place that a publication was given, by this call or an earlier one."""

    __slots__ = ("generation", "number")

    def __init__(self, generation: bytes, number: int) -> None:
        self.generation: Final = generation
        self.number: Final = number

    @property
    def position(self) -> Position:
        return Position(self.generation, self.number)


@dataclass(frozen=True, slots=True)
class SeatedCommit:
    """A commit that comes with a room, and the entry of the chain that is of it, if any."""

    blob: bytes
    entry: Signed | None = None


@dataclass(frozen=True, slots=True)
class SeatedRoom:
    """A room as a client brings it back: the whole verified chain and the last commit. `entry` is
    the last one of the chain, if it is of that commit. `earlier` are the commits right before it,
    the oldest first. A room that is `opened` has no votes. What it takes is charged to `holding`.
    """

    room: bytes
    chain: tuple[Signed, ...]
    head: bytes
    generation: bytes
    commit: bytes = b""
    doors: tuple[StoredDoor, ...] = ()
    entry: Signed | None = None
    opened: bool = False
    holding: Holding | None = None
    earlier: tuple[SeatedCommit, ...] = ()

    @property
    def commits(self) -> tuple[SeatedCommit, ...]:
        """What the log begins with, in order. The last one is its base."""
        last = SeatedCommit(self.commit, self.entry)
        return (*self.earlier, last) if self.commit else ()


def require_place(left: int, seated: SeatedRoom) -> None:
    """Raise `Refusal` when so many places for rooms, `left`, have none for this one: `busy`, or
    `too_many_rooms` when one is `opened` in a part of the network that has its share."""
    if left <= 0:
        raise Refusal("busy")
    if seated.holding is not None and not seated.holding.may_open(left):
        raise Refusal("too_many_rooms" if seated.opened else "busy")


@dataclass(frozen=True, slots=True)
class LobbyPage:
    """Items of the lobby, in order, the time at which they were read, and whether there are more
    after the last one."""

    items: tuple[StoredItem, ...]
    now: float
    more: bool = False


@dataclass(frozen=True, slots=True)
class Parking:
    """What a member leaves for the holder of its ticket: sealed bytes, the slot that names them,
    and the hash of the token that fetches them."""

    slot: bytes
    token_hash: bytes
    blob: bytes


@dataclass(frozen=True, slots=True)
class Parked:
    """What the holder of a ticket fetches: the relay key of its member, and the sealed bytes."""

    key: bytes
    blob: bytes


@dataclass(frozen=True, slots=True)
class AtDoor:
    """What a newcomer is judged by, all of one moment. `head` is None when there is no such room,
    `door` when the door is not remembered. `waiting` says whether a knock of the key is open."""

    head: RoomHead | None
    door: StoredDoor | None = None
    waiting: bool = False
