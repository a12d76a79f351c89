"""Opening and authentication: every refusal, under exactly the condition that brings it."""

import pytest
from alcove_protocol import limits
from alcove_protocol.errors import REFUSALS
from alcove_protocol.frames import (
    Authenticate,
    Authenticated,
    BlobIs,
    Bye,
    Done,
    LobbyItem,
    OpenRoom,
    ReadCard,
    RequestRefused,
    Resume,
    WelcomeIs,
    from_relay,
)
from alcove_protocol.labels import Label
from alcove_protocol.roster import Change, Op, Seat
from alcove_server.ports.outlet import Close
from alcove_server.settings import Settings

from tests.server.keys import Door, Facilitated, answer, sign
from tests.server.scene import Person, Scene


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


def test_another_version_is_told_apart_before_anything_else(scene: Scene) -> None:
    person = Person(scene)
    frame = Authenticate(1, b"\x81\xa7version\x02", bytes(64))
    assert person.turned_away(frame) == "version"


def test_an_answer_for_another_host_is_refused(scene: Scene) -> None:
    person = Person(scene, scene.host.key)
    frame = person.auth_frame("member", host="evil.test")
    assert person.turned_away(frame) == "wrong_host"


def test_a_configured_origin_is_a_host() -> None:
    scene = Scene(Settings(origin=("http://abc.onion",)))
    scene.open()
    person = Person(scene, scene.host.key)
    person.ask(person.auth_frame("member", host="abc.onion"), Authenticated)


def test_a_changed_offer_of_subprotocols_is_refused(scene: Scene) -> None:
    person = Person(scene, scene.host.key)
    frame = person.auth_frame("member", offered="alcove.v2, alcove.v1")
    assert person.turned_away(frame) == "auth_failed"


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
# A function of any frame.
def test_an_answer_that_does_not_fit_is_refused(scene: Scene, alter) -> None:  # type: ignore[no-untyped-def]
    person = Person(scene, scene.host.key)
    signed = sign(person.key, Label.CHALLENGE, alter(person))
    frame = Authenticate(1, signed.body, signed.signature)
    assert person.turned_away(frame) == "auth_failed"


def test_a_wrong_signature_is_refused(scene: Scene, door: Door) -> None:
    person = Person(scene, scene.host.key)
    frame = person.auth_frame("member")
    forged = Authenticate(1, frame.statement, bytes(64))
    assert person.turned_away(forged) == "auth_failed"

    at_door = Person(scene)
    frame = at_door.auth_frame("door", door)
    forged = Authenticate(1, frame.statement, frame.signature, bytes(64))
    assert at_door.turned_away(forged) == "auth_failed"


def test_a_key_that_is_not_on_the_roster_is_no_member(scene: Scene) -> None:
    person = Person(scene)
    assert person.turned_away(person.auth_frame("member")) == "not_member"


def test_a_room_that_was_never_opened_is_unknown(scene: Scene) -> None:
    scene.room = Facilitated()
    person = Person(scene, scene.room.relay_key)
    assert person.turned_away(person.auth_frame("member")) == "unknown_room"


