"""Read an invite or a ticket that is pasted: in parts, over lines, with a screen's frame in it.

What was copied from a screen has line breaks in it. A program that stopped at the first one
would leave the rest of the secret to the shell, which runs it and keeps it in its history. So the
reader goes on while it is incomplete, and swallows what follows at once.

The bytes tell what is incomplete: they have a check over all of them.
"""

import os
import re
import select
import shutil
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from alcove_protocol.errors import Malformed
from alcove_protocol.invite import Invite
from alcove_protocol.ticket import PREFIX, Ticket

from alcove.cli import wrapping
from alcove.cli.lines import Lines, TooLong

_QUIET: Final = 0.4
"""Seconds without input after which a paste is over."""
_MOST: Final = 16 * 1024
"""Characters of a paste, frames included. More of them are read and dropped."""
_CHUNK: Final = 4096
_SECRET_MAX: Final = 1000
"""Characters of an invite or a ticket."""
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


@dataclass(frozen=True, slots=True)
class Kind:
    """What is pasted, and what a person at a terminal is told."""

    is_complete: Callable[[str], bool]
    may_become: Callable[[str], bool]
    """Whether more text can complete it, as far as its letters tell."""
    prompt: str
    hint: str
    """What is said after each line that ends while it is incomplete."""


class Pasted:
    """The text of a paste so far."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
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
    def secret(self) -> str:
        """It without line breaks and frames. Text after what is complete is not part of it."""
        found = [""]
        for part in self._parts():
            found.append(found[-1] + part)
            if len(found[-1]) > _SECRET_MAX:
                break
        return next((one for one in reversed(found) if self._kind.is_complete(one)), found[-1])

    @property
    def wants_more(self) -> bool:
        """Whether it is incomplete. It is not if no text can complete it."""
        secret = self.secret
        may = len(secret) < _SECRET_MAX and self._kind.may_become(secret)
        return not self._kind.is_complete(secret) and may

    @property
    def ends_a_line(self) -> bool:
        return self._text.endswith(("\n", "\r"))

    def _parts(self) -> Iterator[str]:
        for line in re.split(r"[\r\n]+", _ESCAPES.sub("", self._text)):
            # In a frame it is in the first column that holds anything.
            cells = (_CLOCK.sub("", cell, count=1) for cell in _FRAME.split(line))
            yield from next((cell.split() for cell in cells if cell.strip()), ())


def _is_invite(link: str) -> bool:
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
    return _FRAGMENT.fullmatch(fragment) is not None


def _is_ticket(text: str) -> bool:
    try:
        Ticket.parse(text)
    except Malformed:
        return False
    return True


def _may_become_a_ticket(text: str) -> bool:
    if len(text) < len(PREFIX):
        return PREFIX.startswith(text)
    return text.startswith(PREFIX) and _FRAGMENT.fullmatch(text[len(PREFIX) :]) is not None


INVITE: Final = Kind(
    _is_invite,
    _may_become_a_link,
    "Paste the invite (it is not shown), then press Enter: ",
    "The link is not complete: paste the rest of it. Ctrl+U starts again, Ctrl+C gives up: ",
)
TICKET: Final = Kind(
    _is_ticket,
    _may_become_a_ticket,
    "Paste the ticket (it is not shown), then press Enter: ",
    "The ticket is not complete: paste the rest of it. Ctrl+U starts again, Ctrl+C gives up: ",
)


def from_text(kind: Kind, text: str) -> str:
    """Return what an argument or a variable holds."""
    pasted = Pasted(kind)
    pasted.feed(text)
    return pasted.secret


def from_lines(kind: Kind, lines: Lines) -> str:
    """Read it from the first lines of a pipe or a file. An empty first line is none."""
    pasted = Pasted(kind)
    while True:
        line = lines.first()
        if line is None or isinstance(line, TooLong):
            return pasted.secret
        pasted.feed(line.decode("utf-8", "replace") + "\n")
        if not pasted.secret or not pasted.wants_more:
            return pasted.secret


def from_terminal(kind: Kind, descriptor: int) -> str:
    """Read it from a terminal, which does not show it.

    Line breaks in it mean nothing. The line that completes it, or spoils it, ends the reading.
    """
    pasted = Pasted(kind)
    hinted = False
    with _hidden(descriptor):
        _show(_fitting(kind.prompt))
        while True:
            over = pasted.ends_a_line and bool(pasted.secret) and not pasted.wants_more
            asking = pasted.ends_a_line and not hinted and pasted.wants_more
            ready = _wait(descriptor, _QUIET if over or asking else None)
            if not ready and over:
                break
            if not ready:
                _show("\n" + _fitting(kind.hint))
                hinted = True  # a person who sees nothing happen believes that it hangs
                continue
            text = _read(descriptor)
            if not text or _END_OF_INPUT in text:
                break
            pasted.feed(text)
            hinted = False
    return pasted.secret


def _wait(descriptor: int, seconds: float | None) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])


def _read(descriptor: int) -> str:
    try:
        return os.read(descriptor, _CHUNK).decode("utf-8", "replace")
    except OSError:  # the terminal has gone, and the watchdog knows
        return ""


def _fitting(text: str) -> str:
    """Break a prompt at its spaces where the window is small. One column stays for the cursor."""
    columns = shutil.get_terminal_size().columns
    return "\n".join(textwrap.wrap(text, max(columns - 1, wrapping.NARROWEST))) + " "


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
