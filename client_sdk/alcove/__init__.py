"""Alcove's SDK: confidential group conversations, end to end encrypted (MLS, RFC 9420).

open_room, join    enter a room with `async with`
Room               send, retract, accept, send_anyway, admit, refuse, remove, invite, leave, end
events             everything that happens, as frozen values
errors             everything that can go wrong: each has a `code` and says what to do
"""

from alcove.entering import join, open_room
from alcove.errors import (
    AlcoveError,
    ConnectionFailed,
    InvalidInput,
    NotNow,
    NotTrusted,
    Refused,
    RoomClosed,
)
from alcove.events import (
    AgreementShown,
    Closed,
    CloseReason,
    ConnectionChanged,
    ConnectionState,
    Event,
    Expired,
    Failed,
    Gap,
    InviteChanged,
    Joined,
    Knocked,
    KnockGone,
    Left,
    Message,
    Opened,
    Problem,
    Queued,
    Removed,
    Retracted,
    RoleChanged,
    RoomChanged,
    RoomState,
    Sent,
    Unknown,
    VaultChanged,
    Waiting,
)
from alcove.relay.transport import TransportOptions
from alcove.room import Member, Room

__all__ = [
    "AgreementShown",
    "AlcoveError",
    "CloseReason",
    "Closed",
    "ConnectionChanged",
    "ConnectionFailed",
    "ConnectionState",
    "Event",
    "Expired",
    "Failed",
    "Gap",
    "InvalidInput",
    "InviteChanged",
    "Joined",
    "KnockGone",
    "Knocked",
    "Left",
    "Member",
    "Message",
    "NotNow",
    "NotTrusted",
    "Opened",
    "Problem",
    "Queued",
    "Refused",
    "Removed",
    "Retracted",
    "RoleChanged",
    "Room",
    "RoomChanged",
    "RoomClosed",
    "RoomState",
    "Sent",
    "TransportOptions",
    "Unknown",
    "VaultChanged",
    "Waiting",
    "join",
    "open_room",
]
