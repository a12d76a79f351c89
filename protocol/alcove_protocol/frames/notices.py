"""What the relay sends unasked."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, TypeAlias

from alcove_protocol import limits
from alcove_protocol.frames.fields import (
    AnswerBytes,
    BlobBytes,
    ClassNumber,
    Code,
    Count,
    DeskBytes,
    DoorId,
    EntryBytes,
    GenerationBytes,
    Id,
    Key,
    KindNumber,
    PositionBytes,
    ReasonBytes,
    Seconds,
    Sentence,
    Signature,
    StatementBytes,
)
from alcove_protocol.frames.frame import Notice
from alcove_protocol.labels import VERSION
from alcove_protocol.records import AtMost, Exactly

NONCE_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class Challenge(Notice):
    """The first frame of a connection. `time` is the relay's clock, in Unix seconds."""

    KIND: ClassVar[str] = "challenge"
    version: Annotated[int, AtMost(VERSION, least=VERSION)]
    nonce: Annotated[bytes, Exactly(NONCE_SIZE)]
    time: Seconds


@dataclass(frozen=True, slots=True)
class BlobIs(Notice):
    """One blob of the stream `room`. `age` is how many seconds the relay has had it. `key` is the
    relay key of its publisher. The commit with which a room was restored has none."""

    KIND: ClassVar[str] = "blob"
    position: PositionBytes
    blob_class: ClassNumber
    age: Seconds
    blob: BlobBytes
    entry: EntryBytes | None = None
    signature: Signature | None = None
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class LobbyItem(Notice):
    """One item of the stream `lobby`, for facilitators. `key` is the sender's relay key."""

    KIND: ClassVar[str] = "lobby"
    number: Count
    kind: KindNumber
    id: Id
    key: Key
    age: Seconds
    blob: Annotated[bytes, AtMost(limits.REQUEST)]
    door: DoorId | None = None
    door_revoked: bool = False


@dataclass(frozen=True, slots=True)
class WelcomeIs(Notice):
    """The newcomer is in: the sealed Welcome, and the roster entry that seats them.

    `position` is the commit's; the client resumes from it. The relay sends this at once, and again
    after each authentication until the client resumed.
    """

    KIND: ClassVar[str] = "welcome"
    position: PositionBytes
    welcome: Annotated[bytes, AtMost(limits.HANDSHAKE_BLOB)]
    entry: EntryBytes
    signature: Signature


@dataclass(frozen=True, slots=True)
class KnockRefused(Notice):
    """`blob` is the reason, sealed to the reply key. It is empty when the knock expired."""

    KIND: ClassVar[str] = "knock_refused"
    id: Id
    blob: ReasonBytes


@dataclass(frozen=True, slots=True)
class Bye(Notice):
    """The relay closes the connection, for this reason.

    `ended` carries the signed statement, and `removed` the roster entry that removed the client's
    key: a relay alone cannot claim either. With `draining`, the client comes again after `delay`
    seconds. `generation` is that of the room's log, where there is one.
    """

    KIND: ClassVar[str] = "bye"
    code: Code
    text: Sentence
    statement: StatementBytes | None = None
    signature: Signature | None = None
    delay: Annotated[int, AtMost(limits.RETURN_DELAY)] | None = None
    generation: GenerationBytes | None = None


@dataclass(frozen=True, slots=True)
class DeskIs(Notice):
    """One frame of the private line. `key` is the sender's relay key."""

    KIND: ClassVar[str] = "desk"
    key: Key
    epoch: Count
    tick: Count
    blob: DeskBytes


@dataclass(frozen=True, slots=True)
class Asked(Notice):
    """Members: a standby, or a facilitator after a reload, asks to be let in.

    `key` is the relay key that the asker authenticated with.
    """

    KIND: ClassVar[str] = "asked"
    id: Id
    key: Key
    statement: StatementBytes
    signature: Signature


@dataclass(frozen=True, slots=True)
class Answered(Notice):
    """An answer to what this client asked under this id, or to its knock.

    `key` is the relay key that answered.
    """

    KIND: ClassVar[str] = "answered"
    id: Id
    key: Key
    blob: AnswerBytes


RelayNotice: TypeAlias = (
    Challenge | BlobIs | LobbyItem | WelcomeIs | KnockRefused | Bye | DeskIs | Asked | Answered
)
"""Everything that the relay sends unasked."""
