"""The members under headings of their roles, and the waiting newcomers."""

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from alcove import events
from alcove.cli import escape, words
from alcove.cli.rooms import MemberLike

_KEYS: Final = "A in·L listen·R no"


class WaitingList(OptionList):
    """The waiting newcomers. The keys work while the list has the focus."""

    BINDINGS = [  # noqa: RUF012  (Textual declares it so)
        Binding("a", "decide('admit')", "Admit"),
        Binding("l", "decide('listen')", "To listen"),
        Binding("r", "decide('refuse')", "Refuse"),
    ]

    class Decided(Message):
        """The facilitator admits the newcomer of `id`, lets them in to listen, or refuses."""

        def __init__(self, id: str, act: str) -> None:
            super().__init__()
            self.id = id
            self.act = act

    def __init__(self) -> None:
        super().__init__(id="waiting", markup=False)
        self.border_title = "Waiting"
        self._asked: tuple[str, str] | None = None
        self.border_subtitle = "Tab to decide"

    def on_focus(self) -> None:
        self._asked = None
        self.border_subtitle = _KEYS

    def on_blur(self) -> None:
        self._asked = None
        self.border_subtitle = "Tab to decide"

    def show(self, waiting: Sequence[events.Knocked]) -> None:
        """List the newcomers anew. The choice stays on the same person where possible."""
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

    def action_decide(self, act: str) -> None:
        """The same key twice decides, and one stray key nothing."""
        option = self.highlighted_option
        if option is None or option.id is None:
            return
        choice = (option.id, act)
        if self._asked == choice:
            self._asked = None
            self.post_message(self.Decided(option.id, act))
        else:
            self._asked = choice
            self.border_subtitle = f"Press {act[0].upper()} again"

    def on_option_list_option_highlighted(self) -> None:
        self._ask_anew()

    def _ask_anew(self) -> None:
        self._asked = None
        self.border_subtitle = _KEYS if self.has_focus else "Tab to decide"


class People(Vertical):
    """The side panel."""

    def __init__(self) -> None:
        super().__init__(id="people")
        self._members = Static(id="members", markup=False)
        self._waiting = WaitingList()
        self.border_title = "People"

    def compose(self) -> ComposeResult:
        yield self._waiting  # first, because a long list of members would push it out of sight
        yield self._members

    def show(self, members: Sequence[MemberLike], waiting: Sequence[events.Knocked]) -> bool:
        """Show everybody anew. Return whether the list that had the focus is gone."""
        self.set_class(bool(waiting), "-waiting")
        parts: list[Content | str] = []
        for heading, role in (("Facilitators", True), ("Participants", False)):
            here = [member for member in members if member.facilitator is role]
            if not here:
                continue
            parts += ["\n" if parts else "", Content.styled(heading, "bold $text-warning"), "\n"]
            for member in here:
                note = Content.styled(words.note(member, members), "$text-muted")
                parts += ["  ", escape.name(member.name), note, "\n"]
        self._members.update(Content.assemble(*parts).rstrip())
        had_focus = self._waiting.has_focus
        self._waiting.show(waiting)
        return had_focus and not waiting
