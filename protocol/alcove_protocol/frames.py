"""The frames: what travels over the WebSocket, one MessagePack map in one binary message.

The key `t` names the kind. A client's frame carries `n`, a number of its own choosing; the relay
answers each with one frame that carries the same `n`. What the relay sends unasked has no `n`, and
is the same bytes for every member, so that it is encoded once.

`docs/protocol.md` tells the sequences; this file tells the fields.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, ClassVar, Final, TypeVar

from alcove_protocol import limits
from alcove_protocol.codec import Value, pack, unpack
from alcove_protocol.errors import Malformed
from alcove_protocol.position import POSITION_SIZE
from alcove_protocol.records import AtMost, Exactly, Record
from alcove_protocol.statements import DOOR_ID_SIZE, HASH_SIZE, KEY_SIZE, SIGNATURE_SIZE

ID_SIZE: Final = 16

RequestNumber = Annotated[int, AtMost(limits.REQUEST_NUMBER)]
Key = Annotated[bytes, Exactly(KEY_SIZE)]
Hash = Annotated[bytes, Exactly(HASH_SIZE)]
Signature = Annotated[bytes, Exactly(SIGNATURE_SIZE)]
Statement = Annotated[bytes, AtMost(limits.STATEMENT)]
EntryBytes = Annotated[bytes, AtMost(limits.ENTRY)]
Id = Annotated[bytes, Exactly(ID_SIZE)]
DoorId = Annotated[bytes, Exactly(DOOR_ID_SIZE)]
PositionBytes = Annotated[bytes, Exactly(POSITION_SIZE)]
Blob = Annotated[bytes, AtMost(limits.HANDSHAKE_BLOB, least=1)]
Ttl = Annotated[int, AtMost(limits.TTL_MAX, least=limits.TTL_MIN)]
Seconds = Annotated[int, AtMost(limits.REQUEST_NUMBER)]


class BlobClass(IntEnum):
    """What the relay may know of a blob, because it treats each differently."""

    COMMIT = 1  # becomes the base; kept for the rejoin window
    APPLICATION = 2  # kept for its time to live
    BEAT = 3  # a facilitator's heartbeat; its loss is no gap


class LobbyKind(IntEnum):
    KNOCK = 1
    REQUEST = 2  # an Update, or the wish to rejoin, sealed to the facilitators
    LEAVE = 3  # `blob` is the signed statement
    GONE = 4  # the item with this id is settled: admitted, refused, withdrawn or expired


class ConnectionRole:
    """The values of `ChallengeAnswer.role`."""

    MEMBER: Final = "member"
    DOOR: Final = "door"
    RESEAT: Final = "reseat"


@dataclass(frozen=True, slots=True)
class Frame(Record):
    """Base of all frames."""

    KIND: ClassVar[str] = ""

    def to_bytes(self) -> bytes:
        """The frame's exact bytes. Raises `Malformed` (`bad_field`, or `too_large`: the bounds of
        single fields let a `Reseat` be larger than a frame)."""
        packed = pack({"t": self.KIND, **self.to_map()})
        if len(packed) > limits.FRAME:
            raise Malformed("too_large", f"The frame has more than {limits.FRAME} bytes.")
        return packed


# --- what a client sends ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request(Frame):
    n: RequestNumber


@dataclass(frozen=True, slots=True)
class OpenRoom(Request):
    """Make a room. Before authentication: the entry certifies itself."""

    KIND: ClassVar[str] = "open"
    entry: Statement
    signature: Signature


@dataclass(frozen=True, slots=True)
class Authenticate(Request):
    """Answer the challenge. `signature` is by the relay key; `door_signature` by the door key, over
    the same statement, in role `door`. In role `reseat` the signed roster entry 0 goes along."""

    KIND: ClassVar[str] = "auth"
    statement: Statement
    signature: Signature
    door_signature: Signature | None = None
    opening: Statement | None = None


@dataclass(frozen=True, slots=True)
class ReadCard(Request):
    """Role `door`: the sealed room card."""

    KIND: ClassVar[str] = "card"


@dataclass(frozen=True, slots=True)
class Knock(Request):
    """Role `door`: ask to be let in. One at a time; forgotten after `limits.KNOCK_TTL`."""

    KIND: ClassVar[str] = "knock"
    id: Id
    blob: Annotated[bytes, AtMost(limits.KNOCK, least=1)]


@dataclass(frozen=True, slots=True)
class Withdraw(Request):
    """Role `door`: take the knock back."""

    KIND: ClassVar[str] = "withdraw"


@dataclass(frozen=True, slots=True)
class Resume(Request):
    """Role `member`: receive from here. `position` is the last one handled in the stream `room`,
    `lobby` the last number handled in the lobby (facilitators; 0 for all that wait)."""

    KIND: ClassVar[str] = "resume"
    position: PositionBytes
    lobby: Annotated[int, AtMost(limits.REQUEST_NUMBER)]


@dataclass(frozen=True, slots=True)
class Publish(Request):
    """Put a blob in the stream `room`. `id` makes a repetition harmless. `base` is the position of
    the last commit taken. Only a commit carries `entry` with its `signature`, and `welcomes`."""

    KIND: ClassVar[str] = "publish"
    id: Id
    base: PositionBytes
    blob_class: Annotated[int, AtMost(3, least=1)]
    ttl: Ttl
    blob: Blob
    entry: EntryBytes | None = None
    signature: Signature | None = None
    welcomes: Annotated[bytes, AtMost(limits.WELCOMES)] | None = None


@dataclass(frozen=True, slots=True)
class PutDoor(Request):
    """Facilitators: make, replace or (with `uses` 0 and no card) revoke a door."""

    KIND: ClassVar[str] = "door"
    statement: Statement
    signature: Signature
    card: Annotated[bytes, AtMost(limits.CARD)]


@dataclass(frozen=True, slots=True)
class RefuseKnock(Request):
    """Facilitators: `blob` is the reason, sealed to the knock's reply key."""

    KIND: ClassVar[str] = "refuse"
    id: Id
    blob: Annotated[bytes, AtMost(limits.KIB)]


