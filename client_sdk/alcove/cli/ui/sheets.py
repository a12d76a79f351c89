"""Sheets in front of the conversation: the agreement, the invite on demand, the end."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Key, Resize
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from alcove.cli import escape, words
from alcove.cli.ui.scrolling import Scrolling
from alcove.errors import InvalidInput
from alcove.events import AgreementShown
from alcove.joining.todays_word import MOST, clean_word

Result = TypeVar("Result")

_GONE: Final = "The conversation is gone from this screen."
_CLOSE: Final = "Press Enter to close."
_CLOSE_TWICE: Final = "Press Enter twice to close."
"""While a text was begun: its Enter closes nothing."""
UNDONE: Final = MappingProxyType(
    {
        "closed": "What still waited to be sent was not sent.",
        "unconfirmed": "What you wrote last was not confirmed; others may have read it, or not.",
    }
)
"""What the end of a room says of texts, by the code of `Failed`."""
_NARROW: Final = 72
_SHORT: Final = 22
"""Columns and lines of a window that belongs to the text of the agreement alone."""
_TYPE_WORD: Final = "Type your word for today, then press Enter. Nobody is shown it."
_WITH_WORD: Final = "Press A and then Enter to accept with this word, or L and then Enter to leave."
_WORD: Final = "Tab: a word for today, to come back"
"""Whole in 40 columns."""
_CHOOSE: Final = "Press A and then Enter to accept, or L and then Enter to leave."
_UNREAD: Final = "There is more below: ↓ reads on. Enter accepts. L, Enter leaves."
_ENTER: Final = "Enter accepts. L, Enter leaves."
"""Once A is pressed, or Tab led there. Of two lines at most in 40 columns."""
_LEAVES: Final = "Enter leaves. A and then Enter accepts."
_MORE: Final = "↓ more below"
_SCROLLS: Final = "↑ ↓ scroll"

_COPY: Final = (
    "F2 hands it to your terminal's clipboard. Or hold Shift and select it with the mouse. Enter "
    "goes back."
)
_COPIED: Final = (
    "It was handed to your terminal's clipboard, if it has one. If not, hold Shift and select it "
    "with the mouse. Enter goes back."
)
"""Beside a ticket or a standby's link, which are kept elsewhere."""

_READS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"down": (1, 0), "up": (-1, 0), "pagedown": (0, 1), "pageup": (0, -1)}
)
"""The lines and pages by which a key scrolls the text, while a button has the focus."""


class Sheet(ModalScreen[Result]):
    """A sheet that is closed once. A second key may be on its way to it, and would fail the screen:
    then a person that only typed on had left the room."""

    def close(self, result: Result | None = None) -> None:
        if self.is_current:
            self.dismiss(result)


