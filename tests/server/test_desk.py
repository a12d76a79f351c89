"""The private line at the relay: who hears a frame, what it costs, and that nothing stays."""

import os

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import BlobIs, DeskIs, Done, Frame, RequestRefused, SendDesk
from alcove_protocol.roster import Change, Op, Role, Seat
from alcove_server.ports.outlet import Close
from alcove_server.settings import Settings

from tests.server.keys import Door
from tests.server.scene import Person, Scene


def frame_of(person: Person, size: int = limits.DESK_SMALL, tick: int = 1) -> SendDesk:
    return SendDesk(person.next_n(), 0, tick, os.urandom(size))


def desk_frames(person: Person) -> list[Frame]:
    return [frame for frame in person.fetch() if isinstance(frame, DeskIs)]


def test_a_members_frame_reaches_the_facilitators_alone(scene: Scene, door: Door) -> None:
    ann, ben = scene.member(door), scene.member(door)
    for person in (scene.host, ann, ben):
        person.fetch()
    sent = frame_of(ann)
    ann.ask(sent, Done)
    assert desk_frames(scene.host) == [DeskIs(ann.public, 0, 1, sent.blob)]
    assert ann.fetch() == ben.fetch() == []


def test_a_facilitators_frame_reaches_all_others(scene: Scene, door: Door) -> None:
    ann, ben = scene.member(door), scene.member(door)
    scene.land(scene.commit(Change(Op.CHANGE, ben.public, Seat(role=Role.FACILITATOR))))
    for person in (scene.host, ann, ben):
        person.fetch()
    for person, others in ((scene.host, (ann, ben)), (ben, (ann, scene.host))):
        sent = frame_of(person, limits.DESK_LARGE)
        person.ask(sent, Done)
        for other in others:
            assert desk_frames(other) == [DeskIs(person.public, 0, 1, sent.blob)]
        assert person.fetch() == []


def test_a_frame_is_told_in_its_place_among_the_blobs(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    ann.fetch()
    scene.host.say(b"before")
    scene.host.ask(frame_of(scene.host), Done)
    scene.host.say(b"after")
    assert [type(frame) for frame in ann.fetch()] == [BlobIs, DeskIs, BlobIs]


def test_nothing_stays_for_who_was_away(scene: Scene, door: Door) -> None:
    """Also not for a facilitator, and not in the log: no number is used."""
    ann = scene.member(door)
    scene.host.link.close()
    before = ann.say()
    ann.ask(frame_of(ann), Done)
    after = ann.say()
    assert int.from_bytes(after.position[8:]) == int.from_bytes(before.position[8:]) + 1
    scene.host.connect()
    scene.host.authenticate()
    scene.host.resume()
    assert not [frame for frame in scene.host.heard if isinstance(frame, DeskIs)]


def test_a_paused_member_sends_frames_too(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    scene.pause(ann)
    assert ann.refused(ann.blob()) == "paused"
    scene.host.fetch()
    ann.ask(frame_of(ann), Done)
    assert len(desk_frames(scene.host)) == 1


def test_a_frame_before_resume_goes_out_and_none_comes_in(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    ann.link.close()
    ann.connect()
    ann.authenticate()
    scene.host.fetch()
    ann.ask(frame_of(ann), Done)
    assert len(desk_frames(scene.host)) == 1
    scene.host.ask(frame_of(scene.host), Done)
    assert ann.fetch() == []


def test_at_a_door_there_is_no_private_line(scene: Scene, door: Door) -> None:
    newcomer = scene.newcomer(door)
    assert newcomer.refused(frame_of(newcomer)) == "not_allowed"


@pytest.mark.parametrize("size", [limits.DESK_SMALL + 1, limits.DESK_LARGE - 1])
def test_a_frame_has_one_of_two_sizes(scene: Scene, door: Door, size: int) -> None:
    ann = scene.member(door)
    scene.host.fetch()
    ann.send(frame_of(ann, size))
    refused = ann.one(RequestRefused)
    assert (refused.code, "bad_length" in refused.text) == ("malformed", True)
    assert ann.closed == Close.REFUSED
    assert not desk_frames(scene.host)


def test_who_sends_too_many_is_refused_and_the_others_go_on() -> None:
    scene = Scene(Settings(rates=1.0))
    scene.open()
    door = scene.put_door()
    ann, ben = scene.member(door), scene.member(door)
    scene.pass_time(60, beats=True)
    codes = []
    for _ in range(30):
        frame = frame_of(ann)
        ann.send(frame)
        codes += [
            getattr(one, "code", "done") for one in ann.fetch() if not isinstance(one, BlobIs)
        ]
    assert set(codes) == {"done", "rate_limited"}
    assert 8 <= codes.count("done") <= 13
    ben.ask(frame_of(ben), Done)
    scene.pass_time(5, beats=True)
    ann.fetch()
    ann.ask(frame_of(ann), Done)
