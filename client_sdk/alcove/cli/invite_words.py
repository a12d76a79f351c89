"""Invites in words, for a facilitator."""

from collections.abc import Sequence
from typing import Final

from alcove import events
from alcove.cli import escape

SHARE: Final = (
    "Give this invite only to people who may ask to be let in. Each of them waits until a "
    "facilitator decides:"
)
REPLACED: Final = "An invite of yours was closed, and this one is in its place. "
LOCKED: Final = "The door is locked: nobody can ask to come in by it before /lock off."
"""Below an invite, while it is so."""
PERSONAL: Final = "Give this invite to one person. It lets nobody else in after them:"
NONE: Final = "No invite of yours is open; /invite makes one."
NOT_YOURS: Final = "You have no invite to show; facilitators have one."

HELP: Final = (
    ("/invite", "see your invite; it makes one if you have none"),
    ("/invite new", "make one more invite"),
    ("/invite ask QUESTION", "make an invite that asks newcomers something"),
    ("/personal NUMBER", "make invites for one person each"),
    ("/invites", "which invites are open"),
    ("/revoke NUMBER", "close an invite of that list"),
    ("/qr", "see the invite as a code for a phone's camera"),
)
"""What a facilitator can type about invites."""


def share(event: events.InviteChanged) -> str:
    """Return what stands above an invite."""
    asks = f"It asks newcomers: {escape.line(event.question)} " if event.question else ""
    closed = "" if event.door else REPLACED
    return closed + asks + (PERSONAL if event.uses == 1 else SHARE)


def question(asked: str) -> str:
    """Return what a newcomer reads whose invite asks something."""
    return (
        f"This invite asks: {escape.line(asked)} The ground rules stand above. If you agree to "
        "them, type /accept and your answer. Only facilitators read it. To go, type /leave."
    )


def listed(invites: Sequence[events.OpenInvite]) -> str:
    """Return the open invites, a line each, with the number by which one is closed."""
    if not invites:
        return "No invite is open. /invite new makes one."
    rows = [f"{number}. {_row(one)}" for number, one in enumerate(invites, 1)]
    return "\n".join(("Open invites; /revoke NUMBER closes one:", *rows))


def _row(one: events.OpenInvite) -> str:
    # One that came back by a ticket does not know any more what they made before.
    unknown = one.uses is None
    lets = "Nobody closed it" if unknown else f"It lets in {_many(one.uses or 0, 'person')} more"
    hours = "" if one.hours is None else f", for {_many(one.hours, 'hour')}"
    asks = f" It asks: {escape.line(one.question)}" if one.question else ""
    other = "of another facilitator, or of you before your program started anew"
    if unknown:
        other += ". Whether the relay has it is not known"
    maker = "yours" if one.yours else other
    return f"{lets}{hours}; {_many(one.here, 'person')} here came by it; {maker}.{asks}"


def _many(count: int, what: str) -> str:
    several = {"person": "people", "hour": "hours"}[what]
    return f"{count} {what if count == 1 else several}"


def revoked(by: str, me: str, *, own: bool = False) -> str:
    """Return that an invite was closed. `me` is the reader, whose removal may have closed it; `own`
    says that they asked to close it."""
    if by == me and own:
        return (
            "You closed an invite: nobody new can ask to come in by it. /invite shows or makes "
            "one that is open."
        )
    if by == me:
        return (
            "An invite is closed now: nobody new can ask to come in by it. /invite shows or makes "
            "one that is open."
        )
    return (
        f"{escape.name(by)} closed an invite: nobody new can ask to come in by it. "
        "/invite shows or makes one that is open."
    )
