"""Publishing: every refusal, under exactly the condition that brings it."""

import os

import pytest
from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.errors import REFUSALS
from alcove_protocol.frames import (
    BlobClass,
    Bye,
    Challenge,
    Done,
    LobbyRequest,
    Published,
    Request,
    RequestRefused,
    WelcomeIs,
    from_relay,
)
from alcove_protocol.roster import Change, Op, Role, RoomFlag, Seat, list_digest
from alcove_server.ports.outlet import Close
from alcove_server.settings import Settings

from tests.server.keys import Door, public
from tests.server.scene import Person, Scene


def test_another_base_is_stale_and_the_answer_tells_the_current_one(
    scene: Scene, door: Door
) -> None:
    before = scene.base
    ann = scene.member(door)
    refused = ann.ask(ann.blob(base=before), RequestRefused)
    assert (refused.code, refused.base) == ("stale", scene.base)
    lost = scene.commit(base=before)
    refused = scene.host.ask(lost, RequestRefused)
    assert (refused.code, refused.base) == ("stale", scene.base)


def test_of_two_commits_on_one_base_one_wins(scene: Scene, door: Door) -> None:
    ann, ben = scene.newcomer(door), scene.newcomer(door)
    ann.knock()
    ben.knock()
    first, second = scene.admission(ann), scene.admission(ben)
    scene.land(first)
    assert scene.host.refused(second) == "stale"
    ann.one(WelcomeIs)
    assert ben.fetch() == []
    scene.admit(ben)
    ben.one(WelcomeIs)


