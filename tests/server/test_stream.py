"""The stream `room` as members see it: one order, resume, expiry, seating again."""

import os

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import (
    BlobIs,
    Bye,
    LobbyItem,
    Published,
    Resume,
    Resumed,
    WelcomeIs,
)
from alcove_protocol.position import Position
from alcove_protocol.roster import Change, Op, Role, Seat
from alcove_server.ports.outlet import Close
from alcove_server.rooms.room import PAGE

from tests.server.keys import Door
from tests.server.scene import Person, Scene


def numbers(person: Person) -> list[int]:
    """The numbers that arrived since, published ones included."""
    frames = [one for one in person.fetch() if isinstance(one, BlobIs | Published)]
    return [Position.decode(one.position).number for one in frames]


# --- one order --------------------------------------------------------------------------------


def test_all_members_see_one_order_and_senders_their_own_answer_in_it(
    scene: Scene, door: Door
) -> None:
    ann, ben = scene.member(door), scene.member(door)
    ann.fetch()
    start = Position.decode(scene.base).number
    for person in (ann, ben, ann, scene.host, ben):
        person.send(person.blob())
    assert numbers(ann) == numbers(ben) == numbers(scene.host) == list(range(start + 1, start + 6))


def test_the_same_frame_goes_to_all(scene: Scene, door: Door) -> None:
    ann, ben = scene.member(door), scene.member(door)
    for person in (ann, ben):
        person.fetch()
    scene.host.say()
    assert ann.link.outgoing() == ben.link.outgoing()


