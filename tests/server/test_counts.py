"""What a room counts for its keys outlasts its last client at a node."""

import os
import tracemalloc

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, ConnectionRole, Publish, Published, RequestRefused
from alcove_protocol.roster import Change, Op, Role, Seat, list_digest
from alcove_server.ports.turn import AT_ONCE
from alcove_server.rooms import counts as kept
from alcove_server.rooms.commit_turns import COMMIT_BURST
from alcove_server.rooms.counts import KEPT, KEPT_SECONDS, ROOM_KEYS, Counts, KeptCounts
from alcove_server.settings import Settings
from alcove_server.testing.embedded import ManualClock

from tests.server.keys import Door
from tests.server.scene import Person, Scene
from tests.server.test_standby import enters, with_link


def alone(scene: Scene, *others: Person) -> None:
    """The others of the room are at another node."""
    for one in (scene.host, *others):
        one.link.close()


def code(by: Person, frame: Publish) -> str | None:
    """Of the refusal. None when it was taken."""
    by.send(frame)
    (answer,) = [one for one in by.fetch() if isinstance(one, Published | RequestRefused)]
    if isinstance(answer, RequestRefused):
        return answer.code
    if frame.blob_class == BlobClass.COMMIT:
        by.scene.base = answer.position
    return None


def test_who_comes_back_alone_has_no_new_turn_of_slow_mode(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    roster = scene.room.roster
    digest = list_digest(scene.room.id, roster.seats, roster.flags, 20)
    scene.land(scene.commit(altered={"slow": 20, "digest": digest}))
    ann.fetch()
    alone(scene)
    assert code(ann, ann.blob(b"one")) is None
    scene.clock.advance(limits.TURN + 1)
    assert code(ann, ann.blob(b"two")) == "slow"
    for _ in range(3):
        ann.come_back()
        assert code(ann, ann.blob(b"two")) == "slow"
    scene.clock.advance(20)
    assert code(ann, ann.blob(b"three")) is None


def test_a_refused_message_takes_more_of_a_turn_because_the_store_is_asked(
    scene: Scene, door: Door
) -> None:
    ann, turn = scene.member(door), scene.relay.relay.services.turn

    def steps(by: Person, frame: Publish, expected: str | None) -> float:
        turn.left = AT_ONCE
        assert code(by, frame) == expected
        return AT_ONCE - turn.left

    taken = steps(ann, ann.blob(b"one"), None)
    scene.land(scene.commit(Change(Op.CHANGE, ann.public, Seat(paused=True))))
    ann.fetch()
    assert steps(ann, ann.blob(b"two"), "paused") >= taken + 5


def test_who_comes_back_alone_has_no_new_commits() -> None:
    scene = Scene(Settings(rates=1))
    scene.open()
    ben = scene.member(scene.put_door(Door()))
    scene.land(scene.commit(Change(Op.CHANGE, ben.public, Seat(role=Role.FACILITATOR))))
    ben.fetch()
    alone(scene)

    def commit() -> str | None:
        return code(ben, ben.blob(os.urandom(40), BlobClass.COMMIT))

    assert {commit() for _ in range(int(COMMIT_BURST))} == {None}
    for _ in range(3):
        ben.come_back()
        assert commit() == "rate_limited"
    scene.clock.advance(2)
    assert commit() is None


def test_a_link_that_comes_back_alone_tries_again_once_a_minute(scene: Scene) -> None:
    link = with_link(scene)
    alone(scene)
    link.authenticate(ConnectionRole.STANDBY)
    first, second = Person(scene), Person(scene)
    scene.land(enters(scene, link, first), link)
    link.connect().authenticate(ConnectionRole.STANDBY)
    assert link.refused(enters(scene, link, second, first)) == "rate_limited"
    scene.pass_time(limits.ENTERS_EVERY)
    scene.land(enters(scene, link, second, first), link)


def test_it_is_kept_for_as_long_as_it_counts() -> None:
    clock = ManualClock()
    counts, room = KeptCounts(1, clock), bytes(32)
    assert counts.take(room) is not counts.take(room)
    counts.keep(room, Counts(1, clock))  # in which nothing is counted
    one = Counts(1, clock)
    one.entered_at = 1.0
    counts.keep(room, one)
    clock.advance(KEPT_SECONDS - 1)
    counts.expire()
    assert counts.take(room) is one
    counts.keep(room, one)
    clock.advance(KEPT_SECONDS)
    counts.expire()
    assert counts.take(room) is not one


@pytest.mark.interpreted  # in compiled code the bound is a number
def test_beyond_the_bound_the_rooms_are_forgotten_that_went_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept, "KEPT", 2 * (1 + kept.ROOM_KEYS))
    clock = ManualClock()
    counts, made = KeptCounts(1, clock), []
    for number in range(3):
        one = Counts(1, clock)
        one.returned_at[b"key"] = 1.0
        made.append(one)
        counts.keep(bytes([number]) * 32, one)
    assert [counts.take(bytes([n]) * 32) is made[n] for n in range(3)] == [False, True, True]


def test_the_bound_holds_also_for_rooms_with_one_key() -> None:
    clock = ManualClock()
    counts = KeptCounts(1, clock)
    tracemalloc.start()
    for number in range(2 * KEPT // ROOM_KEYS):
        one = Counts(1, clock)
        one.slow_turns._began[number.to_bytes(32)] = clock()
        counts.keep(number.to_bytes(32), one)
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert used < 20_000_000
