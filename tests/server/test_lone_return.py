"""A facilitator that lost its group, at the relay: what it may ask and commit, and when."""

import os
from dataclasses import replace

import pytest
from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import (
    AnswerAsker,
    Answered,
    Asked,
    AskMembers,
    BlobClass,
    BlobIs,
    Done,
    LobbyKind,
    Publish,
)
from alcove_protocol.labels import Label
from alcove_protocol.roster import Change, Op, Role, RoomFlag, Seat
from alcove_protocol.statements import AskStatement
from alcove_server.store.budget import Pays
from alcove_server.store.memory.store import MemoryStore
from alcove_server.testing.embedded import ManualClock
from nacl.signing import SigningKey

from tests.server.keys import Door, sign
from tests.server.scene import Person, Scene

MLS = SigningKey(b"m" * 32)
QUIET = limits.READ_ONLY_AFTER + 1.0


def asks(by: Person, *, epoch: int | None = 3) -> AskMembers:
    id = os.urandom(16)
    key = bytes(MLS.verify_key)
    said = AskStatement(by.scene.room.id, id, key, by.public, b"r" * 32, 1, epoch)
    signed = sign(MLS, Label.STANDBY, said)
    return AskMembers(by.next_n(), id, signed.body, signed.signature)


def returns(scene: Scene, by: Person, *changes: Change, **given: object) -> Publish:
    """The external commit of a facilitator, with its entry."""
    made = changes or (Change(Op.REJOIN, by.public),)
    frame = scene.commit(*made, signer=by.key, **given)  # type: ignore[arg-type]
    return replace(frame, n=by.next_n(), blob_class=int(BlobClass.EXTERNAL))


def back(scene: Scene) -> Person:
    """The host, connected anew, without a group."""
    scene.host.link.close()
    scene.host.connect()
    scene.host.authenticate()
    return scene.host


def second(scene: Scene, door: Door) -> Person:
    """Another facilitator, live."""
    ben = scene.member(door)
    scene.land(scene.commit(Change(Op.CHANGE, ben.public, Seat(role=Role.FACILITATOR))))
    ben.fetch()
    return ben


def test_it_asks_the_members_and_one_answers(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    host = back(scene)
    ask = asks(host)
    host.ask(ask, Done)
    asked = ann.one(Asked)
    assert (asked.id, asked.key) == (ask.id, host.public)
    ann.ask(AnswerAsker(ann.next_n(), ask.id, b"an answer"), Done)
    assert host.one(Answered).blob == b"an answer"


def test_a_participant_asks_nobody_and_an_ask_names_the_epoch(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    assert ann.refused(asks(ann)) == "not_allowed"
    assert back(scene).refused(asks(scene.host, epoch=None)) == "bad_statement"


def test_its_external_commit_comes_ten_seconds_after_its_ask(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    host = back(scene)
    assert host.refused(returns(scene, host)) == "rate_limited"
    host.ask(asks(host), Done)
    scene.clock.advance(limits.ALONE - 1)
    host.ask(asks(host), Done)  # again, which begins nothing anew
    assert host.refused(returns(scene, host)) == "rate_limited"
    scene.clock.advance(1)
    ann.fetch()
    scene.land(returns(scene, host))
    assert ann.one(BlobIs).blob_class == BlobClass.EXTERNAL
    scene.clock.advance(limits.ENTERS_EVERY - 1)
    host.ask(asks(host), Done)
    assert host.refused(returns(scene, host)) == "rate_limited"  # once a minute
    scene.clock.advance(1)
    scene.land(returns(scene, host))


class Full(MemoryStore):
    """A store that has no space for items, while it is `full`."""

    full = False

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
        if self.full:
            raise Refusal("busy")
        await super().add_item(room, kind, key, id, blob, to, payer)


@pytest.mark.interpreted  # its store inherits from the store in memory
def test_an_ask_that_was_not_taken_begins_nothing() -> None:
    store = Full(ManualClock())
    scene = Scene(store=store)
    scene.open()
    host = back(scene)
    store.full = True
    assert host.refused(asks(host)) == "busy"
    scene.clock.advance(limits.ALONE)
    store.full = False
    assert host.refused(returns(scene, host)) == "rate_limited"


def test_an_ask_of_long_ago_is_none(scene: Scene) -> None:
    host = back(scene)
    host.ask(asks(host), Done)
    scene.pass_time(3 * limits.ASK_TTL)
    assert host.refused(returns(scene, host)) == "rate_limited"


def test_while_another_facilitator_is_connected_it_does_neither(scene: Scene, door: Door) -> None:
    ben = second(scene, door)
    host = back(scene)
    assert host.refused(asks(host)) == "facilitated"
    assert host.refused(returns(scene, host)) == "facilitated"
    scene.pass_time(QUIET)
    assert host.refused(asks(host)) == "facilitated"
    ben.link.close()
    host.ask(asks(host), Done)
    scene.clock.advance(limits.ALONE)
    scene.land(returns(scene, host))


def test_while_the_beat_of_another_is_young_it_does_neither(scene: Scene, door: Door) -> None:
    """It may be connected to another node."""
    ben = second(scene, door)
    ben.beat()
    ben.link.close()
    host = back(scene)
    assert host.refused(asks(host)) == "facilitated"
    scene.pass_time(QUIET)
    host.ask(asks(host), Done)
    ben.connect()
    ben.authenticate()
    ben.resume()
    scene.clock.advance(limits.ALONE)
    assert host.refused(returns(scene, host)) == "facilitated"  # it came meanwhile


def test_its_entry_lets_it_rejoin_and_does_nothing_else(scene: Scene, door: Door) -> None:
    ann, host = scene.member(door), back(scene)
    host.ask(asks(host), Done)
    scene.clock.advance(limits.ALONE)
    own = Change(Op.REJOIN, host.public)
    for frame in (
        returns(scene, host, Change(Op.REJOIN, ann.public)),
        returns(scene, host, own, Change(Op.REMOVE, ann.public)),
        returns(scene, host, Change(Op.REMOVE, ann.public)),
        returns(scene, host, own, flags=RoomFlag.LOCKED),
        returns(scene, host, own, altered={"lobby": b"l" * 32}),
        returns(scene, host, own, altered={"slow": 30}),
    ):
        assert host.refused(frame) == "bad_roster"
    assert ann.refused(replace(returns(scene, host), n=ann.next_n())) == "not_allowed"
    scene.land(returns(scene, host))
