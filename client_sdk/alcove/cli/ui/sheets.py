"""Sheets in front of the conversation: the agreement, the invite on demand, the end."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from alcove.cli import escape, words
from alcove.events import AgreementShown


class AgreementScreen(ModalScreen[bool]):
    """Show the agreement. The result is True when it is accepted, False when the person leaves."""

    BINDINGS = [  # noqa: RUF012  (Textual declares it so)
        Binding("a", "answer(True)", "Accept"),
        Binding("l", "answer(False)", "Leave"),
    ]

    def __init__(self, rules: AgreementShown) -> None:
        super().__init__()
        self._rules = rules

    def compose(self) -> ComposeResult:
        with Vertical(id="sheet") as sheet:
            sheet.border_title = "Before you go in"
            sheet.border_subtitle = "↑ ↓ scroll"  # a small window hides the end of the text
            yield Static(escape.line(self._rules.title), id="room-title", markup=False)
            with VerticalScroll(id="rules"):
                yield Static(escape.text(words.rules_text(self._rules)), markup=False)
            yield Static(
                f"Agreement, version {self._rules.version}. Who goes in has accepted it. "
                "Press A to accept, L to leave.",
                id="explain",
                markup=False,
            )
            with Horizontal(id="answers"):
                yield Button("Accept (A)", id="accept", variant="success")
                yield Button("Leave (L)", id="leave")

    def on_mount(self) -> None:
        # The text has the focus, not a button: the arrow keys scroll, and Enter agrees to nothing.
        self.query_one("#rules").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "accept")

    def action_answer(self, accepted: bool) -> None:
        self.dismiss(accepted)


class InviteScreen(ModalScreen[None]):
    """Show the invite alone, for terminals that give a program no clipboard."""

    def __init__(self, invite: str) -> None:
        super().__init__()
        self._invite = invite

    def compose(self) -> ComposeResult:
        # At the top, so that it is seen whole in the smallest window.
        yield Static(escape.line(self._invite), id="link", markup=False)
        yield Static("The invite was handed to your terminal's clipboard, if it has one. If not,")
        yield Static("hold Shift and select it here with the mouse. Press any key to go back.")

    def on_key(self) -> None:
        self.dismiss()


class EndScreen(ModalScreen[None]):
    """Show why the room is over. Nothing of the conversation stands behind it."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self._sentence = sentence

    def compose(self) -> ComposeResult:
        with Vertical(id="notice"):
            yield Static(escape.line(self._sentence), markup=False)
            yield Static("Nothing of it is kept here. Press any key to close.", id="explain")

    def on_key(self) -> None:
        self.app.exit()

    def on_click(self) -> None:
        self.app.exit()
