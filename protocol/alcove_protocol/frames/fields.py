"""The types of frame fields, and the numbers that stand in them.

`Annotated` gives each type its bound, and `Record` enforces it in both directions.
"""

from enum import IntEnum
from typing import Annotated, Final

from alcove_protocol import limits
from alcove_protocol.position import GENERATION_SIZE, POSITION_SIZE
from alcove_protocol.records import AtMost, Exactly
from alcove_protocol.statements import (
    DOOR_ID_SIZE,
    HASH_SIZE,
    ID_SIZE,
    KEY_SIZE,
    SIGNATURE_SIZE,
)


class BlobClass(IntEnum):
    """What the relay knows of a blob. It keeps and delivers each class differently."""

    COMMIT = 1  # becomes the base; kept for the rejoin window
    APPLICATION = 2  # kept for its time to live
    BEAT = 3  # a facilitator's heartbeat; its loss is no gap
    EXTERNAL = 4  # a wrapped external commit; becomes the base and is kept as a commit is


COMMITS: Final = frozenset({BlobClass.COMMIT, BlobClass.EXTERNAL})
"""Classes that become the base, and that the relay keeps for the rejoin window."""


class LobbyKind(IntEnum):
    """What an item of the stream `lobby` is."""

    KNOCK = 1
    REQUEST = 2  # an Update, or a wish to rejoin, sealed to the facilitators
    LEAVE = 3  # `blob` is the signed statement
    GONE = 4  # the item with this id is settled: admitted, refused, withdrawn or expired
    VAULT = 5  # what facilitators share, for one of them
    ASK = 7  # of a standby, told to all members as `asked` and never as an item
    ANSWER = 8  # to a standby, told to it alone as `answered`: the id of the ask, then the answer


class ConnectionRole:
    """The values of `ChallengeAnswer.role`."""

    MEMBER: Final = "member"
    DOOR: Final = "door"
    RESEAT: Final = "reseat"
    STANDBY: Final = "standby"  # a standby key of the list: it asks members to be let in
    AWAY: Final = "away"  # an ABSENT took the member off the list; for `limits.AWAY`


RequestNumber = Annotated[int, AtMost(limits.REQUEST_NUMBER)]
Count = Annotated[int, AtMost(limits.REQUEST_NUMBER)]
Key = Annotated[bytes, Exactly(KEY_SIZE)]
Hash = Annotated[bytes, Exactly(HASH_SIZE)]
Signature = Annotated[bytes, Exactly(SIGNATURE_SIZE)]
StatementBytes = Annotated[bytes, AtMost(limits.STATEMENT)]
EntryBytes = Annotated[bytes, AtMost(limits.ENTRY)]
Id = Annotated[bytes, Exactly(ID_SIZE)]
DoorId = Annotated[bytes, Exactly(DOOR_ID_SIZE)]
GenerationBytes = Annotated[bytes, Exactly(GENERATION_SIZE)]
PositionBytes = Annotated[bytes, Exactly(POSITION_SIZE)]
BlobBytes = Annotated[bytes, AtMost(limits.HANDSHAKE_BLOB, least=1)]
ClassNumber = Annotated[int, AtMost(max(BlobClass), least=min(BlobClass))]
KindNumber = Annotated[int, AtMost(LobbyKind.VAULT, least=min(LobbyKind))]
DeskBytes = Annotated[bytes, AtMost(limits.DESK_LARGE, least=limits.DESK_SMALL)]
AnswerBytes = Annotated[bytes, AtMost(limits.ANSWER, least=1)]
ParkedBytes = Annotated[bytes, AtMost(limits.PARKED, least=1)]
CardBytes = Annotated[bytes, AtMost(limits.CARD)]
ReasonBytes = Annotated[bytes, AtMost(limits.SEALED_REASON)]
RoleName = Annotated[str, AtMost(limits.ROLE_NAME)]
Code = Annotated[str, AtMost(limits.CODE)]
Sentence = Annotated[str, AtMost(limits.SENTENCE)]
Ttl = Annotated[int, AtMost(limits.TTL_MAX, least=limits.TTL_MIN)]
Seconds = Annotated[int, AtMost(limits.REQUEST_NUMBER)]
