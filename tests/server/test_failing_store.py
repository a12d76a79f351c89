"""A store that fails for a moment harms only the client it failed. A request that was done is
answered once. A client that misses something is told it later, or is asked to come back for it."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import (
    Answer,
    Authenticated,
    Bye,
    Done,
    EndRoom,
    Knock,
    KnockRefused,
    LobbyKind,
    Published,
    RefuseKnock,
    Request,
    RequestRefused,
    Resume,
    Settle,
    WelcomeIs,
    Withdraw,
)
from alcove_protocol.roster import Change, Op, Role, Seat
from alcove_server.ports.outlet import Close

from tests.server.scene import Person, Scene
from tests.server.waiting import Waited, items, turns


def answers(person: Person, n: int) -> list[type]:
    """Return the kinds of the answers to a request that arrived since the last call."""
    return [type(one) for one in person.fetch() if isinstance(one, Answer) and one.n == n]


# --- a failure that concerns one client concerns no other ---------------------------------------


async def test_items_are_told_though_a_refusal_could_not_be_read() -> None:
    scene = Waited(slow=False)
    ann = scene.newcomer(scene.put_door())
    ann.knock()
    await turns(1)
    assert items(scene.host) == [(LobbyKind.KNOCK, 1)]
    await scene.memory.settle(scene.room.id, ann.knock_id, b"no")
    await scene.request()  # one look brings both
    scene.slowly()
    scene.store.failing["take_refusal"] = 1
    await scene.ring()
    assert ann.closed == Close.TRY_AGAIN
    await scene.request()
    await scene.ring()
    assert [number for _, number in items(scene.host)] == [2, 3, 4]


async def test_an_admitted_member_hears_it_though_the_welcome_of_another_could_not_be_read() -> (
    None
):
    scene = Waited(slow=False)
    door = scene.put_door()
    people = [scene.newcomer(door) for _ in range(3)]
    for one in people:
        one.knock()
    admission = scene.admission(*people)
    scene.slowly()
    scene.store.failing["welcome"] = 1
    scene.host.send(admission)
    await turns(100)
    assert answers(scene.host, admission.n) == [Published]
    last = sorted(type(one.fetch()[-1]).__name__ for one in people)
    assert last == [Bye.__name__, WelcomeIs.__name__, WelcomeIs.__name__]
    assert sorted(one.closed or 0 for one in people) == [0, 0, Close.TRY_AGAIN]


async def test_a_new_facilitator_is_told_the_lobby_though_a_welcome_could_not_be_read() -> None:
    scene = Waited(slow=False)
    door = scene.put_door()
    ann, ben = scene.member(door), scene.newcomer(door)
    ben.knock()
    await scene.request()
    await scene.ring()  # facilitators are told
    promotion = Change(Op.CHANGE, ann.public, Seat(role=Role.FACILITATOR))
    scene.slowly()
    scene.store.failing["welcome"] = 1
    scene.host.send(
        scene.commit(promotion, scene.room.add(ben.public, door.id), welcomes={ben.public: b"w"})
    )
    await turns(100)
    assert [kind for kind, _ in items(ann)][:1] == [LobbyKind.REQUEST]


async def test_a_room_that_cannot_be_read_keeps_no_other_from_hearing_of_its_end() -> None:
    scene = Waited(slow=False)
    other = Scene()
    other.relay, other.clock = scene.relay, scene.clock
    other.open()
    scene.slowly()
    scene.store.failing["head"] = 1
    scene.clock.advance(limits.ABANDONED_AFTER)
    for _ in range(2):
        await scene.relay.relay.tick()
    assert (scene.host.closed, other.host.closed) == (Close.GOING_AWAY, Close.GOING_AWAY)


async def test_a_refusal_is_told_by_a_room_that_could_not_read_the_knock() -> None:
    scene = Waited(slow=False)
    ann = scene.newcomer(scene.put_door())
    scene.slowly()
    scene.store.failing["head"] = 1
    ann.send(Knock(77, bytes(16), b"knock"))
    await turns(50)
    scene.host.send(Resume(77, bytes(16), 0))
    await turns(50)
    assert items(scene.host) == [(LobbyKind.KNOCK, 1)]
    scene.host.send(RefuseKnock(78, bytes(16), b"no"))
    await turns(50)
    assert ann.fetch()[-1] == KnockRefused(bytes(16), b"no")


# --- what was done is answered once -------------------------------------------------------------


def knocked(scene: Waited) -> tuple[Person, Request]:
    return scene.newcomer(scene.put_door()), Knock(77, os.urandom(16), b"knock")


def withdrawn(scene: Waited) -> tuple[Person, Request]:
    ann = scene.newcomer(scene.put_door())
    ann.knock()
    return ann, Withdraw(77)


def settled(scene: Waited) -> tuple[Person, Request]:
    ann, _ = withdrawn(scene)
    return scene.host, Settle(77, ann.knock_id)


def ended(scene: Waited) -> tuple[Person, Request]:
    signed = scene.room.end()
    return scene.host, EndRoom(77, signed.body, signed.signature)


def came_back(scene: Waited) -> tuple[Person, Request]:
    person = Person(scene, scene.room.relay_key)
    return person, person.auth_frame("member")


def came_to_a_door(scene: Waited) -> tuple[Person, Request]:
    door = scene.put_door()
    person = Person(scene)
    return person, person.auth_frame("door", door)


@pytest.mark.parametrize(
    ("prepared", "fails", "answer"),
    [
        (knocked, "head", Done),
        (withdrawn, "head", Done),
        (settled, "head", Done),
        (ended, "head", Done),
        (came_back, "welcome", Authenticated),
        (came_to_a_door, "take_refusal", Authenticated),
    ],
)
async def test_a_request_is_answered_once_though_its_effect_could_not_be_told(
    prepared: Callable[[Waited], tuple[Person, Request]], fails: str, answer: type
) -> None:
    scene = Waited(slow=False)
    person, request = prepared(scene)
    scene.slowly()
    scene.store.failing[fails] = 1
    person.send(request)
    await turns(50)
    assert answers(person, request.n) == [answer]


async def test_the_next_tick_tells_what_could_not_be_told() -> None:
    scene = Waited(slow=False)
    ann = scene.member(scene.put_door())
    host, end = ended(scene)
    scene.slowly()
    scene.store.failing["head"] = 1
    host.send(end)
    await turns(50)
    assert ann.closed is None
    await scene.relay.relay.tick()
    assert ann.closed == Close.ENDED


async def test_a_member_that_heard_the_room_does_not_go_deaf_by_a_resume_that_fails() -> None:
    """It counts on hearing what comes next, so it is asked to come back."""
    scene = Waited(slow=False)
    ann = scene.member(scene.put_door())
    scene.slowly()
    scene.store.failing["welcomed"] = 1
    ann.send(Resume(77, scene.base, 0))
    await turns(50)
    assert ann.closed == Close.TRY_AGAIN


async def test_a_member_whose_first_resume_fails_stays_connected() -> None:
    """It knows that it hears nothing yet."""
    scene = Waited(slow=False)
    ann = scene.member(scene.put_door())
    ann.link.close()
    ann.connect()
    ann.authenticate()
    scene.slowly()
    scene.store.failing["welcomed"] = 1
    ann.send(Resume(77, scene.base, 0))
    await turns(50)
    assert [one.code for one in ann.fetch() if isinstance(one, RequestRefused)] == ["unavailable"]
    assert ann.closed is None
