"""A member restores a room that the relay forgot."""

from hashlib import sha256

import pytest
from alcove_protocol import limits
from alcove_protocol.card import card_number
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    Bye,
    Done,
    Reseat,
    SeatedDoor,
)
from alcove_protocol.labels import Label
from alcove_protocol.roster import NO_HASH, open_roster
from alcove_protocol.statements import ReseatStatement, Signed
from alcove_server.ports.outlet import Close
from nacl.signing import SigningKey

from tests.server.keys import Door, sign
from tests.server.scene import Person, Scene


def restore_frame(
    person: Person,
    chain: list[Signed],
    commit: bytes = b"",
    doors: list[Door] | None = None,
    earlier: bytes | None = None,
) -> Reseat:
    scene = person.scene
    body = ReseatStatement(
        scene.room.id,
        person.public,
        scene.room.roster.head,
        sha256(commit).digest() if commit else NO_HASH,
    )
    said = sign(person.key, Label.RESEAT, body)
    packed = []
    for door in doors or []:
        put = door.statement(scene.room)
        packed.append(SeatedDoor(put.body, put.signature, door.card, door.uses, door.ttl).encode())
    return Reseat(
        person.next_n(),
        said.body,
        said.signature,
        pack_list([entry.encode() for entry in chain]),
        commit,
        pack_list(packed),
        earlier,
    )


def restoring(scene: Scene, key: SigningKey | None = None) -> Person:
    person = Person(scene, key if key is not None else scene.room.relay_key)
    person.authenticate("reseat")
    return person


def forget(scene: Scene) -> Scene:
    """The same room before a relay that knows nothing."""
    empty = Scene()
    empty.room, empty.base = scene.room, scene.base
    return empty


