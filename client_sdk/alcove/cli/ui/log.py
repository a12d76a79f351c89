"""The conversation: one widget an entry, so that a message that expires is gone from the screen."""

import time
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from alcove.cli import escape

_MOST: Final = 500
"""Entries kept. Older ones go: a screen is no archive."""


class Entry(Horizontal):
    """One entry: the time, and beside it a text that is never parsed for markup."""

    def __init__(self, head: Content, body: str, kind: str) -> None:
        super().__init__(classes=f"entry {kind}")
        self._head = head
        self._body = body
        self._text = Static(markup=False, classes="body")
        self.note("")

    def compose(self) -> ComposeResult:
        yield Static(time.strftime("%H:%M"), markup=False, classes="clock")
        yield self._text

    def say(self, body: str) -> None:
        """Replace the text."""
        self._body = body
        self.note("")

    def note(self, note: str) -> None:
        """Put what became of a message behind it."""
        tail = Content.styled(f"  ({escape.line(note)})", "$text-muted italic") if note else ""
        self._text.update(Content.assemble(self._head, escape.text(self._body), tail))


class Log(VerticalScroll):
    """Everything said and everything that happened, the latest at the bottom."""

    BORDER_TITLE = "Conversation"

    def __init__(self) -> None:
        super().__init__(id="log")
        self._messages: dict[str, Entry] = {}
        # Tab leads from the line one types in to who waits; the page keys scroll from anywhere.
        self.can_focus = False

    def on_mount(self) -> None:
        self.anchor()

    def message(self, id: str, badge: str, name: str, text: str) -> None:
        """Show a message; `badge` stands before the name, in brackets that no name can hold."""
        style = "$text-accent bold" if badge == "you" else "$text-primary bold"
        head = Content.assemble(
            Content.styled(f"[{badge}] ", "$text-warning") if badge else "",
            Content.styled(escape.name(name), style),
            "  ",
        )
        self._messages[id] = self._add(Entry(head, text, "message"))

    def reword(self, id: str, text: str) -> None:
        """Show another text in the place of a message, if it still stands."""
        if id in self._messages:
            self._messages[id].say(text)

    def note(self, id: str, note: str) -> None:
        """Say behind a message what became of it, if it still stands."""
        if id in self._messages:
            self._messages[id].note(note)

    def forget(self, id: str) -> None:
        """Take a message off the screen."""
        entry = self._messages.pop(id, None)
        if entry is not None:
            entry.remove()

    def system(self, text: str, kind: str = "system") -> None:
        """Something that this program says."""
        self._add(Entry(Content(), text, kind))

    def _add(self, entry: Entry) -> Entry:
        if len(self.children) >= _MOST:
            oldest = self.children[0]
            self._messages = {id: it for id, it in self._messages.items() if it is not oldest}
            oldest.remove()
        self.mount(entry)
        return entry
