"""The events of the door: invites, newcomers that wait, the talk with them, the standby's link.

They are part of `alcove.events`.
"""

from dataclasses import dataclass, field

from alcove.members import WordCheck


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True, slots=True)
class InviteChanged(Event):
    """A fresh invite: a removal revoked the door of the one before, or, with a `door`, this
    facilitator asked for it. It lets `uses` people in within `hours`, and asks them the
    `question`, if there is one. `door` is its name among the facilitators, and no secret."""

    invite: str = field(repr=False)
    door: str = ""
    uses: int = 0
    hours: int = 0
    question: str = field(default="", repr=False)
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class OpenInvite:
    """An invite of the room. `here` members came by it. It has `uses` left, for `hours`: of another
    facilitator's invite (not `yours`) both are the relay's word, or None when it does not say."""

    door: str
    here: int
    uses: int | None
    hours: int | None
    question: str = field(default="", repr=False)
    yours: bool = False


@dataclass(frozen=True, slots=True)
class InvitesListed(Event):
    """All open invites of the room, the oldest first. Every facilitator sees the same list."""

    invites: tuple[OpenInvite, ...]
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class InviteRevoked(Event):
    """The facilitator `by` closed an invite. To facilitators only."""

    door: str
    by: str


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """The knock is with the facilitators. Both sides can compare `code` elsewhere."""

    code: str


@dataclass(frozen=True, slots=True)
class Knocked(Event):
    """A newcomer waits. To facilitators only. So does a member who was let in again so often that a
    person decides about the next time: then a `Problem` (`rejoins`) comes first. `question` is what
    the newcomer answered to the one that their invite asks."""

    id: str
    name: str
    code: str
    door_revoked: bool
    question: str = field(default="", repr=False)
    outside: bool = False
    """Whether it is a member that stepped outside. They come back by themselves."""
    again: str = ""
    """The silent or absent member that they say they are, and whose place they would take."""
    away: int = 0
    """Seconds since that member's last sign of life."""
    word: WordCheck | None = None
    """How today's word of this knock compares with that member's. None while `again` is empty."""


@dataclass(frozen=True, slots=True)
class Outside(Event):
    """A member stepped outside: they hold no key of the room, and can come back within two hours.
    With `you` it is this client. It waits at the door, and can talk with the facilitators."""

    name: str
    you: bool = False


@dataclass(frozen=True, slots=True)
class DoorTaken(Event):
    """The facilitator `by` talks with the newcomer of this knock, and the others keep out. `by` is
    empty when that facilitator is gone. To facilitators, and to the newcomer, without an `id`."""

    id: str
    by: str


@dataclass(frozen=True, slots=True)
class DoorSaid(Event):
    """A short text of the talk at the door. To facilitators, of the newcomer with this knock. To
    that newcomer, without an `id`, of a facilitator. It goes with the knock: do not keep it."""

    id: str
    text: str = field(repr=False)
    sender: str


@dataclass(frozen=True, slots=True)
class KnockGone(Event):
    """The newcomer with this id no longer waits."""

    id: str


@dataclass(frozen=True, slots=True)
class StandbyLink(Event):
    """The standby's link that this client made; empty when it closed it. Its holder can go on with
    the room when no facilitator is there. Show it once, to be kept on paper. Do not log it."""

    invite: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StandbyChanged(Event):
    """Whether the room has a standby. To all, and for another link than before too. `by` is the
    facilitator that changed it, and empty for what was so when this client came, or came back."""

    on: bool
    by: str = ""


@dataclass(frozen=True, slots=True)
class StandbyAsked(Event):
    """The holder of the standby's link asks to come in, or with `admitted` is a facilitator now."""

    admitted: bool
