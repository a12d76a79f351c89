"""That a member is in the room, in words."""

from collections.abc import Mapping
from typing import Final

from alcove import events
from alcove.cli import escape

_FIRST: Final = "You are in. Nobody else is here yet."


def joined(
    event: events.Joined, me: str, waiting: Mapping[str, events.Knocked], *, outside: bool
) -> str:
    """Return that a member is in. One that was outside, or lost, may be let in by rule. `me` is the
    reader's name, and `outside` says that they were outside before it."""
    if event.you:
        return _you_are_in(len(event.members) - 1, outside=outside)
    knocks = [one for one in waiting.values() if one.name == event.name]
    asked = any(not one.outside for one in knocks)
    name = escape.name(event.name)
    if asked and me and event.by == me:
        return f"You let {name} in."
    return f"{name} is back from outside." if knocks and not asked else f"{name} joined."


def _you_are_in(others: int, *, outside: bool) -> str:
    """A member may be gone, or not there at the moment: how many are here is not known yet."""
    if others < 1:
        return "You are in. Nobody else is here." if outside else _FIRST
    many = "one other member" if others == 1 else f"{others} other members"
    if outside:
        return (
            f"You are in again; the room has {many}. What was said while you were outside stays "
            "unseen."
        )
    return f"You are in; the room has {many}. What was said before you came stays unseen."
