"""What became of a person's commands, where nothing else tells it for a while.

A command that is done at once shows by its event. While the relay is silent, or the line is gone,
nothing would show, so one that waits is told, with what its kind of command does then: most are
sent until the relay answers, and some are not kept. What turns out to be so already is told too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from types import MappingProxyType
from typing import Final

from alcove import events
from alcove.cli.commands import (
    AcceptCommand,
    ActsCommand,
    AnyCommand,
    AppointCommand,
    DemoteCommand,
    DoorSayCommand,
    DoorTakeCommand,
    EndCommand,
    FoldCommand,
    HandOverCommand,
    HoldCommand,
    InsideCommand,
    InviteNewCommand,
    InvitesCommand,
    LeaveCommand,
    ListenOnlyCommand,
    LockCommand,
    MembersCommand,
    OutsideCommand,
    PauseCommand,
    RefuseCommand,
    RejoinCommand,
    RetractCommand,
    RevokeCommand,
    SendAnywayCommand,
    SendCommand,
    SlowCommand,
    StandbyCommand,
    StepDownCommand,
    TicketCommand,
    UnpauseCommand,
    WordsCommand,
)
from alcove.cli.naming import Misread
from alcove.cli.own_texts import WAITS_AFTER, beginning
from alcove.cli.room_view import NO_RELAY

_HERE: Final = (
    SendCommand,  # `OwnTexts` tells of these
    SendAnywayCommand,
    RejoinCommand,
    RefuseCommand,
    MembersCommand,
    ActsCommand,
    WordsCommand,
    InvitesCommand,
    LeaveCommand,
)
"""These are answered by this client alone, at once."""
_LATER: Final = (OutsideCommand, RetractCommand, DoorTakeCommand)
"""The room takes these at once, and an event says when they are done. So it is with the fold of one
message, and at the door with the acceptance."""
_SAYS_SO: Final = (
    PauseCommand,
    UnpauseCommand,
    ListenOnlyCommand,
    LockCommand,
    HoldCommand,
    SlowCommand,
    AppointCommand,
    DemoteCommand,
    RevokeCommand,
    StandbyCommand,
    FoldCommand,
)
"""Each of these has an event of its own, unless there was nothing to change."""
_RULES: Final[Mapping[type[AnyCommand], str]] = MappingProxyType(
    {
        ListenOnlyCommand: "listen_only",
        LockCommand: "locked",
        HoldCommand: "hold",
        SlowCommand: "slow",
    }
)
"""The rule that each of these changes."""
_EVENT_WITHIN: Final = 1.0
"""Seconds that the event of a command has, once the room says that it is done."""
_KEPT: Final = (
    "Not done yet: {}. It is kept, and goes to the relay until it answers; you need to do nothing, "
    "and you are told when it is done or cannot be done."
)
_INVITE: Final = (
    "Not done yet: {}. It is kept, and goes to the relay until it answers; you need to do nothing. "
    "If it takes long, look with /invites whether it is made."
)
"""Of one that is made after the half minute that a command has, no event tells."""
_RETRACT: Final = (
    "Not done yet: {}. It is kept, and goes out once you can write and the relay answers. Until "
    "then others may still read the message. You need to do nothing, and you are told when it is "
    "done or cannot be done."
)
"""While the room or this member is paused, the relay answers and would not take it."""
_STEPS_DOWN: Final = (
    "Not done yet: {}. It is asked again until the relay answers and another facilitator's client "
    "confirms it. Until then you still facilitate. You need to do nothing, and you are told what "
    "became of it."
)
"""No one makes themself a participant: the other's device may sleep."""
_OUTSIDE: Final = (
    "Not done yet: {}. Your client asks again for a minute, and you are told what became of it."
)
_INSIDE: Final = (
    "Not done yet: {}. Your client goes on asking to be let back in; you need to do nothing, and "
    "you are told when you are in."
)
"""At a locked door too, where the relay has answered, and the wish waits."""
_TO_DOOR: Final = (
    "You are out of the room, and its door is not reached yet. Your client tries again by itself; "
    "you need to do nothing."
)
_END: Final = (
    "Not done yet: {}. The relay has not answered, and the room may still end. An end is not sent "
    "again by itself: if the room is there once you are connected again, type it once more."
)
_TAKEN_BACK: Final = (
    "Your last message is being taken back already; you need to do nothing, and you are told when "
    "it is done or cannot be done."
)
_DONE: Final = "Done now: {}."
_SAID_AT_DOOR: Final = "Sent at the door, where only the facilitators read: {}."
_SO_ALREADY: Final = "There was nothing to change for {}: it is so already."
_NOT_FOLDED: Final = (
    "There was nothing to change for {}: what they write is not folded now. What was folded before "
    "stays folded."
)


