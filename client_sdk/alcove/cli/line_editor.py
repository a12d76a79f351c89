"""The line that a person types in plain mode, without I/O: bytes of a terminal in, lines out.

The terminal neither echoes nor keeps the line, because what arrives would be written into the
middle of it. This program keeps it, and draws it again below what arrived. A paste is put into the
line, with its line ends, and waits there for Enter.
"""

import codecs
import unicodedata
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from alcove.cli import escape, wrapping

LONGEST: Final = 16 * 1024
"""Characters of a line. The longest text that can be sent fits."""
_PASTE_END: Final = "\x1b[201~"
_LINE_END: Final = "\u21b5"
"""Stands for a line end of the text, which is drawn on one line."""
_SEQUENCE_MOST: Final = 32
"""Characters of an escape sequence. A longer one is none."""


class Key(Enum):
    """What a person asked for besides a line."""

    CONTROL_D = auto()
    FULL = auto()
    """The line takes no more."""


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A line, at Enter."""

    text: str = field(repr=False)


class LineEditor:
    """One line and its cursor."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""  # an escape sequence, or a paste, that is not complete
        self._pasting = False
        self._text = ""
        self._at = 0
        self._first = 0

    def feed(self, data: bytes) -> list[TypedLine | Key]:
        """Take what the terminal sent. Return the lines that are complete, and some keys."""
        done: list[TypedLine | Key] = []
        text, self._held = self._held + self._decoder.decode(data), ""
        while text:
            if self._pasting:
                text = self._paste(text, done)
            elif text[0] == "\x1b":
                text = self._sequence(text)
            else:
                self._key(text[0], done)
                text = text[1:]
        return done

    @property
    def text(self) -> str:
        """What is typed, and not entered."""
        return self._text

    def restore(self, text: str) -> None:
        """Put a line back that could not be sent, unless the next one was begun. It is drawn from
        its beginning."""
        if not self._text:
            self._text, self._at, self._first = text, len(text), 0

    def drawn(self, columns: int) -> tuple[str, int]:
        """Return the part of the line around the cursor that `columns` hold, and the columns
        before the cursor."""
        used, self._first = self._window(columns)
        visible, end = "", 0
        for character in self._text[self._first :]:
            piece = _drawn(character)
            end += wrapping.cells(piece)
            if end >= columns:
                break
            visible += piece
        return visible, used

    def _window(self, columns: int) -> tuple[int, int]:
        """Return the columns before the cursor, and the first character that is drawn. It looks at
        what is drawn only: a long line is drawn again after every key."""
        least = min(self._first, self._at)
        used, first = 0, self._at
        while first > least:
            wider = used + wrapping.cells(_drawn(self._text[first - 1]))
            if wider >= columns:
                break
            used, first = wider, first - 1
        return used, first

    # --- keys ---------------------------------------------------------------------------------

    def _key(self, key: str, done: list[TypedLine | Key]) -> None:
        match key:
            case "\r" | "\n":
                done.append(TypedLine(self._text))
                self._text, self._at = "", 0
            case "\x7f" | "\x08":
                self._delete(self._before(self._at), self._at)
            case "\x04":
                done.append(Key.CONTROL_D)
            case "\x01":
                self._at = 0
            case "\x05":
                self._at = len(self._text)
            case "\x15":
                self._delete(0, self._at)
            case "\x17":
                word = self._text[: self._at].rstrip(" ")
                self._delete(word.rfind(" ") + 1, self._at)
            case "\t":
                self._insert(" ", done)
            case _ if unicodedata.category(key) != "Cc":
                self._insert(key, done)

    def _sequence(self, text: str) -> str:
        """Do an escape sequence, and return what follows it. An incomplete one is held."""
        if len(text) == 1 or (text[1] in "[O" and len(text) == 2):
            self._held = text
            return ""
        if text[1] not in "[O":
            return text[1:]  # Escape alone, or Alt with a key that is typed all the same
        end = 2
        while end < len(text) and not "@" <= text[end] <= "~":
            end += 1
        if end == len(text):
            self._held = text if end <= _SEQUENCE_MOST else ""
            return ""
        self._do(text[2 : end + 1])
        return text[end + 1 :]

    def _do(self, sequence: str) -> None:
        match sequence:
            case "200~":
                self._pasting = True
            case "D":
                self._at = self._before(self._at)
            case "C":
                self._at = self._behind(self._at)
            case "H" | "1~" | "7~":
                self._at = 0
            case "F" | "4~" | "8~":
                self._at = len(self._text)
            case "3~":
                self._delete(self._at, self._behind(self._at))

    def _paste(self, text: str, done: list[TypedLine | Key]) -> str:
        pasted, end, rest = text.partition(_PASTE_END)
        if not end:
            # The end of the paste may be cut in two.
            keep = next((n for n in range(5, 0, -1) if text.endswith(_PASTE_END[:n])), 0)
            pasted, self._held = text[: len(text) - keep], text[len(text) - keep :]
        self._pasting = not end
        clean = pasted.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
        self._insert("".join(c for c in clean if c == "\n" or _is_text(c)), done)
        return rest

    # --- the line -----------------------------------------------------------------------------

    def _insert(self, text: str, done: list[TypedLine | Key]) -> None:
        if len(self._text) + len(text) > LONGEST:
            done.append(Key.FULL)
            return
        self._text = self._text[: self._at] + text + self._text[self._at :]
        self._at += len(text)

    def _delete(self, start: int, end: int) -> None:
        self._text = self._text[:start] + self._text[end:]
        self._at = start

    def _before(self, at: int) -> int:
        """The start of the character before `at`, with the marks and joiners that belong to it."""
        at = max(0, at - 1)
        while at > 0 and (_belongs(self._text[at]) or self._text[at - 1] == "\u200d"):
            at -= 1
        return at

    def _behind(self, at: int) -> int:
        at = min(len(self._text), at + 1)
        while at < len(self._text) and (_belongs(self._text[at]) or self._text[at - 1] == "\u200d"):
            at += 1
        return at


def _drawn(character: str) -> str:
    return _LINE_END if character == "\n" else escape.text(character)


def _is_text(character: str) -> bool:
    return unicodedata.category(character) != "Cc"


def _belongs(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me", "Cf") or "🏻" <= character <= "🏿"