def test_a_removed_member_is_told_so_and_the_door_is_revoked(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    scene.remove(ann)
    blob, bye = ann.fetch()[-2:]
    entry = scene.room.chain[-1]
    proof = Bye(
        "removed", REFUSALS["removed"], entry.body, entry.signature, generation=scene.base[:8]
    )
    assert isinstance(blob, BlobIs)
    assert (blob.entry, bye) == (entry.body, proof)
    assert ann.closed == Close.REMOVED
    scene.land(scene.commit())
    again = Person(scene, ann.key)
    assert again.turned_away(again.auth_frame("member"), Close.REMOVED) == "removed"
    assert again.heard[-1] == proof
    back = Person(scene, ann.key)
    assert back.turned_away(back.auth_frame("door", door), Close.REMOVED) == "removed"
    assert back.heard[-1] == proof
    other = Person(scene)
    assert other.turned_away(other.auth_frame("door", door)) == "door_revoked"


def test_a_relay_that_was_told_again_can_still_prove_a_removal(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    scene.remove(ann)
    entry = scene.room.chain[-1]
    scene.relay.relay.rooms.loaded.clear()  # the next one reads the chain
    again = Person(scene, ann.key)
    assert again.turned_away(again.auth_frame("member"), Close.REMOVED) == "removed"
    assert again.heard[-1] == Bye(
        "removed", REFUSALS["removed"], entry.body, entry.signature, generation=scene.base[:8]
    )


def test_an_entry_too_large_for_the_frame_removes_without_proof(scene: Scene) -> None:
    door = scene.put_door(Door(uses=60))
    people = [scene.member(door) for _ in range(48)]
    scene.land(scene.commit(*(Change(Op.REMOVE, one.public) for one in people)))
    assert len(scene.room.chain[-1].body) > limits.STATEMENT
    for one in people:
        assert one.fetch()[-1] == Bye("removed", REFUSALS["removed"], generation=scene.base[:8])
    again = Person(scene, people[0].key)
    assert again.turned_away(again.auth_frame("member"), Close.REMOVED) == "removed"
    assert again.heard[-1] == Bye("removed", REFUSALS["removed"], generation=scene.base[:8])


def test_the_proof_is_of_the_newest_removal_and_only_of_removed_members(
    scene: Scene, door: Door
) -> None:
    ann, ben = scene.member(door), scene.member(door)
    scene.remove(ann)
    scene.remove(ben)
    changes = [Change(Op.RESET, bytes(32))]
    changes += [Change(Op.ADD, key, seat) for key, seat in scene.room.roster.seats.items()]
    scene.land(scene.commit(*changes, Change(Op.ADD, ann.public, Seat(door.id))))
    back = Person(scene, ann.key)
    assert back.authenticate().role == "member"
    scene.remove(ann)
    again, other = Person(scene, ann.key), Person(scene, ben.key)
    for person, entry in ((again, scene.room.chain[-1]), (other, scene.room.chain[-3])):
        person.turned_away(person.auth_frame("member"), Close.REMOVED)
        bye = person.heard[-1]
        assert isinstance(bye, Bye)
        assert bye.statement == entry.body


def test_doors_tell_why_they_are_closed(scene: Scene) -> None:
    def refusal(door: Door) -> str:
        person = Person(scene)
        return person.turned_away(person.auth_frame("door", door))

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


def test_a_newcomer_who_waits_is_let_through_a_door_that_closed(scene: Scene, door: Door) -> None:
    ann = scene.newcomer(door)
    ann.knock()
    door.uses = 0
    scene.put_door(door)
    ann.connect()
    assert ann.authenticate("door", door).waiting
    item = [frame for frame in scene.host.resumed_afresh() if isinstance(frame, LobbyItem)][-1]
    assert item.door_revoked
    scene.admit(ann)
    ann.one(WelcomeIs)


def test_before_authentication_members_requests_are_refused(scene: Scene) -> None:
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


def test_a_connection_that_proved_its_key_late_does_not_replace_a_newer_one(scene: Scene) -> None:
    """The store was slow, or the network. The client has given the older connection up."""
    scene.host.link.close()
    scene.host.connect()
    older, proof = scene.host.link, scene.host.auth_frame("member")
    scene.clock.advance(1)
    scene.host.connect()
    scene.host.authenticate()
    older.receive(proof.to_bytes())
    bye = from_relay(older.outgoing()[-1])
    assert isinstance(bye, Bye)
    assert (bye.code, older.closed) == ("replaced", Close.REPLACED)
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


def test_a_refusal_names_the_log_as_soon_as_the_room_is_known(scene: Scene) -> None:
    stranger = Person(scene)
    assert stranger.ask(ReadCard(1), RequestRefused).generation is None
    told = stranger.ask(stranger.auth_frame("member"), RequestRefused)
    assert (told.code, told.generation) == ("not_member", scene.base[:8])
    stale = scene.host.ask(scene.host.blob(b"late", base=bytes(16)), RequestRefused)
    assert (stale.code, stale.generation) == ("stale", scene.base[:8])
