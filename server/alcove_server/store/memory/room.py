"""One room in memory: its parts, and the steps that touch several of them."""

from math import inf
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobClass
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove_server.store.budget import (
    CHAIN_FACTOR,
    ITEM_OVERHEAD,
    RECORD_OVERHEAD,
    ROOM_OVERHEAD,
    Budget,
)
from alcove_server.store.interface import (
    Page,
    PendingWelcome,
    Publication,
    RoomHead,
    RosterMoved,
    RosterStep,
    SeatedRoom,
    Stale,
    StoredBlob,
    Unsettled,
    Vote,
    is_too_large,
    lifetime,
)
from alcove_server.store.memory.doors import MemoryDoors
from alcove_server.store.memory.lobby import MemoryLobby
from alcove_server.store.memory.log import Log, PublishRecords, size_of
from alcove_server.store.memory.tickets import MemoryTickets

_APPLICATION: Final = BlobClass.APPLICATION


class Welcomes:
    """Sealed Welcomes by relay key, kept until the member resumes or the rejoin window ends."""

    def __init__(self, budget: Budget) -> None:
        self.due = inf
        self._budget = budget
        self._waiting: dict[bytes, tuple[PendingWelcome, float]] = {}

    def find(self, now: float, key: bytes) -> PendingWelcome | None:
        found = self._waiting.get(key)
        return found[0] if found is not None and found[1] > now else None

    def put(self, now: float, key: bytes, welcome: PendingWelcome) -> None:
        self.drop(key)
        self._budget.take(_welcome_size(welcome.welcome))
        self._waiting[key] = (welcome, now + limits.REJOIN_WINDOW)
        self.due = min(self.due, now + limits.REJOIN_WINDOW)

    def resumed(self, now: float, key: bytes, position: Position) -> None:
        """As `Store.welcomed`."""
        pending = self.find(now, key)
        if pending is None or pending.position.generation != position.generation:
            return
        if pending.position.number <= position.number:
            self.drop(key)

    def drop(self, key: bytes) -> None:
        found = self._waiting.pop(key, None)
        if found is not None:
            self._budget.give(_welcome_size(found[0].welcome))

    def expire(self, now: float) -> None:
        for key in [key for key, (_, end) in self._waiting.items() if end <= now]:
            self.drop(key)
        self.due = min((end for _, end in self._waiting.values()), default=inf)


def _welcome_size(welcome: bytes) -> int:
    return len(welcome) + ITEM_OVERHEAD


def _chain_size(entry: Signed) -> int:
    return CHAIN_FACTOR * len(entry.body)