@dataclass(frozen=True, slots=True)
class LobbyRequest(Request):
    """Members: something for the facilitators, sealed to the lobby key."""

    KIND: ClassVar[str] = "request"
    id: Id
    blob: Annotated[bytes, AtMost(limits.REQUEST, least=1)]


@dataclass(frozen=True, slots=True)
class Settle(Request):
    """Facilitators: the lobby item with this id is done with."""

    KIND: ClassVar[str] = "settle"
    id: Id


@dataclass(frozen=True, slots=True)
class Leave(Request):
    KIND: ClassVar[str] = "leave"
    statement: Statement
    signature: Signature


@dataclass(frozen=True, slots=True)
class EndRoom(Request):
    """Facilitators: delete everything but a tombstone."""

    KIND: ClassVar[str] = "end"
    statement: Statement
    signature: Signature


@dataclass(frozen=True, slots=True)
class Reseat(Request):
    """Role `reseat`: the room again. `chain` lists the signed entries from 0 on; `commit` is the
    last commit's blob (empty when there was none); `doors` lists the packed `SeatedDoor`s."""

    KIND: ClassVar[str] = "reseat"
    statement: Statement
    signature: Signature
    chain: Annotated[bytes, AtMost(limits.ROSTER_CHAIN)]
    commit: Annotated[bytes, AtMost(limits.HANDSHAKE_BLOB)]
    doors: Annotated[bytes, AtMost(limits.DOORS * (limits.CARD + limits.STATEMENT))]


@dataclass(frozen=True, slots=True)
class SeatedDoor(Record):
    """One door of a room that is seated again: the statement as signed, with what is left of it."""

    statement: Statement
    signature: Signature
    card: Annotated[bytes, AtMost(limits.CARD)]
    uses_left: Annotated[int, AtMost(limits.USES_MAX)]
    ttl_left: Annotated[int, AtMost(limits.DOOR_TTL_MAX)]


# --- what the relay answers -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done(Request):
    KIND: ClassVar[str] = "done"


@dataclass(frozen=True, slots=True)
class Authenticated(Request):
    """`role` is what the connection now is: who knocked and was admitted meanwhile asks as `door`
    and is told `member`. `waiting` tells a newcomer that their knock still stands."""

    KIND: ClassVar[str] = "authenticated"
    role: Annotated[str, AtMost(16)]
    waiting: bool


@dataclass(frozen=True, slots=True)
class CardIs(Request):
    KIND: ClassVar[str] = "card"
    number: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    card: Annotated[bytes, AtMost(limits.CARD)]


@dataclass(frozen=True, slots=True)
class Resumed(Request):
    """Everything unexpired after the position follows, then what is new.

    `head` is the log's last position, `base` the last commit's, `commit` SHA-256 of its blob (32
    zeros when there was none): with another generation it tells whether the room is where the
    client left it. `lost` is true when application blobs after the position are no longer there,
    `read_only` when no facilitator was heard for `limits.READ_ONLY_AFTER`: nobody can post.
    """

    KIND: ClassVar[str] = "resumed"
    head: PositionBytes
    base: PositionBytes
    commit: Hash
    lost: bool
    read_only: bool


