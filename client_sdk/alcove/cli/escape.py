"""Other people's words, made harmless for a terminal.

A message or a name must not move the cursor, colour the screen, set the clipboard, reorder a line,
or pass for a line of this program. Each character that a terminal could act on becomes U+FFFD. Rich
and Textual markup needs no escape: the screen never parses these texts for it.
"""

import unicodedata
from typing import Final

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_REORDERING: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""Invisible characters that reorder the text around them, such as a name or a badge."""
_MARKS: Final = 8
"""Combining marks in a row. Living scripts need fewer, and a pile of them covers other lines."""
_BRACKETS: Final = str.maketrans(
    dict.fromkeys("[［【〔〖〘〚⁅⟦❲﹝", "(") | dict.fromkeys("]］】〕〗〙〛⁆⟧❳﹞", ")")
)
"""The brackets of a name become round: the badges of this program stand in square ones."""


def text(raw: str) -> str:
    """Return a message or an agreement without anything that acts on a terminal but line ends."""
    out: list[str] = []
    marks = 0
    for character in raw.replace("\r\n", "\n").replace("\r", "\n"):
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if character == "\n":
            out.append(character)
        elif character == "\t":
            out.append("    ")
        elif category in ("Zl", "Zp"):
            out.append("\n")
        elif category in ("Cc", "Cs", "Co", "Cn") or character in _REORDERING:
            out.append(_REPLACEMENT)
        elif marks <= _MARKS:
            out.append(character)
    return "".join(out)


def line(raw: str) -> str:
    """Return the same on one line, for titles, warnings and sentences."""
    return " ".join(text(raw).split())


def name(raw: str) -> str:
    """Return a pseudonym on one line, without the brackets of badges."""
    return line(raw).translate(_BRACKETS) or "(no name)"
