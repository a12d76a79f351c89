"""Every refusal of the relay, under exactly the condition that brings it."""

import os

import pytest
from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.errors import REFUSALS
from alcove_protocol.frames import (
    Authenticate,
    Authenticated,
    BlobClass,
    Bye,
    Challenge,
    Done,
    EndRoom,
    Frame,
    Knock,
    KnockRefused,
    Leave,
    LobbyItem,
    LobbyKind,
    LobbyRequest,
    OpenRoom,
    Published,
    PutDoor,
    ReadCard,
    Refused,
    RefuseKnock,
    Resume,
    Settle,
    WelcomeIs,
    Withdraw,
    from_relay,
)
from alcove_protocol.labels import Label
from alcove_protocol.roster import Change, Op, Role, RoomFlag, Seat
from alcove_protocol.statements import EndStatement, LeaveStatement
from alcove_server.outlet import Close
from alcove_server.settings import Settings
from nacl.signing import SigningKey

from tests.server.keys import Door, Facilitated, answer, public, sign
from tests.server.scene import Person, Scene


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.open()
    return scene


@pytest.fixture
def door(scene: Scene) -> Door:
    return scene.put_door()


# --- opening ----------------------------------------------------------------------------------


def test_opening_twice_is_harmless(scene: Scene) -> None:
    first = scene.room.chain[0]
    other = Person(scene)
    other.ask(OpenRoom(1, first.body, first.signature), Done)


def test_an_opening_with_a_wrong_signature_is_a_bad_statement(scene: Scene) -> None:
    first = Facilitated().chain[0]
    other = Person(scene)
    assert other.refused(OpenRoom(1, first.body, bytes(64))) == "bad_statement"
    assert other.refused(OpenRoom(2, b"\x80", first.signature)) == "bad_statement"


def test_another_opening_by_the_same_root_key_is_refused(scene: Scene) -> None:
    other = Facilitated(root=scene.room.root)
    first = other.chain[0]
    assert Person(scene).refused(OpenRoom(1, first.body, first.signature)) == "room_exists"


def test_a_full_relay_is_busy() -> None:
    scene = Scene(Settings(rooms=1))
    scene.open()
    first = Facilitated().chain[0]
    assert Person(scene).refused(OpenRoom(1, first.body, first.signature)) == "busy"


# --- authentication ---------------------------------------------------------------------------


def _refused_and_closed(person: Person, frame: Authenticate, close: int = Close.REFUSED) -> str:
    person.send(frame)
    refused, *rest = person.fetch()
    assert isinstance(refused, Refused)
    assert refused.n == frame.n
    assert person.closed == close
    assert all(isinstance(frame, Bye) for frame in rest)
    return refused.code


def test_another_version_is_told_apart_before_anything_else(scene: Scene) -> None:
    person = Person(scene)
    frame = Authenticate(1, b"\x81\xa7version\x02", bytes(64))
    assert _refused_and_closed(person, frame) == "version"


def test_an_answer_for_another_host_is_refused(scene: Scene) -> None:
    person = Person(scene, scene.host.key)
    frame = person.auth_frame("member", host="evil.test")
    assert _refused_and_closed(person, frame) == "wrong_host"


def test_a_configured_origin_is_a_host() -> None:
    scene = Scene(Settings(origin=("http://abc.onion",)))
    scene.open()
    person = Person(scene, scene.host.key)
    person.ask(person.auth_frame("member", host="abc.onion"), Authenticated)


def test_a_changed_offer_of_subprotocols_is_refused(scene: Scene) -> None:
    person = Person(scene, scene.host.key)
    frame = person.auth_frame("member", offered="alcove.v2, alcove.v1")
    assert _refused_and_closed(person, frame) == "auth_failed"


@pytest.mark.parametrize(
    "alter",
    [
        lambda person: answer(person.key, person.scene.room.id, "member", bytes(32)),
        lambda person: answer(person.key, person.scene.room.id, "captain", person.nonce),
        lambda person: answer(
            person.key, person.scene.room.id, "member", person.nonce, door=Door()
        ),
        lambda person: answer(person.key, person.scene.room.id, "door", person.nonce),
    ],
    ids=["another nonce", "an unknown role", "a member with a door", "a door without one"],
)
def test_an_answer_that_does_not_fit_is_refused(scene: Scene, alter) -> None:  # type: ignore[no-untyped-def]
    person = Person(scene, scene.host.key)
    signed = sign(person.key, Label.CHALLENGE, alter(person))
    frame = Authenticate(1, signed.body, signed.signature)
    assert _refused_and_closed(person, frame) == "auth_failed"


