"""Alcove's SDK: confidential group conversations, end to end encrypted (MLS, RFC 9420).

open_room, join    enter a room with `async with`
Room               send, retract, accept, send_anyway, admit, refuse, remove, invite,
                   change_agreement, leave, end
template           ground rules for a common group, to begin with
events             everything that happens, as frozen values
errors             everything that can go wrong: each has a `code` and says what to do
"""

from alcove_protocol.card import AgreementText

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
    Accepted,
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
    RoomChanged,
    RoomState,
    Sent,
    Unknown,
    Waiting,
)
from alcove.relay.transport import TransportOptions
from alcove.room import Member, Room
from alcove.templates import template

__all__ = [
    "Accepted",
    "AgreementShown",
    "AgreementText",
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
    "Room",
    "RoomChanged",
    "RoomClosed",
    "RoomState",
    "Sent",
    "TransportOptions",
    "Unknown",
    "Waiting",
    "join",
    "open_room",
    "template",
]
