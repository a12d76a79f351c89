"""The lines that a person types: a text to say, or a command that begins with a slash."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

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
    StandbyCommand,
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
    rest = rest.strip()
    if (word, rest) == ("/invite", "new"):
        return ShowInvite(new=True)
    if rest and (word in _PLAIN or word in _OF_THE_SCREEN):
        raise Misread(f"{word} stands alone. To say a text that begins with a slash, type two.")
    if word in _PLAIN:
        return _PLAIN[word]
    if word in _OF_THE_SCREEN:
        return _OF_THE_SCREEN[word](view)
    if word in _NEWCOMERS:
        return _NEWCOMERS[word](id=_waiting(rest, view))
    if word in _MEMBERS:
        return _MEMBERS[word](name=_member(rest, members, word))
    if word in _SWITCHES:
        return _SWITCHES[word](on=_is_on(rest, word))
    if word in _FILES:
        if not rest:
            raise Misread(f"Say which file has the whole agreement: {word} FILE.")
        return AgreementChangeCommand(file=rest, correction=_FILES[word])
    if word == _RULES:
        return ShowRules(rest)
    raise Misread("There is no such command; /help lists them.")


def completed(line: str, members: Sequence[MemberLike]) -> str | None:
    """Return the one line that `line` can become: a command, or a command with a member's name.
    None when there is none or more than one."""
    word, space, name = line.partition(" ")
    if not line.startswith("/") or line.startswith("//"):
        return None
    if not space:
        return _only([known for known in _WORDS if known.startswith(word)])
    if word not in _MEMBERS or not name.strip():
        return None
    names = [escape.name(member.name) for member in members if not member.you]
    return _only([f"{word} {one}" for one in names if one.casefold().startswith(name.casefold())])


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


def _accept(view: RoomView) -> UserAction:
    # A later agreement than the one on the screen may be here when the line is done.
    return AcceptCommand(version=view.rules.version if view.rules else None)


def _retract(view: RoomView) -> UserAction:
    id = view.my_last()
    if id is None:
        raise Misread("No message of yours stands any more.")
    return RetractCommand(id=id)


_PLAIN: Final[Mapping[str, UserAction]] = MappingProxyType(
    {
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
)
_OF_THE_SCREEN: Final = MappingProxyType({"/accept": _accept, "/retract": _retract})
"""These stand alone too, and are about what the person sees."""
_NEWCOMERS: Final[Mapping[str, type[AdmitCommand | RefuseCommand]]] = MappingProxyType(
    {"/admit": AdmitCommand, "/refuse": RefuseCommand}
)
_MEMBERS: Final[
    Mapping[
        str,
        type[
            RemoveCommand
            | PauseCommand
            | UnpauseCommand
            | AppointCommand
            | DemoteCommand
            | HandOverCommand
        ],
    ]
] = MappingProxyType(
    {
        "/remove": RemoveCommand,
        "/pause": PauseCommand,
        "/unpause": UnpauseCommand,
        "/appoint": AppointCommand,
        "/demote": DemoteCommand,
        "/handover": HandOverCommand,
    }
)
_SWITCHES: Final[Mapping[str, type[ListenOnlyCommand | LockCommand | StandbyCommand]]] = (
    MappingProxyType(
        {"/listen": ListenOnlyCommand, "/lock": LockCommand, "/standby": StandbyCommand}
    )
)
_FILES: Final = MappingProxyType({"/newrules": False, "/correct": True})
"""Whether the agreement is corrected by it only."""
_RULES: Final = "/rules"
_WORDS: Final = (*_PLAIN, *_OF_THE_SCREEN, *_NEWCOMERS, *_MEMBERS, *_SWITCHES, *_FILES, _RULES)
