"""Doors, knocks and the lobby: every refusal, under exactly the condition that brings it."""

import os

import pytest
from alcove_protocol import limits
from alcove_protocol.card import card_number
from alcove_protocol.frames import (
    Authenticated,
    BlobClass,
    Bye,
    CardIs,
    ConnectionRole,
    Done,
    EndRoom,
    Knock,
    KnockRefused,
    LeaveRoom,
    LobbyItem,
    LobbyKind,
    LobbyRequest,
    Publish,
    PutDoor,
    ReadCard,
    RefuseKnock,
    Settle,
    Withdraw,
)
from alcove_protocol.labels import Label
from alcove_protocol.roster import Change, Op, Role, RoomFlag, Seat
from alcove_protocol.statements import EndStatement, LeaveStatement
from alcove_server.ports.outlet import Close
from nacl.signing import SigningKey

from tests.server.keys import Door, Facilitated, sign
from tests.server.scene import Person, Scene


def test_a_door_statement_must_be_right(scene: Scene) -> None:
    host, other = scene.host, Facilitated()
    for said, card in (
        (Door().statement(other, scene.room.relay_key), b"a sealed card"),
        (Door().statement(scene.room, SigningKey.generate()), b"a sealed card"),
        (Door().statement(scene.room), b"another card"),
        (Door(uses=0).statement(scene.room), b"a sealed card"),
        (Door(ttl=0).statement(scene.room), b"a sealed card"),
        (Door(number=card_number(1, 0)).statement(scene.room), b"a sealed card"),
        (Door(number=limits.REQUEST_NUMBER).statement(scene.room), b"a sealed card"),
    ):
        frame = PutDoor(host.next_n(), said.body, said.signature, card)
        assert host.refused(frame) == "bad_statement"


def test_the_number_of_a_card_follows_the_roster(scene: Scene, door: Door) -> None:
    scene.member(door)
    assert scene.room.roster.counter == 1
    scene.put_door(Door(number=card_number(1, 2**16 - 1)))
    later = Door(number=card_number(2, 0))
    assert scene.host.refused(scene.door_frame(later)) == "bad_statement"


