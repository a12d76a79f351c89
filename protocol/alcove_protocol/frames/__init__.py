"""The frames: what travels over the WebSocket, one MessagePack map in one binary message.

The key `t` names the kind. `docs/protocol.md` tells the sequences; these files tell the fields.

    fields     types of fields, classes of blobs, kinds of lobby items, roles
    frame      `Frame`, and below it `Request`, `Answer` and `Notice`
    requests   what a client sends: the union `ClientFrame`
    answers    what the relay answers: the union `RelayAnswer`
    notices    what the relay sends unasked: the union `RelayNotice`

Each union is closed, so a `match` that ends in `assert_never` is checked to be exhaustive.
"""

from typing import Final, TypeAlias, TypeVar, get_args

from alcove_protocol import limits
from alcove_protocol.codec import Value, unpack
from alcove_protocol.errors import Malformed
from alcove_protocol.frames.answers import (
    Authenticated,
    CardIs,
    ChainIs,
    Done,
    Fetched,
    Published,
    RelayAnswer,
    RequestRefused,
    Resumed,
)
from alcove_protocol.frames.fields import (
    COMMITS,
    BlobClass,
    ConnectionRole,
    LobbyKind,
)
from alcove_protocol.frames.frame import (
    Answer,
    Frame,
    Notice,
    Request,
)
from alcove_protocol.frames.notices import (
    NONCE_SIZE,
    Answered,
    Asked,
    BlobIs,
    Bye,
    Challenge,
    DeskIs,
    KnockRefused,
    LobbyItem,
    RelayNotice,
    WelcomeIs,
)
from alcove_protocol.frames.requests import (
    AnswerAsker,
    AskMembers,
    Authenticate,
    ClientFrame,
    EndRoom,
    Fetch,
    Knock,
    LeaveRoom,
    LobbyRequest,
    OpenRoom,
    Park,
    Publish,
    PutDoor,
    ReadCard,
    ReadChain,
    RefuseKnock,
    Reseat,
    Resume,
    SeatedDoor,
    SendDesk,
    Settle,
    Withdraw,
)
from alcove_protocol.statements import ID_SIZE

RelayFrame: TypeAlias = RelayAnswer | RelayNotice
"""Every frame of the relay."""

F = TypeVar("F", bound=Frame)


def _by_kind(kinds: tuple[type[F], ...]) -> dict[str, type[F]]:
    return {kind.KIND: kind for kind in kinds}


FROM_CLIENT: Final[dict[str, type[ClientFrame]]] = _by_kind(get_args(ClientFrame))
FROM_RELAY: Final[dict[str, type[RelayFrame]]] = _by_kind(get_args(RelayFrame))


def _decode(data: bytes, kinds: dict[str, type[F]], limit: int) -> F:
    value: dict[str, Value] = unpack(data, limit=limit)
    kind = value.pop("t", None)
    found = kinds.get(kind) if isinstance(kind, str) else None
    if found is None:
        raise Malformed("unknown_kind", "The frame is of an unknown kind.")
    return found.from_map(value)


def from_client(data: bytes, *, limit: int = limits.FRAME) -> ClientFrame:
    """Decode what a client sent. Raises `Malformed`."""
    return _decode(data, FROM_CLIENT, limit)


def from_relay(data: bytes) -> RelayFrame:
    """Decode what the relay sent. Raises `Malformed`."""
    return _decode(data, FROM_RELAY, limits.FRAME)


__all__ = [
    "COMMITS",
    "FROM_CLIENT",
    "FROM_RELAY",
    "ID_SIZE",
    "NONCE_SIZE",
    "Answer",
    "AnswerAsker",
    "Answered",
    "AskMembers",
    "Asked",
    "Authenticate",
    "Authenticated",
    "BlobClass",
    "BlobIs",
    "Bye",
    "CardIs",
    "ChainIs",
    "Challenge",
    "ClientFrame",
    "ConnectionRole",
    "DeskIs",
    "Done",
    "EndRoom",
    "Fetch",
    "Fetched",
    "Frame",
    "Knock",
    "KnockRefused",
    "LeaveRoom",
    "LobbyItem",
    "LobbyKind",
    "LobbyRequest",
    "Notice",
    "OpenRoom",
    "Park",
    "Publish",
    "Published",
    "PutDoor",
    "ReadCard",
    "ReadChain",
    "RefuseKnock",
    "RelayAnswer",
    "RelayFrame",
    "RelayNotice",
    "Request",
    "RequestRefused",
    "Reseat",
    "Resume",
    "Resumed",
    "SeatedDoor",
    "SendDesk",
    "Settle",
    "WelcomeIs",
    "Withdraw",
    "from_client",
    "from_relay",
]
