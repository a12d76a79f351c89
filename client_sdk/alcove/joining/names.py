"""Pseudonyms: which names are allowed, and which two look alike (docs/protocol.md, section 7).

A client shows a name beside every message of its owner. So a name must not look like another, hide,
or change how the text around it reads. The admitting facilitator, the display and the commands
apply these rules. The group's cryptographic rules never look at them, since members with other
tables would disagree.

The characters are those of `names.json`, which `scripts/name_table.py` made of Unicode's own data.
Every kind of client reads that file, so all judge alike, whatever Unicode their platform has.
"""

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import accumulate

from alcove_protocol import limits

from alcove.errors import InvalidInput

ZWNJ, ZWJ, EMOJI_STYLE = "\u200c", "\u200d", "\ufe0f"
MARKS_IN_A_ROW = 4
"""Nonspacing marks on one letter at most (UTS 39, 5.4), and never one of them twice in a row."""
RESERVED = ("facilitator", "moderator", "administrator")
"""What the screen says of a role: no name has it inside."""
RESERVED_WORDS = (
    *("admin", "alcove", "everyone", "host", "mod"),
    *("relay", "staff", "standby", "system", "you"),
)
"""No word of a name is one of these."""


class Characters:
    """A set of characters, kept as the edges of its runs."""

    def __init__(self, distances: list[int]) -> None:
        edges = list(accumulate(distances))
        self._first, self._last = edges[::2], edges[1::2]

    def __contains__(self, character: str) -> bool:
        code = ord(character)
        run = bisect_right(self._first, code) - 1
        return run >= 0 and code <= self._last[run]


@dataclass(frozen=True, slots=True)
class NameTable:
    """`names.json`. A member of `written` is changed by NFKC into what is allowed."""

    allowed: Characters
    written: Characters
    pictographs: Characters
    marks: Characters
    nonspacing: Characters
    signs: Characters
    viramas: Characters
    joins_next: Characters
    joins_previous: Characters
    transparent: Characters
    looks: Mapping[str, tuple[str, str]]


@cache
def name_table() -> NameTable:
    """Read once, and late: a participant's client may never need it."""
    found = json.loads((resources.files(__package__) / "names.json").read_text("utf-8"))
    looks = {}
    for line in found.pop("looks"):
        character, first, *last = line.split("\t")
        looks[character] = (first, last[0] if last else first)
    del found["unicode"], found["source"]
    sets = {name: Characters(distances) for name, distances in found.items()}
    return NameTable(**sets, looks=looks)


def clean_name(name: str) -> str:
    """The name in its one spelling: NFKC, single spaces.

    Raises `InvalidInput`: `name_empty`, `name_too_long`, `name_deceptive` (a character that no name
    needs, an invisible one out of its place, or piled-up marks), `name_reserved`.
    """
    table, name = name_table(), name.strip(" \t\r\n")
    known = (table.allowed, table.written, table.pictographs, ZWNJ + ZWJ + EMOJI_STYLE + " ")
    for character in name:
        # Before NFKC: a platform's own NFKC may not know a newer character.
        if not any(character in some for some in known):
            raise _deceptive(character)
    name = re.sub(" +", " ", unicodedata.normalize("NFKC", name)).strip(" ")
    for place, character in enumerate(name):
        if not _fits(table, name, place):
            raise _deceptive(character)
    if not any(_visible(table, character) for character in name):
        raise InvalidInput("name_empty", "Choose a name with at least one letter or digit.")
    if len(name) > limits.NAME_CHARACTERS or len(name.encode()) > limits.NAME:
        text = f"A name has at most {limits.NAME_CHARACTERS} characters."
        raise InvalidInput("name_too_long", text)
    if _reserved(name):
        text = "This name reads like a part in the room; choose another."
        raise InvalidInput("name_reserved", text)
    return name


def is_clean(name: str) -> bool:
    """Whether a name is what `clean_name` makes."""
    try:
        return clean_name(name) == name
    except InvalidInput:
        return False


def spelled(name: str) -> str:
    """A typed name in its one spelling, or as it is when it is against the rules: a member with
    such a name can be named too."""
    try:
        return clean_name(name)
    except InvalidInput:
        return name


