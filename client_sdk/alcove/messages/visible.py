"""Whether a text has anything to see. A text of blanks and invisible letters is sent by mistake."""

import unicodedata
from typing import Final

_DRAWN_AS_NOTHING: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
"""Letters and symbols without a shape."""
_NEVER_DRAWN: Final = (range(0xFFF0, 0xFFF9), range(0xE0000, 0xE1000), range(0x2065, 0x2066))
"""Unassigned, and Default_Ignorable all the same (Unicode, DerivedCoreProperties.txt)."""


def is_visible(text: str) -> bool:
    """Return whether one character of `text` is drawn. An unassigned one may be a newer emoji."""
    return any(_is_drawn(character) for character in text)


def _is_drawn(character: str) -> bool:
    if character in _DRAWN_AS_NOTHING or any(ord(character) in part for part in _NEVER_DRAWN):
        return False
    category = unicodedata.category(character)
    return category[0] in "LNPS" or category in ("Mc", "Cn", "Co")
