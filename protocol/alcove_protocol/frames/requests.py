"""What a client sends."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, TypeAlias

from alcove_protocol import limits
from alcove_protocol.frames.fields import (
    AnswerBytes,
    BlobBytes,
    CardBytes,
    ClassNumber,
    Count,
    DeskBytes,
    DoorId,
    EntryBytes,
    Hash,
    Id,
    Key,
    ParkedBytes,
    PositionBytes,
    ReasonBytes,
    Signature,
    StatementBytes,
    Ttl,
)
from alcove_protocol.frames.frame import Request
from alcove_protocol.records import AtMost, Record


@dataclass(frozen=True, slots=True)
class OpenRoom(Request):
    """Make a room. No authentication comes before: the entry certifies itself."""

    KIND: ClassVar[str] = "open"
    entry: StatementBytes
    signature: Signature


@dataclass(frozen=True, slots=True)
class Authenticate(Request):
    """Answer the challenge.

    `signature` is by the relay key. In role `door` the door key signs the same statement, and
    `door_signature` is its signature. In role `reseat` the signed roster entry 0 goes along.
    """

    KIND: ClassVar[str] = "auth"
    statement: StatementBytes
    signature: Signature
    door_signature: Signature | None = None
    opening: StatementBytes | None = None


@dataclass(frozen=True, slots=True)
class ReadCard(Request):
    """Ask for the sealed room card: a newcomer for that of their door, and a facilitator for that
    of the `door` that they name."""

    KIND: ClassVar[str] = "card"
    door: DoorId | None = None


@dataclass(frozen=True, slots=True)
class Knock(Request):
    """Role `door`: ask to be let in. The relay keeps one knock of a key, for `limits.KNOCK_TTL`."""

    KIND: ClassVar[str] = "knock"
    id: Id
    blob: Annotated[bytes, AtMost(limits.KNOCK, least=1)]


@dataclass(frozen=True, slots=True)
class Withdraw(Request):
    """Role `door`: take the knock back."""

    KIND: ClassVar[str] = "withdraw"


@dataclass(frozen=True, slots=True)
class Resume(Request):
    """Role `member`: receive from here.

    `position` is the last one that the client handled in the stream `room`. `lobby` is the last
    number that it handled in the lobby. A facilitator sends 0 to receive all that waits.
    """

    KIND: ClassVar[str] = "resume"
    position: PositionBytes
    lobby: Count


@dataclass(frozen=True, slots=True)
class Publish(Request):
    """Put a blob in the stream `room`.

    `id` makes a repetition harmless. `base` is the position of the last commit that was taken. Only
    a commit carries `entry` with its `signature`, and `welcomes`.
    """

    KIND: ClassVar[str] = "publish"
    id: Id
    base: PositionBytes
    blob_class: ClassNumber
    ttl: Ttl
    blob: BlobBytes
    entry: EntryBytes | None = None
    signature: Signature | None = None
    welcomes: Annotated[bytes, AtMost(limits.WELCOMES)] | None = None


@dataclass(frozen=True, slots=True)
class PutDoor(Request):
    """Facilitators: make or replace a door. With `uses` 0 and an empty card, revoke it."""

    KIND: ClassVar[str] = "door"
    statement: StatementBytes
    signature: Signature
    card: CardBytes


@dataclass(frozen=True, slots=True)
class RefuseKnock(Request):
    """Facilitators: refuse a knock. `blob` is the reason, sealed to the knock's reply key."""

    KIND: ClassVar[str] = "refuse"
    id: Id
    blob: ReasonBytes


@dataclass(frozen=True, slots=True)
class LobbyRequest(Request):
    """Members: send something to the facilitators, sealed to the lobby key.

    A waiting newcomer sends the talk at the door with it. With `to`, a facilitator sends a vault,
    of at most `limits.VAULT` bytes, to the facilitator with this relay key. The relay keeps the
    newest.
    """

    KIND: ClassVar[str] = "request"
    id: Id
    blob: Annotated[bytes, AtMost(limits.REQUEST, least=1)]
    to: Key | None = None


@dataclass(frozen=True, slots=True)
class Settle(Request):
    """Facilitators: the lobby item with this id is done."""

    KIND: ClassVar[str] = "settle"
    id: Id


