"""A relay without sockets on a clock of the test's, and people who talk to it.

scene = Scene()
scene.open()                       # the facilitator is a member and live
door = scene.put_door()
ann = scene.newcomer(door); ann.knock(); scene.admit(ann)
ann.resume(); ann.say(b"...")
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import (
    Answer,
    Authenticate,
    Authenticated,
    BlobClass,
    BlobIs,
    Bye,
    Challenge,
    ConnectionRole,
    Done,
    Frame,
    Knock,
    OpenRoom,
    Publish,
    Published,
    PutDoor,
    Request,
    RequestRefused,
    Resume,
    Resumed,
    WelcomeIs,
    from_relay,
)
from alcove_protocol.labels import Label
from alcove_protocol.position import Position
from alcove_protocol.roster import Change, Op, RoomFlag, Seat
from alcove_protocol.statements import Signed
from alcove_server.ports.outlet import Close
from alcove_server.settings import Settings
from alcove_server.store.interface import Store
from alcove_server.testing.embedded import EmbeddedLink, EmbeddedRelay, ManualClock, embedded
from nacl.signing import SigningKey

from tests.server.keys import Door, Facilitated, answer, public, sign

F = TypeVar("F", bound=Frame)


class Person:
    """One client: a relay key, a connection, and what arrived on it."""

    def __init__(self, scene: Scene, key: SigningKey | None = None) -> None:
        self.scene = scene
        self.key = key if key is not None else SigningKey.generate()
        self.heard: list[Frame] = []
        self.position = bytes(16)
        self.knock_id = b""
        self.door: Door | None = None
        self._n = 0
        self.connect()

    @property
    def public(self) -> bytes:
        return public(self.key)

    @property
    def closed(self) -> int | None:
        return self.link.closed

    def connect(self) -> Person:
        self.link: EmbeddedLink = self.scene.relay.connect()
        self.nonce = self.one(Challenge).nonce
        return self

    def fetch(self) -> list[Frame]:
        """What arrived since, and remember positions."""
        frames: list[Frame] = [from_relay(data) for data in self.link.outgoing()]
        for frame in frames:
            if isinstance(frame, BlobIs | Published | WelcomeIs):
                self.position = frame.position
        self.heard += frames
        return frames

    def one(self, kind: type[F]) -> F:
        """Exactly one frame arrived, and it is of this kind."""
        frames = self.fetch()
        assert [type(frame) for frame in frames] == [kind], frames
        frame = frames[0]
        assert isinstance(frame, kind)
        return frame

    def next_n(self) -> int:
        self._n += 1
        return self._n

    def send(self, frame: Request) -> None:
        self.link.receive(frame.to_bytes())

    def ask(self, frame: Request, kind: type[F]) -> F:
        """Send a request. Its answer is of this kind and comes with all that waits."""
        self.send(frame)
        answers = [one for one in self.fetch() if isinstance(one, Answer) and one.n == frame.n]
        assert [type(one) for one in answers] == [kind], answers
        assert isinstance(answers[0], kind)
        return answers[0]

    def refused(self, frame: Request) -> str:
        return self.ask(frame, RequestRefused).code

    def turned_away(self, frame: Authenticate, close: int = Close.REFUSED) -> str:
        """Authenticate in vain. Return the code, after which the connection is closed."""
        self.send(frame)
        refused, *rest = self.fetch()
        assert isinstance(refused, RequestRefused)
        assert refused.n == frame.n
        assert self.closed == close
        assert all(isinstance(frame, Bye) for frame in rest)
        return refused.code

    def resumed_afresh(self) -> list[Frame]:
        """What a resume brings."""
        self.heard.clear()
        self.resume()
        return self.heard

    # --- connecting -------------------------------------------------------------------------

    def auth_frame(self, role: str, door: Door | None = None, **altered: str) -> Authenticate:
        body = answer(self.key, self.scene.room.id, role, self.nonce, door=door, **altered)
        mine = sign(self.key, Label.CHALLENGE, body)
        doors = sign(door.key, Label.CHALLENGE, body).signature if door is not None else None
        opening = self.scene.room.chain[0].encode() if role == ConnectionRole.RESEAT else None
        return Authenticate(self.next_n(), mine.body, mine.signature, doors, opening)

    def authenticate(self, role: str = "member", door: Door | None = None) -> Authenticated:
        return self.ask(self.auth_frame(role, door), Authenticated)

    def resume(self, position: bytes | None = None, lobby: int = 0) -> Resumed:
        position = self.position if position is None else position
        resumed = self.ask(Resume(self.next_n(), position, lobby), Resumed)
        self.position = max(self.position, resumed.head, key=lambda at: at[8:])
        return resumed

    def come_back(self) -> Resumed:
        """Reconnect, authenticate and resume from where one was."""
        self.link.close()
        self.connect()
        self.authenticate()
        return self.resume()

    # --- asking -----------------------------------------------------------------------------

    def knock(self, blob: bytes = b"a sealed knock") -> Done:
        self.knock_id = os.urandom(16)
        return self.ask(Knock(self.next_n(), self.knock_id, blob), Done)

    def blob(
        self,
        content: bytes = b"ciphertext",
        blob_class: BlobClass = BlobClass.APPLICATION,
        *,
        id: bytes | None = None,
        base: bytes | None = None,
        ttl: int = limits.TTL_DEFAULT,
    ) -> Publish:
        base = self.scene.base if base is None else base
        id = os.urandom(16) if id is None else id
        return Publish(self.next_n(), id, base, blob_class, ttl, content)

    def say(self, content: bytes = b"ciphertext", ttl: int = limits.TTL_DEFAULT) -> Published:
        return self.ask(self.blob(content, ttl=ttl), Published)

    def beat(self) -> Published:
        return self.ask(self.blob(b"beat", BlobClass.BEAT, ttl=limits.HEARTBEAT_TTL), Published)

    def blobs(self) -> list[bytes]:
        """The ciphertexts that arrived since."""
        return [frame.blob for frame in self.fetch() if isinstance(frame, BlobIs)]


class Scene:
    """One relay, one room, its facilitator `host`."""

    def __init__(self, settings: Settings | None = None, store: Store | None = None) -> None:
        self.clock = ManualClock()
        self.relay: EmbeddedRelay = embedded(
            self.clock, os.urandom, settings=settings, store=store, wall=self.clock
        )
        self.room = Facilitated()
        self.base = bytes(16)
        self.host: Person

    def open(self, members: int = limits.MEMBERS_DEFAULT) -> Person:
        self.room = Facilitated(members)
        self.host = Person(self, self.room.relay_key)
        first = self.room.chain[0]
        self.host.ask(OpenRoom(self.host.next_n(), first.body, first.signature), Done)
        self.host.authenticate()
        self.base = self.host.resume().head
        return self.host

    def put_door(self, door: Door | None = None) -> Door:
        door = door if door is not None else Door()
        self.host.ask(self.door_frame(door), Done)
        return door

    def door_frame(self, door: Door) -> PutDoor:
        said = door.statement(self.room)
        card = door.card if door.uses else b""
        return PutDoor(self.host.next_n(), said.body, said.signature, card)

    def newcomer(self, door: Door) -> Person:
        person = Person(self)
        person.door = door
        person.authenticate(ConnectionRole.DOOR, door)
        return person

    def member(self, door: Door) -> Person:
        """A new member, in the room and live."""
        person = self.newcomer(door)
        person.knock()
        self.admit(person)
        person.one(WelcomeIs)
        person.resume()
        self.host.fetch()
        return person

    def commit(
        self,
        *changes: Change,
        content: bytes | None = None,
        welcomes: dict[bytes, bytes] | None = None,
        flags: RoomFlag | None = None,
        id: bytes | None = None,
        base: bytes | None = None,
        signer: SigningKey | None = None,
        leaves: Iterable[Signed] = (),
        altered: dict[str, bytes | int] | None = None,
    ) -> Publish:
        """A commit with its entry, as the facilitator builds it. `land` sends it."""
        content = os.urandom(40) if content is None else content
        packed = pack_list([key + sealed for key, sealed in (welcomes or {}).items()])
        base = self.base if base is None else base
        entry = self.room.entry(
            changes,
            base=base,
            commit=content,
            welcomes=packed,
            flags=flags,
            signer=signer,
            altered=altered,
            leaves=leaves,
        )
        return Publish(
            self.host.next_n(),
            os.urandom(16) if id is None else id,
            base,
            BlobClass.COMMIT,
            limits.TTL_DEFAULT,
            content,
            entry.body,
            entry.signature,
            packed or None,
        )

    def land(self, frame: Publish, by: Person | None = None) -> Published:
        """Publish a commit and go on from it."""
        published = (by or self.host).ask(frame, Published)
        assert frame.entry is not None
        assert frame.signature is not None
        self.room.take(Signed(frame.entry, frame.signature))
        self.base = published.position
        return published

    def admission(self, *people: Person) -> Publish:
        changes = [self.room.add(one.public, one.door.id if one.door else b"") for one in people]
        return self.commit(*changes, welcomes={one.public: b"a sealed Welcome" for one in people})

    def admit(self, *people: Person) -> Published:
        return self.land(self.admission(*people))

    def let_go(self, person: Person, wish: Signed) -> Published:
        """Commit a leave that its member signed."""
        return self.land(self.commit(Change(Op.LEFT, person.public), leaves=[wish]))

    def remove(self, person: Person, op: Op = Op.REMOVE) -> Published:
        return self.land(self.commit(Change(op, person.public)))

    def pause(self, person: Person) -> Published:
        return self.land(self.commit(Change(Op.CHANGE, person.public, Seat(paused=True))))

    def pass_time(self, seconds: float, *, beats: bool = False) -> None:
        """Let time pass, with the relay ticking each second of the last minute and a facilitator's
        beats every 30 s when told so."""
        left = seconds
        while left > 0:
            step = min(left, float(limits.HEARTBEAT_INTERVAL))
            self.clock.advance(step)
            left -= step
            self.relay.tick()
            if beats:
                self.host.beat()

    def position(self, number: int) -> bytes:
        return Position(self.base[:8], number).encode()
