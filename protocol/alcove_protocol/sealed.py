"""What clients seal to each other. The relay sees the ciphertext only.

Each is signed by the sender's MLS key and travels as `signature ‖ body`, padded and sealed.
"""

from dataclasses import dataclass, field
from typing import Annotated, Final

from alcove_protocol import limits
from alcove_protocol.records import AtMost, Exactly, Record
from alcove_protocol.statements import DOOR_ID_SIZE, HASH_SIZE, KEY_SIZE

DOOR_SECRET_SIZE: Final = 32
DOOR_ITEM_SIZE: Final = DOOR_ID_SIZE + DOOR_SECRET_SIZE
REQUEST_KIND: Final = 16


class RequestKind:
    """The values of `RequestBody.kind`."""

    UPDATE: Final = "update"  # `content` is an MLS message with an Update proposal
    REJOIN: Final = "rejoin"  # `content` is a KeyPackage; `reply_key` receives the Welcome
    STEP_DOWN: Final = "step down"  # `content` is a signed `StepDownStatement`
    OUTSIDE: Final = "outside"  # `content` is the secret of a door, and a signed `LeaveStatement`
    TAKE: Final = "take"  # a facilitator's: the talk with the newcomer of the knock in `content`


@dataclass(frozen=True, slots=True)
class RequestBody(Record):
    """A member's request to the facilitators, label `request`, signed by the member's MLS key.

    The signature covers the room, the member's epoch, the counter of the last roster entry that the
    member knows, the encryption key of a leaf of the member's, the content and the reply key.
    Without it a relay with an old KeyPackage of the member evicts them: it asks for a rejoin, and
    the Welcome opens for nobody. The request counts only while the group holds that leaf.
    """

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    epoch: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    counter: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    leaf_key: Annotated[bytes, AtMost(limits.LEAF_KEY, least=KEY_SIZE)]
    kind: Annotated[str, AtMost(REQUEST_KIND)]
    content: Annotated[bytes, AtMost(limits.REQUEST)]
    reply_key: Annotated[bytes, Exactly(KEY_SIZE)] | None = None


@dataclass(frozen=True, slots=True)
class VaultBody(Record):
    """What facilitators share, label `vault`, signed by the sender's MLS key.

    The signature covers the room, the recipient's MLS key, the epoch and a counter. Without it the
    relay puts a lobby key of its own into the vault. `lobby_private` is the X25519 private key of
    the lobby. `doors` lists door id ‖ secret for each open door. Neither is in `repr`.
    """

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    recipient: Annotated[bytes, Exactly(KEY_SIZE)]
    epoch: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    counter: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    lobby_private: Annotated[bytes, Exactly(KEY_SIZE)] = field(repr=False)
    doors: Annotated[bytes, AtMost(limits.DOORS * DOOR_ITEM_SIZE)] = field(repr=False)
