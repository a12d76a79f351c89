"""Role `away`: a key that an ABSENT took off the list may ask to be let in again, and no more."""

from alcove_protocol import limits
from alcove_protocol.frames import (
    ConnectionRole,
    Done,
    Knock,
    LobbyItem,
    LobbyKind,
    LobbyRequest,
    Publish,
    Resume,
    WelcomeIs,
)
from alcove_protocol.roster import Change, Op, Seat
from alcove_server.ports.outlet import Close

from tests.server.keys import Door, public
from tests.server.scene import Person, Scene
from tests.server.test_unsettled import Forgotten


def request(person: Person) -> LobbyRequest:
    return LobbyRequest(person.next_n(), bytes(16), b"a sealed request")


def absent(scene: Scene, door: Door) -> Person:
    """A member that was let go, connected in role `away`."""
    ann = scene.member(door)
    scene.remove(ann, Op.ABSENT)
    ann.fetch()
    scene.host.fetch()
    ann.connect()
    assert ann.authenticate(ConnectionRole.AWAY).role == ConnectionRole.AWAY
    return ann


def back(scene: Scene, ann: Person, door: bytes, *, paused: bool = False) -> Publish:
    change = Change(Op.ADD, ann.public, Seat(door, paused=paused))
    return scene.commit(change, welcomes={ann.public: b"a sealed Welcome"})


def test_who_was_let_go_asks_and_is_a_member_again(scene: Scene, door: Door) -> None:
    ann = absent(scene, door)
    ann.ask(request(ann), Done)
    item = scene.host.one(LobbyItem)
    assert (item.kind, item.key) == (LobbyKind.REQUEST, ann.public)
    scene.land(back(scene, ann, door.id))
    ann.one(WelcomeIs)
    ann.resume()
    ann.say()


def test_in_an_unsettled_log_who_follows_none_is_told_to_wait() -> None:
    """They ask to be let in, by `away` or by a ticket, and nobody can do that before."""
    gone = Forgotten()
    gone.extend(gone.true, Change(Op.ABSENT, public(gone.q)))
    gone.bring(gone.a, gone.true)
    member, away = gone.enter(gone.p), Person(gone.scene, gone.q)
    away.authenticate(ConnectionRole.AWAY)
    for one in (member, away):
        assert one.refused(request(one)) == "unsettled"
    member.resume()
    member.ask(request(member), Done)
    gone.wait(limits.UNSETTLED)
    away.ask(request(away), Done)


def test_the_door_stays_and_no_use_is_consumed(scene: Scene) -> None:
    door = scene.put_door(Door(uses=2))
    ann = absent(scene, door)
    scene.land(back(scene, ann, door.id))
    scene.member(door)  # the second use, and the last
    stranger = Person(scene)
    assert stranger.turned_away(stranger.auth_frame(ConnectionRole.DOOR, door)) == "door_used"


def test_who_comes_back_takes_nobodys_place(scene: Scene) -> None:
    """Beside them, Ben is removed and comes in by new keys: that is no use either."""
    door = scene.put_door(Door(uses=3))
    ann, ben = absent(scene, door), scene.member(door)
    renewed = scene.newcomer(door)
    renewed.knock()
    changes = [Change(Op.REMOVE, ben.public, Seat(paused=True))]
    changes += [Change(Op.ADD, one.public, Seat(door.id)) for one in (ann, renewed)]
    welcomes = {one.public: b"a sealed Welcome" for one in (ann, renewed)}
    scene.land(scene.commit(*changes, welcomes=welcomes))
    scene.member(door)  # the third use, and the last
    stranger = Person(scene)
    assert stranger.turned_away(stranger.auth_frame(ConnectionRole.DOOR, door)) == "door_used"


def test_another_door_than_their_own_needs_a_knock(scene: Scene, door: Door) -> None:
    other = scene.put_door(Door(id=bytes(8 * [7])))
    ann = absent(scene, door)
    assert scene.host.refused(back(scene, ann, other.id)) == "unknown_knock"


def test_in_role_away_nothing_else_is_taken(scene: Scene, door: Door) -> None:
    ann = absent(scene, door)
    for frame in (
        Resume(ann.next_n(), bytes(16), 0),
        Knock(ann.next_n(), bytes(16), b"a sealed knock"),
        ann.blob(),
        LobbyRequest(ann.next_n(), bytes(16), b"a vault", scene.host.public),
    ):
        assert ann.refused(frame) == "not_allowed"


def test_who_left_or_was_removed_is_not_away(scene: Scene, door: Door) -> None:
    ann, ben = scene.member(door), scene.member(door)
    scene.remove(ann)
    ann.connect()
    assert ann.turned_away(ann.auth_frame(ConnectionRole.AWAY), Close.REMOVED) == "removed"
    ben.connect()
    assert ben.authenticate(ConnectionRole.AWAY).role == ConnectionRole.MEMBER
    stranger = Person(scene)
    assert stranger.turned_away(stranger.auth_frame(ConnectionRole.AWAY)) == "not_member"


def test_after_two_hours_the_key_is_a_strangers(scene: Scene, door: Door) -> None:
    ann = absent(scene, door)
    scene.pass_time(limits.AWAY - 10, beats=True)
    ann.connect()
    assert ann.authenticate(ConnectionRole.AWAY).role == ConnectionRole.AWAY
    scene.pass_time(20, beats=True)
    ann.connect()
    assert ann.turned_away(ann.auth_frame(ConnectionRole.AWAY)) == "not_member"


def test_who_is_removed_while_away_stays_out(scene: Scene, door: Door) -> None:
    """Back in, and then removed: the key is refused, in every role."""
    ann = absent(scene, door)
    scene.land(back(scene, ann, door.id))
    scene.remove(ann)
    ann.connect()
    assert ann.turned_away(ann.auth_frame(ConnectionRole.AWAY), Close.REMOVED) == "removed"


def test_one_that_is_away_can_be_removed_and_loses_the_door(scene: Scene, door: Door) -> None:
    ann = absent(scene, door)
    scene.remove(ann)  # no seat, and ABSENT is the last change of the key
    ann.fetch()
    assert ann.closed == Close.REMOVED
    ann.connect()
    assert ann.turned_away(ann.auth_frame(ConnectionRole.AWAY), Close.REMOVED) == "removed"
    stranger = Person(scene)
    assert stranger.turned_away(stranger.auth_frame(ConnectionRole.DOOR, door)) == "door_revoked"
    assert scene.host.refused(back(scene, ann, door.id)) == "unknown_knock"
    assert scene.host.refused(scene.commit(Change(Op.REMOVE, ann.public))) == "bad_roster"


def test_one_that_is_away_can_be_removed_and_the_door_stays(scene: Scene) -> None:
    door = scene.put_door(Door(uses=2))
    ann = absent(scene, door)
    scene.land(scene.commit(Change(Op.REMOVE, ann.public, Seat(paused=True))))
    scene.member(door)  # the second use
    ann.connect()
    assert ann.turned_away(ann.auth_frame(ConnectionRole.AWAY), Close.REMOVED) == "removed"


def test_one_that_left_is_not_removed_after_it(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    left = Change(Op.LEFT, ann.public)
    scene.land(scene.commit(left, leaves=[scene.room.leave(ann.key)]))
    assert scene.host.refused(scene.commit(Change(Op.REMOVE, ann.public))) == "bad_roster"
