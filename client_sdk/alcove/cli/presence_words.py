"""The presence of members, lost ones and returns, in words for a person."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, assert_never

from alcove import events
from alcove.cli import escape
from alcove.members import Whereabouts, WordCheck

WORD: Final[Mapping[WordCheck, str]] = MappingProxyType(
    {
        "fits": "The word for today that came with it is the one that {} chose.",
        "differs": "The word for today that came with it is not the one that {} chose.",
        "missing": "{} chose a word for today, and none came with it.",
        "none": "{} chose no word for today.",
        "unknown": "Whether {} chose a word for today is not known on this device.",
        "spent": "Too many wrong words for today were tried under the name {}, so a word says "
        "nothing any more.",
    }
)
"""What a word for today is to that of the member, whose name goes in."""
PRESENCE: Final[Mapping[Whereabouts, str]] = MappingProxyType(
    {
        "here": "{} is here again.",
        "away": "Your client has heard nothing of {}'s for more than a minute; "
        "the connection may be lost.",
        "unknown": "Whether {} is here cannot be told at the moment.",
    }
)


def of_presence(
    event: events.PresenceChanged | events.Absent | events.NewKeys | events.Reloaded, me: str = ""
) -> str:
    """Return a sentence about a member's presence. `me` is the reader's name."""
    name = escape.name(event.name)
    match event:
        case events.PresenceChanged(presence=presence):
            return PRESENCE[presence].format(name)
        case events.Absent():
            return f"{name} was away for long and is out for now. They can come back."
        case events.NewKeys(by=by):
            whose = "you" if me and by == me else escape.name(by)
            return f"{name} is back with new keys; {whose} let them in."
        case events.Reloaded():
            return f"{name} started their program anew, and is back under the same keys."
        case _:
            assert_never(event)


def returns(knock: events.Knocked) -> str:
    """Return what a facilitator should know of a knock under a member's name, or nothing."""
    if not knock.again:
        return ""
    name, minutes = escape.name(knock.again), knock.away // 60
    long = f"{knock.away} seconds" if not minutes else f"{minutes} min"
    word = f"{WORD[knock.word].format(name)} " if knock.word else ""
    return (
        f" Someone who says they are {name}. {name} has not been heard for {long}. {word}"
        "If you let them in, they take that place; make sure that it is the same person."
    )