def test_a_member_that_has_not_resumed_hears_nothing(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    ann.link.close()
    ann.connect()
    ann.authenticate()
    scene.host.say()
    assert ann.fetch() == []


def test_a_member_may_publish_before_they_resume(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    frame = ann.blob()
    ann.send(frame)
    before = ann.position
    ann.link.close()
    ann.connect()
    ann.authenticate()
    published = ann.ask(frame, Published)
    scene.host.say(b"after")
    ann.resume(before)
    assert ann.heard[-1] == BlobIs(scene.host.position, 2, 0, b"after", key=scene.host.public)
    assert published.position != scene.host.position


# --- resume -----------------------------------------------------------------------------------


def test_resume_tells_what_is_unexpired_after_the_position(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    scene.host.say(b"one")
    seen = ann.blobs()
    ann.link.close()
    scene.host.say(b"two", ttl=60)
    scene.clock.advance(30)
    scene.host.say(b"three")
    resumed = ann.come_back()
    assert seen == [b"one"]
    assert not resumed.lost
    assert [frame.blob for frame in ann.heard if isinstance(frame, BlobIs)][-2:] == [
        b"two",
        b"three",
    ]
    assert [frame.age for frame in ann.heard if isinstance(frame, BlobIs)][-2:] == [30, 0]


def test_what_expired_meanwhile_is_said_to_be_lost(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    ann.link.close()
    scene.host.say(b"gone", ttl=10)
    scene.host.beat()
    scene.clock.advance(10)
    scene.host.say(b"there")
    resumed = ann.come_back()
    assert resumed.lost
    assert ann.heard[-1] == BlobIs(scene.host.position, 2, 0, b"there", key=scene.host.public)
    ann.position = scene.host.position
    scene.clock.advance(limits.HEARTBEAT_TTL)
    assert not ann.come_back().lost  # a beat that expired is no gap


def test_another_generation_is_told_everything_and_that_something_is_lost(
    scene: Scene, door: Door
) -> None:
    ann = scene.member(door)
    scene.host.say(b"here")
    ann.fetch()
    for position in (os.urandom(8) + bytes(8), scene.position(10_000)):
        ann.heard.clear()
        ann.send(Resume(ann.next_n(), position, 0))
        resumed, *blobs = ann.fetch()
        assert isinstance(resumed, Resumed)
        assert resumed.lost
        assert [blob.blob for blob in blobs if isinstance(blob, BlobIs)][-1] == b"here"


def test_a_long_replay_comes_in_pages_as_the_transport_takes_them(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    ann.link.close()
    sent = [os.urandom(limits.APPLICATION_BUCKET) for _ in range(20)]
    for content in sent:
        scene.host.say(content)
    ann.connect()
    ann.authenticate()
    ann.link.blocked = True
    ann.send(Resume(ann.next_n(), ann.position, 0))
    assert ann.link.backlog <= 2 * PAGE
    heard: list[bytes] = []
    scene.host.say(b"the newest")
    while len(heard) < len(sent) + 1:
        heard += ann.blobs()
        assert ann.link.session is not None
        ann.link.session.drained()
    assert heard == [*sent, b"the newest"]
    scene.host.say(b"live")
    assert ann.blobs() == [b"live"]


def test_what_expires_during_a_slow_replay_is_not_passed_over(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    ann.link.close()
    for _ in range(20):
        scene.host.say(os.urandom(limits.APPLICATION_BUCKET), ttl=60)
    ann.connect()
    ann.authenticate()
    ann.link.blocked = True
    assert not ann.resume().lost
    scene.clock.advance(60)
    ann.fetch()
    assert ann.link.session is not None
    ann.link.session.drained()
    assert ann.one(Bye).code == "slow_consumer"
    assert ann.closed == Close.SLOW_CONSUMER


def test_a_welcome_is_sent_at_each_authentication_until_the_member_resumes(
    scene: Scene, door: Door
) -> None:
    ann = scene.newcomer(door)
    ann.knock()
    ann.link.close()
    scene.admit(ann)
    for role in ("door", "member"):
        ann.connect()
        assert ann.authenticate(role, door if role == "door" else None).role == "member"
        assert isinstance(ann.heard[-1], WelcomeIs)
        ann.link.close()
    ann.come_back()
    ann.come_back()
    assert not isinstance(ann.heard[-2], WelcomeIs)


def test_a_member_rejoins(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    ann.fetch()
    change = Change(Op.REJOIN, ann.public)
    scene.land(scene.commit(change, welcomes={ann.public: b"fresh keys"}))
    blob, welcome = ann.fetch()
    assert isinstance(blob, BlobIs)
    assert isinstance(welcome, WelcomeIs)
    assert (welcome.welcome, welcome.position) == (b"fresh keys", scene.base)


def test_a_new_facilitator_hears_of_waiting_newcomers(scene: Scene, door: Door) -> None:
    ann, ben = scene.member(door), scene.newcomer(door)
    ben.knock()
    assert not any(isinstance(frame, LobbyItem) for frame in ann.fetch())
    scene.land(scene.commit(Change(Op.CHANGE, ann.public, Seat(role=Role.FACILITATOR))))
    items = [frame for frame in ann.fetch() if isinstance(frame, LobbyItem)]
    assert [item.id for item in items] == [ben.knock_id]


def test_a_restated_list_mends_what_a_burned_commit_did(scene: Scene, door: Door) -> None:
    ann, ben, cat = scene.member(door), scene.member(door), scene.newcomer(door)
    cat.knock()
    scene.remove(ann)  # say that every member refused this commit
    other = scene.newcomer(scene.put_door())
    changes = [Change(Op.RESET, bytes(32))]
    changes += [Change(Op.ADD, key, seat) for key, seat in scene.room.roster.seats.items()]
    changes = [change for change in changes if change.key != ben.public]
    changes.append(Change(Op.ADD, ann.public, Seat(door.id)))
    changes.append(Change(Op.ADD, cat.public, Seat(door.id)))
    scene.land(scene.commit(*changes, welcomes={cat.public: b"welcome"}))
    cat.one(WelcomeIs)
    back = Person(scene, ann.key)
    assert back.authenticate().role == "member"
    last = ben.fetch()[-1]
    assert isinstance(last, Bye)
    assert (last.code, ben.closed, other.closed) == ("not_member", Close.DONE, None)


# --- expiry -----------------------------------------------------------------------------------


def test_after_expiry_the_id_is_still_known(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    frame = ann.blob(ttl=10)
    first = ann.ask(frame, Published)
    scene.pass_time(limits.PUBLISH_RECORD, beats=True)
    assert ann.ask(frame, Published) == first
    scene.pass_time(10, beats=True)
    assert ann.ask(frame, Published).position != first.position


def test_commits_are_kept_for_the_rejoin_window(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    ann.link.close()
    scene.land(scene.commit(content=b"a commit"))
    scene.host.say(b"an application message", ttl=limits.TTL_MAX)
    for _ in range(limits.REJOIN_WINDOW // 600 - 1):
        scene.clock.advance(600)
        scene.host.beat()
    ann.come_back()
    assert [b.blob for b in ann.heard if isinstance(b, BlobIs)][-3:-1] == [
        b"a commit",
        b"an application message",
    ]


# --- draining ----------------------------------------------------------------------------------


def test_draining_tells_all_clients_to_come_again(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    ann.fetch()
    scene.relay.drain()
    for person in (ann, scene.host):
        bye = person.one(Bye)
        assert (bye.code, bye.delay) == ("draining", 0)
        assert person.closed == Close.RESTARTING


def test_many_are_told_to_come_again_one_after_the_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alcove_server.relay._RETURNING", 2)
    people = [scene.host, *(Person(scene) for _ in range(8))]
    scene.relay.drain()
    delays = [person.one(Bye).delay for person in people]
    assert sorted(delay for delay in delays if delay is not None) == [0, 0, 1, 1, 2, 2, 3, 3, 4]


def test_no_client_is_told_to_wait_longer_than_it_would(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alcove_server.relay._RETURNING", 1)
    people = [Person(scene) for _ in range(4 * limits.RETURN_DELAY)]
    scene.relay.drain()
    delays = {person.one(Bye).delay for person in people}
    assert delays == set(range(limits.RETURN_DELAY + 1))
