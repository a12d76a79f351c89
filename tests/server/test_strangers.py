"""What a stranger can make the relay do with an own room, and what that may cost others."""

import asyncio
import contextlib
import os
from collections.abc import Iterable

import pytest
from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.errors import Malformed, Refusal
from alcove_protocol.frames import Bye, Done, EndRoom, Published, RequestRefused, Reseat, SeatedDoor
from alcove_protocol.roster import Change, Op, Role, Seat, extend
from alcove_protocol.statements import Signed
from alcove_server.net.admission import GRACE, Admission, Admitted
from alcove_server.net.request_head import HEAD_SIZE, BadRequest, parse
from alcove_server.ports.outlet import Close
from alcove_server.ports.runner import OnLoop
from alcove_server.relay import RESTORE_SECONDS
from alcove_server.rooms import restores
from alcove_server.session.price import BURST
from alcove_server.settings import Settings
from alcove_server.store.budget import SHARE, SMALL, Budget

from tests.growth import LINEAR, growth
from tests.server.keys import Door, Facilitated
from tests.server.scene import Person, Scene
from tests.server.sockets import serving
from tests.server.test_restore import restore_frame
from tests.server.test_restore import restoring as restoring_client
from tests.server.waiting import turns

# --- heads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("filling", [b" ", b"\t", b" a", b"a ", b"\xff"])
def test_a_header_is_gone_through_once(filling: bytes) -> None:
    """It once took 1.7 s for the largest head."""

    def head(size: int) -> bytes:
        line = b"a:" + (filling * size)[:size] + b"\x01"
        return b"GET / HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n\r\n"

    def refused(given: bytes) -> None:
        with pytest.raises(BadRequest):
            parse(given)

    assert growth(head, refused, HEAD_SIZE - 100) < LINEAR


# --- rosters ----------------------------------------------------------------------------------


def facilitators(keys: Iterable[bytes]) -> list[Change]:
    return [Change(Op.ADD, key, Seat(role=Role.FACILITATOR)) for key in keys]


def test_a_room_has_no_more_facilitators_than_there_may_be() -> None:
    room = Facilitated()
    keys = [os.urandom(32) for _ in range(limits.FACILITATORS)]
    most = room.entry(facilitators(keys[1:]), base=bytes(16), commit=b"")
    assert len(extend(room.roster, most)[0].facilitators()) == limits.FACILITATORS
    more = room.entry(facilitators(keys), base=bytes(16), commit=b"")
    with pytest.raises(Malformed):
        extend(room.roster, more)


def test_an_entry_counts_by_the_members_it_is_about() -> None:
    scene = Scene(Settings(rates=1.0))
    scene.open(limits.MEMBERS_MAX)
    door = scene.put_door()
    changes = [Change(Op.RESET, bytes(32)), *facilitators([scene.host.public])]
    changes += [Change(Op.ADD, os.urandom(32), Seat(door.id)) for _ in range(999)]
    scene.land(scene.commit(*changes))
    scene.clock.advance(60)
    for taken in range(7):  # each is worth 21 requests
        frame = scene.commit()
        scene.host.send(frame)
        answer = scene.host.fetch()[-1]
        if taken == BURST // 21:
            assert isinstance(answer, RequestRefused)
            assert answer.code == "rate_limited"
            return
        assert isinstance(answer, Published)
        assert frame.entry is not None
        assert frame.signature is not None
        scene.room.take(Signed(frame.entry, frame.signature))
        scene.base = answer.position
    raise AssertionError("there was no end to it")


# --- reseating --------------------------------------------------------------------------------


def test_a_door_is_restored_only_by_its_own_facilitator(scene: Scene) -> None:
    ann = scene.member(scene.put_door())
    scene.land(scene.commit(Change(Op.CHANGE, ann.public, Seat(role=Role.FACILITATOR))))
    theirs = Door()
    put = theirs.statement(scene.room, ann.key)
    packed = pack_list([SeatedDoor(put.body, put.signature, theirs.card, 5, 60).encode()])
    for key, code in ((scene.room.relay_key, "bad_statement"), (ann.key, "")):
        person = restoring_client(scene, key)
        good = restore_frame(person, scene.room.chain)
        bent = Reseat(good.n, good.statement, good.signature, good.chain, good.commit, packed)
        if code:
            assert person.refused(bent) == code
        else:
            person.ask(bent, Done)


class Guarded(Scene):
    """A room whose clients come through an admission."""

    def __init__(self, places: int = 100) -> None:
        super().__init__()
        self.doorkeeper = Admission(
            self.clock, os.urandom, connections=places, per_prefix=places, shared=frozenset()
        )

    def stranger(self) -> Person:
        """A person with an own room that the relay never heard of."""
        self.room = Facilitated()
        person = Person(self, self.room.relay_key)
        session = person.link.session
        assert session is not None
        place = self.doorkeeper.enter("192.0.2.1")
        place.give_way = session.give_way
        session.client.place = place
        person.authenticate("reseat")
        return person


