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

**Not trusted with meaning.** A store verifies no signature and understands no roster change: what
an entry does to doors and lobby is given as a `RosterStep`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from alcove_protocol.frames import LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove_server.store.values import (
    AtDoor,
    Door,
    LobbyPage,
    Page,
    PendingWelcome,
    Publication,
    RoomHead,
    RosterMoved,
    RosterStep,
    SeatedRoom,
    Stale,
    StoredBlob,
    StoredItem,
    Taken,
    on_the_wire,
)

__all__ = (
    "AtDoor",
    "Door",
    "Listener",
    "LobbyPage",
    "Page",
    "PendingWelcome",
    "Publication",
    "PublishDone",
    "RoomHead",
    "RosterMoved",
    "RosterStep",
    "SeatedRoom",
    "Stale",
    "Store",
    "StoredBlob",
    "StoredItem",
    "Taken",
    "on_the_wire",
)


class Listener(Protocol):
    """The node, as its store sees it. The store calls it in the middle of its own steps, so each
    method only takes note: it raises nothing, and asks the store for nothing before it returns."""

    def on_blob(self, room: bytes, generation: bytes, blob: StoredBlob) -> None:
        """A watched room's log took a blob without a roster entry, from this node or another."""

    def on_ring(self, room: bytes) -> None:
        """Something else changed in a watched room: its roster, its lobby, its end, its log as a
        whole. `head` tells what."""


PublishDone = Callable[[Publication, "Taken | Exception"], None]
"""Gets the publication back with what became of it: its place, or what `Store.publish` raises."""


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

    def publish_soon(self, publication: Publication, done: PublishDone) -> None:
        """As `publish`, for a blob without a roster entry: `done` gets what `publish` returns or
        raises, exactly once, perhaps before this returns. Publications are taken in the order of
        the calls. A store that waits sends those of one turn of the event loop in one batch."""

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

    async def waiting_among(self, room: bytes, keys: Iterable[bytes]) -> frozenset[bytes]:
        """Those of these keys whose knock is open."""

    async def at_door(self, room: bytes, door: bytes, key: bytes) -> AtDoor:
        """What a newcomer at a door is judged by. Never raises `ended`: the head says so."""

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

    async def read_lobby(self, room: bytes, after: int, settled: bool) -> LobbyPage:
        """Open items after a number, in order. With `settled` also the `GONE` items, which say
        that an item is settled: a reader that was told of no item needs none of them."""

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

    def listen(self, listener: Listener) -> None:
        """Name the one listener of this store: the node that it serves."""

    def watch(self, room: bytes) -> None:
        """Tell the listener of each change to a room, known or not, that this store acts on or
        hears of from now on, in the order of the changes. A change that a call of this node makes
        is told before the call is answered."""

    def unwatch(self, room: bytes) -> None:
        """Tell it no more."""

    async def expire(self, most: int) -> None:
        """Drop what is past its end, in at most `most` rooms, and a bounded number of blobs in
        all; the rest is for the next call. Where a watched room has something to be told by that,
        the listener hears `on_ring`. A store whose rooms end by themselves looks at watched rooms
        only."""

    async def ready(self) -> bool:
        """Whether the store can take anything now."""

    async def close(self) -> None:
        """Give back what the store holds open."""
