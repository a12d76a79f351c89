"""Where plain mode writes: a terminal with a line that is typed, or a pipe.

At a terminal the line that a person types stays at the bottom. What arrives is written above it:
the line is erased, the text written, the line drawn again.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from alcove.cli.line_editor import LineEditor
from alcove.cli.output import Output
from alcove.cli.wrapping import cells

_PROMPT: Final = "> "
_ERASE: Final = "\r\x1b[K"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"
"""A terminal may draw a character wider than is counted here. Then it must not wrap by itself."""
_DARK_ON_LIGHT: Final = "\x1b[30;107m"
_OWN_COLOURS: Final = "\x1b[0m"
_PASTES: Final = "\x1b[?2004h"
_NO_PASTES: Final = "\x1b[?2004l"


def may_edit() -> bool:
    """Whether standard input and output are a terminal that can draw a line again."""
    return os.isatty(0) and os.isatty(1) and os.environ.get("TERM", "dumb") != "dumb"


def width() -> int | None:
    """The columns of the terminal on which the output is read. None when there is none."""
    for descriptor in (1, 2, 0):
        with suppress(OSError):
            return os.get_terminal_size(descriptor).columns or None
    return None


class PlainScreen:
    """Write lines. With an editor, keep its line at the bottom."""

    def __init__(self, output: Output, editor: LineEditor | None) -> None:
        self._output = output
        self._editor = editor
        self._settings = _take_over() if editor is not None else None
        self._drawn = ""
        self._started = False

    async def start(self) -> None:
        """Draw the empty line."""
        if self._editor is not None:
            await self._write(_PASTES + self._line())
            self._started = True

    async def lines(self, lines: Sequence[str]) -> None:
        """Write lines that are wrapped already."""
        await self._above("".join(f"{line}\n" for line in lines), wrap=False)

    async def link(self, link: str) -> None:
        """Write a line that is to be copied. The terminal wraps it, so it has no line end."""
        await self._above(link + "\n", wrap=True)

    async def code(self, lines: Sequence[str]) -> None:
        """Write a drawing that is dark on light, whatever the terminal's colours are."""
        if self._editor is not None:
            lines = [f"{_DARK_ON_LIGHT}{line}{_OWN_COLOURS}" for line in lines]
        await self.lines(lines)

    async def draw(self) -> None:
        """Draw the line that is typed, after a key."""
        if self._editor is None or not self._started:
            return
        before, after = self._drawn, self._line()
        if after.startswith(before):
            # A screen reader says what is new only.
            await self._write(after[len(before) :])
        elif after != before:
            await self._write(_ERASE + after)

    async def close(self, patience: float) -> None:
        """Take the line away, and give the terminal back as it was."""
        if self._editor is not None:
            self._editor = None
            await self._write(_ERASE + _NO_PASTES)
        await self._output.close(patience)
        if self._settings is not None:
            _give_back(self._settings)

    async def _above(self, text: str, *, wrap: bool) -> None:
        if self._editor is None:
            await self._write(text)
            return
        mode = _WRAP if wrap else _NO_WRAP
        await self._write(f"{_ERASE}{mode}{text}{_WRAP}{self._line()}")

    def _line(self) -> str:
        assert self._editor is not None
        columns = max(4, (width() or 80) - len(_PROMPT) - 1)
        text, at = self._editor.drawn(columns)
        self._drawn = _PROMPT + text
        if at == cells(text):
            return self._drawn
        self._drawn += f"\r\x1b[{len(_PROMPT) + at}C"
        return self._drawn

    async def _write(self, text: str) -> None:
        await self._output.line(text.encode("utf-8", "replace"))


def _take_over() -> list[Any] | None:
    """Have the terminal give each key, and echo none. Ctrl+C and Ctrl+Z stay signals."""
    with suppress(ImportError, OSError):
        import termios

        with suppress(termios.error):
            before = termios.tcgetattr(0)
            now = termios.tcgetattr(0)
            now[3] &= ~(termios.ICANON | termios.ECHO)
            now[6][termios.VMIN], now[6][termios.VTIME] = 1, 0
            termios.tcsetattr(0, termios.TCSADRAIN, now)
            return before
    return None


def _give_back(settings: list[Any]) -> None:
    import termios

    with suppress(termios.error, OSError):
        termios.tcsetattr(0, termios.TCSADRAIN, settings)