def place_of(person: Person) -> Admitted:
    session = person.link.session
    assert session is not None
    assert isinstance(session.client.place, Admitted)
    return session.client.place


def test_restoring_rooms_has_the_rate_of_opening_them() -> None:
    scene = Guarded()
    codes = []
    for _ in range(21):
        person = scene.stranger()
        person.send(restore_frame(person, scene.room.chain))
        codes.append(getattr(person.fetch()[0], "code", "done"))
    assert codes == ["done"] * 20 + ["rate_limited"]


def test_a_client_that_restores_a_room_gives_way_and_does_not_stay() -> None:
    scene = Guarded(places=2)
    first, second = scene.stranger(), scene.stranger()
    scene.clock.advance(GRACE)
    scene.doorkeeper.enter("192.0.2.1")
    assert first.closed == Close.TRY_AGAIN
    assert second.closed is None
    scene.clock.advance(RESTORE_SECONDS - GRACE - 1)
    scene.relay.tick()
    assert second.closed is None
    scene.clock.advance(1)
    scene.relay.tick()
    (bye,) = second.fetch()
    assert isinstance(bye, Bye)
    assert bye.code == "idle"
    assert [first.closed, second.closed] == [Close.TRY_AGAIN, Close.REFUSED]
    assert not scene.relay.relay._restoring


async def test_a_client_that_waits_for_others_restores_is_not_closed_as_idle() -> None:
    scene = Guarded()
    scene.relay.relay.services.runner = OnLoop()
    person = scene.stranger()
    frame = restore_frame(person, scene.room.chain)
    line = scene.relay.relay.rooms.restores.line_of(restores.size_of(frame))
    await line.enter(None)
    person.send(frame)
    await turns(2)
    for _ in range(3):
        scene.clock.advance(RESTORE_SECONDS)
        await scene.relay.relay.tick()
    assert person.closed is None
    line.leave()
    await turns(20)
    assert [type(one) for one in person.fetch()] == [Done]
    scene.clock.advance(RESTORE_SECONDS)
    await scene.relay.relay.tick()
    assert person.closed == Close.REFUSED


def test_so_many_rooms_are_brought_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restores, "WAITING", 0)
    scene = Guarded()
    person = scene.stranger()
    assert person.refused(restore_frame(person, scene.room.chain)) == "busy"


async def test_the_chain_of_a_client_that_has_gone_is_not_verified_to_its_end() -> None:
    scene = Scene()
    scene.relay.relay.services.runner = OnLoop()
    scene.room = Facilitated()
    for _ in range(200):
        scene.room.take(scene.room.entry([], base=bytes(16), commit=b""))
    person = restoring_client(scene)
    person.send(restore_frame(person, scene.room.chain))
    await turns(1)
    assert len(scene.relay.relay.rooms.restores) == 1
    person.link.close()
    await turns(3)
    assert len(scene.relay.relay.rooms.restores) == 0
    assert await scene.relay.store.head(scene.room.id) is None


def test_nothing_of_an_ended_room_is_kept(scene: Scene) -> None:
    relay, host = scene.relay.relay, scene.host
    host.link.close()
    assert len(relay.rooms.verifier) == 1
    host.connect().authenticate()
    said = scene.room.end()
    host.send(EndRoom(host.next_n(), said.body, said.signature))
    assert host.closed == Close.ENDED
    assert not relay.rooms.loaded
    assert len(relay.rooms.verifier) == 0


# --- the store --------------------------------------------------------------------------------


def fill(room: Budget) -> None:
    with contextlib.suppress(Refusal):
        for _ in range(1000):
            room.take(limits.MIB // 4)


def test_rooms_that_are_full_leave_others_their_share() -> None:
    store = Budget(100 * limits.MIB)
    rooms = [Budget(64 * limits.MIB, store) for _ in range(20)]
    for room in rooms:
        fill(room)
    assert rooms[0].used <= 100 * limits.MIB // SHARE
    assert store.used < 75 * limits.MIB
    newcomer = Budget(64 * limits.MIB, store)
    newcomer.take(limits.MIB)
    with pytest.raises(Refusal):
        newcomer.take(SMALL)


# --- places -----------------------------------------------------------------------------------


async def test_there_are_never_more_connections_than_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("alcove_server.net.admission.GRACE", 0.0)
    async with serving(connections=4, connections_per_prefix=4, rates=0) as running:
        admission = running.service.admission
        for _ in range(12):
            await running.upgraded()
            await asyncio.sleep(0)
            assert admission.connections <= 5, "one comes while another goes"
