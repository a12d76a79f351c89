"""What a person's screen has to remember: who waits, which messages stand, whose they are.

Fed with the room's events; draws nothing. A message that expired or was taken back is forgotten.
"""

from dataclasses import dataclass, replace

from alcove import events


@dataclass(frozen=True, slots=True)
class Entry:
    """One message that stands."""

    sender: str
    mine: bool
    warning: str | None = None
    text: str | None = None
    """Kept only for a message that hides behind its content warning."""


class Conversation:
    """The state of one room, as far as a screen shows it."""

    def __init__(self) -> None:
        self.waiting: dict[str, events.Knocked] = {}
        self.messages: dict[str, Entry] = {}
        self.invite: str | None = None
        self.rules: events.AgreementShown | None = None
        self.connection: events.ConnectionState | None = None
        self.state: events.RoomState | None = None
        self.joined = False

    def posted(self, id: str) -> None:
        """One of our own is on its way."""
        self.messages[id] = Entry("", mine=True)

    def decided(self, id: str) -> None:
        """A knock was answered here: that it is gone is not told to who did it."""
        self.waiting.pop(id, None)

    def apply(self, event: events.Event) -> None:
        match event:
            case events.Opened(invite) | events.InviteChanged(invite):
                self.invite = invite
            case events.AgreementShown():
                self.rules = event
            case events.Knocked(id):
                self.waiting[id] = event
            case events.KnockGone(id):
                self.waiting.pop(id, None)
            case events.Joined(you=True):
                self.joined = True
            case events.ConnectionChanged(connection):
                self.connection = connection
            case events.RoomChanged(state):
                self.state = state
            case events.Message(id, sender, text, _, warning):
                hidden = text if warning else None
                self.messages[id] = Entry(sender, mine=False, warning=warning, text=hidden)
            case events.Retracted(id) | events.Expired(id) | events.Failed(id):
                self.messages.pop(id, None)

    def my_last(self) -> str | None:
        """The id of our latest message that stands."""
        return next((id for id, it in reversed(self.messages.items()) if it.mine), None)

    def reveal(self) -> tuple[str, Entry] | None:
        """The latest message that hides behind a content warning; it hides no longer."""
        found = next(((id, it) for id, it in reversed(self.messages.items()) if it.text), None)
        if found is not None:
            self.messages[found[0]] = replace(found[1], text=None)
        return found
