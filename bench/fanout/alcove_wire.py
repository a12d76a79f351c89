"""Alcove's real wire: rooms whose roster is signed, members who prove their keys and resume.

A room is opened by its facilitator, whose first commit states the list of members. They need not
knock. What is not real is the content: commits, blobs and beats are random bytes.
"""

from __future__ import annotations

import os
from typing import Final, TypeVar

from alcove_protocol import limits
from alcove_protocol.frames import (
    Answer,
    Authenticate,
    Authenticated,
    BlobClass,
    Challenge,
    Done,
    EndRoom,
    Frame,
    OpenRoom,
    Publish,
    Published,
    Request,
    Resume,
    Resumed,
    from_relay,
)
from alcove_protocol.labels import SUBPROTOCOL, Label
from alcove_protocol.roster import Change, Op, Role, Seat
from nacl.signing import SigningKey

from bench.fanout.wires import ALCOVE, BLOB, Stream, Template, masked, upgrade
from tests.server.keys import Facilitated, answer, public, sign

F = TypeVar("F", bound=Frame)

BEAT_BYTES: Final = 64
TTL: Final = limits.TTL_MIN
"""Of the blobs: the shortest, so that a run sees them expire too."""


class Member:
    """One authenticated connection."""

    def __init__(
        self,
        port: int,
        key: SigningKey,
        source: str = "127.0.0.1",
        stream: type[Stream] = Stream,
    ) -> None:
        self.key = key
        self._host = f"127.0.0.1:{port}"
        self.stream = stream(port, source)
        upgrade(self.stream, "/v1/connect", self._host, f"Sec-WebSocket-Protocol: {SUBPROTOCOL}")
        self._nonce = self._one(Challenge).nonce
        self._n = 0

    def number(self) -> int:
        self._n += 1
        return self._n

    def send(self, frame: Request) -> None:
        self.stream.send(masked(frame.to_bytes()))

    def _heard(self) -> Frame:
        while True:
            first, size = self.stream.exactly(2)
            if size >= 126:
                size = int.from_bytes(self.stream.exactly(2 if size == 126 else 8), "big")
            payload = self.stream.exactly(size)
            if first & 15 == 2:
                return from_relay(payload)
            if first & 15 == 9:
                self.stream.send(masked(payload, 0x8A))

    def _one(self, kind: type[F]) -> F:
        frame = self._heard()
        if not isinstance(frame, kind):
            raise ConnectionError(f"the relay answered {frame}")
        return frame

    def ask(self, frame: Request, kind: type[F]) -> F:
        """The answer to a request, past all other frames. Raises `ConnectionError`."""
        self.send(frame)
        while True:
            heard = self._heard()
            if isinstance(heard, Answer) and heard.n == frame.n:
                if not isinstance(heard, kind):
                    raise ConnectionError(f"the relay answered {heard}")
                return heard

    def authenticate(self, room: bytes) -> None:
        said = answer(self.key, room, "member", self._nonce, host=self._host)
        signed = sign(self.key, Label.CHALLENGE, said)
        self.ask(Authenticate(self.number(), signed.body, signed.signature), Authenticated)

    def resume(self, base: bytes) -> bytes:
        """Become live. Return the base."""
        return self.ask(Resume(self.number(), base, 0), Resumed).base


def beat(base: bytes) -> Publish:
    """A facilitator's."""
    content = os.urandom(BEAT_BYTES)
    return Publish(1, os.urandom(16), base, BlobClass.BEAT, limits.HEARTBEAT_TTL, content)


class SeatedRoom:
    """A room as its facilitator opened it. `keys` are the members', the facilitator's first."""

    def __init__(
        self,
        port: int,
        members: int,
        source: str = "127.0.0.1",
        stream: type[Stream] = Stream,
    ) -> None:
        self._port = port
        self._source = source
        self._stream = stream
        self.room = Facilitated(max(members, 2))
        self.keys = [self.room.relay_key, *(SigningKey.generate() for _ in range(members - 1))]
        self.facilitator = Member(port, self.keys[0], source, stream)
        first = self.room.chain[0]
        self.facilitator.ask(OpenRoom(self.facilitator.number(), first.body, first.signature), Done)
        self.facilitator.authenticate(self.room.id)
        self.base = self._state(self.facilitator.resume(bytes(16)))

    def _state(self, base: bytes) -> bytes:
        """Commit the list of members. Return the new base."""
        seats = [(key, Role.PARTICIPANT) for key in self.keys[1:]]
        seats.append((self.keys[0], Role.FACILITATOR))
        changes = [Change(Op.RESET, bytes(32))]
        changes += [Change(Op.ADD, public(key), Seat(role=role)) for key, role in seats]
        commit = os.urandom(256)
        entry = self.room.entry(changes, base=base, commit=commit)
        frame = Publish(
            self.facilitator.number(),
            os.urandom(16),
            base,
            BlobClass.COMMIT,
            limits.TTL_DEFAULT,
            commit,
            entry.body,
            entry.signature,
        )
        position = self.facilitator.ask(frame, Published).position
        self.room.take(entry)
        return position

    def member(self, number: int, port: int | None = None) -> Member:
        """One of the members, live, perhaps at another node. 0 is the facilitator, which is live
        already."""
        if number == 0:
            return self.facilitator
        member = Member(port or self._port, self.keys[number], self._source, self._stream)
        member.authenticate(self.room.id)
        member.resume(self.base)
        return member

    def end(self) -> None:
        """The facilitator ends it."""
        signed = self.room.end(self.keys[0])
        self.facilitator.send(EndRoom(self.facilitator.number(), signed.body, signed.signature))

    def template(self) -> Template:
        """What members publish."""
        number, id, blob = 0x01020304, os.urandom(16), os.urandom(BLOB)
        frame = Publish(number, id, self.base, BlobClass.APPLICATION, TTL, blob).to_bytes()
        at = frame.index(number.to_bytes(4, "big"))
        return Template(frame, len(frame) - BLOB, at, frame.index(id))


class AlcoveWire:
    """Prepares rooms of members on a relay, and keeps them held."""

    number = ALCOVE

    def __init__(self, port: int, stream: type[Stream] = Stream) -> None:
        self._port = port
        self._stream = stream
        self._held: list[tuple[int, bytes]] = []

    def room(self, members: int, connected: int) -> tuple[Template, list[int]]:
        seated = SeatedRoom(self._port, members, stream=self._stream)
        people = [seated.member(number) for number in range(connected)]
        descriptors = [person.stream.handed_over() for person in people]
        self._held.append((descriptors[0], seated.base))
        return seated.template(), descriptors

    def beats(self, rooms: int) -> None:
        """The facilitators of the first rooms are there: without them no member may post."""
        for held, base in self._held[:rooms]:
            self._stream.write(held, masked(beat(base).to_bytes()))

    def keep_room(self, members: int) -> None:
        """A room that the relay keeps, without connections."""
        SeatedRoom(self._port, members).facilitator.stream.socket.close()