def test_a_relay_that_forgot_is_told_again(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    commit = scene.commit(content=b"the last commit")
    scene.land(commit)
    ann.fetch()
    empty = forget(scene)
    host = restoring(empty)
    host.ask(restore_frame(host, scene.room.chain, b"the last commit", [door]), Done)
    empty.host = Person(empty, scene.room.relay_key)
    empty.host.authenticate()
    resumed = empty.host.resume(scene.base)
    assert resumed.lost
    assert resumed.base == resumed.head == resumed.base[:8] + (1).to_bytes(8, "big")
    assert resumed.commit == sha256(b"the last commit").digest()
    entry = scene.room.chain[-1]
    assert empty.host.heard[-1] == BlobIs(
        resumed.base, BlobClass.COMMIT, 0, b"the last commit", entry.body, entry.signature
    )
    empty.base = resumed.base
    again = Person(empty, ann.key)
    again.authenticate()
    again.resume(ann.position)
    again.say(b"still here")
    assert empty.host.blobs() == [b"still here"]
    ben = empty.newcomer(door)
    ben.knock()
    empty.clock.advance(limits.UNSETTLED)
    empty.host.beat()
    empty.admit(ben)


def test_the_same_chain_keeps_the_log_and_a_longer_one_begins_another(
    scene: Scene, door: Door
) -> None:
    ann = scene.member(door)
    chain = list(scene.room.chain)
    host = restoring(scene)
    host.ask(restore_frame(host, chain), Done)
    back = Person(scene, scene.room.relay_key)
    back.authenticate()
    assert back.resume().base == scene.base

    signed = scene.room.entry([], base=scene.base, commit=b"elsewhere")
    scene.room.take(signed)
    host = restoring(scene)
    host.ask(restore_frame(host, scene.room.chain, b"elsewhere"), Done)
    bye = ann.fetch()[-1]
    assert isinstance(bye, Bye)
    assert (bye.code, ann.closed) == ("draining", Close.RESTARTING)
    ann.connect()
    ann.authenticate()
    assert ann.resume().base[:8] != scene.base[:8]


def test_a_shorter_prefix_changes_nothing_and_another_history_is_a_conflict(
    scene: Scene, door: Door
) -> None:
    ann = scene.member(door)
    longer = scene.room
    scene.room = type(longer)(root=longer.root, relay_key=longer.relay_key)
    scene.room.chain = longer.chain[:1]
    scene.room.roster = open_roster(scene.room.chain[0], scene.room.id)[0]
    host = restoring(scene)
    host.ask(restore_frame(host, scene.room.chain), Done)
    assert ann.closed is None
    other = scene.room.entry([], base=bytes(16), commit=b"another")
    scene.room.take(other)
    assert host.refused(restore_frame(host, scene.room.chain)) == "roster_conflict"
    assert ann.closed is None


def test_a_seating_must_be_signed_by_a_member_and_fit(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    chain = scene.room.chain
    empty = forget(scene)
    host = restoring(empty)
    assert host.refused(restore_frame(host, chain[:1])) == "bad_statement"
    assert host.refused(restore_frame(host, chain[1:])) == "bad_roster"
    assert host.refused(restore_frame(host, [])) == "bad_roster"
    good = restore_frame(host, chain, b"commit")
    bent = Reseat(good.n, good.statement, good.signature, good.chain, b"another", b"")
    assert host.refused(bent) == "bad_statement"
    stranger = Door()
    stranger_said = stranger.statement(scene.room, SigningKey.generate())
    packed = SeatedDoor(stranger_said.body, stranger_said.signature, stranger.card, 5, 60).encode()
    bent = Reseat(9, good.statement, good.signature, good.chain, b"commit", pack_list([packed]))
    assert host.refused(bent) == "bad_statement"
    ahead = Door(number=card_number(scene.room.roster.counter + 1, 0))
    assert host.refused(restore_frame(host, chain, b"commit", [ahead])) == "bad_statement"
    member = restoring(empty, ann.key)
    member.ask(restore_frame(member, chain), Done)


def test_a_client_that_cannot_show_the_rooms_opening_does_not_restore_it(scene: Scene) -> None:
    person = Person(scene, scene.room.relay_key)
    frame = person.auth_frame("reseat")
    bent = type(frame)(frame.n, frame.statement, frame.signature, None, None)
    assert person.refused(bent) == "auth_failed"
    assert person.closed == Close.REFUSED


def test_a_door_that_closed_with_a_removal_stays_closed(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    scene.remove(ann)
    empty = forget(scene)
    host = restoring(empty)
    host.ask(restore_frame(host, scene.room.chain, doors=[door]), Done)
    person = Person(empty)
    assert person.refused(person.auth_frame("door", door)) == "unknown_door"
    back = Person(empty, ann.key)
    assert back.refused(back.auth_frame("member")) == "removed"


def test_a_restore_that_is_refused_disturbs_no_client(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    scene.host.say(b"before")
    scene.room.take(scene.room.entry([], base=scene.base, commit=b""))
    twin = Door(id=door.id, number=2)
    other = restoring(scene)
    frame = restore_frame(other, scene.room.chain, doors=[door, twin])
    assert other.refused(frame) == "bad_statement"
    scene.relay.tick()
    scene.host.say(b"after")
    assert ann.blobs() == [b"before", b"after"]
    assert ann.come_back().base == scene.base


def test_a_room_comes_back_with_the_commits_before_its_last_one(scene: Scene, door: Door) -> None:
    scene.member(door)
    admission = scene.commit(content=b"an admission")
    scene.land(admission)
    entry, chain = scene.room.chain[-1], scene.room.chain
    host = restoring(forget(scene))
    host.ask(
        restore_frame(host, chain, b"the last commit", [], pack_list([admission.blob, b"x"])), Done
    )
    back = Person(host.scene, scene.room.relay_key)
    back.authenticate()
    resumed = back.resume(scene.base)
    assert resumed.base == resumed.head == resumed.base[:8] + (3).to_bytes(8, "big")
    blobs = [heard for heard in back.heard if isinstance(heard, BlobIs)]
    assert [(blob.blob, blob.entry) for blob in blobs] == [
        (admission.blob, entry.body), (b"x", None), (b"the last commit", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("earlier", "commit"),
    [
        (pack_list([b"x"]), b""),
        (pack_list([b"x", b""]), b"last"),
        (pack_list([b"x"])[:-1], b"last"),
        (pack_list([b"x"] * (limits.EARLIER_COMMITS + 1)), b"last"),
    ],
    ids=["without a last one", "an empty one", "cut off", "too many"],
)
def test_a_wrong_list_of_earlier_commits_brings_no_room(
    scene: Scene, door: Door, earlier: bytes, commit: bytes
) -> None:
    scene.member(door)
    host = restoring(forget(scene))
    frame = restore_frame(host, scene.room.chain, commit, [], earlier)
    assert host.refused(frame) == "bad_statement"
