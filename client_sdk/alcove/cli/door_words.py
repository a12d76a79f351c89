"""The talk at the door in words, for both sides of it."""

from typing import Final

from alcove import events
from alcove.cli import escape

HELP: Final = (
    ("/admit NAME", "let in who waits; /admit all lets in everybody"),
    ("/tolisten NAME", "let in who waits, only to read until /unpause NAME"),
    (
        "/refuse NAME",
        "do not let in who waits; a word behind the name says why: tonight, late, group or write",
    ),
    ("/door NAME TEXT", "say something to who waits; /door all TEXT to everybody who waits"),
    ("/take NAME", "talk with who waits; the other facilitators keep out"),
)
"""What a facilitator can type about newcomers."""


def taken(event: events.DoorTaken) -> str:
    """Return with whom a newcomer talks. Without an id this client is the newcomer's."""
    by = escape.name(event.by)
    if not event.id:
        if by:
            return f"{by} is here with you. What you type here only the facilitators read."
        return "The facilitator that you talked with has lost the connection. You still wait."
    if by:
        return f"{by} talks with somebody at the door."
    return "Nobody talks with that person at the door any more: /door NAME TEXT does."


def said(event: events.DoorSaid) -> str:
    """Return one text, with a mark that no name can imitate."""
    return f"[at the door] {escape.name(event.sender)}: {escape.line(event.text)}"
