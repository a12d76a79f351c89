"""The conversation. Each entry is a widget, so an expired message leaves the screen."""

import time
from collections.abc import Collection
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from alcove.cli import escape
from alcove.cli.ui.scrolling import Scrolling

_MORE: Final = "PgDn: more below"
_NEW: Final = "PgDn: new below"
"""Something came since the reader scrolled up."""
_MOST: Final = 500
"""Entries that are kept. Older ones go: a screen is no archive."""


class LogEntry(Horizontal):
    """One entry: the time, and a text that is never parsed for markup."""

    def __init__(self, head: Content, body: str, kind: str) -> None:
        super().__init__(classes=f"entry {kind}")
        self._head = head
        self._body = body
        self._text = Static(markup=False, classes="body")
        self.note("")

    def compose(self) -> ComposeResult:
        yield Static(time.strftime("%H:%M"), markup=False, classes="clock")
        yield self._text

    @property
    def body(self) -> str:
        """The text."""
        return self._body

    def say(self, body: str) -> None:
        """Replace the text."""
        self._body = body
        self.note("")

    def note(self, note: str) -> None:
        """Put a note behind the text, such as what became of a message."""
        tail = Content.styled(f"  ({escape.line(note)})", "$text-muted italic") if note else ""
        self._text.update(Content.assemble(self._head, escape.text(self._body), tail))


class ConversationLog(Scrolling):
    """All messages and events, the latest at the bottom."""

    BORDER_TITLE = "Conversation"

    def __init__(self) -> None:
        super().__init__(self._tell_of_more, id="log")
        self._messages: dict[str, LogEntry] = {}
        self._talks: dict[str, list[LogEntry]] = {}  # by the knock
        self._came = False  # whether something came below what is seen
        self._opening = False  # whether an entry is about to be read from its beginning
        # Tab leads from the input to the list of newcomers. The page keys scroll from anywhere.
        self.can_focus = False

    def on_mount(self) -> None:
        self.anchor()

    def _tell_of_more(self) -> None:
        """Say that there is more below: a reader further up sees nothing arrive."""
        hidden = self._anchor_released and self.has_more_below
        self._came = self._came and hidden
        self.border_subtitle = (_NEW if self._came else _MORE) if hidden else ""

    def message(self, id: str, badge: str, name: str, text: str) -> None:
        """Show a message. `badge` stands before the name, in brackets that no name can hold."""
        style = "$text-accent bold" if badge == "you" else "$text-primary bold"
        head = Content.assemble(
            Content.styled(f"[{badge}] ", "$text-warning") if badge else "",
            Content.styled(escape.name(name), style),
            "  ",
        )
        self._messages[id] = self._add(LogEntry(head, text, "message"))

    def reword(self, id: str, text: str) -> None:
        """Replace the text of a message, if it is still on the screen."""
        if id in self._messages:
            self._messages[id].say(text)

    def show_again(self, id: str, text: str) -> None:
        """Put the text of a message back, and bring it in sight: it may have scrolled away."""
        self.reword(id, text)
        entry = self._messages.get(id)

        def look(entry: LogEntry) -> None:
            if entry.virtual_region.y < self.scroll_offset.y:
                self.read_from(entry)

        if entry is not None:
            self.call_after_refresh(look, entry)

    def fold(self, id: str, sentence: str) -> str | None:
        """Put a sentence in the place of a message's text. Return the text."""
        entry = self._messages.get(id)
        if entry is None:
            return None
        body = entry.body
        entry.say(sentence)
        return body

    def note(self, id: str, note: str) -> None:
        """Note behind a message what became of it, if it is still on the screen."""
        if id in self._messages:
            self._messages[id].note(note)

    def forget(self, id: str) -> None:
        """Take a message off the screen."""
        entry = self._messages.pop(id, None)
        if entry is not None:
            entry.remove()

    def system(self, text: str, kind: str = "system") -> LogEntry:
        """Show a sentence of this program."""
        return self._add(LogEntry(Content(), text, kind))

    def at_door(self, knock: str, text: str) -> None:
        """Show what was said at the door. `knock` is the newcomer's id; empty for all of them, and
        on the newcomer's own screen."""
        self._talks.setdefault(knock, []).append(self.system(text))

    def end_talk(self, knock: str, others: Collection[str] = ()) -> None:
        """Take it off the screen: it is gone with the knock, and what was said to all is gone with
        the last one. `others` are the knocks that still wait."""
        gone = (knock,) if others else (knock, "")
        for entry in [entry for key in gone for entry in self._talks.pop(key, ())]:
            if entry.is_attached:
                entry.remove()

    def read_from(self, entry: LogEntry) -> None:
        """Put the beginning of a long entry at the top of what is seen."""
        self.release_anchor()
        self._opening = True
        self.call_after_refresh(self._open, entry)

    def _open(self, entry: LogEntry) -> None:
        self._opening = False
        self.scroll_to_widget(entry, animate=False, top=True)

    def _add(self, entry: LogEntry) -> LogEntry:
        if len(self.children) >= _MOST:
            oldest = self.children[0]
            self._messages = {id: it for id, it in self._messages.items() if it is not oldest}
            oldest.remove()
        if self._anchor_released and not (self._opening or self.has_more_below):
            self.anchor()  # the reader is at the end: only a key that moved nothing released it
        self._came = self._came or self._anchor_released
        self.mount(entry)
        self.call_after_refresh(self._tell_of_more)
        return entry