class AgreementScreen(Sheet[str | None]):
    """Show the agreement. The result is the person's word for today when they accept, empty without
    one; None when they leave.

    A letter only chooses an answer, and Enter gives it: one stray key decides nothing.
    """

    BINDINGS = [  # noqa: RUF012  (Textual declares it so)
        Binding("a", "choose('accept')", "Accept"),
        Binding("l", "choose('leave')", "Leave"),
        Binding("enter", "give", show=False),
        *(Binding(key, f"read('{key}')", show=False) for key in _READS),
    ]

    def __init__(self, rules: AgreementShown) -> None:
        super().__init__()
        self._rules = rules
        self._chosen = ""
        self._hint = _TYPE_WORD
        self._sheet = Vertical(id="sheet")
        self._text = Scrolling(self._tell_of_more, id="rules")

    def compose(self) -> ComposeResult:
        with self._sheet:
            self._sheet.border_title = "Before you go in"
            yield Static(escape.line(self._rules.title), id="room-title", markup=False)
            with self._text:
                yield Static(escape.text(words.rules_text(self._rules)), markup=False)
            yield Static(_CHOOSE, id="explain", markup=False)
            yield Input(placeholder=_WORD, password=True, max_length=MOST, id="word")
            with Horizontal(id="answers"):
                yield Button("Accept (A)", id="accept", variant="success")
                yield Button("Leave (L)", id="leave")

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width < _NARROW or event.size.height < _SHORT, "-small")

    def _tell_of_more(self) -> None:
        """Say that the text goes on: a small window hides its end."""
        self._sheet.border_subtitle = _MORE if self._text.has_more_below else _SCROLLS
        if self._chosen == "accept":
            self._explain()

    def _explain(self) -> None:
        """Say what Enter does now, and before it accepts, whether the text was seen to its end."""
        word = self.query_one("#word", Input)
        if self._chosen == "accept":
            sentence = _UNREAD if self._text.has_more_below else _ENTER
        elif self._chosen:
            sentence = _LEAVES
        elif self.focused is word:
            sentence = self._hint
        else:
            sentence = _WITH_WORD if word.value.strip() else _CHOOSE
        self.query_one("#explain", Static).update(sentence)

    def action_read(self, key: str) -> None:
        """Scroll the text, whatever has the focus: a button has it once an answer is chosen."""
        lines, pages = _READS[key]
        far = lines + pages * max(1, self._text.size.height - 1)
        self._text.scroll_relative(y=far, animate=False, immediate=True)

    def on_mount(self) -> None:
        # The text has the focus, not a button: the arrow keys scroll, and Enter agrees to nothing.
        self._text.focus()
        for button in self.query(Button):
            button.active_effect_duration = 0  # while it lasts, Textual drops the next Enter

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self._give(event.button.id == "accept")

    def action_choose(self, answer: str) -> None:
        self._chosen = answer
        self.query_one(f"#{answer}", Button).focus()
        self._explain()

    def action_give(self) -> None:
        # The key may come before the button has the focus.
        if self._chosen:
            self._give(self._chosen == "accept")

    def on_descendant_focus(self) -> None:
        # Tab and the mouse choose as a letter does: Enter presses the button that has the focus.
        # What has it now counts, as more of these may be on their way.
        focused = self.focused
        self._chosen = (focused.id or "") if isinstance(focused, Button) else ""
        self._explain()

    def on_input_submitted(self) -> None:
        """The word is typed. It goes along when the person accepts, which is an act of its own."""
        self._text.focus()

    def _give(self, accepts: bool) -> None:
        word = self.query_one("#word", Input).value.strip()
        try:
            self.close(word and clean_word(word) if accepts else None)
        except InvalidInput as error:
            self._hint = error.text
            self.query_one("#word").focus()


class InviteScreen(Sheet[None]):
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
        self.close()


class KeptScreen(Sheet[None]):
    """Show a ticket or a standby's link alone, to be copied: a small window's conversation does not
    hold it whole. Enter closes it, and no letter does: it comes when a person may type on."""

    BINDINGS = [  # noqa: RUF012  (Textual declares it so)
        Binding("enter", "back", show=False),
        Binding("f2", "copy", show=False),
    ]

    def __init__(self, link: str, about: str) -> None:
        super().__init__()
        self._link = link
        self._about = about

    def compose(self) -> ComposeResult:
        # At the top, so that it is seen whole in the smallest window.
        yield Static(escape.line(self._link), id="link", markup=False)
        yield Static(_COPY, id="copying", markup=False)
        yield Static(self._about, id="about", markup=False)

    def action_back(self) -> None:
        self.close()

    def action_copy(self) -> None:
        """Hand it to the clipboard. It is a secret, so a person has to ask for it."""
        self.app.copy_to_clipboard(self._link)
        self.query_one("#copying", Static).update(_COPIED)


class CodeScreen(Sheet[None]):
    """Show the invite as a QR code, alone."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        yield Static("\n".join(self._lines), id="code", markup=False)
        yield Static("Show it to a camera. Any key goes back.", markup=False)  # one line, always

    def on_key(self) -> None:
        self.close()


class EndScreen(ModalScreen[None]):
    """Show why the room is over. Nothing of the conversation stands behind it.

    A person that was not `joined` saw no conversation, and is told of none.
    """

    def __init__(
        self, sentence: str, *, joined: bool, typing: bool = False, undone: Collection[str] = ()
    ) -> None:
        """`typing` says that a text was begun when the sheet came: its Enter is not for it.
        `undone` says what was not done when the room ended."""
        super().__init__()
        self._typing = typing
        self._sentence = sentence
        self._joined = joined
        self._undone = undone

    def compose(self) -> ComposeResult:
        with Vertical(id="notice"):
            yield Static(escape.line(self._sentence), markup=False)
            for undone in self._undone:
                yield Static(escape.line(undone), markup=False)
            yield Static(self._explanation, id="explain")

    @property
    def _explanation(self) -> str:
        close = _CLOSE_TWICE if self._typing else _CLOSE
        return f"{_GONE} {close}" if self._joined else close

    def on_key(self, event: Key) -> None:
        # A key that was on its way to the conversation must not take the reason away.
        if event.key != "enter":
            self._typing = self._typing or event.is_printable
        elif self._typing:
            self._typing = False  # it ends what a person typed on
        else:
            self.app.exit()
        self.query_one("#explain", Static).update(self._explanation)
