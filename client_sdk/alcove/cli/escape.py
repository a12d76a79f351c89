"""Other people's words, made harmless for a terminal.

Whoever writes a message or picks a name must not be able to move the cursor, colour the screen, set
the clipboard, reorder a line, or pass for a line of this program. What a terminal could act on
becomes U+FFFD. Rich and Textual markup is not handled here: those texts are never parsed for it.
"""

import unicodedata
from typing import Final

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_REORDERING: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""Invisible characters that reorder what stands around them, a name or a badge too."""
_MARKS: Final = 8
"""Combining marks in a row. Living scripts need fewer; piled up they cover the lines around."""
_BRACKETS: Final = str.maketrans(
    dict.fromkeys("[［【〔〖〘〚⁅⟦❲﹝", "(") | dict.fromkeys("]］】〕〗〙〛⁆⟧❳﹞", ")")
)
"""Badges of this program stand in square brackets, so nothing in a name does."""


def text(raw: str) -> str:
    """A message or an agreement: lines stay lines, all else that acts on a terminal does not."""
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
    """The same on one line: for titles, warnings and sentences."""
    return " ".join(text(raw).split())


def name(raw: str) -> str:
    """A pseudonym, on one line and without the brackets of badges."""
    return line(raw).translate(_BRACKETS) or "(no name)"
