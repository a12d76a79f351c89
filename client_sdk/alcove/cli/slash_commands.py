"""The lines that a person types: a text to say, or a command that begins with a slash."""

from collections.abc import Sequence
from dataclasses import dataclass

from alcove.cli import escape
from alcove.cli.commands import (
    AcceptCommand,
    ActsCommand,
    AdmitCommand,
    AgreementChangeCommand,
    AnyCommand,
    AppointCommand,
    DemoteCommand,
    EndCommand,
    HandOverCommand,
    LeaveCommand,
    ListenOnlyCommand,
    LockCommand,
    PauseCommand,
    RefuseCommand,
    RemoveCommand,
    RetractCommand,
    SendAnywayCommand,
    SendCommand,
    StepDownCommand,
    UnpauseCommand,
    WordsCommand,
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
    """Show the agreement again, in the language of this tag or the reader's own."""

    language: str = ""


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
    if word == "/rules":
        return ShowRules(rest.strip())
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
            return RemoveCommand(name=_member(rest.strip(), members, word))
        case "/appoint":
            return AppointCommand(name=_member(rest.strip(), members, word))
        case "/demote":
            return DemoteCommand(name=_member(rest.strip(), members, word))
        case "/pause":
            return PauseCommand(name=_member(rest.strip(), members, word))
        case "/unpause":
            return UnpauseCommand(name=_member(rest.strip(), members, word))
        case "/listen":
            return ListenOnlyCommand(on=_is_on(rest.strip(), word))
        case "/lock":
            return LockCommand(on=_is_on(rest.strip(), word))
        case "/handover":
            return HandOverCommand(name=_member(rest.strip(), members, word))
        case "/accept":
            if rest:
                raise Misread("/accept stands alone. Two slashes begin a text with a slash.")
            # A later agreement than the one on the screen may be here when the line is done.
            return AcceptCommand(version=view.rules.version if view.rules else None)
        case "/newrules" | "/correct":
            if not rest.strip():
                raise Misread(f"Say which file has the whole agreement: {word} FILE.")
            return AgreementChangeCommand(file=rest.strip(), correction=word == "/correct")
        case "/retract":
            return RetractCommand(id=_mine(view))
        case _:
            raise Misread("There is no such command; /help lists them.")


_PLAIN: dict[str, UserAction] = {
    "/anyway": SendAnywayCommand(),
    "/leave": LeaveCommand(),
    "/quit": LeaveCommand(),
    "/end": EndCommand(),
    "/stepdown": StepDownCommand(),
    "/words": WordsCommand(),
    "/acts": ActsCommand(),
    "/help": Help(),
    "/who": Who(),
    "/members": Who(),
    "/qr": ShowCode(),
    "/invite": ShowInvite(),
    "/show": Reveal(),
}


def completed(line: str, members: Sequence[MemberLike]) -> str | None:
    """Return the one line that `line` can become: a command, or a command with a member's name.
    None when there is none or more than one."""
    word, space, name = line.partition(" ")
    if not line.startswith("/") or line.startswith("//"):
        return None
    if not space:
        found = (*_PLAIN, *_NAMED, "/admit", "/refuse", "/retract", "/listen", "/lock")
        return _only([known for known in found if known.startswith(word)])
    if word not in _NAMED or not name.strip():
        return None
    names = [escape.name(member.name) for member in members if not member.you]
    return _only([f"{word} {one}" for one in names if one.casefold().startswith(name.casefold())])


_NAMED = ("/remove", "/pause", "/unpause", "/appoint", "/demote", "/handover")
"""Commands that name a member."""


def _only(found: Sequence[str]) -> str | None:
    return found[0] if len(set(found)) == 1 else None


def _waiting(name: str, view: RoomView) -> str:
    """Return the id of the one newcomer that `name` can mean; without a name, of the only one."""
    knocks = view.waiting
    found = [id for id, it in knocks.items() if not name or name in (it.name, escape.name(it.name))]
    if not knocks:
        raise Misread("Nobody waits at the moment.")
    if not found:
        raise Misread("Nobody of that name waits; /members lists them.")
    if len(found) > 1:
        raise Misread("Several people wait; say whom, by name or in the list.")
    return found[0]


def _member(name: str, members: Sequence[MemberLike], word: str) -> str:
    if not name:
        raise Misread(f"Say whom: {word} NAME.")
    for member in members:
        if name in (member.name, escape.name(member.name)):
            return member.name
    raise Misread("Nobody of that name is here; /members lists them.")


def _is_on(said: str, word: str) -> bool:
    if said not in ("", "on", "off"):
        raise Misread(f"Type {word} or {word} off.")
    return said != "off"


def _mine(view: RoomView) -> str:
    id = view.my_last()
    if id is None:
        raise Misread("No message of yours stands any more.")
    return id
