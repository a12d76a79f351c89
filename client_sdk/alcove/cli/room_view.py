"""The state that a person's screen shows: waiting newcomers, messages and their authors.

The view takes the room's events and draws nothing. It forgets a message that expired or was taken
back.
"""

from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from alcove_protocol.errors import Malformed
from alcove_protocol.invite import Invite

from alcove import events
from alcove.cli import wrapping
from alcove.cli.commands import AnyCommand, OutsideCommand

NO_RELAY: Final = (events.ConnectionState.RECONNECTING, events.ConnectionState.SILENT)
"""The relay does not answer."""
_ANSWERED: Final = 50
"""Knocks that are remembered when they wait no more."""

_THERE: Final = (events.ConnectionState.CONNECTED, events.ConnectionState.RESUMED)


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """One message on the screen."""

    sender: str
    mine: bool
    sent: bool = False
    """Of one's own: whether the relay has it, so that others may have read it."""
    warning: str | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)
    """Kept only for a message that is hidden behind its warning, or folded for its length."""
    folded: bool = False
    """Whether a facilitator folded it when its text was in sight, in lines that stay."""


class RoomView:
    """The state of one room, as far as a screen shows it."""

    def __init__(self, *, folds: bool = False) -> None:
        """With `folds` the screen shows the beginning of a long message, and the rest on demand."""
        self._folds = folds
        self.waiting: dict[str, events.Knocked] = {}
        self._answered: dict[str, events.Knocked] = {}
        self.messages: dict[str, ShownMessage] = {}
        self.invite: str | None = None
        self._me = ""
        self.invites: tuple[events.OpenInvite, ...] = ()
        """The list that was shown last. A person names an invite by its number there."""
        self.rules: events.AgreementShown | None = None
        self.connection: events.ConnectionState | None = None
        self.state: events.RoomState | None = None
        self.lacks_facilitators = False
        self._all_left = False
        """Whether the last facilitator left, which is told with all that follows from it."""
        self.hears_facilitator = False
        """Whether the list of members shows one. A screen notes it when it draws the list."""
        self.word = ""
        """The person's word for today, until it goes along with the knock."""
        self.knocked = False
        self.knocked_with: events.AgreementShown | None = None
        """The ground rules that this person had accepted when they came to wait at the door."""
        self.joined = False
        self.outside = False
        """Whether this person stepped outside, and is at the door until they come back."""
        self.going_out = False
        """Whether this person is out of the room, and not yet at the door."""
        self.asked_out = False
        """Whether this person's wish to step outside is under way."""
        self.unsettled = False
        """Whether the relay lost the room, and nothing showed yet that the room is settled."""
        self.held = False
        self.listen_only = False
        self.locked = False
        self.paused = False
        """Whether a facilitator lets this person only read."""
        self.moving = False
        """Whether the line is down because this client goes from the room to its door, or from
        there into the room."""
        self.folded: set[str] = set()
        """The ids of messages that a facilitator folded."""
        self._away: set[str] = set()
        self._appointed: set[str] = set()  # of whom it is not known yet that they let people in

    def posted(self, id: str) -> None:
        """Add a message of this client, which is on its way."""
        self.messages[id] = ShownMessage("", mine=True)

    def decided(self, id: str) -> None:
        """Drop a knock that this client answered: the room tells it no `KnockGone`."""
        self._answer(id)

    @property
    def knocks(self) -> dict[str, events.Knocked]:
        """Those that wait, and those of lately that wait no more: `Joined` may come behind that."""
        return self._answered | self.waiting

    @property
    def asking(self) -> tuple[str, ...]:
        """The names of those that ask to be let in."""
        return tuple(it.name for it in self.waiting.values() if not it.outside)

    def _forget_knocks(self, name: str) -> None:
        gone = [id for id, knock in self._answered.items() if knock.name == name]
        for id in gone:
            del self._answered[id]

    def _answer(self, id: str) -> None:
        knock = self.waiting.pop(id, None)
        if knock is not None:
            self._answered[id] = knock
        while len(self._answered) > _ANSWERED:
            del self._answered[next(iter(self._answered))]

    def apply(self, event: events.AnyEvent) -> None:
        match event:
            case events.Opened(invite) | events.InviteChanged(invite, door=""):
                self.invite = invite
            case events.InviteRevoked(door):
                if self.invite is not None and _door_of(self.invite) == door:
                    self.invite = None  # it is closed
            case events.RulesChanged(listen_only, locked, hold=held):
                self.listen_only, self.locked, self.held = listen_only, locked, held
            case events.Paused(you=True):
                self.paused = True
            case events.Unpaused(you=True):
                self.paused = False
            case events.InvitesListed(invites):
                self.invites = invites
            case events.AgreementShown():
                self.rules = event
            case events.Waiting():
                self.knocked, self.word, self.knocked_with = True, "", self.rules
            case events.Outside(you=True):
                self.knocked, self.joined, self.outside = True, False, True
                self.going_out = self.asked_out = False
                self.knocked_with = self.rules
            case events.Knocked(id):
                self.waiting[id] = event
            case events.KnockGone(id):
                self._answer(id)
            case events.Joined():
                self.unsettled = False  # nobody comes in before
                self._forget_knocks(event.name)
                if event.you:
                    self._me = event.name
                    self._come_in()
            case events.ConnectionChanged(connection, moving=moving):
                self.connection, self.moving = connection, moving
                self.going_out = self.going_out or (moving and self.joined)
            case events.RoomChanged(state, missing):
                self.state, self.lacks_facilitators = state, missing > 0
                self._all_left = self._all_left and state is events.RoomState.READ_ONLY
            case events.Problem("last_facilitator_left"):
                self._all_left = True
            case events.Problem("not_outside"):
                self.asked_out = False
            case events.Problem("room_forgotten" | "room_settled" as code):
                self.unsettled = code == "room_forgotten"
            case events.RoleChanged(name, facilitator):
                self.unsettled = False  # no part changes before
                self._appointed |= {name} if facilitator else set()
                if name == self._me and not facilitator:
                    self.invite = None  # nobody tells a participant when it is closed
            case events.VaultChanged(name, claimed=True):
                self._appointed.discard(name)
            case events.PresenceChanged(name, "away"):
                self._away.add(name)
            case events.PresenceChanged(name, presence):
                if presence == "here":
                    self._away.discard(name)
            case events.Message(id, sender, text, _, warning):
                long = self._folds and wrapping.beginning(text) is not None
                hidden = text if warning or long or event.folded else None
                self.messages[id] = ShownMessage(sender, mine=False, warning=warning, text=hidden)
                self.folded |= {id} if event.folded else set()
            case events.Sent(id):
                if id in self.messages:
                    self.messages[id] = replace(self.messages[id], sent=True)
            case events.Folded(ids):  # a screen that can hide a text has done so before: `hide`
                self.folded |= self.messages.keys() & set(ids)
                for id in ids:
                    if (entry := self.messages.get(id)) is not None and entry.text is None:
                        self.messages[id] = replace(entry, folded=True)
            case events.Retracted(id) | events.Expired(id) | events.Failed(id):
                self.messages.pop(id, None)
                self.folded.discard(id)
            case events.Outside(name) | events.Left(name) | events.Removed(name):
                self._forget_knocks(name)  # one that comes back by rule was let in by no person
            case events.Absent(name):
                self._forget_knocks(name)
            case (
                events.InviteChanged()
                | events.DoorTaken()
                | events.DoorSaid()
                | events.Accepted()
                | events.NewKeys()
                | events.Reloaded()
                | events.TicketMade()
                | events.Paused()
                | events.Unpaused()
                | events.MemberList()
                | events.StandbyLink()
                | events.StandbyChanged()
                | events.StandbyAsked()
                | events.VaultChanged()
                | events.SafetyWords()
                | events.PastActs()
                | events.Queued()
                | events.Gap()
                | events.Problem()
                | events.Unknown()
                | events.Closed()
            ):
                pass  # nothing to remember
            case _:
                assert_never(event)

    @property
    def in_room(self) -> bool:
        """Whether this person is in the room, as far as their client knows."""
        return self.joined and not self.going_out

    @property
    def reaches_relay(self) -> bool:
        """Whether the relay answers, as far as this client knows."""
        return self.connection not in NO_RELAY

    def only_reads(self, *, facilitates: bool) -> bool:
        """Whether this person may not write now: what they write is refused, and waits nowhere."""
        return not facilitates and (self.held or self.listen_only or self.paused)

    @property
    def at_door(self) -> bool:
        """Whether only facilitators read what this person types."""
        return self.knocked and not self.joined

    def _come_in(self) -> None:
        """What holds in the room, and for this person, is told anew behind it. Away from the room
        they were not told of what ended."""
        if self.outside:
            self.state = None  # of the time before: that the room is open is no news again
        self.joined, self.outside, self.going_out = True, False, False
        self.held = self.listen_only = self.locked = self.paused = False

    def is_no_news(self, event: events.AnyEvent) -> bool:
        """Return whether `event` says for the first time that all is well, as the top line does, or
        is of a presence that only the list shows. To be asked before `apply`."""
        match event:
            case events.ConnectionChanged() if self.moves(event):
                return True
            case events.RoomChanged() if self.is_told_before(event):
                return True
            case events.ConnectionChanged(events.ConnectionState.CONNECTED):
                return self.connection in (None, events.ConnectionState.SILENT)
            case events.ConnectionChanged(events.ConnectionState.SILENT):
                return True  # the top line counts the seconds
            case events.RoomChanged(events.RoomState.OPEN):
                return self.state is None
            case events.PresenceChanged() | events.VaultChanged():
                return not self.is_told(event)
            case _:
                return False

    def moves(self, event: events.ConnectionChanged) -> bool:
        """Return whether the line goes down, or is there again, because this person goes between
        the room and its door: `Outside` and `Joined` tell them. To be asked before `apply`."""
        arrives = self.moving and event.state in _THERE
        return event.moving or arrives

    def is_told_before(self, event: events.RoomChanged) -> bool:
        """Return whether `event` says that the room is quiet until a facilitator is back, to one
        that was told that the last one left: they do not come back. To be asked before `apply`."""
        return self._all_left and event.state is events.RoomState.READ_ONLY and not event.missing

    def is_told(self, event: events.PresenceChanged | events.VaultChanged) -> bool:
        """Return whether a person is told of it: that a member is away, or back; or once, that an
        appointed facilitator lets people in. To be asked before `apply`."""
        if isinstance(event, events.VaultChanged):
            return not event.claimed or event.name in self._appointed
        away = event.name in self._away
        return away if event.presence == "here" else event.presence == "away" and not away

    def did(self, command: AnyCommand) -> None:
        """The room took this command of the person."""
        self.asked_out = self.asked_out or (isinstance(command, OutsideCommand) and self.in_room)

    def my_last(self) -> str | None:
        """Return the id of this client's latest message on the screen."""
        return next((id for id, it in reversed(self.messages.items()) if it.mine), None)

    def hide(self, id: str, text: str) -> None:
        """A facilitator folded a message whose text is on the screen."""
        entry = self.messages.get(id)
        if entry is not None and entry.text is None:
            self.messages[id] = replace(entry, text=text)

    @property
    def has_folded_lines(self) -> bool:
        """Whether lines that stay have the text of a message that is folded."""
        return any(entry.folded for entry in self.messages.values())

    def reveal(self) -> tuple[str, ShownMessage] | None:
        """Return the latest message that is hidden or folded, and show it."""
        found = next(((id, it) for id, it in reversed(self.messages.items()) if it.text), None)
        if found is not None:
            self.messages[found[0]] = replace(found[1], text=None)
        return found


def _door_of(invite: str) -> str:
    """Return the name of an invite's door among facilitators."""
    try:
        return Invite.parse(invite).door.hex()
    except Malformed:
        return ""