@dataclass(frozen=True, slots=True)
class Published(Request):
    """The blob has this position: it will be delivered to everybody who may receive it."""

    KIND: ClassVar[str] = "published"
    position: PositionBytes


@dataclass(frozen=True, slots=True)
class Refused(Request):
    """The request did nothing. `n` is 0 when it could not be read. `base` goes with `stale`."""

    KIND: ClassVar[str] = "refused"
    code: Annotated[str, AtMost(40)]
    text: Annotated[str, AtMost(300)]
    base: PositionBytes | None = None


# --- what the relay sends unasked -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Challenge(Frame):
    """The first frame of a connection. `time` is the relay's clock, in Unix seconds."""

    KIND: ClassVar[str] = "challenge"
    version: Annotated[int, AtMost(1, least=1)]
    nonce: Annotated[bytes, Exactly(32)]
    time: Seconds


@dataclass(frozen=True, slots=True)
class BlobIs(Frame):
    """One blob of the stream `room`. `age` is how many seconds the relay has had it."""

    KIND: ClassVar[str] = "blob"
    position: PositionBytes
    blob_class: Annotated[int, AtMost(3, least=1)]
    age: Seconds
    blob: Blob
    entry: EntryBytes | None = None
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class LobbyItem(Frame):
    """One item of the stream `lobby`, for facilitators. `key` is the relay key of who sent it."""

    KIND: ClassVar[str] = "lobby"
    number: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    kind: Annotated[int, AtMost(4, least=1)]
    id: Id
    key: Key
    age: Seconds
    blob: Annotated[bytes, AtMost(limits.REQUEST)]
    door: DoorId | None = None
    door_revoked: bool = False


@dataclass(frozen=True, slots=True)
class WelcomeIs(Frame):
    """You are in: the sealed Welcome, and the roster entry that seats you. `position` is the
    commit's; resume from it. Sent once and again at each authentication until then."""

    KIND: ClassVar[str] = "welcome"
    position: PositionBytes
    welcome: Annotated[bytes, AtMost(limits.HANDSHAKE_BLOB)]
    entry: EntryBytes
    signature: Signature


@dataclass(frozen=True, slots=True)
class KnockRefused(Frame):
    """`blob` is the reason, sealed to the reply key; empty when the knock expired."""

    KIND: ClassVar[str] = "knock_refused"
    id: Id
    blob: Annotated[bytes, AtMost(limits.KIB)]


@dataclass(frozen=True, slots=True)
class Bye(Frame):
    """The relay closes the connection, for this reason. `ended` carries the signed statement,
    `removed` the roster entry that removed the client's key: neither is the relay's to say. With
    `draining`, `delay` is how many seconds to wait before coming again."""

    KIND: ClassVar[str] = "bye"
    code: Annotated[str, AtMost(40)]
    text: Annotated[str, AtMost(300)]
    statement: Statement | None = None
    signature: Signature | None = None
    delay: Annotated[int, AtMost(limits.RETURN_DELAY)] | None = None


FROM_CLIENT: Final[dict[str, type[Request]]] = {
    kind.KIND: kind
    for kind in (
        OpenRoom,
        Authenticate,
        ReadCard,
        Knock,
        Withdraw,
        Resume,
        Publish,
        PutDoor,
        RefuseKnock,
        LobbyRequest,
        Settle,
        Leave,
        EndRoom,
        Reseat,
    )
}
FROM_RELAY: Final[dict[str, type[Frame]]] = {
    kind.KIND: kind
    for kind in (
        Done,
        Authenticated,
        CardIs,
        Resumed,
        Published,
        Refused,
        Challenge,
        BlobIs,
        LobbyItem,
        WelcomeIs,
        KnockRefused,
        Bye,
    )
}

F = TypeVar("F", bound=Frame)


def _decode(data: bytes, kinds: dict[str, type[F]], limit: int) -> F:
    value: dict[str, Value] = unpack(data, limit=limit)
    kind = value.pop("t", None)
    found = kinds.get(kind) if isinstance(kind, str) else None
    if found is None:
        raise Malformed("unknown_kind", "The frame is of an unknown kind.")
    return found.from_map(value)


def from_client(data: bytes, *, limit: int = limits.FRAME) -> Request:
    """Decode what a client sent. Raises `Malformed`."""
    return _decode(data, FROM_CLIENT, limit)


def from_relay(data: bytes) -> Frame:
    """Decode what the relay sent. Raises `Malformed`."""
    return _decode(data, FROM_RELAY, limits.FRAME)
