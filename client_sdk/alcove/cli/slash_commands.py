"""What a person types: a text to say, or a command that begins with a slash."""

from collections.abc import Sequence
from dataclasses import dataclass

from alcove.cli import escape
from alcove.cli.commands import (
    Accept,
    Admit,
    Command,
    End,
    Leave,
    Refuse,
    Remove,
    Retract,
    Send,
    SendAnyway,
)
from alcove.cli.conversation import Conversation
from alcove.cli.rooms import MemberLike


@dataclass(frozen=True, slots=True)
class Help:
    """Explain the commands."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who is here, and who waits."""


@dataclass(frozen=True, slots=True)
class ShowInvite:
    """The invite, once more, or one more invite."""

    new: bool = False


@dataclass(frozen=True, slots=True)
class ShowRules:
    """The agreement, once more."""


@dataclass(frozen=True, slots=True)
class Reveal:
    """What hides behind the latest content warning."""


Typed = Command | Help | Who | ShowInvite | ShowRules | Reveal


class Misread(Exception):
    """What was typed cannot be done as it stands; the sentence says why."""


def read(line: str, conversation: Conversation, members: Sequence[MemberLike]) -> Typed | None:
    """What `line` asks for; None for an empty one. Raises `Misread`."""
    line = line.strip()
    if not line:
        return None
    if line.startswith("//"):
        return Send(text=line[1:])
    if not line.startswith("/"):
        return Send(text=line)
    word, _, rest = line.partition(" ")
    if (word, rest.strip()) == ("/invite", "new"):
        return ShowInvite(new=True)
    if rest and word in _PLAIN:
        raise Misread(f"{word} stands alone. To say a text that begins with a slash, type two.")
    if word in _PLAIN:
        return _PLAIN[word]
    match word:
        case "/admit":
            return Admit(id=_waiting(rest.strip(), conversation))
        case "/refuse":
            return Refuse(id=_waiting(rest.strip(), conversation))
        case "/remove":
            return Remove(name=_member(rest.strip(), members))
        case "/retract":
            return Retract(id=_mine(conversation))
        case _:
            raise Misread("There is no such command; /help lists them.")


_PLAIN: dict[str, Typed] = {
    "/accept": Accept(),
    "/anyway": SendAnyway(),
    "/leave": Leave(),
    "/quit": Leave(),
    "/end": End(),
    "/help": Help(),
    "/who": Who(),
    "/invite": ShowInvite(),
    "/rules": ShowRules(),
    "/show": Reveal(),
}


def _waiting(name: str, conversation: Conversation) -> str:
    """The id of the one person that `name` can mean; without a name, of the only one."""
    knocks = conversation.waiting
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


def _mine(conversation: Conversation) -> str:
    id = conversation.my_last()
    if id is None:
        raise Misread("No message of yours stands any more.")
    return id
