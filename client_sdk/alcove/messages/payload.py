"""What is inside an application message (docs/protocol.md 11)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from alcove_protocol import limits
from alcove_protocol.position import POSITION_SIZE
from alcove_protocol.records import AtMost, Exactly, Record
from alcove_protocol.statements import HASH_SIZE

MESSAGE_ID_SIZE: Final = 16
WARNING: Final = 100


@dataclass(frozen=True, slots=True)
class Payload(Record):
    """Under the sender's MLS signature. `counter` is 0 in a heartbeat and counts from 1 else."""

    id: Annotated[bytes, Exactly(MESSAGE_ID_SIZE)]
    counter: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    agreement: Annotated[bytes, Exactly(HASH_SIZE)]
    position: Annotated[bytes, Exactly(POSITION_SIZE)]
    log: Annotated[bytes, Exactly(HASH_SIZE)]
    ttl: Annotated[int, AtMost(limits.TTL_MAX, least=limits.TTL_MIN)]
    kind: Annotated[str, AtMost(32)]
    body: Annotated[bytes, AtMost(limits.APPLICATION_BUCKET)]


@dataclass(frozen=True, slots=True)
class Text(Record):
    KIND: ClassVar[str] = "text"
    text: Annotated[str, AtMost(limits.TEXT, least=1)]
    warning: Annotated[str, AtMost(WARNING)] | None = None


@dataclass(frozen=True, slots=True)
class Retract(Record):
    """The sender takes back their own message."""

    KIND: ClassVar[str] = "retract"
    target: Annotated[bytes, Exactly(MESSAGE_ID_SIZE)]


@dataclass(frozen=True, slots=True)
class Void(Record):
    """Takes the counter of a message that was abandoned, so that a hole always means a drop."""

    KIND: ClassVar[str] = "void"


@dataclass(frozen=True, slots=True)
class Heartbeat(Record):
    """A facilitator is here, in this epoch, with this roster; `leaving`: and goes now."""

    KIND: ClassVar[str] = "heartbeat"
    epoch: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    authenticator: Annotated[bytes, AtMost(64, least=32)]
    roster: Annotated[bytes, Exactly(HASH_SIZE)]
    leaving: bool


BODIES: Final[dict[str, type[Record]]] = {
    kind.KIND: kind for kind in (Text, Retract, Void, Heartbeat)
}
"""Kinds that this version knows. Another is shown as unknown, never guessed at."""
