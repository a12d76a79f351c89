"""Read an invite that is pasted: in parts, over several lines, with the frame of a screen in it.

A link that was copied from a screen has line breaks in it. A program that stopped at the first one
would leave the rest of the secret to the shell, which runs it and keeps it in its history. So the
reader goes on while the link is incomplete, and swallows what follows at once.

The bytes tell an incomplete link: they have a check over all of them.
"""

import os
import re
import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from alcove_protocol.errors import Malformed
from alcove_protocol.invite import Invite

from alcove.cli.lines import Lines, TooLong

_QUIET: Final = 0.4
"""Seconds without input after which a paste is over."""
_MOST: Final = 16 * 1024
"""Characters of a paste, frames included. More of them are read and dropped."""
_CHUNK: Final = 4096
_LINK_MAX: Final = 1000
_SCHEMES: Final = ("https://", "http://")
_ESCAPES: Final = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])?")
"""What a terminal sends around a paste, and for keys such as the arrows."""
_FRAME: Final = re.compile("[|\u2500-\u259f]")
"""Lines and bars, such as those of borders and scrollbars."""
_CLOCK: Final = re.compile(r"\s*\d\d:\d\d\s+")
_FRAGMENT: Final = re.compile("[A-Za-z0-9_-]*")
_ERASE: Final = "\x7f\b"
_ERASE_ALL: Final = "\x15"
_END_OF_INPUT: Final = "\x04"


class PastedInvite:
    """The text of a paste so far."""

    def __init__(self) -> None:
        self._text = ""

    def feed(self, text: str) -> None:
        """Take more of the paste, or of the keys that are typed instead."""
        for character in text:
            if character in _ERASE:
                self._text = self._text[:-1]
            elif character == _ERASE_ALL:
                self._text = ""
            elif len(self._text) < _MOST:
                self._text += character

    @property
    def link(self) -> str:
        """The link without line breaks and frames. Text after a complete link is not part of it."""
        links = [""]
        for part in self._parts():
            links.append(links[-1] + part)
            if len(links[-1]) > _LINK_MAX:
                break
        return next((link for link in reversed(links) if _is_complete(link)), links[-1])

    @property
    def wants_more(self) -> bool:
        """Whether the link is incomplete. It is not if no text can complete it."""
        link = self.link
        return not _is_complete(link) and _may_become_a_link(link)

    @property
    def ends_a_line(self) -> bool:
        return self._text.endswith(("\n", "\r"))

    def _parts(self) -> Iterator[str]:
        for line in re.split(r"[\r\n]+", _ESCAPES.sub("", self._text)):
            # In a frame the link is in the first column that holds anything.
            cells = (_CLOCK.sub("", cell, count=1) for cell in _FRAME.split(line))
            yield from next((cell.split() for cell in cells if cell.strip()), ())


def _is_complete(link: str) -> bool:
    try:
        Invite.parse(link)
    except Malformed as error:
        # Of a later version nothing but the version can be read.
        return error.code == "invite_version"
    return True


def _may_become_a_link(link: str) -> bool:
    begin = link[: len(_SCHEMES[0])].lower()
    if not any(scheme.startswith(begin) or begin.startswith(scheme) for scheme in _SCHEMES):
        return False
    _, _, fragment = link.partition("#")
    return len(link) < _LINK_MAX and _FRAGMENT.fullmatch(fragment) is not None


def from_lines(lines: Lines) -> str:
    """Read the link from the first lines of a pipe or a file. An empty first line is no link."""
    pasted = PastedInvite()
    while True:
        line = lines.first()
        if line is None or isinstance(line, TooLong):
            return pasted.link
        pasted.feed(line.decode("utf-8", "replace") + "\n")
        if not pasted.link or not pasted.wants_more:
            return pasted.link


def from_terminal(descriptor: int, prompt: str, hint: str) -> str:
    """Read the link from a terminal, which does not show it.

    Show `prompt` first, and `hint` after each line that ends while the link does not. Line breaks
    in the link mean nothing. The line that completes it, or spoils it, ends the reading.
    """
    pasted = PastedInvite()
    hinted = False
    with _hidden(descriptor):
        _show(prompt)
        while True:
            over = pasted.ends_a_line and bool(pasted.link) and not pasted.wants_more
            asking = pasted.ends_a_line and not hinted and pasted.wants_more
            ready = _wait(descriptor, _QUIET if over or asking else None)
            if not ready and over:
                break
            if not ready:
                _show(hint)
                hinted = True  # a person who sees nothing happen believes that it hangs
                continue
            text = _read(descriptor)
            if not text or _END_OF_INPUT in text:
                break
            pasted.feed(text)
            hinted = False
    return pasted.link


def _wait(descriptor: int, seconds: float | None) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])


def _read(descriptor: int) -> str:
    try:
        return os.read(descriptor, _CHUNK).decode("utf-8", "replace")
    except OSError:  # the terminal has gone, and the watchdog knows
        return ""


def _show(text: str) -> None:
    with suppress(OSError):
        os.write(2, text.encode())


@contextmanager
def _hidden(descriptor: int) -> Iterator[None]:
    """Have the terminal show nothing and hand out every character at once.

    A terminal that hands out lines would hold back a part that has no line end, and cut a long one.
    """
    import termios

    before = termios.tcgetattr(descriptor)
    hidden = termios.tcgetattr(descriptor)
    hidden[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON)
    hidden[6][termios.VMIN], hidden[6][termios.VTIME] = 1, 0
    termios.tcsetattr(descriptor, termios.TCSANOW, hidden)
    try:
        yield
    finally:
        with suppress(termios.error, OSError):
            termios.tcsetattr(descriptor, termios.TCSANOW, before)
            # What came and was not read goes to no shell.
            termios.tcflush(descriptor, termios.TCIFLUSH)
        _show("\n")