def _deceptive(character: str) -> InvalidInput:
    text = "This name has a character that can mislead or is not shown; leave it out."
    if character.isprintable() and character != " " and not unicodedata.combining(character):
        text = f"A name cannot have “{character}” in this place; leave it out."
    return InvalidInput("name_deceptive", text)


def _visible(table: NameTable, character: str) -> bool:
    if character in table.pictographs:
        return True
    hidden = character in table.marks or character in table.signs
    return character in table.allowed and not hidden


def _fits(table: NameTable, name: str, place: int) -> bool:
    """Whether a character may stand where it stands in a name in NFKC."""
    character = name[place]
    if character == ZWNJ:
        return _after_virama(table, name, place) or _between_joined(table, name, place)
    if character == ZWJ:
        return _after_virama(table, name, place) or _between_pictographs(table, name, place)
    if character == EMOJI_STYLE:
        return name[place - 1 : place] != "" and name[place - 1] in table.pictographs
    if character in table.marks:
        return _mark_fits(table, name, place)
    return character == " " or character in table.allowed or character in table.pictographs


def _after_virama(table: NameTable, name: str, place: int) -> bool:
    """RFC 5892, A.1 and A.2: the first of two ways for ZWNJ, the only one for ZWJ in letters."""
    return place > 0 and name[place - 1] in table.viramas


def _between_joined(table: NameTable, name: str, place: int) -> bool:
    """RFC 5892, A.1: between two letters that would join, as in Persian."""
    before, after = place - 1, place + 1
    while before >= 0 and name[before] in table.transparent:
        before -= 1
    while after < len(name) and name[after] in table.transparent:
        after += 1
    inside = before >= 0 and after < len(name)
    return inside and name[before] in table.joins_next and name[after] in table.joins_previous


def _between_pictographs(table: NameTable, name: str, place: int) -> bool:
    """A sequence of emoji (UTS 51): a family, a profession, a flag."""
    before = place - 1
    if before > 0 and name[before] == EMOJI_STYLE:
        before -= 1
    inside = before >= 0 and place + 1 < len(name)
    return inside and name[before] in table.pictographs and name[place + 1] in table.pictographs


def _mark_fits(table: NameTable, name: str, place: int) -> bool:
    """A mark has something to stand on, and marks do not pile up (UTS 39, 5.4)."""
    before = name[place - 1 : place]
    if before in ("", " ", ZWJ, EMOJI_STYLE) or before in table.pictographs:
        return False
    if name[place] not in table.nonspacing:
        return True
    first = place
    while first > 0 and name[first - 1] in table.nonspacing:
        first -= 1
    return before != name[place] and place - first < MARKS_IN_A_ROW


# --- which names look alike ---------------------------------------------------------------------


def looks_like_any(name: str, others: Iterable[str]) -> bool:
    """Whether a name looks like one of the others (after UTS 39)."""
    own = looks_of(name)
    return any(own & looks_of(other) for other in others)


def looks_of(name: str) -> frozenset[str]:
    """How a name looks: the skeleton of its small letters, and the skeleton of the small letters of
    its skeleton. Two names look alike if either is the same. The first tells `Ali` from `All`, and
    the second finds `BiIl` and `B0b`."""
    table = name_table()
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name))
    seen: list[tuple[str, str]] = []
    for character in plain:
        if character in ZWNJ + ZWJ + EMOJI_STYLE + " " or character in table.signs:
            continue
        seen.append(table.looks.get(character, (character, character)))
    return frozenset(
        unicodedata.normalize("NFD", "".join(one[which] for one in seen)) for which in (0, 1)
    )


@cache
def _reserved_looks() -> tuple[frozenset[str], frozenset[str]]:
    inside = frozenset[str]().union(*map(looks_of, RESERVED))
    return inside, frozenset[str]().union(*map(looks_of, RESERVED_WORDS))


def _reserved(name: str) -> bool:
    inside, words = _reserved_looks()
    if any(part in look for look in looks_of(name) for part in inside):
        return True
    return any(looks_of(word) & words for word in re.split("[ .,_&+!-]", name))
