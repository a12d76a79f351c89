"""A standby at the relay: what its two keys may do, and when. Every refusal."""

import os
from dataclasses import replace

from alcove_protocol import limits
from alcove_protocol.frames import (
    AnswerAsker,
    Answered,
    Asked,
    AskMembers,
    BlobClass,
    BlobIs,
    ChainIs,
    ConnectionRole,
    Done,
    LobbyItem,
    LobbyRequest,
    Publish,
    ReadChain,
)
from alcove_protocol.labels import Label
from alcove_protocol.roster import ENTRANT, LINK, Change, Op, Role, Seat
from alcove_protocol.statements import AskStatement
from alcove_server.ports.outlet import Close
from nacl.signing import SigningKey

from tests.server.keys import Door, sign
from tests.server.scene import Person, Scene

MLS = SigningKey(b"m" * 32)
QUIET = limits.READ_ONLY_AFTER + 1.0


def with_link(scene: Scene) -> Person:
    """The holder of a link, not connected yet. The host made it, and is not heard any more."""
    holder = Person(scene)
    scene.land(scene.commit(Change(Op.ADD, holder.public, LINK)))
    scene.pass_time(QUIET)
    return holder.connect()


def asks(by: Person, *, id: bytes | None = None, **changed: bytes | int) -> AskMembers:
    id = os.urandom(16) if id is None else id
    values: dict[str, bytes | int] = {
        "room": by.scene.room.id,
        "id": id,
        "mls_key": bytes(MLS.verify_key),
        "relay_key": by.public,
        "reply_key": b"r" * 32,
        "counter": 1,
    }
    said = AskStatement(**{**values, **changed})  # type: ignore[arg-type]
    signed = sign(MLS, Label.STANDBY, said)
    return AskMembers(by.next_n(), id, signed.body, signed.signature)


def enters(scene: Scene, by: Person, fresh: Person, *former: Person) -> Publish:
    """The external commit of a link."""
    changes = [Change(Op.REMOVE, one.public) for one in former]
    frame = scene.commit(*changes, Change(Op.ADD, fresh.public, ENTRANT), signer=by.key)
    return replace(frame, n=by.next_n(), blob_class=int(BlobClass.EXTERNAL))


def lists(scene: Scene, link: Person, by: Person) -> Publish:
    """The commit by which a fresh key becomes a facilitator's."""
    listed = Change(Op.CHANGE, by.public, Seat(role=Role.FACILITATOR))
    frame = scene.commit(
        listed,
        Change(Op.REMOVE, link.public),
        signer=by.key,
        altered={"lobby": b"l" * 32},
    )
    return replace(frame, n=by.next_n())


def test_the_two_keys_of_a_standby_connect_and_no_other(scene: Scene, door: Door) -> None:
    ann, link = scene.member(door), with_link(scene)
    told = link.authenticate(ConnectionRole.STANDBY)
    assert (told.role, told.waiting) == (ConnectionRole.STANDBY, False)
    for key in (ann.key, scene.host.key, SigningKey.generate()):
        other = Person(scene, key)
        if key is scene.host.key:  # a facilitator is told that it is a member
            assert other.authenticate(ConnectionRole.STANDBY).role == ConnectionRole.MEMBER
        else:
            frame = other.auth_frame(ConnectionRole.STANDBY)
            assert other.turned_away(frame) == "not_member"
    fresh = Person(scene)
    scene.land(enters(scene, link, fresh), link)
    assert fresh.authenticate(ConnectionRole.STANDBY).role == ConnectionRole.STANDBY


def test_a_link_that_was_cleared_is_removed(scene: Scene) -> None:
    link = with_link(scene)
    link.authenticate(ConnectionRole.STANDBY)
    scene.host.come_back()
    scene.land(scene.commit(Change(Op.REMOVE, link.public)))
    assert link.closed == Close.REMOVED
    again = Person(scene, link.key)
    frame = again.auth_frame(ConnectionRole.STANDBY)
    assert again.turned_away(frame, Close.REMOVED) == "removed"