def test_only_a_facilitator_rules_over_doors_and_lobby(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    said = Door().statement(scene.room)
    frame = PutDoor(ann.next_n(), said.body, said.signature, b"a sealed card")
    assert ann.refused(frame) == "not_allowed"
    assert ann.refused(RefuseKnock(50, bytes(16), b"")) == "not_allowed"
    assert ann.refused(Settle(51, bytes(16))) == "not_allowed"
    assert ann.refused(ReadCard(52, door.id)) == "not_allowed"


def test_a_facilitator_reads_any_card_and_what_is_left_of_its_door(
    scene: Scene, door: Door
) -> None:
    ann, ben = scene.member(door), scene.newcomer(door)
    scene.clock.advance(100)
    card = scene.host.ask(ReadCard(60, door.id), CardIs)
    assert (card.card, card.number) == (door.card, door.number)
    assert (card.uses, card.ttl) == (door.uses - 1, door.ttl - 100)
    told = ben.ask(ReadCard(5), CardIs)
    assert (told.uses, told.ttl) == (None, None)
    other = scene.put_door(Door())
    assert ben.refused(ReadCard(6, other.id)) == "not_allowed"
    assert scene.host.refused(ReadCard(61, bytes(8))) == "unknown_door"
    door.uses = 0
    scene.put_door(door)
    assert scene.host.refused(ReadCard(62, door.id)) == "door_revoked"
    assert ann.closed is None


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
    ann, ben = scene.newcomer(door), scene.newcomer(door)
    ben.knock()
    door.uses = 0
    scene.put_door(door)
    assert [one.code for one in ann.fetch() if isinstance(one, Bye)] == ["door_revoked"]
    assert ann.closed == Close.REFUSED
    ben.ask(Withdraw(5), Done)  # a newcomer who waits may be let in all the same, so stays
    assert ben.refused(ReadCard(6)) == "door_revoked"
    assert ben.refused(Knock(7, bytes(16), b"x")) == "door_revoked"
    door.uses, door.number = 5, 9
    assert scene.host.refused(scene.door_frame(door)) == "door_revoked"
    unknown = Door(uses=0)
    assert scene.host.refused(scene.door_frame(unknown)) == "unknown_door"


def test_there_are_at_most_64_doors(scene: Scene) -> None:
    for _ in range(limits.DOORS):
        scene.put_door()
    assert scene.host.refused(scene.door_frame(Door())) == "too_many_doors"


def test_a_facilitator_who_fills_the_doors_leaves_places_to_another(scene: Scene) -> None:
    """The relay does not know which doors the group lists. Those of whoever put most give way."""
    ben = scene.member(scene.put_door(Door()))
    scene.land(scene.commit(Change(Op.CHANGE, ben.public, Seat(role=Role.FACILITATOR))))
    ben.fetch()
    first = Door()
    for door in (first, *(Door() for _ in range(limits.DOORS - 2))):
        said = door.statement(scene.room, ben.key)
        ben.ask(PutDoor(ben.next_n(), said.body, said.signature, door.card), Done)
    said = Door().statement(scene.room, ben.key)
    full = PutDoor(ben.next_n(), said.body, said.signature, b"a sealed card")
    assert ben.refused(full) == "too_many_doors"
    another = scene.put_door(Door())
    assert scene.newcomer(another).ask(ReadCard(2), CardIs).card == another.card
    late = Person(scene)
    assert late.turned_away(late.auth_frame("door", first)) == "door_expired"


def test_a_knock_at_a_locked_room_is_refused(scene: Scene, door: Door) -> None:
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
    for _ in range(limits.KNOCKS_PER_DOOR):
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
    again = [frame for frame in scene.host.resumed_afresh() if isinstance(frame, LobbyItem)]
    assert [frame.id for frame in again] == [id]
    scene.host.ask(Settle(scene.host.next_n(), id), Done)
    assert not [frame for frame in scene.host.resumed_afresh() if isinstance(frame, LobbyItem)]
    assert scene.host.refused(Settle(scene.host.next_n(), id)) == "unknown_knock"


def test_a_member_leaves(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    wrong = sign(ann.key, Label.LEAVE, LeaveStatement(scene.room.id, scene.host.public, 0))
    assert ann.refused(LeaveRoom(30, wrong.body, wrong.signature)) == "bad_statement"
    wish = scene.room.leave(ann.key)
    ann.ask(LeaveRoom(31, wish.body, wish.signature), Done)
    assert ann.closed == Close.DONE
    item = scene.host.one(LobbyItem)
    assert (item.kind, item.key, item.blob) == (LobbyKind.LEAVE, ann.public, wish.encode())
    scene.let_go(ann, wish)
    assert LobbyKind.GONE in [one.kind for one in scene.host.heard if isinstance(one, LobbyItem)]
    back = Person(scene, ann.key)
    assert back.turned_away(back.auth_frame("member")) == "not_member"
    scene.newcomer(door)  # the door stays


def test_a_leave_of_another_time_is_refused(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    for counter in (0, scene.room.roster.counter + 1):
        body = LeaveStatement(scene.room.id, ann.public, counter)
        wish = sign(ann.key, Label.LEAVE, body)
        assert ann.refused(LeaveRoom(ann.next_n(), wish.body, wish.signature)) == "bad_statement"


def test_an_entry_says_left_only_of_who_asked(scene: Scene, door: Door) -> None:
    ann, ben = scene.member(door), scene.member(door)
    left = Change(Op.LEFT, ann.public)
    for leaves in ([], [scene.room.leave(ben.key)]):
        assert scene.host.refused(scene.commit(left, leaves=leaves)) == "bad_roster"
    scene.let_go(ann, scene.room.leave(ann.key))
    assert ann.closed == Close.DONE


def test_an_end_is_of_the_room_as_it_is(scene: Scene, door: Door) -> None:
    early = scene.room.end()
    scene.member(door)
    frame = EndRoom(scene.host.next_n(), early.body, early.signature)
    assert scene.host.refused(frame) == "bad_roster"
    now = scene.room.end()
    scene.host.ask(EndRoom(scene.host.next_n(), now.body, now.signature), Done)


@pytest.mark.parametrize("spoiled", ["of another room", "in another's name"])
def test_an_end_is_of_this_room_and_of_who_signs_it(scene: Scene, door: Door, spoiled: str) -> None:
    ann, roster = scene.member(door), scene.room.roster
    room = bytes(32) if spoiled == "of another room" else scene.room.id
    key = ann.public if spoiled == "in another's name" else scene.host.public
    said = EndStatement(room, key, roster.counter, roster.head)
    signed = sign(scene.host.key, Label.END, said)
    frame = EndRoom(scene.host.next_n(), signed.body, signed.signature)
    assert scene.host.refused(frame) == "bad_statement"
    right = scene.room.end()
    scene.host.ask(EndRoom(scene.host.next_n(), right.body, right.signature), Done)


def test_who_is_absent_is_off_the_list_and_the_door_stays(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    scene.remove(ann, Op.ABSENT)
    assert ann.closed == Close.DONE
    scene.newcomer(door)


@pytest.mark.parametrize("kept", [False, True])
def test_a_removal_revokes_the_door_or_keeps_it(scene: Scene, door: Door, kept: bool) -> None:
    ann = scene.member(door)
    scene.land(scene.commit(Change(Op.REMOVE, ann.public, Seat(paused=kept))))
    assert ann.closed == Close.REMOVED
    other = Person(scene)
    if kept:
        other.authenticate(ConnectionRole.DOOR, door)
    else:
        assert other.turned_away(other.auth_frame("door", door)) == "door_revoked"


def test_a_standby_key_needs_no_door_and_is_no_member(scene: Scene, door: Door) -> None:
    standby = Person(scene)
    scene.land(scene.commit(Change(Op.ADD, standby.public, Seat(role=Role.STANDBY))))
    assert scene.room.roster.seats[standby.public] == Seat(role=Role.STANDBY)
    assert standby.turned_away(standby.auth_frame("member")) == "not_member"
    scene.member(door)  # the room goes on


def vault(by: Person, to: Person, id: bytes, blob: bytes = b"a vault") -> LobbyRequest:
    return LobbyRequest(by.next_n(), id, blob, to.public)


def items(by: Person) -> list[tuple[int, bytes]]:
    """Kind and id of the lobby items that a facilitator is told who knows none."""
    return [(one.kind, one.id) for one in by.resumed_afresh() if isinstance(one, LobbyItem)]


def test_only_a_facilitator_leaves_a_vault_and_for_another_member(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    stranger = Person(scene)
    assert ann.refused(vault(ann, scene.host, bytes(16))) == "not_allowed"
    assert scene.host.refused(vault(scene.host, scene.host, bytes(16))) == "not_allowed"
    assert scene.host.refused(vault(scene.host, stranger, bytes(16))) == "unknown_knock"
    large = vault(scene.host, ann, bytes(16), bytes(limits.VAULT + 1))
    assert scene.host.refused(large) == "too_large"
    assert not [one for one in scene.host.fetch() if isinstance(one, LobbyItem)]


def test_a_vault_reaches_its_recipient_alone_from_the_appointment_on(
    scene: Scene, door: Door
) -> None:
    ann, ben = scene.member(door), scene.member(door)
    scene.host.ask(vault(scene.host, ann, b"1" * 16), Done)
    scene.host.ask(vault(scene.host, ann, b"2" * 16), Done)  # the newest counts
    assert not [one for one in ann.fetch() if isinstance(one, LobbyItem)]
    for member in (ann, ben):
        scene.land(scene.commit(Change(Op.CHANGE, member.public, Seat(role=Role.FACILITATOR))))
    told = [one for one in ann.fetch() if isinstance(one, LobbyItem)]
    assert [(one.kind, one.id, one.key) for one in told] == [
        (LobbyKind.VAULT, b"2" * 16, scene.host.public)
    ]
    assert items(ben) == items(scene.host) == []
    # Nobody else settles it: that would tell its sender that it arrived.
    for other in (ben, scene.host):
        assert other.refused(Settle(other.next_n(), b"2" * 16)) == "unknown_knock"
    ann.ask(Settle(ann.next_n(), b"2" * 16), Done)
    gone = [one for one in scene.host.fetch() if isinstance(one, LobbyItem)][-1]
    assert (gone.kind, gone.id) == (LobbyKind.GONE, b"2" * 16)
    assert items(ann) == []


def test_nobody_brings_an_external_commit_yet(scene: Scene) -> None:
    base = scene.base
    frame = Publish(scene.host.next_n(), bytes(16), base, BlobClass.EXTERNAL, 86400, b"a commit")
    assert scene.host.refused(frame) == "not_allowed"


def test_only_a_facilitator_ends_the_room(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    said = scene.room.end(ann.key)
    assert ann.refused(EndRoom(30, said.body, said.signature)) == "not_allowed"
    assert scene.host.refused(EndRoom(30, said.body, said.signature)) == "bad_statement"


def line(person: Person, to: bytes | None = None, blob: bytes = b"sealed") -> LobbyRequest:
    return LobbyRequest(person.next_n(), os.urandom(16), blob, to)


def test_only_who_waits_and_facilitators_talk_at_the_door(scene: Scene, door: Door) -> None:
    ann, ben, cleo = scene.member(door), scene.newcomer(door), scene.newcomer(door)
    assert ben.refused(line(ben)) == "unknown_knock"  # who stands there has not knocked
    ben.knock()
    ben.ask(line(ben), Done)
    assert ben.refused(line(ben, scene.host.public)) == "not_allowed"
    assert ann.refused(line(ann, ben.public)) == "not_allowed"
    assert cleo.refused(line(cleo, ben.public)) == "not_allowed"
    assert scene.host.refused(line(scene.host, cleo.public)) == "unknown_knock"
    assert (
        scene.host.refused(line(scene.host, ben.public, bytes(limits.DOOR_TEXT + 1))) == "too_large"
    )
    scene.host.ask(line(scene.host, ben.public), Done)
    for _ in range(limits.DOOR_TALK - 1):
        ben.ask(line(ben), Done)
    assert ben.refused(line(ben)) == "talk_full"


def test_each_hears_of_the_talk_at_the_door_what_is_for_them(scene: Scene, door: Door) -> None:
    ann, ben, cleo = scene.member(door), scene.newcomer(door), scene.newcomer(door)
    ben.knock()
    cleo.knock()
    ben.ask(line(ben, blob=b"theirs"), Done)
    scene.host.ask(line(scene.host, ben.public, b"for Ben"), Done)

    def heard(person: Person) -> list[tuple[bytes, bytes]]:
        person.fetch()
        told = [one for one in person.heard if isinstance(one, LobbyItem)]
        return [(one.blob, one.key) for one in told if one.blob in (b"theirs", b"for Ben")]

    assert heard(scene.host) == [(b"theirs", ben.public)]
    assert heard(ben) == [(b"for Ben", scene.host.public)]
    assert heard(ann) == heard(cleo) == []
    ben.link.close()
    ben.heard.clear()
    ben.connect()
    assert ben.authenticate(ConnectionRole.DOOR, door).waiting
    assert heard(ben) == [(b"for Ben", scene.host.public)]  # it may have missed it
    scene.host.ask(RefuseKnock(scene.host.next_n(), ben.knock_id, b"why"), Done)
    assert ben.refused(line(ben)) == "unknown_knock"
    assert [id for kind, id in items(scene.host) if kind != LobbyKind.KNOCK] == []
