"""A conversation from opening to end, as relay and clients exchange it."""

from alcove_protocol import limits
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    Bye,
    CardIs,
    Done,
    EndRoom,
    LobbyItem,
    LobbyKind,
    Published,
    ReadCard,
    RequestRefused,
    WelcomeIs,
)
from alcove_server.ports.outlet import Close

from tests.server.scene import Person, Scene


def test_from_opening_to_end() -> None:
    scene = Scene()
    host = scene.open()
    door = scene.put_door()

    ann = scene.newcomer(door)
    card = ann.ask(ReadCard(ann.next_n()), CardIs)
    assert card.card == door.card
    ann.knock(b"sealed for the facilitators")
    item = host.one(LobbyItem)
    assert (item.kind, item.key, item.blob) == (
        LobbyKind.KNOCK,
        ann.public,
        b"sealed for the facilitators",
    )
    assert (item.id, item.door, item.door_revoked) == (ann.knock_id, door.id, False)

    admission = scene.admission(ann)
    scene.land(admission)
    assert [frame.kind for frame in host.heard if isinstance(frame, LobbyItem)][-1] == (
        LobbyKind.GONE
    )
    welcome = ann.one(WelcomeIs)
    assert (welcome.welcome, welcome.entry) == (b"a sealed Welcome", admission.entry)
    assert welcome.position == scene.base
    resumed = ann.resume()
    assert (resumed.head, resumed.base, resumed.lost) == (scene.base, scene.base, False)

    said = ann.say(b"hello")
    heard = host.one(BlobIs)
    assert (heard.blob, heard.blob_class) == (b"hello", BlobClass.APPLICATION)
    assert heard.position == said.position
    assert ann.fetch() == []

    ending = scene.room.end()
    host.send(EndRoom(host.next_n(), ending.body, ending.signature))
    done, bye = host.fetch()
    assert isinstance(done, Done)
    for last in (bye, ann.one(Bye)):
        assert isinstance(last, Bye)
        assert (last.code, last.statement, last.signature) == (
            "ended",
            ending.body,
            ending.signature,
        )
    assert (host.closed, ann.closed) == (Close.ENDED, Close.ENDED)

    late = Person(scene, ann.key)
    late.send(late.auth_frame("member"))
    refused, bye = late.fetch()
    assert isinstance(refused, RequestRefused)
    assert isinstance(bye, Bye)
    assert (refused.code, bye.statement, late.closed) == ("ended", ending.body, Close.ENDED)

    scene.clock.advance(limits.TOMBSTONE)
    later = Person(scene, ann.key)
    assert later.refused(later.auth_frame("member")) == "unknown_room"


def test_a_retry_after_a_lost_answer_is_answered_alike() -> None:
    scene = Scene()
    scene.open()
    ann = scene.member(scene.put_door())
    frame = ann.blob(b"once")
    first = ann.ask(frame, Published)
    ann.link.close()
    ann.connect()
    ann.authenticate()
    again = ann.ask(frame, Published)
    assert again.position == first.position
    assert scene.host.blobs() == [b"once"]