@dataclass(frozen=True, slots=True)
class LeaveRoom(Request):
    """Members: ask to be taken off the list."""

    KIND: ClassVar[str] = "leave"
    statement: StatementBytes
    signature: Signature


@dataclass(frozen=True, slots=True)
class EndRoom(Request):
    """Facilitators: delete everything but a tombstone."""

    KIND: ClassVar[str] = "end"
    statement: StatementBytes
    signature: Signature


@dataclass(frozen=True, slots=True)
class Reseat(Request):
    """Role `reseat`: bring the room back. Members: name the head of the own chain in a new log.

    `chain` lists the signed entries from 0 on. It is empty when the relay has them already.
    `commit` is the blob of the last commit, and empty when there was none. `doors` lists the packed
    `SeatedDoor` records of a facilitator. `earlier` lists the blobs of the commits right before the
    last one, the oldest first: a member who was away when they were made follows them.
    """

    KIND: ClassVar[str] = "reseat"
    statement: StatementBytes
    signature: Signature
    chain: Annotated[bytes, AtMost(limits.ROSTER_CHAIN)]
    commit: Annotated[bytes, AtMost(limits.HANDSHAKE_BLOB)]
    doors: Annotated[bytes, AtMost(limits.DOORS * (limits.CARD + limits.STATEMENT))]
    earlier: Annotated[bytes, AtMost(limits.EARLIER_BYTES)] | None = None


@dataclass(frozen=True, slots=True)
class ReadChain(Request):
    """Members: read the roster chain, from the entry with this counter on."""

    KIND: ClassVar[str] = "chain"
    first: Count


@dataclass(frozen=True, slots=True)
class SendDesk(Request):
    """Members: one frame of the private line, at each tick. The relay keeps none.

    `epoch` and `tick` are in the additional data of what `blob` seals.
    """

    KIND: ClassVar[str] = "desk"
    epoch: Count
    tick: Count
    blob: DeskBytes


@dataclass(frozen=True, slots=True)
class AskMembers(Request):
    """Role `standby`, or a facilitator without a group: ask members to be let in.

    `statement` is a signed `AskStatement` with the same id. The relay passes it to three members.
    """

    KIND: ClassVar[str] = "ask"
    id: Id
    statement: StatementBytes
    signature: Signature


@dataclass(frozen=True, slots=True)
class AnswerAsker(Request):
    """Answer the asker with this id; `blob` is sealed to the asker's reply key.

    A member answers an `AskMembers` with it. A facilitator answers a waiting newcomer with it,
    under the id of the knock.
    """

    KIND: ClassVar[str] = "answer"
    id: Id
    blob: AnswerBytes


@dataclass(frozen=True, slots=True)
class Park(Request):
    """Members: leave what the holder of a ticket needs after a reload.

    `slot` names it, `token_hash` is SHA-256 of the token that fetches it, and `blob` is sealed
    under a key that only the ticket has. Another `park` of the same member takes its place.
    """

    KIND: ClassVar[str] = "park"
    slot: Id
    token_hash: Hash
    blob: ParkedBytes


@dataclass(frozen=True, slots=True)
class Fetch(Request):
    """Before authentication: fetch what a member of `room` parked in this slot, by its token."""

    KIND: ClassVar[str] = "fetch"
    room: Hash
    slot: Id
    token: Hash = field(repr=False)


@dataclass(frozen=True, slots=True)
class SeatedDoor(Record):
    """One door of a room that is brought back: the statement as signed, and what is left of it."""

    statement: StatementBytes
    signature: Signature
    card: CardBytes
    uses_left: Annotated[int, AtMost(limits.USES_MAX)]
    ttl_left: Annotated[int, AtMost(limits.DOOR_TTL_MAX)]


ClientFrame: TypeAlias = (
    OpenRoom
    | Authenticate
    | ReadCard
    | Knock
    | Withdraw
    | Resume
    | Publish
    | PutDoor
    | RefuseKnock
    | LobbyRequest
    | Settle
    | LeaveRoom
    | EndRoom
    | Reseat
    | ReadChain
    | SendDesk
    | AskMembers
    | AnswerAsker
    | Park
    | Fetch
)
"""Every frame of a client. A `match` over it ends in `assert_never`."""
