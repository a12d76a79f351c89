"""What requests count: in the token bucket of their connection, and as steps of a turn. Pure."""

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
_TOLD: Final = 256 * limits.KIB
"""Bytes told to a room's members that count as one request more, for the author."""
_CARD: Final = 10.0
"""Extra cost of `card`, whose answer may have 32 KiB, and of a part of the chain. A client reads
each once."""
_DOOR_BYTES: Final = limits.KIB
"""Bytes of doors in a `reseat` that count one request more: three or four signatures."""
_DESK: Final = 9.0
"""Extra cost of a frame of the private line: two a second of a client, and twelve at once. The most
that an honest one sends are two in 5 s."""
_PARK: Final = 9.0
"""Extra cost of `park`, which has the store write 4 KiB: an honest client parks about once an
epoch, and once a connection."""
_RESUME: Final = 30.0
"""Extra cost of `resume`. It may bring the whole log, 0.2 s of work. A client resumes once a
connection, and where it is when it heard no beat for a while."""


_MOST: Final = BURST * 0.75
"""The largest cost: a room of a thousand may be told the largest commit. Otherwise it would count
more than there ever is, and could not be sent at all."""

_STEPS: Final = 12.0
"""Steps (`ports.turn`) of a request other than a `publish`, and of one before authentication:
mostly a signature, or a read of the lobby for its facilitators."""
_ENTRY_STEPS: Final = 30.0
"""Steps of a roster entry. It is verified, told, and followed."""
_MEMBERS_A_STEP: Final = 4.0
"""Members on the list for which a roster entry counts one step more."""
_CHAIN_BYTES: Final = 8 * limits.KIB
"""Bytes of a chain, with its doors, that count as one step: it is taken apart before it is
verified."""


def of_message(size: int, fragments: int, told: int) -> float:
    """The cost of a message: its bytes and fragments are work too, and so are the `told` bytes that
    it makes the relay send to the members of a room."""
    return 1 + size / _BYTES + (fragments - 1) / _FRAGMENTS + told / _TOLD


def steps(request: ClientFrame, size: int, members: int) -> float:
    """The steps of a request of `size` bytes in a room with so many members, beside its bytes and
    what is sent for it."""
    if isinstance(request, Publish):
        return _ENTRY_STEPS + members / _MEMBERS_A_STEP
    return _STEPS + (size / _CHAIN_BYTES if isinstance(request, Reseat) else 0.0)


def bounded(cost: float) -> float:
    """The cost, as far as it is no more than a bucket may hold."""
    return min(cost, _MOST)


def of_request(request: ClientFrame, members: int) -> float:
    """The extra cost of a request beyond its bytes, in a room with so many members."""
    match request:
        case Resume():
            return _RESUME
        case Publish():  # with an entry: the list is copied and hashed whole
            return members / _MEMBERS
        case OpenRoom() | Authenticate():
            return 0.0
        case Reseat():
            return len(request.doors) / _DOOR_BYTES
        case ReadCard():
            return _CARD
        case Knock() | Withdraw():
            return 0.0
        case PutDoor() | RefuseKnock() | LobbyRequest() | Settle() | LeaveRoom() | EndRoom():
            return 0.0
        case ReadChain():
            return _CARD
        case AskMembers():
            return _CARD  # all members are told
        case AnswerAsker():
            return 0.0  # its bytes count
        case SendDesk():
            return _DESK
        case Park():
            return _PARK
        case Fetch():
            return 0.0  # before authentication requests are counted alone
        case _:
            assert_never(request)
