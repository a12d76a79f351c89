"""What requests count in the token bucket of their connection. Pure."""

from __future__ import annotations

from typing import Final, assert_never

from alcove_protocol import limits
from alcove_protocol.frames import (
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
    SendDesk,
    Settle,
    Withdraw,
)

RATE: Final = 20.0
BURST: Final = 120.0
"""Tokens a second, and at once, of one connection."""
EARLY: Final = 8
"""Requests before authentication: one to open a room, one to authenticate, and some slack."""
STRIKES: Final = 100
"""Requests refused as `rate_limited` before the connection is closed."""

_BYTES: Final = 32 * limits.KIB
"""Bytes of a message that count as one request more."""
_FRAGMENTS: Final = 16
"""Fragments of a message that count as one request more."""
_MEMBERS: Final = 50.0
"""Members on the list for which a roster entry counts one request more: 50 us of work."""
_RESUME: Final = 30.0
"""Extra cost of `resume`. It may bring the whole log, 0.2 s of work. A client resumes once a
connection, and where it is when it heard no beat for a while."""


def of_message(size: int, fragments: int) -> float:
    """The cost of a message: its bytes and fragments are work too."""
    return 1 + size / _BYTES + (fragments - 1) / _FRAGMENTS


def of_request(request: ClientFrame, members: int) -> float:
    """The extra cost of a request beyond its bytes, in a room with so many members."""
    match request:
        case Resume():
            return _RESUME
        case Publish():  # with an entry: the list is copied and hashed whole
            return members / _MEMBERS
        case OpenRoom() | Authenticate() | Reseat():
            return 0.0
        case ReadCard() | Knock() | Withdraw():
            return 0.0
        case PutDoor() | RefuseKnock() | LobbyRequest() | Settle() | LeaveRoom() | EndRoom():
            return 0.0
        case ReadChain() | SendDesk() | AskMembers() | AnswerAsker() | Park() | Fetch():
            return 0.0  # no state of a client takes one yet
        case _:
            assert_never(request)
