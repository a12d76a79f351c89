"""What the relay remembers of a room, and the one interface to it.

    chain     signed roster entries from 0; an entry is appended to the head that it was made for
    log       blobs by number, each with its class and its end; the base; the publish ids
    doors     public halves of invites with the uses left, and their sealed cards
    lobby     items that wait for the facilitators, with their own numbers; recently settled items
    welcomes  sealed Welcomes for admitted members that have not resumed yet
    tickets   sealed bytes that a member left for the holder of its ticket, one for each key
    votes     in a log that a client brought back, until it is settled: the head that each key named
    end       the signed statement that ended the room; nothing else is kept of an ended room

**Atomic.** Each method is one step: it does all or nothing, and no other step happens in its
middle. `publish` states the order of its checks. A node judges by its own copy of the roster and
names the head of that copy (`roster`). The step fails with `RosterMoved` when the roster has
another head by then, so a node needs no lock and no second round trip.

**One clock.** Times are the store's, in seconds from an arbitrary zero. No answer contains anything
past its end, dropped already or not.

**One ordered source.** A node hears of every change to a watched room through its `Listener`, in
the order in which the store made them, its own changes included. It tells its clients from there
and from reads. So all nodes tell one order, and a store can hold back what is not safe yet
(docs/decisions/0012-the-store-door.md).

**Who pays.** What rooms take counts for parts of the network, each of which has a share of what is
left. A store in this process counts a room for the part that opened it, or whose facilitator's
heartbeat it took last. Another one counts what each `Payer` put, at this node.

**Not trusted with meaning.** A store verifies no signature and understands no roster change. It is
given the effects of an entry on doors and lobby as a `RosterStep`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from alcove_protocol.frames import LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove_server.store.budget import Holding, Pays
from alcove_server.store.values import (
    AtDoor,
    LobbyPage,
    Page,
    Parked,
    Parking,
    PendingWelcome,
    Publication,
    RoomHead,
    RosterMoved,
    RosterStep,
    SeatedCommit,
    SeatedRoom,
    Stale,
    StoredBlob,
    StoredDoor,
    StoredItem,
    Taken,
    Unsettled,
    Vote,
    blob_size,
    is_too_large,
    lifetime,
    on_the_wire,
    require_place,
)

__all__ = (
    "AtDoor",
    "Listener",
    "LobbyPage",
    "Page",
    "Parked",
    "Parking",
    "PendingWelcome",
    "Publication",
    "PublishDone",
    "RoomHead",
    "RosterMoved",
    "RosterStep",
    "SeatedCommit",
    "SeatedRoom",
    "Stale",
    "Store",
    "StoredBlob",
    "StoredDoor",
    "StoredItem",
    "Taken",
    "Unsettled",
    "Vote",
    "blob_size",
    "is_too_large",
    "lifetime",
    "on_the_wire",
    "require_place",
)


ALL: Final = 1 << 30
"""More entries than any chain has."""


class Listener(Protocol):
    """The node as its store sees it. The store calls these methods at the end of its own steps.
    They raise nothing and call the store for nothing before they return."""

    def on_blob(self, room: bytes, generation: bytes, blob: StoredBlob) -> None:
        """The log of a watched room took a blob without a roster entry, from any node."""

    def on_passed(self, room: bytes, sender: bytes, message: bytes) -> None:
        """Another node passed on what a client of it sent in a watched room. No store has it."""

    def on_ring(self, room: bytes) -> None:
        """A watched room changed in another way: its roster, its lobby, its generation or its end.
        `head` tells which."""

    def on_away(self, room: bytes) -> None:
        """For some seconds the store could promise nothing of a watched room, and nothing was told
        or answered. Its clients are better off elsewhere, or later."""


PublishDone = Callable[[Publication, "Taken | Exception"], None]
"""Called with the publication and its place, or with the exception that `Store.publish` raises."""


class Store(Protocol):
    """Each method that names a room may raise `Refusal`. The docstrings name the codes of each.
    All but `open`, `head`, `at_door`, `reseat`, `watch` and `unwatch` raise `unknown_room` or
    `ended` for a room that is not there."""

    async def open(
        self,
        room: bytes,
        entry: Signed,
        head: bytes,
        generation: bytes,
        holding: Holding | None = None,
    ) -> None:
        """Begin a room at entry 0, for this holding. Opening it again with the same entry does
        nothing. Raises `Refusal` (`room_exists`, `ended`, `busy`, `too_many_rooms` when the holding
        has no more)."""

    async def head(self, room: bytes) -> RoomHead | None:
        """Return where the room stands, or None when there is no such room."""

    async def chain(self, room: bytes, start: int, most: int = ALL) -> tuple[Signed, ...]:
        """Return the roster entries from counter `start` on, at most so many."""

    async def publish(self, publication: Publication) -> Taken:
        """Take one blob, all of it or nothing, in this order:

        1. return the position of an id that this sender published before, and change nothing;
        2. raise `RosterMoved` when the roster has another head;
        3. refuse an application blob without a recent beat (`read_only`);
        4. raise `Stale` when the base is another;
        5. refuse a blob for which there is no space (`busy`);
        6. refuse an admitted key that does not wait at its door (`unknown_knock`), and more
           admissions than the door has uses left (`door_used`);
        7. change the log, the chain, doors, lobby, Welcomes, the id's record, the time of a beat.
        """

    def publish_soon(self, publication: Publication, done: PublishDone) -> None:
        """Take a blob without a roster entry, as `publish` does, and call `done` exactly once with
        the outcome, perhaps before this returns. Publications are taken in the order of the calls.
        A store on another machine sends those of one turn of the event loop in one batch."""

    async def published(self, room: bytes, sender: bytes, id: bytes) -> Position | None:
        """Return the position that this id was given, if the store still remembers it."""

    async def read(self, room: bytes, after: Position, most: int) -> Page:
        """Return the unexpired blobs after a position, in order. A position of another generation,
        or a number that does not exist yet, reads from the first blob. A page has at most `most`
        bytes, measured by `on_the_wire`, and at most `PAGE_BLOBS` blobs; one blob always fits. A
        page costs the same in a log of any length, anywhere in it, and however much has just
        expired. So an incomplete page may be empty. The next page begins at its `up_to`."""

    async def put_door(
        self, room: bytes, door: StoredDoor, roster: bytes, payer: Pays = None
    ) -> None:
        """Make a door, or give an existing one a card of a higher number. Here `expires_at` is a
        duration: seconds from now. When the room has as many as it may, the oldest door of the
        facilitator that put most is closed for it (`door_expired`), if that one has more than the
        putting one. Raises `RosterMoved`, `Refusal` (`too_many_doors`, `bad_statement`, `busy`, or
        the code that closed the door)."""

    async def revoke_door(self, room: bytes, door: bytes, roster: bytes) -> None:
        """Close a door for good. Raises `RosterMoved`, `Refusal` (`unknown_door`)."""

    async def door(self, room: bytes, door: bytes) -> StoredDoor | None:
        """Return a door, open or closed, or None when the store does not remember it."""

    async def knock(
        self, room: bytes, key: bytes, door: bytes, id: bytes, blob: bytes, payer: Pays = None
    ) -> None:
        """Put a knock into the lobby. The same knock again does nothing. Raises `Refusal`
        (`already_waiting`, `too_many_knocks`, `busy`, or the code that closed the door)."""

    async def waiting_among(self, room: bytes, keys: Iterable[bytes]) -> frozenset[bytes]:
        """Return those of these keys whose knock is open."""

    async def at_door(self, room: bytes, door: bytes, key: bytes) -> AtDoor:
        """Return what a newcomer at a door is judged by. `head` says whether the room ended."""

    async def withdraw(self, room: bytes, key: bytes) -> None:
        """Settle the open knock of this key. Raises `Refusal` (`unknown_knock`)."""

    async def add_item(
        self,
        room: bytes,
        kind: LobbyKind,
        key: bytes,
        id: bytes,
        blob: bytes,
        to: bytes = b"",
        payer: Pays = None,
    ) -> None:
        """Add a request, a leave, an ask, or for the relay key `to` a vault or an answer. The same
        id, or a second leave, does nothing. An ask replaces that of the same key, and an answer as
        a vault does. Beyond `REQUESTS` of one key, a request replaces the oldest. A vault
        replaces that of the same key for the same `to`, and beyond `VAULTS` of one key the oldest.
        Raises `Refusal` (`busy`)."""

    async def add_talk(
        self, room: bytes, newcomer: bytes, key: bytes, id: bytes, blob: bytes, payer: Pays = None
    ) -> None:
        """Add a text of the talk with a newcomer whose knock waits: theirs, when `key` is their
        own, and otherwise a facilitator's for them. It renews the knock, and goes with it. The same
        id does nothing. A text of the newcomer is a `REQUEST`, and one for them a `VAULT`. Raises
        `Refusal` (`unknown_knock`, `talk_full` beyond `limits.DOOR_TALK` each way, `busy`)."""

    async def talk_to(self, room: bytes, newcomer: bytes) -> LobbyPage:
        """Return what was said to a newcomer whose knock waits, in order."""

    async def settle(
        self, room: bytes, id: bytes, reason: bytes | None = None, by: bytes = b""
    ) -> None:
        """Settle a knock, a request or a vault. With a `reason` the item must be a knock, and the
        reason is kept for the newcomer. Raises `Refusal` (`unknown_knock`), also for a leave, which
        only the roster settles, and for a vault that is for another key than `by`."""

    async def read_lobby(self, room: bytes, after: int, settled: bool) -> LobbyPage:
        """Return the first `LOBBY_PAGE` open items after a number, in order. With `settled`,
        include `GONE` items, which say that an item is settled. A reader that knows no item needs
        none of these."""

    async def take_refusal(self, room: bytes, key: bytes) -> tuple[bytes, bytes] | None:
        """Return the id and the sealed reason of a refused knock, once. An expired knock has an
        empty reason."""

    async def welcome(self, room: bytes, key: bytes) -> PendingWelcome | None:
        """Return the Welcome that waits for a key."""

    async def welcomed(self, room: bytes, key: bytes, position: Position) -> None:
        """Drop the Welcome of a key that resumed from a position at or after its commit."""

    async def park(self, room: bytes, key: bytes, parking: Parking, payer: Pays = None) -> None:
        """Keep what a member parks, for `limits.TICKET` seconds, in the place of what it parked
        before. It goes with the key: when an entry takes the key off the list, too. Raises
        `Refusal` (`busy`, `bad_statement` for a slot of another key)."""

    async def parked(self, room: bytes, slot: bytes, token_hash: bytes) -> Parked | None:
        """Return what is parked in a slot, or None. Another token than that of the slot counts:
        after `limits.TICKET_TRIES` of them it is dropped."""

    async def fetched(self, room: bytes, slot: bytes) -> None:
        """What is parked in this slot was handed out: it ends in `limits.TICKET_FETCHED` seconds,
        or sooner."""

    async def unpark(self, room: bytes, key: bytes) -> None:
        """Drop what this key parked, if there is anything."""

    async def end(self, room: bytes, statement: Signed, roster: bytes) -> None:
        """End the room: delete everything but the statement and the generation. Raises
        `RosterMoved`."""

    async def reseat(
        self, seated: SeatedRoom, expected: bytes | None, over: Signed | None = None
    ) -> None:
        """Replace the room whose roster head is `expected`, or add one where there is none (None).
        One that ended stays so, unless `over` is the statement that ended it. Waiting newcomers are
        forgotten. The new log is unsettled, without votes. One that is replaced stays
        charged as it was. Raises `RosterMoved`, `Refusal`
        (`ended`, `busy`, `bad_statement` when one door comes with two keys), and then changes
        nothing."""

    async def unsettled(self, room: bytes) -> Unsettled | None:
        """Return the votes of a log that was brought back, or None when it is settled."""

    async def vote(self, room: bytes, generation: bytes, key: bytes, vote: Vote) -> None:
        """Note the head that a key names. Only its first one counts, but a void vote takes the
        place of any. Does nothing in a settled log, or in another generation."""

    async def settle_log(self, room: bytes, generation: bytes) -> None:
        """The log of this generation is settled, for good: its votes are forgotten. Does nothing in
        another generation."""

    def listen(self, listener: Listener) -> None:
        """Set the listener: the one node that this store serves."""

    def watch(self, room: bytes) -> None:
        """Tell the listener of each change that any later call of this node makes or sees, in the
        order of the changes. The room need not exist. A change that this node makes itself is told
        before its call is answered."""

    def unwatch(self, room: bytes) -> None:
        """Stop telling the listener of this room."""

    def connected(self, room: bytes, key: bytes, on_replaced: Callable[[], None]) -> None:
        """A key has a new connection at this node, which watches the room. The other nodes that
        hold the room are told. `on_replaced` is called, perhaps during a later call, when the key
        has a newer connection at another node: at most once, and not after `disconnected`."""

    def disconnected(self, room: bytes, key: bytes) -> None:
        """The connection of a key at this node, the newest here, is closed."""

    @property
    def shared(self) -> bool:
        """Whether other nodes may hold connections of the same rooms."""

    def pass_on(self, room: bytes, sender: bytes, message: bytes) -> None:
        """Have the other nodes that watch the room told of this, once and at once, or never: it is
        kept nowhere. `sender` is the relay key of its client."""

    async def expire(self, most: int) -> bool:
        """Drop what is past its end, in at most `most` rooms and with a bounded number of blobs.
        Return whether there is more, which the next call drops. The listener hears `on_ring` of
        each watched room whose expiry concerns a client: the room, a knock or a request ended. A
        store whose data ends by itself need only look at watched rooms."""

    async def ready(self) -> bool:
        """Return whether the store can take a publication now."""

    async def settled(self) -> None:
        """Return when all that was asked before is answered, or cannot be answered any more."""

    async def close(self) -> None:
        """Release what the store holds open."""
