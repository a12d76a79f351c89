"""What attacks are made of: rooms, members, newcomers and strangers on the real wire."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Sequence
from dataclasses import replace

from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import (
    Authenticate,
    Authenticated,
    BlobClass,
    ConnectionRole,
    Done,
    Publish,
    Published,
    PutDoor,
)
from alcove_protocol.labels import SUBPROTOCOL, Label
from alcove_protocol.roster import Change, Op, Role, Seat
from alcove_protocol.statements import Signed
from nacl.signing import SigningKey

from bench.fanout.alcove_wire import Member, SeatedRoom, beat
from bench.fanout.wires import Stream, masked
from tests.server.keys import Door, answer, public, sign

A_NETWORK = 50
"""Connections from one address prefix: fewer than the handshakes that it may make at once."""

_WELCOME = 600
"""Bytes of a Welcome."""


def source(net: int, number: int) -> str:
    """An address of the attacker's networks, so many to each."""
    return f"127.{net}.{number // A_NETWORK}.1"


class Hall:
    """A room with this many connected members, from as many networks as that needs. `listed` are
    on its list, if these are more."""

    def __init__(
        self, port: int, connected: int, net: int, *, one_network: bool = False, listed: int = 0
    ) -> None:
        self.seated = SeatedRoom(port, max(connected, listed), source(net, 0))
        self.members = [self.seated.facilitator]
        for number in range(1, connected):
            where = source(net, 0 if one_network else number)
            member = Member(port, self.seated.keys[number], where)
            member.authenticate(self.seated.room.id)
            member.resume(self.seated.base)
            self.members.append(member)
        self.members[0].send(beat(self.seated.base))

    @property
    def base(self) -> bytes:
        return self.seated.base

    def revocation(self, door: Door) -> bytes:
        """The facilitator revokes a door, as bytes on the wire."""
        gone = replace(door, uses=0).statement(self.seated.room)
        return masked(PutDoor(6, gone.body, gone.signature, b"").to_bytes())

    def restated(self, keys: Sequence[SigningKey]) -> Publish:
        """The facilitator states the list anew, with these participants."""
        seats = [(key, Role.PARTICIPANT) for key in keys] + [
            (self.seated.keys[0], Role.FACILITATOR)
        ]
        changes = [Change(Op.RESET, bytes(32))]
        changes += [Change(Op.ADD, public(key), Seat(role=role)) for key, role in seats]
        return self.changed(changes)

    def changed(self, changes: Sequence[Change], welcomed: Sequence[bytes] = ()) -> Publish:
        """The facilitator changes the list, with Welcomes for these keys."""
        commit = os.urandom(64)
        welcomes = pack_list([key + os.urandom(_WELCOME) for key in welcomed])
        entry = self.seated.room.entry(changes, base=self.base, commit=commit, welcomes=welcomes)
        return Publish(
            self.members[0].number(),
            os.urandom(16),
            self.base,
            BlobClass.COMMIT,
            limits.TTL_DEFAULT,
            commit,
            entry.body,
            entry.signature,
            welcomes or None,
        )

    def land(self, changes: Sequence[Change], welcomed: Sequence[bytes] = ()) -> None:
        """The same, and the relay takes it. Raises `ConnectionError`."""
        frame = self.changed(changes, welcomed)
        self.seated.base = self.members[0].ask(frame, Published).position
        assert frame.entry is not None
        assert frame.signature is not None
        self.seated.room.take(Signed(frame.entry, frame.signature))

    def put_door(self, door: Door) -> None:
        said = door.statement(self.seated.room)
        one = self.members[0]
        one.ask(PutDoor(one.number(), said.body, said.signature, door.card), Done)


def at_door(port: int, hall: Hall, door: Door, where: str) -> Member:
    """A newcomer who has proved the door's key."""
    member = Member(port, SigningKey.generate(), where)
    member.ask(door_proof(member, hall, door), Authenticated)
    return member


def door_proof(member: Member, hall: Hall, door: Door) -> Authenticate:
    said = answer(
        member.key, hall.seated.room.id, "door", member._nonce, door=door, host=member._host
    )
    mine, theirs = sign(member.key, Label.CHALLENGE, said), sign(door.key, Label.CHALLENGE, said)
    return Authenticate(member.number(), mine.body, mine.signature, theirs.signature)


def member_proof(member: Member, room: bytes, role: str = ConnectionRole.MEMBER) -> bytes:
    """The answer to the challenge, as bytes on the wire."""
    said = answer(member.key, room, role, member._nonce, host=member._host)
    signed = sign(member.key, Label.CHALLENGE, said)
    return masked(Authenticate(member.number(), signed.body, signed.signature).to_bytes())


def bare(port: int, where: str) -> socket.socket:
    """A connection that has said nothing."""
    return socket.create_connection(("127.0.0.1", port), 20, (where, 0))


def trusting() -> ssl.SSLContext:
    """A client's settings that take any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class SecureStream(Stream):
    """A stream over TLS."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        super().__init__(port, source)
        self.socket = trusting().wrap_socket(self.socket)


def upgrade_request(port: int) -> bytes:
    return (
        f"GET /v1/connect HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    ).encode()
