"""What became of a person's own texts, for lines that cannot change once they are printed.

A text that the relay takes at once gets no line. One that waits is told, and told again when it has
gone or will not go. Nobody has to guess by the silence which of their texts that was.
"""

from collections.abc import Callable, Iterable
from typing import Final

from alcove.cli import escape
from alcove.cli.wrapping import cells

WAITS_AFTER: Final = 2.0
"""Seconds that the relay has to take a text before a person is told that it waits."""
_QUOTED: Final = 24
"""Columns of the beginning of a text by which its author knows it again."""
_NAMED: Final = 3
"""Texts that one sentence names."""
_WAITS: Final = "This is not confirmed as sent, so it waits:"
_WAIT: Final = "These are not confirmed as sent, so they wait:"
_SENT: Final = "Sent now:"
_WAS: Final = "It was:"


class OwnTexts:
    """The texts on their way, and what was told of them. Of each only the beginning is kept."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._on_the_way: dict[str, tuple[str, float]] = {}
        self._told: dict[str, str] = {}
        self._gone: list[str] = []

    def posted(self, id: str, text: str) -> None:
        """The person said this, and the room took it for sending."""
        self._on_the_way[id] = (beginning(text), self._clock() + WAITS_AFTER)

    def sent(self, id: str) -> None:
        """The relay took it."""
        self._on_the_way.pop(id, None)
        if id in self._told:
            self._gone.append(self._told.pop(id))

    def dropped(self, id: str) -> str:
        """It was taken back, or will not be sent. Return how it begins, or nothing."""
        waited, (text, _) = self._told.pop(id, ""), self._on_the_way.pop(id, ("", 0.0))
        return waited or text

    def news(self) -> list[str]:
        """What is to be told now."""
        now, said = self._clock(), []
        if self._gone:
            said.append(f"{_SENT} {_named(self._gone)}")
            self._gone = []
        late = [id for id, (_, due) in self._on_the_way.items() if due <= now]
        for id in late:
            self._told[id] = self._on_the_way.pop(id)[0]
        if late:
            texts = _named([self._told[id] for id in late])
            said.append(f"{_WAITS if len(late) == 1 else _WAIT} {texts}")
        return said


def not_sent(sentence: str, text: str) -> str:
    """Return why a text was not sent, with its beginning behind."""
    return f'{sentence} {_WAS} "{text}"' if text else sentence


def _named(texts: Iterable[str]) -> str:
    quoted = [f'"{text}"' for text in texts]
    more = len(quoted) - _NAMED
    return ", ".join(quoted[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def beginning(text: str) -> str:
    """Return the beginning of a text, whole if it is short. It ends where the quotation does."""
    whole = escape.line(text).replace('"', "'")
    short = whole
    while cells(short) > _QUOTED:
        short = short[:-1]
    return whole if short == whole else f"{short.rstrip()}…"
