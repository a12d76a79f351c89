"""The types of frame fields, and the numbers that stand in them.

`Annotated` gives each type its bound, and `Record` enforces it in both directions.
"""

from enum import IntEnum
from typing import Annotated, Final

from alcove_protocol import limits
from alcove_protocol.position import POSITION_SIZE
from alcove_protocol.records import AtMost, Exactly
from alcove_protocol.statements import DOOR_ID_SIZE, HASH_SIZE, KEY_SIZE, SIGNATURE_SIZE

ID_SIZE: Final = 16


class BlobClass(IntEnum):
    """What the relay knows of a blob. It keeps and delivers each class differently."""

    COMMIT = 1  # becomes the base; kept for the rejoin window
    APPLICATION = 2  # kept for its time to live
    BEAT = 3  # a facilitator's heartbeat; its loss is no gap


class LobbyKind(IntEnum):
    """What an item of the stream `lobby` is."""

    KNOCK = 1
    REQUEST = 2  # an Update, or a wish to rejoin, sealed to the facilitators
    LEAVE = 3  # `blob` is the signed statement
    GONE = 4  # the item with this id is settled: admitted, refused, withdrawn or expired


class ConnectionRole:
    """The values of `ChallengeAnswer.role`."""

    MEMBER: Final = "member"
    DOOR: Final = "door"
    RESEAT: Final = "reseat"


RequestNumber = Annotated[int, AtMost(limits.REQUEST_NUMBER)]
Count = Annotated[int, AtMost(limits.REQUEST_NUMBER)]
Key = Annotated[bytes, Exactly(KEY_SIZE)]
Hash = Annotated[bytes, Exactly(HASH_SIZE)]
Signature = Annotated[bytes, Exactly(SIGNATURE_SIZE)]
StatementBytes = Annotated[bytes, AtMost(limits.STATEMENT)]
EntryBytes = Annotated[bytes, AtMost(limits.ENTRY)]
Id = Annotated[bytes, Exactly(ID_SIZE)]
DoorId = Annotated[bytes, Exactly(DOOR_ID_SIZE)]
PositionBytes = Annotated[bytes, Exactly(POSITION_SIZE)]
BlobBytes = Annotated[bytes, AtMost(limits.HANDSHAKE_BLOB, least=1)]
ClassNumber = Annotated[int, AtMost(max(BlobClass), least=min(BlobClass))]
KindNumber = Annotated[int, AtMost(max(LobbyKind), least=min(LobbyKind))]
CardBytes = Annotated[bytes, AtMost(limits.CARD)]
ReasonBytes = Annotated[bytes, AtMost(limits.SEALED_REASON)]
RoleName = Annotated[str, AtMost(limits.ROLE_NAME)]
Code = Annotated[str, AtMost(limits.CODE)]
Sentence = Annotated[str, AtMost(limits.SENTENCE)]
Ttl = Annotated[int, AtMost(limits.TTL_MAX, least=limits.TTL_MIN)]
Seconds = Annotated[int, AtMost(limits.REQUEST_NUMBER)]