def test_a_wrong_signature_is_refused(scene: Scene, door: Door) -> None:
    person = Person(scene, scene.host.key)
    frame = person.auth_frame("member")
    forged = Authenticate(1, frame.statement, bytes(64))
    assert _refused_and_closed(person, forged) == "auth_failed"

    at_door = Person(scene)
    frame = at_door.auth_frame("door", door)
    forged = Authenticate(1, frame.statement, frame.signature, bytes(64))
    assert _refused_and_closed(at_door, forged) == "auth_failed"


def test_who_is_not_on_the_list_is_no_member(scene: Scene) -> None:
    person = Person(scene)
    assert _refused_and_closed(person, person.auth_frame("member")) == "not_member"


def test_a_room_that_was_never_opened_is_unknown(scene: Scene) -> None:
    scene.room = Facilitated()
    person = Person(scene, scene.room.relay_key)
    assert _refused_and_closed(person, person.auth_frame("member")) == "unknown_room"


def test_who_was_removed_is_told_so_and_their_door_is_revoked(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    scene.remove(ann)
    assert isinstance(ann.fetch()[-1], Bye)
    assert ann.closed == Close.REMOVED
    again = Person(scene, ann.key)
    assert _refused_and_closed(again, again.auth_frame("member"), Close.REMOVED) == "removed"
    back = Person(scene, ann.key)
    assert _refused_and_closed(back, back.auth_frame("door", door), Close.REMOVED) == "removed"
    other = Person(scene)
    assert _refused_and_closed(other, other.auth_frame("door", door)) == "door_revoked"


def test_doors_tell_why_they_are_closed(scene: Scene) -> None:
    def refusal(door: Door) -> str:
        person = Person(scene)
        return _refused_and_closed(person, person.auth_frame("door", door))

    assert refusal(Door()) == "unknown_door"
    used = scene.put_door(Door(uses=1))
    scene.member(used)
    assert refusal(used) == "door_used"
    revoked = scene.put_door()
    revoked.uses = 0
    scene.put_door(revoked)
    assert refusal(revoked) == "door_revoked"
    short = scene.put_door(Door(ttl=100))
    scene.clock.advance(100)
    assert refusal(short) == "door_expired"
    scene.clock.advance(600)
    assert refusal(short) == "door_expired"


def test_who_waits_is_let_through_a_door_that_closed(scene: Scene, door: Door) -> None:
    ann = scene.newcomer(door)
    ann.knock()
    door.uses = 0
    scene.put_door(door)
    ann.connect()
    assert ann.authenticate("door", door).waiting
    item = [frame for frame in _resumed(scene.host) if isinstance(frame, LobbyItem)][-1]
    assert item.door_revoked
    scene.admit(ann)
    ann.one(WelcomeIs)


def _resumed(person: Person) -> list[Frame]:
    person.heard.clear()
    person.resume()
    return person.heard


def test_before_authentication_only_open_and_auth_are_answered(scene: Scene) -> None:
    person = Person(scene)
    assert person.refused(Resume(7, bytes(16), 0)) == "not_authenticated"
    assert person.closed is None


def test_each_role_has_its_own_requests(scene: Scene, door: Door) -> None:
    assert scene.newcomer(door).refused(Resume(7, bytes(16), 0)) == "not_allowed"
    assert scene.host.refused(ReadCard(9)) == "not_allowed"
    assert scene.host.refused(scene.host.auth_frame("member")) == "not_allowed"


def test_a_newer_connection_of_the_same_key_takes_the_place_of_the_older(scene: Scene) -> None:
    older = scene.host.link
    scene.host.connect()
    scene.host.authenticate()
    bye = from_relay(older.outgoing()[-1])
    assert isinstance(bye, Bye)
    assert (bye.code, older.closed) == ("replaced", Close.REPLACED)
    older.close()
    scene.host.resume()
    scene.host.say()


def test_silence_before_authentication_ends(scene: Scene) -> None:
    person = Person(scene)
    scene.clock.advance(9.9)
    scene.relay.tick()
    assert person.closed is None
    scene.clock.advance(0.1)
    scene.relay.tick()
    assert person.one(Bye).code == "idle"
    assert person.closed == Close.REFUSED
    assert scene.host.closed is None


# --- doors, knocks, the lobby -----------------------------------------------------------------


def test_a_door_statement_must_be_right(scene: Scene) -> None:
    host, other = scene.host, Facilitated()
    for said, card in (
        (Door().statement(other, scene.room.relay_key), b"a sealed card"),
        (Door().statement(scene.room, SigningKey.generate()), b"a sealed card"),
        (Door().statement(scene.room), b"another card"),
        (Door(uses=0).statement(scene.room), b"a sealed card"),
        (Door(ttl=0).statement(scene.room), b"a sealed card"),
    ):
        frame = PutDoor(host.next_n(), said.body, said.signature, card)
        assert host.refused(frame) == "bad_statement"


def test_only_a_facilitator_rules_over_doors_and_lobby(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    said = Door().statement(scene.room)
    frame = PutDoor(ann.next_n(), said.body, said.signature, b"a sealed card")
    assert ann.refused(frame) == "not_allowed"
    assert ann.refused(RefuseKnock(50, bytes(16), b"")) == "not_allowed"
    assert ann.refused(Settle(51, bytes(16))) == "not_allowed"


def test_a_card_is_replaced_by_a_higher_number_only(scene: Scene, door: Door) -> None:
    ann = scene.newcomer(door)
    scene.put_door(door)  # the same again is harmless
    door.card, door.number = b"a newer card", 1
    assert scene.host.refused(scene.door_frame(door)) == "bad_statement"
    door.number = 2
    scene.put_door(door)
    ann.send(ReadCard(5))
    assert getattr(ann.fetch()[-1], "card", b"") == b"a newer card"


def test_a_revoked_door_is_closed_for_good(scene: Scene, door: Door) -> None:
    ann = scene.newcomer(door)
    door.uses = 0
    scene.put_door(door)
    assert ann.refused(ReadCard(5)) == "door_revoked"
    assert ann.refused(Knock(6, bytes(16), b"x")) == "door_revoked"
    door.uses, door.number = 5, 9
    assert scene.host.refused(scene.door_frame(door)) == "door_revoked"
    unknown = Door(uses=0)
    assert scene.host.refused(scene.door_frame(unknown)) == "unknown_door"


def test_there_are_at_most_64_doors(scene: Scene) -> None:
    for _ in range(limits.DOORS):
        scene.put_door()
    assert scene.host.refused(scene.door_frame(Door())) == "too_many_doors"


def test_nobody_knocks_at_a_locked_room(scene: Scene, door: Door) -> None:
    ann = scene.newcomer(door)
    scene.land(scene.commit(flags=RoomFlag.LOCKED))
    assert ann.refused(Knock(6, bytes(16), b"x")) == "locked"


def test_one_knock_at_a_time(scene: Scene, door: Door) -> None:
    ann = scene.newcomer(door)
    ann.knock(b"x")
    ann.ask(Knock(8, ann.knock_id, b"x"), Done)
    assert ann.refused(Knock(9, bytes(16), b"x")) == "already_waiting"
    assert len([frame for frame in scene.host.fetch() if isinstance(frame, LobbyItem)]) == 1


def test_a_knock_can_be_withdrawn_once(scene: Scene, door: Door) -> None:
    ann = scene.newcomer(door)
    assert ann.refused(Withdraw(4)) == "unknown_knock"
    ann.knock()
    ann.ask(Withdraw(6), Done)
    assert ann.fetch() == []
    kinds = [frame.kind for frame in scene.host.fetch() if isinstance(frame, LobbyItem)]
    assert kinds == [LobbyKind.KNOCK, LobbyKind.GONE]
    assert scene.host.refused(RefuseKnock(90, ann.knock_id, b"")) == "unknown_knock"


def test_too_many_wait(scene: Scene, door: Door) -> None:
    for _ in range(limits.KNOCKS):
        scene.newcomer(door).knock()
    assert scene.newcomer(door).refused(Knock(6, bytes(16), b"x")) == "too_many_knocks"


def test_a_refused_newcomer_hears_the_reason_also_when_they_were_away(
    scene: Scene, door: Door
) -> None:
    ann, ben = scene.newcomer(door), scene.newcomer(door)
    ann.knock()
    ben.knock()
    ben.link.close()
    for one in (ann, ben):
        scene.host.ask(RefuseKnock(scene.host.next_n(), one.knock_id, b"sealed"), Done)
    assert ann.one(KnockRefused).blob == b"sealed"
    ben.connect()
    ben.send(ben.auth_frame("door", door))
    authenticated, refused = ben.fetch()
    assert isinstance(authenticated, Authenticated)
    assert not authenticated.waiting
    assert isinstance(refused, KnockRefused)
    assert refused.id == ben.knock_id


def test_a_knock_is_forgotten_after_its_time(scene: Scene, door: Door) -> None:
    ann = scene.newcomer(door)
    ann.knock()
    scene.pass_time(limits.KNOCK_TTL, beats=True)
    assert (ann.one(KnockRefused).blob, ann.knock_id) == (b"", ann.knock_id)
    items = [frame for frame in scene.host.heard if isinstance(frame, LobbyItem)]
    assert [item.kind for item in items] == [LobbyKind.KNOCK, LobbyKind.GONE]
    assert scene.host.refused(scene.admission(ann)) == "unknown_knock"


def test_a_request_reaches_facilitators_until_it_is_settled(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    id = os.urandom(16)
    ann.ask(LobbyRequest(ann.next_n(), id, b"an update"), Done)
    item = scene.host.one(LobbyItem)
    assert (item.kind, item.key, item.blob) == (LobbyKind.REQUEST, ann.public, b"an update")
    again = [frame for frame in _resumed(scene.host) if isinstance(frame, LobbyItem)]
    assert [frame.id for frame in again] == [id]
    scene.host.ask(Settle(scene.host.next_n(), id), Done)
    assert not [frame for frame in _resumed(scene.host) if isinstance(frame, LobbyItem)]
    assert scene.host.refused(Settle(scene.host.next_n(), id)) == "unknown_knock"


def test_a_member_leaves(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    wrong = sign(ann.key, Label.LEAVE, LeaveStatement(scene.room.id, scene.host.public))
    assert ann.refused(Leave(30, wrong.body, wrong.signature)) == "bad_statement"
    wish = sign(ann.key, Label.LEAVE, LeaveStatement(scene.room.id, ann.public))
    ann.ask(Leave(31, wish.body, wish.signature), Done)
    assert ann.closed == Close.DONE
    item = scene.host.one(LobbyItem)
    assert (item.kind, item.key, item.blob) == (LobbyKind.LEAVE, ann.public, wish.encode())
    scene.remove(ann, Op.LEFT)
    assert LobbyKind.GONE in [one.kind for one in scene.host.heard if isinstance(one, LobbyItem)]
    back = Person(scene, ann.key)
    assert _refused_and_closed(back, back.auth_frame("member")) == "not_member"
    scene.newcomer(door)  # the door stays


def test_only_a_facilitator_ends_the_room(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    said = sign(ann.key, Label.END, EndStatement(scene.room.id, ann.public))
    assert ann.refused(EndRoom(30, said.body, said.signature)) == "not_allowed"
    assert scene.host.refused(EndRoom(30, said.body, said.signature)) == "bad_statement"


# --- publishing -------------------------------------------------------------------------------


def test_another_base_is_stale_and_the_answer_tells_the_current_one(
    scene: Scene, door: Door
) -> None:
    before = scene.base
    ann = scene.member(door)
    refused = ann.ask(ann.blob(base=before), Refused)
    assert (refused.code, refused.base) == ("stale", scene.base)
    lost = scene.commit(base=before)
    refused = scene.host.ask(lost, Refused)
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
    # What was taken before stays taken: a retry is answered, whatever its sender may do now.
    assert ann.ask(said, Published).position == position


def test_listen_only_leaves_the_word_to_facilitators(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    scene.land(scene.commit(flags=RoomFlag.LISTEN_ONLY))
    assert ann.refused(ann.blob()) == "not_allowed"
    scene.host.say()


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
        assert one.heard[-1] == Bye("unknown_room", REFUSALS["unknown_room"])
        assert one.closed == Close.GOING_AWAY
    assert scene.relay.relay.hubs == {}


@pytest.mark.parametrize(
    "altered",
    [
        {"previous": bytes(32)},
        {"counter": 7},
        {"room": bytes(32)},
        {"digest": bytes(32)},
        {"commit": bytes(32)},
        {"welcomes": bytes(31) + b"\1"},
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


def test_welcomes_go_to_exactly_those_who_are_seated(scene: Scene, door: Door) -> None:
    ann = scene.newcomer(door)
    ann.knock()
    add = scene.room.add(ann.public, door.id)
    assert scene.host.refused(scene.commit(add)) == "bad_roster"
    stray = scene.commit(add, welcomes={ann.public: b"w", os.urandom(32): b"w"})
    assert scene.host.refused(stray) == "bad_roster"


def test_who_does_not_wait_at_that_door_is_not_admitted(scene: Scene, door: Door) -> None:
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
    codes = [scene.host.say(b"x" * limits.APPLICATION_BLOB, ttl=60) for _ in range(30)]
    assert len(codes) == 30
    assert scene.host.refused(scene.host.blob(b"x" * limits.APPLICATION_BLOB)) == "busy"
    scene.clock.advance(60)
    scene.host.beat()
    scene.host.say(b"x" * limits.APPLICATION_BLOB)


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


def test_who_asks_keeps_the_challenge_of_their_own_connection(scene: Scene) -> None:
    one, other = scene.relay.connect(), scene.relay.connect()
    first, second = from_relay(one.outgoing()[0]), from_relay(other.outgoing()[0])
    assert isinstance(first, Challenge)
    assert isinstance(second, Challenge)
    assert first.nonce != second.nonce
    assert public(scene.room.relay_key) == scene.host.public