@dataclass(slots=True)
class _Asked:
    """One command, from when it begins until the person knows what became of it."""

    command: AnyCommand
    said: str
    due: float
    told: bool = False
    answered: bool = False
    done_at: float | None = None
    moves: bool = False


class OwnCommands:
    """The commands under way. Of each line only the beginning is kept."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._numbers = count()
        self._asked: dict[int, _Asked] = {}
        self._in_room = False
        self._waits = False

    def begun(self, command: AnyCommand, said: str) -> int:
        """The person typed this line, and the command begins. Return its number."""
        number = next(self._numbers)
        if not isinstance(command, _HERE):
            quoted = f'"{beginning(said)}"' if said else "what you chose"
            # Without a relay it is told at once: it may be done when it is not meant any more.
            after = 0.0 if self._waits else WAITS_AFTER
            self._asked[number] = _Asked(command, quoted, self._clock() + after)
        return number

    def was_told(self, number: int) -> bool:
        """Whether the person was told that this command waits."""
        return number in self._asked and self._asked[number].told

    def over(self, number: int, *, failed: bool) -> None:
        """The room took the command, or it failed, which is told in its own way."""
        asked = self._asked.get(number)
        if asked is None:
            return
        if failed or (isinstance(asked.command, InsideCommand) and not self._in_room):
            # To ask to come back is not to be back. That it is asked is told in its own way, and
            # `Joined` tells the rest.
            del self._asked[number]
        elif not self._comes_later(asked.command):
            asked.done_at = self._clock()

    def happened(self, event: events.AnyEvent) -> None:
        """An event is told to the person: it may be what a command waits for."""
        if isinstance(event, events.Joined | events.Outside) and event.you:
            self._in_room = isinstance(event, events.Joined)
        if isinstance(event, events.ConnectionChanged):
            self._waits = event.state in NO_RELAY and not event.moving
        for number, asked in list(self._asked.items()):
            if isinstance(event, events.ConnectionChanged) and event.moving:
                if isinstance(asked.command, OutsideCommand):
                    asked.moves, asked.told = True, False
                    asked.due = self._clock() + WAITS_AFTER
            elif isinstance(event, events.AgreementShown) and asked.moves:
                asked.told = asked.told or event.asked  # which says what the person has to do first
            elif _answers(event, asked.command):
                asked.answered = True
                if self._comes_later(asked.command):
                    del self._asked[number]

    def asked_for(self, event: events.AnyEvent) -> bool:
        """Whether this person gave a command for just this. Its author's client may do the same by
        rule, or along with another act."""
        commands = [asked.command for asked in self._asked.values()]
        match event:
            case events.RoleChanged(name, facilitator=False):
                return any(isinstance(it, DemoteCommand) and it.name == name for it in commands)
            case events.InviteRevoked(door):
                return any(isinstance(it, RevokeCommand) and it.door == door for it in commands)
            case _:
                return False

    def _comes_later(self, command: AnyCommand) -> bool:
        if isinstance(command, AcceptCommand):
            return not self._in_room  # in the room it holds at once, and at the door one knocks
        fold = isinstance(command, FoldCommand) and command.id is not None
        return fold or isinstance(command, _LATER)

    @property
    def ticket_is_asked(self) -> bool:
        """Whether this person asked for a ticket, and the room has not given it yet."""
        return any(isinstance(it.command, TicketCommand) for it in self._asked.values())

    def check(self, command: AnyCommand) -> None:
        """Raises `Misread` for a text that is being taken back already: what the first line became
        is told, and nothing would be of this one."""
        taken = [
            it.command.id for it in self._asked.values() if isinstance(it.command, RetractCommand)
        ]
        if isinstance(command, RetractCommand) and command.id in taken:
            raise Misread(_TAKEN_BACK)

    def news(self) -> list[str]:
        """What is to be told now."""
        said = []
        for number, asked in list(self._asked.items()):
            sentence = self._news_of(number, asked)
            said += [sentence] if sentence else []
        return said

    def _news_of(self, number: int, asked: _Asked) -> str:
        now = self._clock()
        if asked.done_at is None:
            if asked.told or asked.due > now:
                return ""
            asked.told = True
            return _waits(asked, in_room=self._in_room)
        says_so = isinstance(asked.command, _SAYS_SO)
        if says_so and not asked.answered and now - asked.done_at < _EVENT_WITHIN:
            return ""
        del self._asked[number]
        if says_so and not asked.answered:
            unfolds = isinstance(asked.command, FoldCommand) and not asked.command.on
            return (_NOT_FOLDED if unfolds else _SO_ALREADY).format(asked.said)
        return _done(asked) if asked.told else ""


def _done(asked: _Asked) -> str:
    """What a newcomer said may be told as sent when they are in the room: it was not for the room.
    A facilitator types a command to say it."""
    at_door = isinstance(asked.command, DoorSayCommand) and not asked.said.startswith('"/')
    return (_SAID_AT_DOOR if at_door else _DONE).format(asked.said)


def _waits(asked: _Asked, *, in_room: bool) -> str:
    if asked.moves:
        return _TO_DOOR
    kinds = {
        OutsideCommand: _OUTSIDE,
        EndCommand: _END,
        InviteNewCommand: _INVITE,
        RetractCommand: _RETRACT,
        StepDownCommand: _STEPS_DOWN,
        HandOverCommand: _STEPS_DOWN,
    }
    if not in_room:
        kinds[InsideCommand] = _INSIDE
    return kinds.get(type(asked.command), _KEPT).format(asked.said)


def _answers(event: events.AnyEvent, command: AnyCommand) -> bool:
    """Whether `event` tells what became of `command`. Names are compared by programs, so any event
    of the right kind counts: a person that reads it is not told that nothing changed."""
    match command:
        case OutsideCommand():
            failed = isinstance(event, events.Problem) and event.code == "not_outside"
            return failed or (isinstance(event, events.Outside) and event.you)
        case RetractCommand(id=id):
            over = events.Retracted | events.Expired | events.Failed
            failed = isinstance(event, events.Problem) and event.code == "not_retracted"
            return failed or (isinstance(event, over) and event.id == id)
        case FoldCommand(id=str(id)):
            gone = isinstance(event, events.Expired | events.Retracted) and event.id == id
            return gone or (isinstance(event, events.Folded) and id in event.ids)
        case DoorTakeCommand(id=id):
            return isinstance(event, events.KnockGone | events.DoorTaken) and event.id == id
        case AcceptCommand():
            return isinstance(event, events.Waiting | events.Joined | events.AgreementShown)
        case FoldCommand():
            return isinstance(event, events.Folded) and event.name != ""
        case PauseCommand() | UnpauseCommand():
            return isinstance(event, events.Paused | events.Unpaused)
        case HoldCommand() if isinstance(event, events.Folded):
            return event.why == "hold"  # another held the room first, and this one folds
        case ListenOnlyCommand() | LockCommand() | HoldCommand() | SlowCommand():
            return isinstance(event, events.RulesChanged) and _RULES[type(command)] in event.changed
        case AppointCommand() | DemoteCommand():
            return isinstance(event, events.RoleChanged)
        case RevokeCommand():
            return isinstance(event, events.InviteRevoked)
        case StandbyCommand(on=True):
            return isinstance(event, events.StandbyChanged | events.StandbyLink)
        case StandbyCommand():
            return isinstance(event, events.StandbyChanged)  # the empty link tells a person nothing
        case InsideCommand():
            return isinstance(event, events.Joined)
        case _:
            return False
