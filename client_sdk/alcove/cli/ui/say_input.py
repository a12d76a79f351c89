"""The line in which a person types."""

import unicodedata
from collections.abc import Awaitable, Callable
from typing import Final

from textual import events
from textual.binding import BindingsMap
from textual.suggester import Suggester
from textual.widgets import Input

_EDITING: Final = BindingsMap(Input.BINDINGS)
"""The keys with which Textual edits a line, Enter among them."""


class _Completion(Suggester):
    """Shows, behind the cursor, what a command can become. The right arrow takes it."""

    def __init__(self, complete: Callable[[str], str | None]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        return self._complete(value)


class SayInput(Input):
    """One line to say. A paste of several lines is joined, not cut.

    `take` is given the line at Enter and returns whether the line is done with. A line that is not
    stays.
    """

    def __init__(
        self,
        take: Callable[[str], Awaitable[bool]],
        complete: Callable[[str], str | None] = lambda line: None,
        begins: Callable[[str], str | None] = lambda key: None,
        emptied: Callable[[], None] = lambda: None,
    ) -> None:
        """`begins` tells the command that a key begins, if it is one of the controls. `emptied` is
        called when nothing stands in the line any more."""
        super().__init__(
            id="say",
            select_on_focus=False,
            suggester=_Completion(complete),
        )
        self._take = take
        self._begins = begins
        self._emptied = emptied
        self._draft = ""

    @property
    def draft(self) -> str:
        """What is being written, also while a command stands in its place."""
        return self._draft if self.value.startswith("/") else self.value

    def watch_value(self, value: str) -> None:
        if not value:
            self._emptied()

    def begin(self, line: str) -> None:
        """Begin this command, or take it back when it stands there. What was being written comes
        again when the command is done with."""
        if self.value == line:
            # It is in the line from now on, and gone when it is cleared there.
            draft, self._draft = self._draft, ""
            self._put(draft)
            return
        if not self.value.startswith("/"):
            self._draft = self.value
        self._put(line)

    def _put(self, line: str) -> None:
        self.value = line
        self.cursor_position = len(line)

    async def _on_key(self, event: events.Key) -> None:
        # Textual inserts a letter here, but runs the action of any other key in the app, when later
        # letters are in the line already. Keys that come fast would join two texts, and send them
        # twice. So both kinds are handled here, in their order.
        if event.character is not None and unicodedata.category(event.character) == "Cf":
            # Joiners belong to emoji and to Persian words. Textual takes printable characters only.
            event.prevent_default()
            event.stop()
            self.insert_text_at_cursor(event.character)
            return
        line = self._begins(event.key)
        if line is not None:
            event.prevent_default()
            event.stop()
            self.begin(line)
            return
        for binding in _EDITING.key_to_bindings.get(event.key, ()):
            if await self.app.run_action(binding.action, self):
                event.prevent_default()
                event.stop()
                return

    async def action_submit(self) -> None:
        # Awaited, so that the keys behind Enter belong to the next line.
        # Keys may still be in the queue when the screen has gone. They ask for nothing more.
        if not self.is_attached:
            return
        commands = self.value.startswith("/")
        if await self._take(self.value):
            draft, self._draft = self._draft, ""
            self._put(draft if commands else "")

    def _on_paste(self, event: events.Paste) -> None:
        # Textual would keep the first line only, and the person would miss the rest too late.
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor(" ".join(event.text.split()))