def test_an_ask_reaches_all_members_and_an_answer_its_asker(scene: Scene, door: Door) -> None:
    ann, ben, link = scene.member(door), scene.member(door), with_link(scene)
    link.authenticate(ConnectionRole.STANDBY)
    for one in (ann, ben):
        one.fetch()
    ask = asks(link)
    link.ask(ask, Done)
    for one in (ann, ben, scene.host):
        asked = [frame for frame in one.fetch() if isinstance(frame, Asked)]
        assert [(it.id, it.key, it.statement) for it in asked] == [
            (ask.id, link.public, ask.statement)
        ]
    ann.ask(AnswerAsker(ann.next_n(), ask.id, b"an answer"), Done)
    (told,) = [frame for frame in link.fetch() if isinstance(frame, Answered)]
    assert (told.id, told.key, told.blob) == (ask.id, ann.public, b"an answer")
    assert not [frame for frame in ben.fetch() if isinstance(frame, Answered | LobbyItem)]
    assert not [one for one in scene.host.resumed_afresh() if isinstance(one, LobbyItem)]


def test_an_ask_is_signed_and_of_this_room_and_connection(scene: Scene) -> None:
    link = with_link(scene)
    link.authenticate(ConnectionRole.STANDBY)
    for wrong in (
        asks(link, room=bytes(32)),
        asks(link, relay_key=bytes(32)),
        asks(link, mls_key=bytes(32)),
        replace(asks(link), id=bytes(16)),
        replace(asks(link), signature=bytes(64)),
        replace(asks(link), statement=b"\x80"),
    ):
        assert link.refused(wrong) == "bad_statement"


def test_nothing_of_a_standby_is_taken_while_a_facilitator_is_there(scene: Scene) -> None:
    link = with_link(scene)
    link.authenticate(ConnectionRole.STANDBY)
    scene.host.come_back()
    scene.host.beat()
    link.fetch()
    assert link.refused(asks(link)) == "facilitated"
    assert link.refused(enters(scene, link, Person(scene))) == "facilitated"
    scene.pass_time(QUIET)
    link.ask(asks(link), Done)


def test_an_answer_is_to_an_ask_that_was_told_and_each_member_has_one(scene: Scene) -> None:
    door = scene.put_door(Door(uses=limits.ANSWERS + 1))
    people = [scene.member(door) for _ in range(limits.ANSWERS + 1)]
    link = with_link(scene)
    link.authenticate(ConnectionRole.STANDBY)
    ask = asks(link)
    for one in people:
        one.fetch()
    stranger = AnswerAsker(people[0].next_n(), os.urandom(16), b"x")
    assert people[0].refused(stranger) == "unknown_knock"
    link.ask(ask, Done)
    for one in people[: limits.ANSWERS]:
        one.ask(AnswerAsker(one.next_n(), ask.id, b"an answer"), Done)
        assert one.refused(AnswerAsker(one.next_n(), ask.id, b"again")) == "unknown_knock"
    last = people[-1]
    assert last.refused(AnswerAsker(last.next_n(), ask.id, b"one more")) == "unknown_knock"


def test_a_standby_reads_the_chain_and_follows_the_log(scene: Scene, door: Door) -> None:
    ann, link = scene.member(door), with_link(scene)
    link.authenticate(ConnectionRole.STANDBY)
    assert link.ask(ReadChain(link.next_n(), 0), ChainIs).entries
    fresh = Person(scene)
    scene.land(enters(scene, link, fresh), link)
    fresh.authenticate(ConnectionRole.STANDBY)
    fresh.resume(bytes(16))
    assert [one for one in fresh.heard if isinstance(one, BlobIs) and one.blob_class == 4]
    ann.fetch()
    assert [one for one in ann.heard if isinstance(one, BlobIs) and one.blob_class == 4]


def test_a_standby_asks_for_nothing_else(scene: Scene) -> None:
    link = with_link(scene)
    link.authenticate(ConnectionRole.STANDBY)
    fresh = Person(scene)
    scene.land(enters(scene, link, fresh), link)
    fresh.authenticate(ConnectionRole.STANDBY)
    for one in (link, fresh):
        assert one.refused(LobbyRequest(one.next_n(), bytes(16), b"x")) == "not_allowed"
        assert one.refused(one.blob()) == "not_allowed"
        beat = one.blob(b"beat", BlobClass.BEAT, ttl=limits.HEARTBEAT_TTL)
        assert one.refused(beat) == "not_allowed"
        assert one.refused(AnswerAsker(one.next_n(), bytes(16), b"x")) == "not_allowed"