def test_participants_neither_commit_nor_beat(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    for blob_class in (BlobClass.COMMIT, BlobClass.BEAT):
        assert ann.refused(ann.blob(blob_class=blob_class)) == "not_allowed"
    assert ann.refused(scene.commit()) == "not_allowed"


def test_a_paused_member_listens(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    said = ann.blob(b"before the pause")
    position = ann.ask(said, Published).position
    scene.pause(ann)
    assert ann.refused(ann.blob()) == "paused"
    ann.ask(LobbyRequest(ann.next_n(), os.urandom(16), b"an update"), Done)
    scene.host.say(b"still heard")
    assert ann.blobs()[-1] == b"still heard"
    # What was taken before stays taken: a retry is answered even when its sender lost the right.
    assert ann.ask(said, Published).position == position


def test_listen_only_leaves_the_word_to_facilitators(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    scene.land(scene.commit(flags=RoomFlag.LISTEN_ONLY))
    assert ann.refused(ann.blob()) == "not_allowed"
    scene.host.say()


def test_in_slow_mode_a_turn_is_followed_by_a_pause(scene: Scene, door: Door) -> None:
    """Also at a relay whose store is another one: the turns are the relay's."""
    ann = scene.member(door)
    roster = scene.room.roster
    digest = list_digest(roster.room, roster.seats, roster.flags, 30)
    scene.land(scene.commit(altered={"slow": 30, "digest": digest}))
    said = ann.blob(b"one")
    position = ann.ask(said, Published).position
    scene.pass_time(limits.TURN - 1, beats=True)
    ann.ask(ann.blob(b"two"), Published)
    scene.pass_time(2, beats=True)
    late = ann.blob(b"three")
    refusal = ann.ask(late, RequestRefused)
    assert (refusal.code, refusal.wait) == ("slow", 29)
    # What was taken before stays taken, and its answer is the same.
    assert ann.ask(said, Published).position == position
    scene.host.say(b"facilitators take no turns")
    scene.pass_time(30, beats=True)
    ann.ask(late, Published)


def test_without_a_beat_the_room_is_read_only_and_then_gone(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    scene.pass_time(limits.READ_ONLY_AFTER - 1)
    ann.say()
    scene.pass_time(1)
    assert ann.refused(ann.blob()) == "read_only"
    scene.host.beat()
    ann.say()
    scene.pass_time(limits.ABANDONED_AFTER)
    for one in (ann, scene.host):
        assert isinstance(one.fetch()[-1], Bye)
        assert one.heard[-1] == Bye(
            "unknown_room", REFUSALS["unknown_room"], generation=scene.base[:8]
        )
        assert one.closed == Close.GOING_AWAY
    assert scene.relay.relay.rooms.loaded == {}


@pytest.mark.parametrize(
    "altered",
    [
        {"previous": bytes(32)},
        {"counter": 7},
        {"room": bytes(32)},
        {"digest": bytes(32)},
        {"commit": bytes(32)},
        {"welcomes": bytes(31) + b"\1"},
        {"base": bytes(16)},
        {"signer": bytes(32)},
    ],
    ids=lambda altered: next(iter(altered)),
)
def test_an_entry_that_does_not_follow_or_fit_is_refused(
    scene: Scene, altered: dict[str, bytes | int]
) -> None:
    assert scene.host.refused(scene.commit(altered=altered)) == "bad_roster"
    scene.land(scene.commit())


def test_an_entry_of_another_signer_is_refused(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    assert scene.host.refused(scene.commit(signer=ann.key)) == "bad_roster"


def test_the_last_facilitator_stays(scene: Scene, door: Door) -> None:
    demotion = Change(Op.CHANGE, scene.host.public, Seat(role=Role.PARTICIPANT))
    assert scene.host.refused(scene.commit(demotion)) == "bad_roster"


def test_welcomes_go_to_exactly_the_new_members(scene: Scene, door: Door) -> None:
    ann = scene.newcomer(door)
    ann.knock()
    add = scene.room.add(ann.public, door.id)
    assert scene.host.refused(scene.commit(add)) == "bad_roster"
    stray = scene.commit(add, welcomes={ann.public: b"w", os.urandom(32): b"w"})
    assert scene.host.refused(stray) == "bad_roster"


def test_a_key_that_does_not_wait_at_that_door_is_not_admitted(scene: Scene, door: Door) -> None:
    ann = scene.newcomer(door)
    assert scene.host.refused(scene.admission(ann)) == "unknown_knock"
    ann.knock()
    ann.door = scene.put_door()
    assert scene.host.refused(scene.admission(ann)) == "unknown_knock"
    ann.door = door
    scene.admit(ann)


def test_the_last_use_goes_to_one(scene: Scene) -> None:
    door = scene.put_door(Door(uses=1))
    ann, ben = scene.newcomer(door), scene.newcomer(door)
    ann.knock()
    ben.knock()
    assert scene.host.refused(scene.admission(ann, ben)) == "door_used"
    scene.admit(ann)
    assert scene.host.refused(scene.admission(ben)) == "door_used"


def test_a_full_room_is_full() -> None:
    scene = Scene()
    scene.open(members=2)
    door = scene.put_door()
    scene.member(door)
    ben = scene.newcomer(door)
    ben.knock()
    assert scene.host.refused(scene.admission(ben)) == "room_full"


def test_a_blob_is_bounded_by_its_class(scene: Scene) -> None:
    large = b"x" * (limits.APPLICATION_BLOB + 1)
    assert scene.host.refused(scene.host.blob(large)) == "too_large"
    assert scene.host.closed is None
    scene.land(scene.commit(content=large))


def test_a_room_has_so_much_memory() -> None:
    scene = Scene(Settings(room_bytes=limits.MIB))
    scene.open()
    codes = [scene.host.say(b"x" * limits.APPLICATION_BLOB, ttl=60) for _ in range(22)]
    assert len(codes) == 22
    assert scene.host.refused(scene.host.blob(b"x" * limits.APPLICATION_BLOB)) == "busy"
    scene.clock.advance(60)
    scene.host.beat()
    scene.host.say(b"x" * limits.APPLICATION_BLOB)


def test_a_member_that_fills_a_room_can_still_be_removed() -> None:
    scene = Scene(Settings(room_bytes=limits.MIB))
    scene.open()
    hog = scene.member(scene.put_door())
    for size in (limits.APPLICATION_BLOB, 1000, 1):
        while (code := _answered(hog, hog.blob(b"x" * size, ttl=limits.TTL_MAX))) != "busy":
            if code == "rate_limited":
                scene.clock.advance(1)
        for _ in range(4):
            scene.clock.advance(3)  # requests have a price too
            asked = LobbyRequest(hog.next_n(), os.urandom(16), b"x" * limits.REQUEST, None)
            assert _answered(hog, asked) in ("", "busy")
    scene.host.fetch()
    scene.host.beat()
    scene.remove(hog)
    assert hog.closed == Close.REMOVED


def _answered(person: Person, request: Request) -> str:
    """The code of the answer's refusal, or empty."""
    person.send(request)
    codes = [one.code for one in person.fetch() if isinstance(one, RequestRefused)]
    return codes[0] if codes else ""


def test_what_no_client_means_ends_the_connection(scene: Scene) -> None:
    good = scene.commit()
    for frame in (
        scene.host.blob().__class__(1, bytes(16), scene.base, 2, 60, b"x", b"entry"),
        good.__class__(1, bytes(16), scene.base, 2, 60, b"x", good.entry, good.signature),
        good.__class__(
            1, bytes(16), scene.base, 1, 60, b"x", good.entry, good.signature, pack_list([b"short"])
        ),
    ):
        host = Person(scene, scene.host.key)
        host.authenticate()
        assert host.refused(frame) == "malformed"
        assert host.closed == Close.REFUSED


def test_a_request_keeps_the_challenge_of_its_own_connection(scene: Scene) -> None:
    one, other = scene.relay.connect(), scene.relay.connect()
    first, second = from_relay(one.outgoing()[0]), from_relay(other.outgoing()[0])
    assert isinstance(first, Challenge)
    assert isinstance(second, Challenge)
    assert first.nonce != second.nonce
    assert public(scene.room.relay_key) == scene.host.public
