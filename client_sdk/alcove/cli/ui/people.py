"""The members under headings of their roles, and the waiting newcomers."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from textual.app import ComposeResult
from textual.binding import BindingsMap
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key, Paste
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from alcove import events
from alcove.cli import escape, words
from alcove.cli.rooms import MemberLike

_MOVES: Final = BindingsMap(OptionList.BINDINGS)
"""The keys by which Textual chooses in a list."""
_CHOOSE: Final = "Press A, L or R"
_WHOM: Final = "Press ↑ or ↓"
_TAB: Final = "Tab to decide"
KEYS: Final = "A let in · L to listen · R refuse, then Enter · ↑↓ whom · Tab back"
"""The bottom line while the list has the focus. A narrow screen has two lines for it."""
_NOBODY: Final = "Choose a person first, with ↑ and ↓. Tab goes back."
_ACTS: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "a": ("admit", "Enter: let in", "Let {} in? Enter does it, any other key does not."),
        "l": (
            "listen",
            "Enter: to listen",
            "Let {} in, only to listen? Enter does it, any other key does not.",
        ),
        "r": ("refuse", "Enter: refuse", "Refuse {}? Enter does it, any other key does not."),
    }
)
"""Each letter's act, and what is said when it is chosen: below the list, and in the bottom line."""


class WaitingList(OptionList):
    """The waiting newcomers. The keys work while the list has the focus.

    A letter only chooses, and Enter does it, as on the sheet of the agreement. Any other letter is
    the beginning of a text: a person types it who forgot where the focus is.
    """

    class Decided(Message):
        """The facilitator admits the newcomer of `id`, lets them in to listen, or refuses."""

        def __init__(self, id: str, act: str) -> None:
            super().__init__()
            self.id = id
            self.act = act

    class Hinted(Message):
        """What the keys do now. Empty when the list has lost the focus."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, type_on: Callable[[str], None]) -> None:
        """`type_on` is given the beginning of a text, and moves the focus to the line of texts."""
        super().__init__(id="waiting", markup=False)
        self._type_on = type_on
        self.border_title = "Waiting"
        self.border_subtitle = _TAB
        self._chosen: tuple[str, str] | None = None  # a newcomer, and what to do
        self._letters = ""  # that were typed since the list has the focus, and may be a text
        self._names: dict[str, str] = {}

    def on_focus(self) -> None:
        self._ask_anew()

    def on_blur(self) -> None:
        self._ask_anew(focused=False)

    def show(self, waiting: Sequence[events.Knocked]) -> None:
        """List the newcomers anew. The choice stays on the same person where possible."""
        self._names = {it.id: escape.name(it.name) for it in waiting}
        chosen = self.highlighted_option.id if self.highlighted_option else None
        self.clear_options()
        self.add_options([Option(words.waiter(it), id=it.id) for it in waiting])
        self.display = bool(waiting)
        ids = [it.id for it in waiting]
        # When the chosen newcomer has gone, none is chosen: a key pressed at that moment would let
        # in the wrong person.
        self.highlighted = ids.index(chosen) if chosen in ids else None
        if self.highlighted is None and len(ids) == 1 and chosen is None:
            self.highlighted = 0
        if self.highlighted is None and self.has_focus:
            self._ask_anew()

    async def _on_key(self, event: Key) -> None:
        # Textual would run the action of Enter or of an arrow in the app, after letters that came
        # behind it. Enter would then do what was chosen later. So each key is handled here.
        if event.key == "enter":
            event.prevent_default()
            event.stop()
            self._give()
            return
        for binding in _MOVES.key_to_bindings.get(event.key, ()):
            if await self.app.run_action(binding.action, self):
                event.prevent_default()
                event.stop()
                return
        if event.character is None or not event.is_printable:
            return  # Tab, a function key
        event.prevent_default()
        event.stop()
        self._letters += event.character
        if event.character.lower() in _ACTS and self._is_meant:
            self._choose(event.character.lower())
        else:
            self._type(self._letters)

    def _on_paste(self, event: Paste) -> None:
        event.prevent_default()
        event.stop()
        self._type(self._letters + " ".join(event.text.split()))

    def _type(self, text: str) -> None:
        self._ask_anew()
        self._type_on(text)

    @property
    def _is_meant(self) -> bool:
        """Whether a key is for this list. Keys that came fast may be here when the focus is not."""
        return self.screen.focused is self

    def _choose(self, letter: str) -> None:
        option = self.highlighted_option
        if option is None or option.id is None:
            self.post_message(self.Hinted(_NOBODY))
            return
        act, self.border_subtitle, question = _ACTS[letter]
        self._chosen = (option.id, act)
        self.post_message(self.Hinted(question.format(self._names.get(option.id, ""))))

    def _give(self) -> None:
        """Enter does what a letter chose. Alone it does nothing."""
        if self._chosen is not None and self._is_meant:
            id, act = self._chosen
            self._ask_anew()
            self.post_message(self.Decided(id, act))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        # A list that is shown anew highlights the same person again: what was chosen stays.
        if self._chosen is None or self._chosen[0] != event.option_id:
            self._ask_anew(focused=self.has_focus)

    def _ask_anew(self, *, focused: bool = True) -> None:
        self._chosen, self._letters = None, ""
        whom = self.highlighted is not None
        self.border_subtitle = (_CHOOSE if whom else _WHOM) if focused else _TAB
        self.post_message(self.Hinted((KEYS if whom else _NOBODY) if focused else ""))


class People(Vertical):
    """The side panel."""

    def __init__(self, type_on: Callable[[str], None]) -> None:
        super().__init__(id="people")
        self._members = Static(id="members", markup=False)
        self._waiting = WaitingList(type_on)
        self._shown: list[str] = []
        self.border_title = "People"

    def compose(self) -> ComposeResult:
        yield self._waiting  # first, because a long list of members would push it out of sight
        yield self._members

    def is_old(self, members: Sequence[MemberLike]) -> bool:
        """Whether it shows of members what is so no more."""
        return self._shown != words.notes(members)

    def show(self, members: Sequence[MemberLike], waiting: Sequence[events.Knocked]) -> bool:
        """Show all members anew. Return whether the list that had the focus is gone."""
        self._shown = words.notes(members)
        self.set_class(bool(waiting), "-waiting")
        parts: list[Content | str] = []
        for heading, role in (("Facilitators", True), ("Participants", False)):
            noted = zip(members, self._shown, strict=True)
            here = [(one, note) for one, note in noted if one.facilitator is role]
            if not here:
                continue
            parts += ["\n" if parts else "", Content.styled(heading, "bold $text-warning"), "\n"]
            for member, note in here:
                parts += ["  ", escape.name(member.name), Content.styled(note, "$text-muted"), "\n"]
        self._members.update(Content.assemble(*parts).rstrip())
        had_focus = self._waiting.has_focus
        self._waiting.show(waiting)
        return had_focus and not waiting
