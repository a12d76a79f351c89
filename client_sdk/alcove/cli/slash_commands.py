"""The lines that a person types: a text to say, or a command that begins with a slash."""

from collections.abc import Sequence
from dataclasses import dataclass

from alcove.cli import escape
from alcove.cli.commands import (
    AcceptCommand,
    AdmitCommand,
    AnyCommand,
    EndCommand,
    LeaveCommand,
    RefuseCommand,
    RemoveCommand,
    RetractCommand,
    SendAnywayCommand,
    SendCommand,
)
from alcove.cli.room_view import RoomView
from alcove.cli.rooms import MemberLike


@dataclass(frozen=True, slots=True)
class Help:
    """Explain the commands."""


@dataclass(frozen=True, slots=True)
class Who:
    """List the members and the waiting newcomers."""


@dataclass(frozen=True, slots=True)
class ShowInvite:
    """Show the invite again, or make one more."""

    new: bool = False


@dataclass(frozen=True, slots=True)
class ShowCode:
    """Show the invite as a QR code."""


@dataclass(frozen=True, slots=True)
class ShowRules:
    """Show the agreement again."""


@dataclass(frozen=True, slots=True)
class Reveal:
    """Show the text behind the latest content warning."""


UserAction = AnyCommand | Help | Who | ShowInvite | ShowCode | ShowRules | Reveal


class Misread(Exception):
    """The line cannot be done as it stands. The sentence says why."""


def read(line: str, view: RoomView, members: Sequence[MemberLike]) -> UserAction | None:
    """Return what `line` asks for; None for an empty line. Raises `Misread`."""
    line = line.strip()
    if not line:
        return None
    if line.startswith("//"):
        return SendCommand(text=line[1:])
    if not line.startswith("/"):
        return SendCommand(text=line)
    word, _, rest = line.partition(" ")
    if (word, rest.strip()) == ("/invite", "new"):
        return ShowInvite(new=True)
    if rest and word in _PLAIN:
        raise Misread(f"{word} stands alone. To say a text that begins with a slash, type two.")
    if word in _PLAIN:
        return _PLAIN[word]
    match word:
        case "/admit":
            return AdmitCommand(id=_waiting(rest.strip(), view))
        case "/refuse":
            return RefuseCommand(id=_waiting(rest.strip(), view))
        case "/remove":
            return RemoveCommand(name=_member(rest.strip(), members))
        case "/retract":
            return RetractCommand(id=_mine(view))
        case _:
            raise Misread("There is no such command; /help lists them.")


_PLAIN: dict[str, UserAction] = {
    "/accept": AcceptCommand(),
    "/anyway": SendAnywayCommand(),
    "/leave": LeaveCommand(),
    "/quit": LeaveCommand(),
    "/end": EndCommand(),
    "/help": Help(),
    "/who": Who(),
    "/members": Who(),
    "/qr": ShowCode(),
    "/invite": ShowInvite(),
    "/rules": ShowRules(),
    "/show": Reveal(),
}


def _waiting(name: str, view: RoomView) -> str:
    """Return the id of the one newcomer that `name` can mean; without a name, of the only one."""
    knocks = view.waiting
    found = [id for id, it in knocks.items() if not name or name in (it.name, escape.name(it.name))]
    if not knocks:
        raise Misread("Nobody waits at the moment.")
    if not found:
        raise Misread("Nobody of that name waits; /who lists them.")
    if len(found) > 1:
        raise Misread("Several people wait; say whom, by name or in the list.")
    return found[0]


def _member(name: str, members: Sequence[MemberLike]) -> str:
    if not name:
        raise Misread("Say whom: /remove NAME.")
    for member in members:
        if name in (member.name, escape.name(member.name)):
            return member.name
    raise Misread("Nobody of that name is here; /who lists them.")


def _mine(view: RoomView) -> str:
    id = view.my_last()
    if id is None:
        raise Misread("No message of yours stands any more.")
    return id
