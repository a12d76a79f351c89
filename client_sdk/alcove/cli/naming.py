"""Whom and what a typed line names. Large and small letters are the same, where one person fits."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import TypeVar

from alcove.cli import escape
from alcove.cli.room_view import RoomView
from alcove.cli.rooms import MemberLike

T = TypeVar("T")


class Misread(Exception):
    """The line cannot be done as it stands. The sentence says why."""


def named(typed: str, people: Iterable[tuple[str, T]]) -> list[T]:
    """Return all that `typed` can mean. A name that is written exactly so comes before others."""
    known = list(people)
    exact = [one for name, one in known if typed in (name, escape.name(name))]
    return exact or [one for name, one in known if _same(typed, escape.name(name))]


def behind(line: str, name: str) -> str | None:
    """Return what stands behind `name` at the beginning of `line`. None for another beginning."""
    shown = escape.name(name)
    if not _same(line[: len(shown)], shown) or line[len(shown) : len(shown) + 1] != " ":
        return None
    return line[len(shown) :].strip()


def member(
    name: str,
    members: Sequence[MemberLike],
    word: str,
    away: Sequence[str] = (),
    waiting: Sequence[str] = (),
) -> str:
    """Return the one member's name that `name` can mean. `away` are those that are not in the room
    and may come back, and `waiting` newcomers: the command `word` does nothing about them. Raises
    `Misread`."""
    found = _members(name, members, word)
    if not found:
        _not_at_door(name, waiting)
    if not found and (gone := named(name, [(one, one) for one in away])):
        raise Misread(
            f"{escape.name(gone[0])} is not in the room at the moment, so {word} can do nothing. "
            "It can once they are back; /remove keeps them out."
        )
    return _only(found)


def to_remove(
    name: str,
    members: Sequence[MemberLike],
    word: str,
    away: Sequence[str],
    waiting: Sequence[str] = (),
) -> str:
    """Return the one whom a removal means: a member, or else one of `away`. Raises `Misread`, with
    what is to be typed for one of the `waiting` newcomers."""
    found = _members(name, members, word)
    found = found or named(name, [(one, one) for one in dict.fromkeys(away)])
    if not found:
        _not_at_door(name, waiting)
    return _only(found)


def _not_at_door(name: str, waiting: Sequence[str]) -> None:
    """Raise `Misread` when `name` can mean a newcomer: they stand in the same list on the screen,
    so a person that reads that the name is unknown looks for a mistake in it."""
    for one in named(name, [(one, one) for one in waiting])[:1]:
        shown = escape.name(one)
        raise Misread(
            f"{shown} waits at the door, and is not in the room: /admit {shown} or /refuse {shown} "
            "comes first."
        )


def several(line: str, known: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Return the names, each of `known`, with which `line` begins, and what stands behind them. A
    comma stands between two. No names where one of them is not known."""
    found: list[str] = []
    longest = sorted(known, key=len, reverse=True)
    while True:
        name = next((one for one in longest if _begins(line, one)), None)
        if name is None:
            return (), line
        if name not in found:
            found.append(name)
        line = line[len(escape.name(name)) :].strip()
        if not line.startswith(","):
            return tuple(found), line
        line = line[1:].strip()


def _begins(line: str, name: str) -> bool:
    shown = escape.name(name)
    return _same(line[: len(shown)], shown) and line[len(shown) : len(shown) + 1] in ("", " ", ",")


def _members(name: str, members: Sequence[MemberLike], word: str) -> list[str]:
    if not name:
        raise Misread(f"Say whom: {word} NAME.")
    return named(name, [(member.name, member.name) for member in members])


def _only(found: Sequence[str]) -> str:
    if len(found) > 1:
        raise Misread("Several people have a name like this; write it as /members shows it.")
    if not found:
        raise Misread("Nobody of that name is here; /members lists them.")
    return found[0]


def waiting(name: str, view: RoomView, members: Sequence[MemberLike] = ()) -> str:
    """Return the id of the one newcomer that `name` can mean; without a name, of the only one that
    asks to be let in. Raises `Misread`, which says so where one of the `members` has the name:
    another facilitator may have let them in just now."""
    knocks = view.waiting
    asking = [id for id, it in knocks.items() if not it.outside]
    found = named(name, [(it.name, id) for id, it in knocks.items()]) if name else asking
    if name and not found:
        for one in named(name, [(it.name, it.name) for it in members])[:1]:
            raise Misread(f"{escape.name(one)} is in the room already.")
    if not knocks or not (name or asking):
        raise Misread("Nobody waits at the moment.")
    if not found and "," in name:
        raise Misread("Write one name at a time; /members lists those that wait.")
    if not found:
        raise Misread("Nobody of that name waits; /members lists them.")
    if len(found) > 1:
        raise Misread("Several people wait, so write a name behind it; /members lists them.")
    return found[0]


def outside(
    name: str, view: RoomView, away: Sequence[str], members: Sequence[MemberLike] = ()
) -> str:
    """Return the name of the one that waits, and is to come in. Raises `Misread`."""
    waits = named(name, [(it.name, id) for id, it in view.waiting.items()])
    if not waits and (gone := named(name, [(one, one) for one in away])):
        name = escape.name(gone[0])
        if view.locked:
            raise Misread(
                f"{name} does not wait at the door at the moment: it is locked. /lock off opens "
                "it, and then they can come back by themselves."
            )
        raise Misread(
            f"{name} does not wait at the door at the moment, and can still come back by "
            "themselves."
        )
    return view.waiting[waiting(name, view, members)].name


def said_by(name: str, view: RoomView, word: str) -> Sequence[str]:
    """Return the ids of this person's messages on the screen. They may have left the room. Raises
    `Misread`."""
    if not name:
        raise Misread(f"Say whom: {word} NAME.")
    found = named(name, [(it.sender, id) for id, it in view.messages.items()])
    if not found:
        raise Misread("No message of that name stands here.")
    return found


def _same(one: str, other: str) -> bool:
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
