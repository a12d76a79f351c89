"""Of several facilitators none can commit so often that no other ever wins a race."""

from __future__ import annotations

import os

from alcove_protocol.frames import BlobClass, Publish, Published, RequestRefused
from alcove_protocol.roster import Change, Op, Role, Seat
from alcove_server.rooms.commit_turns import COMMIT_BURST, CommitTurns
from alcove_server.settings import Settings

from tests.server.keys import Door
from tests.server.scene import Person, Scene

MANY = 200


def two(scene: Scene) -> Person:
    """Ben, who facilitates beside the host."""
    scene.open()
    ben = scene.member(scene.put_door(Door()))
    scene.land(scene.commit(Change(Op.CHANGE, ben.public, Seat(role=Role.FACILITATOR))))
    ben.fetch()
    return ben


def commit(scene: Scene, by: Person, base: bytes | None = None) -> Publish:
    return by.blob(os.urandom(40), BlobClass.COMMIT, base=base)


def tried(scene: Scene, by: Person, frame: Publish) -> str | None:
    """The code that refused it. None when it was taken, and the scene goes on from it."""
    by.send(frame)
    (answer,) = (one for one in by.fetch() if isinstance(one, Published | RequestRefused))
    if isinstance(answer, RequestRefused):
        return answer.code
    scene.base = answer.position
    return None


def test_a_facilitator_who_commits_without_end_does_not_win_every_race() -> None:
    """Ben commits ten times a second, each time before the host's commit has come."""
    scene = Scene(Settings(rates=1))
    ben = two(scene)
    for _ in range(MANY):
        late = commit(scene, scene.host)
        tried(scene, ben, commit(scene, ben))
        scene.clock.advance(0.1)
        scene.relay.tick()
        if tried(scene, scene.host, late) is None:
            return
    raise AssertionError("the host never won")


def test_a_facilitators_commits_are_counted_together_on_all_their_connections() -> None:
    scene = Scene(Settings(rates=1))
    ben = two(scene)
    codes = [tried(scene, ben, commit(scene, ben)) for _ in range(int(COMMIT_BURST))]
    assert set(codes) == {None}
    ben.come_back()
    assert tried(scene, ben, commit(scene, ben)) == "rate_limited"
    assert tried(scene, scene.host, commit(scene, scene.host)) is None
    scene.clock.advance(2)
    assert tried(scene, ben, commit(scene, ben)) is None
    assert tried(scene, ben, commit(scene, ben)) == "rate_limited"


def test_a_commit_with_an_entry_counts_like_another() -> None:
    scene = Scene(Settings(rates=1))
    two(scene)
    for _ in range(int(COMMIT_BURST) - 1):  # the appointment was a lone facilitator's
        assert tried(scene, scene.host, commit(scene, scene.host)) is None
    scene.land(scene.commit())
    assert scene.host.refused(scene.commit()) == "rate_limited"


def test_a_repeated_commit_is_answered_though_no_turn_is_left() -> None:
    scene = Scene(Settings(rates=1))
    ben = two(scene)
    first = commit(scene, ben)
    at = ben.ask(first, Published).position
    scene.base = at
    while tried(scene, ben, commit(scene, ben)) is None:
        pass
    assert ben.ask(first, Published).position == at


def test_a_lone_facilitator_commits_without_such_a_bound() -> None:
    scene = Scene(Settings(rates=1))
    scene.open()
    codes = [tried(scene, scene.host, commit(scene, scene.host)) for _ in range(40)]
    assert set(codes) == {None}


def test_a_facilitator_of_two_has_half_a_commit_a_second() -> None:
    scene = Scene(Settings(rates=1))
    ben = two(scene)
    roster, passed = scene.room.roster, [0.0]
    turns = CommitTurns(1, lambda: passed[0])
    while turns.take(roster, ben.public):
        pass
    passed[0] = 1.9
    assert not turns.take(roster, ben.public)
    passed[0] = 2.0
    assert turns.take(roster, ben.public)
