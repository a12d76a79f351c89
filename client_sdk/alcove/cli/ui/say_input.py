"""The line in which a person types."""

from textual import events
from textual.widgets import Input


class SayInput(Input):
    """One line to say. A paste of several lines is joined, not cut."""

    def __init__(self) -> None:
        super().__init__(id="say", placeholder="Say something, or /help", select_on_focus=False)

    def _on_paste(self, event: events.Paste) -> None:
        # Textual would keep the first line only, and the person would miss the rest too late.
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor(" ".join(event.text.split()))
