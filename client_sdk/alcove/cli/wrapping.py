"""Lines for a terminal of a known width: wrapped here, with a hanging indent.

A terminal that wraps a long line begins the next one at its left edge. There a text of another
member could pass for a line of this program. So every line is broken before the terminal would,
and all but the first of a text are indented.
"""

import unicodedata
from collections.abc import Iterator
from typing import Final

from alcove.cli import escape

INDENT: Final = 4
"""Columns before each further line of a text."""
NARROWEST: Final = 12
"""Columns. A terminal that is narrower, or tells none, gets lines of this width."""
FOLD_OVER: Final = 12
"""Lines of one message that are shown at once. /show shows more."""
FOLD_LONGER: Final = 1000
"""Characters of one message that the full screen shows at once."""
_BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
"""Letters and symbols that are drawn as nothing."""


def cells(text: str) -> int:
    """Return the columns that `text` takes, or more where terminals differ. What is ambiguous
    (UAX 11) counts as narrow."""
    return sum(_cells_of(character) for character in text)


def _cells_of(character: str) -> int:
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf"):
        return 0
    # Symbols count as emoji: some terminals draw them so.
    wide = category == "So" or unicodedata.east_asian_width(character) in ("W", "F")
    return 2 if wide else 1


def folded(raw: str) -> str:
    """Return a text that is harmless on a terminal, each run of blanks as one space."""
    lines = escape.text(raw).split("\n")
    return "\n".join(" ".join(_blank(line).split()) for line in lines)


def _blank(line: str) -> str:
    return "".join(" " if character in _BLANKS else character for character in line)


def beginning(text: str) -> str | None:
    """Return the part of a long text that is shown at first. None for a text that is not long."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) <= FOLD_OVER and len(text) <= FOLD_LONGER:
        return None
    return "\n".join(lines[:FOLD_OVER])[:FOLD_LONGER].rstrip()


def wrap(raw: str, width: int | None, *, hanging: bool) -> list[str]:
    """Return the lines of `raw`. Without a width only its own line ends break it.

    With `hanging` the first line begins at the left edge, otherwise none does.
    """
    lines: list[str] = []
    for text in folded(raw).split("\n"):
        for part in _parts(text, None if width is None else max(width, NARROWEST) - INDENT):
            lines.append(part if hanging and not lines else " " * INDENT + part)
    return lines


def _parts(text: str, width: int | None) -> Iterator[str]:
    """Break one line at its spaces. A word that is too long is broken anywhere."""
    if width is None or cells(text) <= width:
        yield text
        return
    line, used = "", 0
    for word in text.split(" "):
        size = cells(word)
        if line and used + 1 + size > width:
            yield line
            line, used = "", 0
        if line:
            line, used = f"{line} {word}", used + 1 + size
            continue
        *whole, line = _cut(word, width)
        yield from whole
        used = cells(line)
    yield line


def _cut(word: str, width: int) -> list[str]:
    pieces, piece, used = [], "", 0
    for character in word:
        size = _cells_of(character)
        if used + size > width:
            pieces.append(piece)
            piece, used = "", 0
        piece, used = piece + character, used + size
    return [*pieces, piece]
