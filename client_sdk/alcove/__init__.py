"""Alcove's SDK: confidential group conversations, end to end encrypted (MLS, RFC 9420).

open_room, join    enter a room with `async with`
resume             come back by a ticket, as the same person
run                a whole program around one room
Room               send, retract, accept, send_anyway, rejoin, admit, refuse, remove,
                   invite, change_agreement, leave, end
template           ground rules for a common group, to begin with
AnyEvent           everything that happens, as frozen values; a `match` over it can be exhaustive
AlcoveError        everything that can go wrong: each has a `code` and says what to do

The engine, MLS and sockets load with the first use of a room, so `import alcove` is quick.
"""

import typing

from alcove.errors import (
    AlcoveError,
    ConnectionFailed,
    InvalidInput,
    NoAnswerYet,
    NotNow,
    NotTrusted,
    Refused,
    RoomClosed,
)
from alcove.events import (
    Absent,
    Accepted,
    AgreementShown,
    AnyEvent,
    Closed,
    CloseReason,
    ConnectionChanged,
    ConnectionState,
    DoorSaid,
    DoorTaken,
    Event,
    Expired,
    FacilitatorAct,
    Failed,
    Folded,
    Gap,
    InviteChanged,
    InviteRevoked,
    InvitesListed,
    Joined,
    Knocked,
    KnockGone,
    Left,
    MemberList,
    Message,
    NewKeys,
    Opened,
    OpenInvite,
    Outside,
    PastAct,
    PastActs,
    Paused,
    PresenceChanged,
    Problem,
    Queued,
    Reloaded,
    Removed,
    Retracted,
    RoleChanged,
    RoomChanged,
    RoomState,
    RulesChanged,
    SafetyWords,
    Sent,
    StandbyAsked,
    StandbyChanged,
    StandbyLink,
    TicketMade,
    Unknown,
    Unpaused,
    VaultChanged,
    Waiting,
)
from alcove.members import FoldReason, Member, Whereabouts, WordCheck

__version__ = "0.1.0"

if typing.TYPE_CHECKING:
    from alcove_protocol.card import AgreementText
    from alcove_protocol.ticket import Ticket

    from alcove.entering import join, open_room, resume
    from alcove.relay.transport import TransportOptions
    from alcove.room import Room
    from alcove.running import run
    from alcove.shell import SendResult
    from alcove.templates import template

__all__ = [
    "Absent",
    "Accepted",
    "AgreementShown",
    "AgreementText",
    "AlcoveError",
    "AnyEvent",
    "CloseReason",
    "Closed",
    "ConnectionChanged",
    "ConnectionFailed",
    "ConnectionState",
    "DoorSaid",
    "DoorTaken",
    "Event",
    "Expired",
    "FacilitatorAct",
    "Failed",
    "FoldReason",
    "Folded",
    "Gap",
    "InvalidInput",
    "InviteChanged",
    "InviteRevoked",
    "InvitesListed",
    "Joined",
    "KnockGone",
    "Knocked",
    "Left",
    "Member",
    "MemberList",
    "Message",
    "NewKeys",
    "NoAnswerYet",
    "NotNow",
    "NotTrusted",
    "OpenInvite",
    "Opened",
    "Outside",
    "PastAct",
    "PastActs",
    "Paused",
    "PresenceChanged",
    "Problem",
    "Queued",
    "Refused",
    "Reloaded",
    "Removed",
    "Retracted",
    "RoleChanged",
    "Room",
    "RoomChanged",
    "RoomClosed",
    "RoomState",
    "RulesChanged",
    "SafetyWords",
    "SendResult",
    "Sent",
    "StandbyAsked",
    "StandbyChanged",
    "StandbyLink",
    "Ticket",
    "TicketMade",
    "TransportOptions",
    "Unknown",
    "Unpaused",
    "VaultChanged",
    "Waiting",
    "Whereabouts",
    "WordCheck",
    "join",
    "open_room",
    "resume",
    "run",
    "template",
]

_LATER = {
    "AgreementText": "alcove_protocol.card",
    "Room": "alcove.room",
    "SendResult": "alcove.shell",
    "TransportOptions": "alcove.relay.transport",
    "join": "alcove.entering",
    "Ticket": "alcove_protocol.ticket",
    "open_room": "alcove.entering",
    "resume": "alcove.entering",
    "run": "alcove.running",
    "template": "alcove.templates",
}


def __getattr__(name: str) -> typing.Any:  # Any: what a name is, the imports above say
    if name not in _LATER:
        raise AttributeError(f"module 'alcove' has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(_LATER[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
