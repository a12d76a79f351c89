"""Which person a typed name means. Large and small letters are the same, where one person fits."""

import unicodedata
from collections.abc import Iterable
from typing import TypeVar

from alcove.cli import escape

T = TypeVar("T")


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


def _same(one: str, other: str) -> bool:
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
