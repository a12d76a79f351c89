"""What is inside an application message (docs/protocol.md 11)."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final, TypeAlias, get_args

from alcove_protocol import limits
from alcove_protocol.card import AGREEMENT_LIST, VERSION_MAX
from alcove_protocol.errors import Malformed
from alcove_protocol.position import POSITION_SIZE
from alcove_protocol.records import AtMost, Exactly, Record
from alcove_protocol.statements import HASH_SIZE

from alcove.errors import InvalidInput
from alcove.messages.visible import is_visible

MESSAGE_ID_SIZE: Final = 16
WARNING: Final = 100
KIND: Final = 32
"""Bytes of these texts at most."""
GENERATION: Final = 2**32 - 1
"""The last generation of a ratchet (RFC 9420, section 6.3.2)."""
AUTHENTICATOR_MIN: Final = 32
AUTHENTICATOR_MAX: Final = 64
"""Bytes of an epoch authenticator: the hash size of any suite."""


@dataclass(frozen=True, slots=True)
class Payload(Record):
    """Under the sender's MLS signature. `counter` is 0 in a heartbeat, else it counts from 1.

    `generation` is that of the key that it is encrypted under. MLS signs none, so without it any
    member can encrypt again what another said (RFC 9420, section 16.11).
    """

    id: Annotated[bytes, Exactly(MESSAGE_ID_SIZE)]
    counter: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    generation: Annotated[int, AtMost(GENERATION)]
    agreement: Annotated[bytes, Exactly(HASH_SIZE)]
    position: Annotated[bytes, Exactly(POSITION_SIZE)]
    log: Annotated[bytes, Exactly(HASH_SIZE)]
    ttl: Annotated[int, AtMost(limits.TTL_MAX, least=limits.TTL_MIN)]
    kind: Annotated[str, AtMost(KIND)]
    body: Annotated[bytes, AtMost(limits.APPLICATION_BUCKET)] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Text(Record):
    """What a member says. `warning` is shown before it, so that a reader can choose.

    `lang` is its language (BCP 47).
    """

    KIND: ClassVar[str] = "text"
    text: Annotated[str, AtMost(limits.TEXT, least=1)] = field(repr=False)
    warning: Annotated[str, AtMost(WARNING)] | None = field(default=None, repr=False)
    lang: Annotated[str, AtMost(limits.LANGUAGE_TAG)] | None = None


@dataclass(frozen=True, slots=True)
class Retract(Record):
    """The sender takes back their own message."""

    KIND: ClassVar[str] = "retract"
    target: Annotated[bytes, Exactly(MESSAGE_ID_SIZE)]


@dataclass(frozen=True, slots=True)
class Void(Record):
    """Uses the counter of an abandoned message, so that a hole always means a drop."""

    KIND: ClassVar[str] = "void"


@dataclass(frozen=True, slots=True)
class Heartbeat(Record):
    """A facilitator is here, in this epoch, with this roster. `leaving` says that they go now, and
    `started` that as many facilitators were there as the room needs to start."""

    KIND: ClassVar[str] = "heartbeat"
    epoch: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    authenticator: Annotated[bytes, AtMost(AUTHENTICATOR_MAX, least=AUTHENTICATOR_MIN)]
    roster: Annotated[bytes, Exactly(HASH_SIZE)]
    leaving: bool
    started: bool


@dataclass(frozen=True, slots=True)
class HeartbeatHeard:
    """A facilitator's heartbeat. MLS names the sender, by their signature key."""

    sender: bytes
    payload: Payload
    body: Heartbeat


@dataclass(frozen=True, slots=True)
class ToldAgreement(Record):
    """The texts of an agreement, told by a facilitator before the commit that makes it current.

    `texts` is what its hash covers, as on a card. It is repeated for those who missed it.
    """

    KIND: ClassVar[str] = "agreement"
    version: Annotated[int, AtMost(VERSION_MAX, least=1)]
    texts: Annotated[bytes, AtMost(AGREEMENT_LIST, least=1)] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fold(Record):
    """A facilitator folds one message. Its readers may open it."""

    KIND: ClassVar[str] = "fold"
    target: Annotated[bytes, Exactly(MESSAGE_ID_SIZE)]


MessageBody: TypeAlias = Text | Retract | Void | Heartbeat | ToldAgreement | Fold
"""Every body of this version. A `match` over it ends with `assert_never`."""

BODIES: Final[dict[str, type[MessageBody]]] = {kind.KIND: kind for kind in get_args(MessageBody)}
"""Kinds that this version knows. Any other becomes an `Unknown` event."""


def check_text(text: str, warning: str | None) -> Text:
    """Return the body of a message that a person wrote.

    Raises `InvalidInput` (`text_empty`, `text_too_long`, `warning_too_long`, `bad_text`)."""
    try:
        (text + (warning or "")).encode()
    except UnicodeEncodeError:
        message = "This text has characters that cannot be sent."
        raise InvalidInput("bad_text", message) from None
    if not is_visible(text):
        nothing = "There is nothing to see in this text, so it was not sent."
        raise InvalidInput("text_empty", nothing)
    if warning is not None and len(warning.encode()) > WARNING:
        long = f"A content warning has at most {WARNING} bytes; shorten it."
        raise InvalidInput("warning_too_long", long)
    try:
        body = Text(text, warning)
        body.encode()
    except Malformed:
        raise InvalidInput(
            "text_too_long", f"A message has at most {limits.TEXT} bytes; shorten it."
        ) from None
    return body