def test_the_link_enters_and_its_fresh_key_lists_itself(scene: Scene, door: Door) -> None:
    ann, link = scene.member(door), with_link(scene)
    link.authenticate(ConnectionRole.STANDBY)
    fresh = Person(scene)
    scene.land(enters(scene, link, fresh), link)
    fresh.authenticate(ConnectionRole.STANDBY)
    fresh.resume(scene.base)
    scene.land(lists(scene, link, fresh), fresh)
    assert link.closed == Close.REMOVED
    fresh.beat()  # a facilitator, on the same connection
    ann.fetch()
    ann.say()
    later = Person(scene, fresh.key)
    assert later.authenticate().role == ConnectionRole.MEMBER


def test_each_key_of_a_standby_commits_its_own_and_nothing_else(scene: Scene, door: Door) -> None:
    ann, link = scene.member(door), with_link(scene)
    link.authenticate(ConnectionRole.STANDBY)
    fresh, other = Person(scene), Person(scene)
    entry = enters(scene, link, fresh)
    assert link.refused(replace(entry, blob_class=int(BlobClass.COMMIT))) == "not_allowed"
    assert ann.refused(replace(entry, n=ann.next_n())) == "not_allowed"
    scene.host.come_back()
    assert scene.host.refused(replace(entry, n=scene.host.next_n())) == "bad_roster"
    as_commit = replace(entry, n=scene.host.next_n(), blob_class=int(BlobClass.COMMIT))
    assert scene.host.refused(as_commit) == "bad_roster"  # another's entry
    by_host = replace(
        scene.commit(Change(Op.ADD, fresh.public, ENTRANT)),
        n=link.next_n(),
        blob_class=int(BlobClass.EXTERNAL),
    )
    assert link.refused(by_host) == "bad_roster"
    scene.pass_time(QUIET + limits.ENTERS_EVERY)
    scene.land(enters(scene, link, fresh), link)
    fresh.connect().authenticate(ConnectionRole.STANDBY)
    scene.pass_time(limits.ENTERS_EVERY)
    again = enters(scene, fresh, other, fresh)
    assert fresh.refused(again) == "not_allowed"
    by_link = scene.commit(Change(Op.REMOVE, fresh.public), signer=link.key)
    assert link.refused(replace(by_link, n=link.next_n())) == "not_allowed"


def test_a_link_tries_again_once_a_minute(scene: Scene) -> None:
    link = with_link(scene)
    link.authenticate(ConnectionRole.STANDBY)
    first, second = Person(scene), Person(scene)
    scene.land(enters(scene, link, first), link)
    first.authenticate(ConnectionRole.STANDBY)
    assert link.refused(enters(scene, link, second, first)) == "rate_limited"
    scene.pass_time(limits.ENTERS_EVERY)
    scene.land(enters(scene, link, second, first), link)
    assert first.closed == Close.REMOVED
    second.connect().authenticate(ConnectionRole.STANDBY)


def test_only_the_link_itself_uses_up_its_minute(scene: Scene, door: Door) -> None:
    """Any member could keep the room from being saved otherwise."""
    ann, link = scene.member(door), with_link(scene)
    link.authenticate(ConnectionRole.STANDBY)
    entry = enters(scene, link, Person(scene))
    assert ann.refused(replace(entry, n=ann.next_n())) == "not_allowed"
    scene.land(entry, link)


def test_a_lost_race_is_told_as_such(scene: Scene) -> None:
    link = with_link(scene)
    link.authenticate(ConnectionRole.STANDBY)
    late = enters(scene, link, Person(scene))
    scene.host.come_back()
    scene.land(scene.commit())
    assert link.refused(late) == "stale"


def test_a_facilitator_that_comes_back_clears_both(scene: Scene) -> None:
    link = with_link(scene)
    link.authenticate(ConnectionRole.STANDBY)
    fresh = Person(scene)
    scene.land(enters(scene, link, fresh), link)
    fresh.authenticate(ConnectionRole.STANDBY)
    fresh.resume(scene.base)
    scene.host.come_back()
    both = [Change(Op.REMOVE, one.public) for one in (link, fresh)]
    scene.land(scene.commit(*both))
    assert {link.closed, fresh.closed} == {Close.REMOVED}
