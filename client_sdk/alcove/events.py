"""What happens in a room, as frozen values. `match` on their types; `Unknown` is for the rest.

Identifiers are lower-case hex. Names are pseudonyms of this room only. `ref` is whatever the caller
gave with a command, and None where nothing was given.
"""

from dataclasses import dataclass
from enum import StrEnum


class ConnectionState(StrEnum):
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    RESUMED = "resumed"  # connected again, where it was left
    REJOINED = "rejoined"  # a facilitator had to let this client in anew; what came between is lost


class RoomState(StrEnum):
    OPEN = "open"
    READ_ONLY = "read-only"  # no facilitator was heard for 90 s: nobody can post
    NOT_HEARD = "not-heard"  # this client hears the relay, but no facilitator: it may be cut off
    SPLIT = "split"  # the relay shows members different conversations: do not trust it


class CloseReason(StrEnum):
    LEFT = "left"
    ENDED = "ended"
    REMOVED = "removed"
    REFUSED = "refused"
    LOST = "lost"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True, slots=True)
class Opened(Event):
    """The room exists and `invite` lets people knock. The invite is a secret: do not log it."""

    invite: str


@dataclass(frozen=True, slots=True)
class InviteChanged(Event):
    """A fresh invite, because a removal revoked the door of the one before."""

    invite: str


@dataclass(frozen=True, slots=True)
class AgreementShown(Event):
    """The ground rules that a newcomer is to accept, from a card that was verified."""

    version: int
    text: str
    title: str


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """The knock is with the facilitators. `code` may be compared with theirs elsewhere."""

    code: str


@dataclass(frozen=True, slots=True)
class Knocked(Event):
    """Somebody waits. To facilitators only."""

    id: str
    name: str
    code: str
    door_revoked: bool


@dataclass(frozen=True, slots=True)
class KnockGone(Event):
    """Who waited under this id waits no longer."""

    id: str


@dataclass(frozen=True, slots=True)
class Joined(Event):
    """Somebody is in. With `you`, this client is: it can talk, and `members` lists everybody."""

    name: str
    you: bool = False
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Left(Event):
    """Somebody went by their own wish."""

    name: str


@dataclass(frozen=True, slots=True)
class Removed(Event):
    """A facilitator put somebody out."""

    name: str


@dataclass(frozen=True, slots=True)
class Message(Event):
    """Somebody else's message. It is to be forgotten after `ttl` seconds (an `Expired` tells)."""

    id: str
    sender: str
    text: str
    ttl: int
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Sent(Event):
    """The relay has numbered this message: it goes to everybody. The id is everybody's."""

    id: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Queued(Event):
    """The message waits here until it can be sent; a `Sent` or `Failed` follows."""

    id: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """The message will not be sent."""

    id: str
    code: str
    text: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Retracted(Event):
    """The sender took this message back."""

    id: str


@dataclass(frozen=True, slots=True)
class Expired(Event):
    """This message's time is over; clients drop it."""

    id: str


@dataclass(frozen=True, slots=True)
class ConnectionChanged(Event):
    state: ConnectionState


@dataclass(frozen=True, slots=True)
class RoomChanged(Event):
    state: RoomState


@dataclass(frozen=True, slots=True)
class Gap(Event):
    """Messages were missed: how many, or None when nobody can tell."""

    missed: int | None


@dataclass(frozen=True, slots=True)
class Problem(Event):
    """Something went wrong. The room goes on unless `Closed` follows."""

    code: str
    text: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Unknown(Event):
    """A member sent something that this version does not know."""

    sender: str
    kind: str


@dataclass(frozen=True, slots=True)
class Closed(Event):
    """The last event. Keys are wiped."""

    reason: CloseReason
    code: str = ""
    text: str = ""


AnyEvent = (
    Opened
    | InviteChanged
    | AgreementShown
    | Waiting
    | Knocked
    | KnockGone
    | Joined
    | Left
    | Removed
    | Message
    | Sent
    | Queued
    | Failed
    | Retracted
    | Expired
    | ConnectionChanged
    | RoomChanged
    | Gap
    | Problem
    | Unknown
    | Closed
)
"""Every event of this version. A `match` over it can be exhaustive: end it with `assert_never`."""
