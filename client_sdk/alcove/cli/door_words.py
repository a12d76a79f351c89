"""The talk at the door in words, for both sides of it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, assert_never

from alcove import events
from alcove.cli import escape
from alcove.cli.commands import (
    AcceptCommand,
    AgreementChangeCommand,
    DoorSayCommand,
    InsideCommand,
    OutsideCommand,
    RefuseCommand,
)
from alcove.cli.rooms import MemberLike

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
GOING: Final = (
    "You asked to step outside. A facilitator's client lets you go by itself, and you are told "
    "when you are outside."
)
COMING: Final = (
    "You asked to come back. A facilitator's client lets you in by itself, and you are told when "
    "you are in. If the facilitators have locked the door, it waits until they open it; you need "
    "to do nothing."
)
ACCEPTED: Final = "You accepted the new ground rules; what you write is no longer held for them."
NEW_RULES: Final = (
    "You changed the ground rules. The others are asked to accept them before they write on, and "
    "those who waited at the door are asked to read them and to knock again."
)
CORRECTED: Final = "You corrected the wording of the ground rules. Nobody is asked to accept it."
NO_WORD: Final = "You came by a standby's link, so no word for today is needed. /accept goes on."
WORD_KEPT: Final = "Your word for today goes along when you accept. Remember it."


def taken(event: events.DoorTaken, me: str, waiting: Mapping[str, events.Knocked]) -> str:
    """Return with whom a newcomer talks. Without an id this client is the newcomer's. `me` is the
    reader's name in the room."""
    by = escape.name(event.by) if event.by else ""
    whom = escape.name(waiting[event.id].name) if event.id in waiting else "somebody"
    if not event.id:
        if by:
            return f"{by} is here with you. What you type here only the facilitators read."
        return (
            "Nobody talks with you at the moment. You still wait, and any facilitator can answer."
        )
    if by and event.by == me:
        return (
            f"You talk with {whom} at the door now. /door {whom} TEXT reaches them; a line without "
            "it goes to the whole room."
        )
    if by:
        return f"{by} talks with {whom} at the door."
    whom = escape.name(waiting[event.id].name) if event.id in waiting else "NAME"
    return f"Nobody talks at the door any more: /door {whom} TEXT does."


def said_by_you(text: str, to: str) -> str:
    """Return what this person said at the door. `to` is the newcomer's name, or empty."""
    whom = f" to {escape.name(to)}" if to else ""
    return f"[at the door] [you]{whom}: {escape.line(text)}"


def refused(name: str, *, connected: bool = True) -> str:
    """Return that this facilitator refused a newcomer. A relay that loses its memory meanwhile
    loses the refusal. Then the newcomer asks again."""
    if not connected:
        return (
            f"You did not let {escape.name(name)} in. Your client tells them so once it is "
            "connected; if they ask again, decide again."
        )
    return f"You did not let {escape.name(name)} in; your client tells them so."


def gone(
    knock: events.Knocked | None, members: Sequence[MemberLike], away: Sequence[str] = ()
) -> str | None:
    """Return that a newcomer is gone, and did not come in. Only facilitators are told: to another
    member it means nothing, as the newcomer may wait on. `away` are the names of those that may
    come back by themselves."""
    facilitates = any(one.you and one.facilitator for one in members)
    if knock is None or not facilitates or any(one.name == knock.name for one in members):
        return None
    if knock.outside and knock.name not in away:  # they were removed, or the two hours are over
        return (
            f"{escape.name(knock.name)} was outside, and does not come back by themselves any more."
        )
    if knock.outside:
        # Their knock may have expired, and comes again; or they left from there.
        return (
            f"{escape.name(knock.name)} was outside, and is not at the door at the moment. They "
            "can come back by themselves while /members still lists them."
        )
    return f"{escape.name(knock.name)} does not wait any more."


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


def knocked(
    event: events.Knocked, shown: str, *, locked: bool = False, unsettled: bool = False
) -> str:
    """Return that a newcomer waits, and why. `locked` says that the door of the room is, and
    `unsettled` that a relay lost the room, so that no newcomer can be let in yet."""
    if event.outside:
        name = escape.name(event.name)
        if locked:
            return (
                f"{name} is outside, and comes back by themselves once the door is open; it is "
                "locked now, and /lock off opens it."
            )
        if unsettled:
            return (
                f"{name} is outside and comes back by themselves. Nobody can be let in yet; once "
                f"the room is settled, /inside {name} works, too."
            )
        return f"{name} is outside and comes back by themselves; /inside {name} lets them in now."
    return f"{shown} asks to be let in."


def of_event(
    event: events.Outside | events.DoorTaken | events.DoorSaid,
    me: str = "",
    waiting: Mapping[str, events.Knocked] = MappingProxyType({}),
) -> str:
    """Return a sentence of this program about what happened at the door. `me` is the reader."""
    match event:
        case events.Outside(name, you):
            return outside(name, you=you)
        case events.DoorTaken():
            return taken(event, me, waiting)
        case events.DoorSaid():
            return said(event)
        case _:
            assert_never(event)


def done(
    command: DoorSayCommand
    | RefuseCommand
    | OutsideCommand
    | InsideCommand
    | AcceptCommand
    | AgreementChangeCommand,
    waiting: Mapping[str, events.Knocked],
    *,
    joined: bool,
    connected: bool = True,
) -> str | None:
    """Return what this person did at the door, to go there or come from it, or with the ground
    rules, once the room took it. `joined` says that they are in the room, and `connected` that the
    relay answers."""
    match command:
        case DoorSayCommand(text=text, id=id):
            knock = waiting.get(id or "")
            return said_by_you(text, knock.name if knock is not None else "")
        case RefuseCommand(id=id):
            return refused(waiting[id].name, connected=connected) if id in waiting else None
        case OutsideCommand():
            return GOING
        case InsideCommand(name=name):
            return None if joined or name else COMING
        case AcceptCommand():
            return ACCEPTED if joined else None
        case AgreementChangeCommand(correction=correction):
            return CORRECTED if correction else NEW_RULES
        case _:
            assert_never(command)
