"""The talk at the door in words, for both sides of it."""

from typing import Final, assert_never

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

CHOOSE_WORD: Final = (
    "If you like, choose a word for today before that: /word and the word. If your device fails, "
    "come back under the same name with the same word, and the facilitators can tell that it is "
    "you. If you are coming back now, give the word from before."
)
WORD_KEPT: Final = "Your word for today goes along when you accept. Remember it."


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


def outside(name: str, *, you: bool) -> str:
    """Return that a member stepped outside, in words for them or for the others."""
    if you:
        return (
            "You are outside: nothing of the room reaches you here. What you type only the "
            "facilitators read. /inside comes back, within two hours; /leave leaves."
        )
    return f"{escape.name(name)} has stepped outside."


def knocked(event: events.Knocked, shown: str) -> str:
    """Return that a newcomer waits, and why."""
    if event.outside:
        return f"{shown} is outside and comes back by themselves; /inside NAME lets them in now."
    return f"{shown} asks to be let in."


def of_event(event: events.Outside | events.DoorTaken | events.DoorSaid) -> str:
    """Return a sentence of this program about what happened at the door."""
    match event:
        case events.Outside(name, you):
            return outside(name, you=you)
        case events.DoorTaken():
            return taken(event)
        case events.DoorSaid():
            return said(event)
        case _:
            assert_never(event)