class MemoryRoom:
    """Everything that is kept of one room. `budget` is the room's own."""

    def __init__(self, seated: SeatedRoom, now: float, budget: Budget) -> None:
        """Raises `Refusal` (`busy`). Then the caller must give back the whole budget."""
        self.budget = budget
        budget.take(ROOM_OVERHEAD + sum(_chain_size(entry) for entry in seated.chain))
        self.chain = list(seated.chain)
        self.roster = seated.head
        self.log = Log(seated.generation, budget)
        self.records = PublishRecords(budget)
        self.doors = MemoryDoors(budget)
        self.lobby = MemoryLobby(budget)
        self.welcomes = Welcomes(budget)
        self.tickets = MemoryTickets(budget)
        self.last_beat = now
        self.votes: dict[bytes, Vote] | None = None if seated.opened else {}
        """By relay key, in a log that was brought back. None: it is settled."""
        self._began = now
        self.lobby_rung = 0
        """The last number of the lobby for which the listener was rung."""
        self._chain_bytes = sum(len(entry.encode()) + 4 for entry in seated.chain)
        for door in seated.doors:
            self.doors.put(now, door)
        for one in seated.commits:
            self.log.append(now, b"", bytes(16), BlobClass.COMMIT, 0, one.blob, one.entry)
            budget.give(RECORD_OVERHEAD)  # it was not published, so no id is remembered
        self.due = now
        """A time at or before the next end of anything in this room."""
        self.look()

    def look(self) -> None:
        """Update `due`, after a change that may end earlier than everything before it."""
        self.due = min(
            self.log.due,
            self.records.due,
            self.doors.due,
            self.lobby.due,
            self.welcomes.due,
            self.tickets.due,
            self.abandoned_at,
        )

    @property
    def abandoned_at(self) -> float:
        return self.last_beat + limits.ABANDONED_AFTER

    def head(self) -> RoomHead:
        return RoomHead(
            self.log.generation,
            self.log.number,
            self.log.base,
            len(self.chain) - 1,
            self.roster,
            self.lobby.number,
        )

    def unsettled(self, now: float) -> Unsettled | None:
        """As `Store.unsettled`."""
        if self.votes is None:
            return None
        return Unsettled(self.log.generation, now - self._began, dict(self.votes))

    def vote(self, generation: bytes, key: bytes, vote: Vote) -> None:
        """As `Store.vote`."""
        if self.votes is not None and self.log.generation == generation:
            if vote.void:
                self.votes[key] = vote
            self.votes.setdefault(key, vote)

    def settle_log(self, generation: bytes) -> None:
        """As `Store.settle_log`."""
        if self.log.generation == generation:
            self.votes = None

    def knock(self, now: float, key: bytes, door: bytes, id: bytes, blob: bytes) -> None:
        """As `Store.knock`."""
        if self.lobby.knock_of(key) is None:
            at = self.doors.find(now, door)
            if at is None:
                raise Refusal("unknown_door")
            if at.closed is not None:
                raise Refusal(at.closed)
        self.lobby.knock(now, key, door, id, blob)

    def expire(self, now: float) -> bool:
        """Drop what is past its end, except blobs. Return whether a client has to be told. In a
        busy room blobs end all the time, so each part is examined only when it is due."""
        for part in (self.records, self.doors, self.welcomes, self.tickets):
            if part.due <= now:
                part.expire(now)
        told = self.lobby.due <= now and self.lobby.expire(now)
        self.look()
        return told

    def expect_roster(self, head: bytes) -> None:
        """Raise `RosterMoved` when the roster has another head."""
        if head != self.roster:
            raise RosterMoved

    def _is_read_only(self, now: float) -> bool:
        return now >= self.last_beat + limits.READ_ONLY_AFTER

    def read(self, now: float, after: Position, most: int) -> Page:
        """As `Store.read`."""
        return self.log.read(now, after, most, self._is_read_only(now))

    def publish(self, now: float, publication: Publication, rooms: int) -> StoredBlob:
        """As `Store.publish`, for an id that was not taken before, when there are places for so
        many rooms more."""
        log = self.log
        self.expect_roster(publication.roster)
        if publication.blob_class is _APPLICATION and self._is_read_only(now):
            raise Refusal("read_only")
        if publication.base != log.encoded_base:
            raise Stale(log.position(log.base))
        if publication.blob_class is BlobClass.BEAT and publication.payer is not None:
            # First, because the room may be too large for the part of the network of another.
            self.budget.count_for(publication.payer.holding, rooms)
        self._check(now, publication)
        return self._take(now, publication)

    def _check(self, now: float, publication: Publication) -> None:
        """Check everything that can fail, before anything changes."""
        if is_too_large(publication.blob_class, publication.blob):
            raise Refusal("too_large")
        step = publication.step
        if step is None:
            return
        welcomes = sum(_welcome_size(welcome) for welcome in step.welcomes.values())
        self.budget.check(size_of(publication) + welcomes + _chain_size(step.entry))
        if self._chain_bytes + len(step.entry.encode()) + 4 > limits.ROSTER_CHAIN:
            raise Refusal("history_full")
        for key, door in step.admitted.items():
            knock = self.lobby.knock_of(key)
            if knock is None or knock.door != door:
                raise Refusal("unknown_knock")
        self.doors.check_uses(now, step.spent)

    def _take(self, now: float, publication: Publication) -> StoredBlob:
        step = publication.step
        stored = self.log.append(
            now,
            publication.sender,
            publication.id,
            publication.blob_class,
            publication.ttl,
            publication.blob,
            step.entry if step is not None else None,
        )
        kept = lifetime(stored.blob_class, publication.ttl) + limits.PUBLISH_RECORD
        self.records.add(stored.sender, stored.id, stored.number, now + kept)
        if stored.expires_at < self.due:
            self.due = stored.expires_at
        if stored.blob_class is BlobClass.BEAT:
            self.last_beat = now
        if step is not None:
            self._step(now, step, self.log.position(stored.number))
            self.look()
        return stored

    def _step(self, now: float, step: RosterStep, position: Position) -> None:
        self.budget.take(_chain_size(step.entry))
        self.chain.append(step.entry)
        self._chain_bytes += len(step.entry.encode()) + 4
        self.roster = step.head
        for door in step.spent:
            self.doors.use(now, door)
        self.revoke(now, step.revoked)
        self.lobby.settle_all(now, step.settled)
        for key in step.gone:
            self.records.drop(key)
            self.welcomes.drop(key)
            self.tickets.drop(key)
        for key, welcome in step.welcomes.items():
            self.welcomes.put(now, key, PendingWelcome(position, welcome, step.entry))

    def published(self, now: float, sender: bytes, id: bytes) -> Position | None:
        """As `Store.published`."""
        number = self.records.find(now, sender, id)
        return self.log.position(number) if number is not None else None

    def revoke_one(self, now: float, door: bytes) -> None:
        """Raises `Refusal` (`unknown_door`)."""
        if self.doors.find(now, door) is None:
            raise Refusal("unknown_door")
        self.revoke(now, frozenset({door}))

    def revoke(self, now: float, doors: frozenset[bytes]) -> None:
        """Close those of these doors that are remembered."""
        for door in doors:
            known = self.doors.find(now, door)
            if known is not None and known.closed != "door_revoked":
                self.doors.close(now, door, "door_revoked")
        self.lobby.mark_revoked(doors)
