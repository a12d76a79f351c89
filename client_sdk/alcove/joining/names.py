"""Pseudonyms: which names are allowed, and which two look alike.

A client shows a name beside every message of its owner. So a name must not look like another, hide,
or change how the text around it reads. The admitting facilitator and the display apply these rules.
The group's cryptographic rules never look at them, since members with other Unicode tables would
disagree.
"""

import unicodedata
from collections.abc import Iterable

from alcove_protocol import limits

from alcove.errors import InvalidInput

_FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_MARKS_IN_A_ROW = 3
"""Combining marks on one letter at most: Vietnamese and Hebrew need two or three."""


def clean_name(name: str) -> str:
    """The name in its one spelling: NFKC, single spaces.

    Raises `InvalidInput`: `name_empty`, `name_too_long`, `name_deceptive` (control, bidirectional,
    zero-width or unassigned characters, or piled-up marks).
    """
    if any(unicodedata.category(character) in _FORBIDDEN for character in name.strip()):
        raise InvalidInput("name_deceptive", "This name has invisible characters; leave them out.")
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    if not any(unicodedata.category(character)[0] in "LNS" for character in name):
        raise InvalidInput("name_empty", "Choose a name with at least one letter or digit.")
    if len(name) > limits.NAME_CHARACTERS or len(name.encode()) > limits.NAME:
        raise InvalidInput(
            "name_too_long", f"A name has at most {limits.NAME_CHARACTERS} characters."
        )
    marks = 0
    for character in name:
        marks = marks + 1 if unicodedata.category(character)[0] == "M" else 0
        if marks > _MARKS_IN_A_ROW:
            raise InvalidInput("name_deceptive", "This name has too many marks on one letter.")
    return name


def _lookalikes(character: str) -> str:
    """The representative of all characters that look like this one."""
    from confusable_homoglyphs import confusables  # late: its tables take long to load

    groups = confusables.is_confusable(character, greedy=True)
    options = {character}
    for group in groups or ():
        options.update(glyph["c"] for glyph in group["homoglyphs"])
    return min(options, key=lambda option: (len(option), option))


def looks_like_any(name: str, others: Iterable[str]) -> bool:
    """Whether a name looks like one of the others (after Unicode TS 39)."""
    known: dict[str, str] = {}  # for this call only: letters of names outlive no room
    own = _skeletons(name, known)
    return any(own & _skeletons(other, known) for other in others)


def _skeletons(name: str, known: dict[str, str]) -> frozenset[str]:
    """How a name looks, also in small letters: a capital can look like another letter."""
    return frozenset({_skeleton(name, known), _skeleton(name.casefold(), known)})


def _skeleton(name: str, known: dict[str, str]) -> str:
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name))
    kept = [c for c in plain if unicodedata.category(c)[0] not in ("M", "Z", "P")]
    for character in kept:
        if character not in known:
            known[character] = _lookalikes(character)
    return "".join(known[character] for character in kept).casefold()
