"""A stateful test of any `Store` against the simplest model of a room's log, doors and lobby."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import COMMITS, BlobClass, LobbyKind
from alcove_protocol.position import Position
from alcove_server.store.interface import Publication, RosterMoved, RosterStep, StoredDoor
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.server.store.bench import GENERATION, OPENING, ROOM, Bench, but, step

SENDERS = st.sampled_from([b"A" * 32, b"B" * 32])
NEWCOMERS = st.sampled_from([b"1" * 32, b"2" * 32, b"3" * 32])
DOORS = st.sampled_from([b"door-one", b"door-two"])


@dataclass(frozen=True)
class Taken:
    publication: Publication
    number: int
    end: float


@dataclass(frozen=True)
class Knocked:
    id: bytes
    door: bytes
    end: float


class StoreMachine(RuleBasedStateMachine):
    """A subclass overrides `make_bench`. The model keeps everything and asks the clock."""

    def make_bench(self) -> Bench:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.bench = self.make_bench()
        self.bench.open()
        self.bench.store.watch(ROOM)
        self.log: list[Taken] = []
        self.base = 0
        self.roster = b"h" * 32
        self.counter = 0
        self.last_beat = self.bench.clock.now
        self.doors: dict[bytes, StoredDoor] = {}
        self.knocks: dict[bytes, Knocked] = {}
        self.ids: dict[tuple[bytes, bytes], tuple[int, float]] = {}

    def teardown(self) -> None:
        self.bench.close()

    @property
    def now(self) -> float:
        return self.bench.clock.now

    @property
    def gone(self) -> bool:
        return self.now >= self.last_beat + limits.ABANDONED_AFTER

    # --- what happens -----------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1.0, 30.0, 60.0, 95.0, 900.0]))
    def time_passes(self, seconds: float) -> None:
        if self.now + seconds < self.last_beat + limits.ABANDONED_AFTER:
            self.bench.clock.advance(seconds)

    @rule(most=st.integers(1, 3))
    def expire(self, most: int) -> None:
        self.bench.do(self.bench.store.expire(most))

    @rule(
        sender=SENDERS,
        blob_class=st.sampled_from(BlobClass),
        ttl=st.integers(limits.TTL_MIN, 200),
        stale=st.booleans(),
        soon=st.booleans(),
    )
    def publish(
        self, sender: bytes, blob_class: BlobClass, ttl: int, stale: bool, soon: bool
    ) -> None:
        base = self.base + 1 if stale else self.base
        publication = self.publication(sender, blob_class, ttl, base)
        refusal = self.expected_refusal(publication)
        if refusal is None:
            self.take(publication, soon)
        elif soon:
            self.bench.soon(publication)
            (outcome,) = self.bench.outcomes()
            assert isinstance(outcome, Refusal)
            assert outcome.code == refusal
        else:
            assert self.bench.refusal(self.bench.store.publish(publication)) == refusal

    def publication(
        self,
        sender: bytes,
        blob_class: BlobClass,
        ttl: int,
        base: int,
        taken: RosterStep | None = None,
    ) -> Publication:
        return self.bench.publication(
            os.urandom(8),
            blob_class,
            sender=sender,
            base=base,
            ttl=ttl,
            roster=self.roster,
            step=taken,
        )

    def expected_refusal(self, publication: Publication) -> str | None:
        application = publication.blob_class is BlobClass.APPLICATION
        if application and self.now >= self.last_beat + limits.READ_ONLY_AFTER:
            return "read_only"
        return "stale" if publication.base[8:] != self.base.to_bytes(8, "big") else None

    def take(self, publication: Publication, soon: bool = False) -> None:
        if soon:
            self.bench.soon(publication)
            (outcome,) = self.bench.outcomes()
            assert not isinstance(outcome, Exception)
            number = outcome.number
        else:
            number = self.bench.publish(publication)
        assert number == len(self.log) + 1
        lives = {
            BlobClass.COMMIT: limits.REJOIN_WINDOW,
            BlobClass.EXTERNAL: limits.REJOIN_WINDOW,
            BlobClass.APPLICATION: publication.ttl,
            BlobClass.BEAT: min(publication.ttl, limits.HEARTBEAT_TTL),
        }[publication.blob_class]
        self.log.append(Taken(publication, number, self.now + lives))
        end = self.now + lives + limits.PUBLISH_RECORD
        self.ids[publication.sender, publication.id] = (number, end)
        if publication.blob_class in COMMITS:
            self.base = number
        if publication.blob_class is BlobClass.BEAT:
            self.last_beat = self.now

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def publish_again(self, data: st.DataObject) -> None:
        taken = data.draw(st.sampled_from(self.log))
        key = (taken.publication.sender, taken.publication.id)
        if self.ids[key][1] > self.now:
            assert self.bench.publish(but(taken.publication, roster=b"x" * 32)) == taken.number

    @rule()
    def publish_by_an_old_roster(self) -> None:
        publication = self.publication(b"A" * 32, BlobClass.BEAT, 90, self.base)
        try:
            self.bench.publish(but(publication, roster=b"x" * 32))
        except RosterMoved:
            return
        raise AssertionError("the roster was not compared")

    @rule(door=DOORS, uses=st.integers(1, 2))
    def put_door(self, door: bytes, uses: int) -> None:
        made = StoredDoor(door, b"K" * 32, uses, 400.0, 1, b"card")
        known = self.doors.get(door)
        work = self.bench.store.put_door(ROOM, made, self.roster)
        if known is not None and self.closed(known) is not None:
            assert self.bench.refusal(work) == self.closed(known)
            return
        self.bench.do(work)
        if known is None:
            self.doors[door] = replace(made, expires_at=self.now + 400.0)

    def closed(self, door: StoredDoor) -> str | None:
        if door.closed is None and door.expires_at <= self.now:
            return "door_expired"
        return door.closed

    @rule(key=NEWCOMERS, door=DOORS)
    def knock(self, key: bytes, door: bytes) -> None:
        id = os.urandom(16)
        work = self.bench.store.knock(ROOM, key, door, id, b"knock")
        at = self.doors.get(door)
        if self.waiting(key) is not None:
            assert self.bench.refusal(work) == "already_waiting"
        elif at is None or self.closed(at) is not None:
            expected = "unknown_door" if at is None else self.closed(at)
            assert self.bench.refusal(work) == expected
        else:
            self.bench.do(work)
            self.knocks[key] = Knocked(id, door, self.now + limits.KNOCK_TTL)

    def waiting(self, key: bytes) -> Knocked | None:
        knock = self.knocks.get(key)
        return knock if knock is not None and knock.end > self.now else None

    @rule(key=NEWCOMERS, door=DOORS)
    def admit(self, key: bytes, door: bytes) -> None:
        head = os.urandom(32)
        taken = step(self.counter + 1, head, admitted={key: door}, welcomes={key: b"w"})
        commit = self.publication(b"A" * 32, BlobClass.COMMIT, 60, self.base, taken)
        knock, at = self.waiting(key), self.doors.get(door)
        if knock is None or knock.door != door:
            assert self.bench.refusal(self.bench.store.publish(commit)) == "unknown_knock"
            return
        assert at is not None
        if at.closed == "door_used":
            assert self.bench.refusal(self.bench.store.publish(commit)) == "door_used"
            return
        self.take(commit)
        self.roster, self.counter = head, self.counter + 1
        del self.knocks[key]
        if self.closed(at) is None:
            used = replace(at, uses_left=at.uses_left - 1)
            self.doors[door] = used if used.uses_left else replace(used, closed="door_used")

    @rule(key=NEWCOMERS)
    def withdraw(self, key: bytes) -> None:
        work = self.bench.store.withdraw(ROOM, key)
        if self.waiting(key) is None:
            assert self.bench.refusal(work) == "unknown_knock"
        else:
            self.bench.do(work)
            del self.knocks[key]

    # --- what holds -------------------------------------------------------------------------

    @invariant()
    def the_log_is_what_is_unexpired(self) -> None:
        for after in {0, len(self.log) // 2, len(self.log)}:
            page = self.bench.do(self.bench.store.read(ROOM, Position(GENERATION, after), 2**30))
            expected = [one for one in self.log if one.number > after]
            alive = [one for one in expected if one.end > self.now]
            assert [(b.number, b.blob) for b in page.blobs] == [
                (one.number, one.publication.blob) for one in alive
            ]
            assert page.lost == any(
                one.publication.blob_class is BlobClass.APPLICATION and one.end <= self.now
                for one in expected
            )
            assert (page.position.number, page.base.number) == (len(self.log), self.base)

    @invariant()
    def every_blob_without_an_entry_was_told_once_in_order(self) -> None:
        told = [(blob.number, blob.id) for blob in self.bench.listener.blobs]
        assert told == [
            (one.number, one.publication.id) for one in self.log if one.publication.step is None
        ]

    @invariant()
    def the_lobby_is_who_waits(self) -> None:
        items = self.bench.do(self.bench.store.read_lobby(ROOM, 0, False)).items
        waiting = {key: one.id for key, one in self.knocks.items() if one.end > self.now}
        assert {item.key: item.id for item in items} == waiting
        assert all(item.kind is LobbyKind.KNOCK for item in items)
        assert [item.number for item in items] == sorted(item.number for item in items)

    @invariant()
    def doors_have_the_uses_that_are_left(self) -> None:
        for id, door in self.doors.items():
            found = self.bench.found(id)
            assert found is not None
            assert (found.uses_left, found.closed) == (door.uses_left, self.closed(door))

    @invariant()
    def the_head_tells_the_same(self) -> None:
        head = self.bench.head()
        assert (head.number, head.base) == (len(self.log), self.base)
        assert (head.roster, head.counter) == (self.roster, self.counter)

    @invariant()
    def another_opening_never_fits(self) -> None:
        other = replace(OPENING, body=b"x")
        work = self.bench.store.open(ROOM, other, b"h" * 32, GENERATION)
        assert self.bench.refusal(work) == "room_exists"
