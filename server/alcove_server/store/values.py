"""What a store is given and what it gives back. Times are the store's, in seconds.

**Cheap where it counts.** What is made for every blob (`Publication`, `Taken`, `StoredBlob`) is a
plain class with final attributes: a frozen dataclass of nine fields costs a microsecond to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

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


@dataclass(frozen=True, slots=True)
class LobbyPage:
    """Items of the lobby, in order, and the time of the store's clock at which they were read."""

    items: tuple[StoredItem, ...]
    now: float


@dataclass(frozen=True, slots=True)
class AtDoor:
    """What a newcomer's authentication needs, of one moment: where the room stands (None: there is
    none), the door if it is remembered, and whether a knock of this key is open."""

    head: RoomHead | None
    door: Door | None = None
    waiting: bool = False
