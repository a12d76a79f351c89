"""The lines that a person types: a text to say, or a command that begins with a slash."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from alcove_protocol import limits

from alcove.cli import escape, naming, words
from alcove.cli.commands import (
    AcceptCommand,
    ActsCommand,
    AdmitAllCommand,
    AdmitCommand,
    AgreementChangeCommand,
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
    OutsideCommand,
    PauseCommand,
    RefuseCommand,
    RejoinCommand,
    RemoveCommand,
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
from alcove.cli.room_view import RoomView
from alcove.cli.rooms import MemberLike
from alcove.errors import InvalidInput
from alcove.joining.todays_word import clean_word


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
    """Show the ground rules again, in the language of this tag or the reader's own."""

    language: str = ""


@dataclass(frozen=True, slots=True)
class Reveal:
    """Show the text behind the latest content warning."""


@dataclass(frozen=True, slots=True)
class ChooseWord:
    """Keep the person's word for today until they accept."""

    word: str = field(repr=False)


_STRAY: Final = 3
"""Letters before a command that are taken for keys that were pressed by mistake."""
UserAction = AnyCommand | Help | Who | ShowInvite | ShowCode | ShowRules | Reveal | ChooseWord
"""What a typed line asks for: a command of the room, or something that this client does alone."""


def read(
    line: str, view: RoomView, members: Sequence[MemberLike], away: Sequence[str] = ()
) -> UserAction | None:
    """Return what `line` asks for; None for an empty line. `away` are the names of those that are
    not in the room and may come back. Raises `Misread`."""
    line = line.strip()
    if not line:
        return None
    if line.startswith("//") or not line.startswith("/"):
        return _said(line.removeprefix("/"), view)
    word, _, rest = line.partition(" ")
    rest = rest.strip()
    if (word, rest) == ("/invite", "new"):
        return ShowInvite(new=True)
    if word == "/invite" and rest.startswith("ask "):
        return InviteNewCommand(question=rest.removeprefix("ask ").strip())
    _may_decide(word, rest, view, members)
    if rest and (word in _PLAIN or (word in _OF_THE_SCREEN and word != _ACCEPT)):
        raise Misread(f"{word} stands alone. To say a text that begins with a slash, type two.")
    if word in _PLAIN:
        return _PLAIN[word]
    if word == _ACCEPT:
        return _accept(view, rest)
    if word == _WORD:
        return _todays_word(rest, view)
    if word in _OF_THE_SCREEN:
        return _OF_THE_SCREEN[word](view)
    if word in _NEWCOMERS:
        return _newcomers(word, rest, view, members)
    if word in _MEMBERS:
        return _MEMBERS[word](name=naming.member(rest, members, word, away, view.asking))
    if word == _REMOVE:
        return _removal(rest, members, away, view.asking)
    if word == _HOLD:
        return _hold(rest, view)
    if word in _FOLDS:
        name = naming.member(rest, members, word, away, view.asking)
        return FoldCommand(name=name, on=_FOLDS[word])
    if word == _FOLD_LAST:
        return _last_fold(rest, view)
    if word == _SLOW:
        return SlowCommand(seconds=0 if rest == "off" else _seconds(rest))
    if word in _SWITCHES:
        return _SWITCHES[word](on=_is_on(rest, word))
    if word in _FILES:
        if not rest:
            raise Misread(f"Say which file has all the ground rules: {word} FILE.")
        return AgreementChangeCommand(file=rest, correction=_FILES[word])
    if word == _INSIDE:
        if not rest and view.in_room:
            raise Misread(_inside_from(view, members))
        return InsideCommand(name=naming.outside(rest, view, away, members) if rest else None)
    if word == _TAKE:
        return DoorTakeCommand(id=naming.waiting(rest, view, members))
    if word == _DOOR:
        return _to_door(rest, view)
    if word == _PERSONAL:
        return InviteNewCommand(count=_number(rest or "1", word), uses=1)
    if word == _REVOKE:
        return RevokeCommand(door=_listed(rest, view))
    if word == _RULES:
        return ShowRules(rest)
    raise Misread("There is no such command; /help lists them.")


def _inside_from(view: RoomView, members: Sequence[MemberLike]) -> str:
    """To one that is in the room, and typed a way back into it."""
    if _decides(members):
        return "Say whom: /inside NAME."
    return words.GOES_OUT if view.asked_out else "You are in already."


def _decides(members: Sequence[MemberLike]) -> bool:
    return any(one.you and one.facilitator for one in members)


def _may_decide(word: str, rest: str, view: RoomView, members: Sequence[MemberLike]) -> None:
    """Before anything is asked about a command: whether this person may give it. Raises `Misread`.
    Before the room is entered nothing is known of it, and nothing can be typed."""
    alone = word in _FACILITATORS_ALONE or (word == _INSIDE and rest)
    known = view.at_door or any(one.you for one in members)
    if alone and known and not _decides(members):
        raise Misread("Only a facilitator can do that.")
    if word in _NEWCOMERS and not view.waiting and not _decides(members):
        raise Misread("Only a facilitator can do that.")


def is_command(line: str) -> bool:
    """Return whether `line` begins with a word that is known."""
    return line.partition(" ")[0] in _WORDS


def hides_command(line: str) -> bool:
    """Return whether a command stands behind a few letters: keys that were in the line already. As
    a text it would tell the whole room whom the command is about."""
    before, slash, word = line.strip().partition(" ")[0].rpartition("/")
    return 0 < len(before) <= _STRAY and "/" not in before and is_command(slash + word)


def _said(text: str, view: RoomView) -> UserAction:
    """A newcomer that waits says it to the facilitators, and a member to the room."""
    if view.rules is not None and not view.knocked and not view.joined:
        raise Misread(words.NOT_ANSWERED if view.rules.question else words.NOT_ACCEPTED)
    return DoorSayCommand(text=text) if view.at_door else SendCommand(text=text)


def completed(
    line: str, view: RoomView, members: Sequence[MemberLike], away: Sequence[str] = ()
) -> str | None:
    """Return the one line that `line` can become: a command, or a command with the name of one that
    it can be about. None when there is none or more than one."""
    word, space, name = line.partition(" ")
    if not line.startswith("/") or line.startswith("//"):
        return None
    if word in _WORDS and not space:
        return word
    if not space:
        return _only([known for known in _WORDS if known.startswith(word)])
    if not name.strip():
        return None
    names = [escape.name(one) for one in _names_behind(word, view, members, away)]
    return _only([f"{word} {one}" for one in names if one.casefold().startswith(name.casefold())])


def _names_behind(
    word: str, view: RoomView, members: Sequence[MemberLike], away: Sequence[str]
) -> list[str]:
    others = [member.name for member in members if not member.you]
    if word == _REMOVE:
        return [*others, *away]
    if word in _MEMBERS or word in _FOLDS:
        return others
    if word in (_HOLD, _FOLD_LAST):
        return [message.sender for message in view.messages.values() if not message.mine]
    if word in (*_NEWCOMERS, _TAKE, _DOOR, _INSIDE):
        return [knock.name for knock in view.waiting.values()]
    return []


def _only(found: Sequence[str]) -> str | None:
    return found[0] if len(set(found)) == 1 else None


def _newcomers(word: str, rest: str, view: RoomView, members: Sequence[MemberLike]) -> UserAction:
    listens = word == "/tolisten"
    if word != "/refuse":
        if rest == "all" and "all" not in (knock.name for knock in view.waiting.values()):
            return AdmitAllCommand(to_listen=listens)
        return AdmitCommand(id=naming.waiting(rest, view, members), to_listen=listens)
    name, _, last = rest.rpartition(" ")
    named = rest in (knock.name for knock in view.waiting.values())
    if last in REASONS_IN_WORDS and not named:  # a name comes first, and a reason may follow it
        id = naming.waiting(name.strip(), view, members)
        return RefuseCommand(id=id, reason=REASONS_IN_WORDS[last])
    return RefuseCommand(id=naming.waiting(rest, view, members))


def _hold(name: str, view: RoomView) -> HoldCommand:
    if not name:
        return HoldCommand(on=True)
    try:
        return HoldCommand(on=True, since=naming.said_by(name, view, _HOLD)[0])
    except Misread as misread:  # else a facilitator believes that it is paused
        raise Misread(f"{misread} So the room is not paused; /hold alone pauses it.") from None


def _last_fold(name: str, view: RoomView) -> FoldCommand:
    id = naming.said_by(name, view, _FOLD_LAST)[-1]
    if id in view.folded:
        raise Misread("The last message of that name is folded already.")
    return FoldCommand(id=id)


def _removal(
    rest: str, members: Sequence[MemberLike], away: Sequence[str], asking: Sequence[str]
) -> RemoveCommand:
    """Return the removal of those whose names stand first, with commas between them. What becomes
    of the rest may follow."""
    known = [*(one.name for one in members), *away]
    if not naming.named(rest, [(name, name) for name in known]):
        names, what = naming.several(rest, known)
        one, many = (names[0], None) if len(names) == 1 else (None, names)
        word, _, asked = what.partition(" ")
        if names and word == "fold" and not asked:
            return RemoveCommand(name=one, names=many, fold=True)
        if names and word == "ask" and (asked := asked.strip()):
            return RemoveCommand(name=one, names=many, fold=True, link="question", question=asked)
        if names and not what:
            return RemoveCommand(name=one, names=many)
    return RemoveCommand(name=naming.to_remove(rest, members, _REMOVE, away, asking))


def _to_door(rest: str, view: RoomView) -> UserAction:
    """Return what is said to a newcomer, whose name stands first, or to `all`."""
    names = [(knock.name, id) for id, knock in view.waiting.items()]
    for name, id in sorted(names, key=lambda one: -len(one[0])):  # the longest that fits
        if text := naming.behind(rest, name):
            return DoorSayCommand(text=text, id=id)
    if rest.startswith("all "):
        return DoorSayCommand(text=rest.removeprefix("all ").strip())
    if " " in rest:
        raise Misread("Nobody of that name waits, so nothing was said; /members lists them.")
    raise Misread("Say to whom, and what: /door NAME TEXT, or /door all TEXT.")


def _number(said: str, word: str) -> int:
    if not (said.isascii() and said.isdecimal() and len(said) < 4):
        raise Misread(f"Say how many: {word} 5.")
    return int(said)


def _listed(said: str, view: RoomView) -> str:
    """Return the door of the invite with this number in the list that was shown last."""
    number = _number(said, _REVOKE) if said else 0
    if not view.invites:
        raise Misread("Type /invites first: each invite has its number there.")
    if not 1 <= number <= len(view.invites):
        raise Misread("Say which invite, by its number in /invites: /revoke 1.")
    return view.invites[number - 1].door


def _seconds(said: str) -> int:
    number = said.isascii() and said.isdecimal() and len(said) <= len(str(limits.SLOW_MAX))
    if not number or int(said) > limits.SLOW_MAX:
        most = limits.SLOW_MAX
        raise Misread(f"Say how many seconds, at most {most}: /slow 60, or /slow off.")
    return int(said)


def _is_on(said: str, word: str) -> bool:
    if said not in ("", "on", "off"):
        raise Misread(f"Type {word} or {word} off.")
    return said != "off"


def _accept(view: RoomView, answer: str = "") -> UserAction:
    if view.at_door and view.rules is not None and view.rules is view.knocked_with:
        raise Misread(words.ACCEPTED_OUTSIDE if view.outside else words.ACCEPTED)
    asks = view.rules is not None and bool(view.rules.question) and not view.joined
    if answer and not asks:
        raise Misread("/accept stands alone. To say a text that begins with a slash, type two.")
    if asks and not answer:
        raise Misread("This invite asks a question: type /accept and your answer.")
    # A later agreement than the one on the screen may be here when the line is done.
    version, word = view.rules.version if view.rules else None, "" if view.joined else view.word
    return AcceptCommand(version=version, answer=answer, word=word)


def _todays_word(word: str, view: RoomView) -> ChooseWord:
    if view.knocked or view.joined:
        raise Misread("A word for today goes along with /accept, and you have accepted already.")
    if not word:
        raise Misread("Say which word: /word WORD.")
    try:
        return ChooseWord(clean_word(word))
    except InvalidInput as error:
        raise Misread(error.text) from None


def _retract(view: RoomView) -> UserAction:
    id = view.my_last()
    if id is None:
        raise Misread("No message of yours stands any more.")
    return RetractCommand(id=id)


_PLAIN: Final[Mapping[str, UserAction]] = MappingProxyType(
    {
        "/anyway": SendAnywayCommand(),
        "/rejoin": RejoinCommand(),
        "/ticket": TicketCommand(),
        "/outside": OutsideCommand(),
        "/leave": LeaveCommand(),
        "/quit": LeaveCommand(),
        "/end": EndCommand(),
        "/resume": HoldCommand(on=False),
        "/stepdown": StepDownCommand(),
        "/words": WordsCommand(),
        "/acts": ActsCommand(),
        "/help": Help(),
        "/who": Who(),
        "/members": Who(),
        "/qr": ShowCode(),
        "/invite": ShowInvite(),
        "/invites": InvitesCommand(),
        "/show": Reveal(),
    }
)
_OF_THE_SCREEN: Final[Mapping[str, Callable[[RoomView], UserAction]]] = MappingProxyType(
    {"/accept": _accept, "/retract": _retract}
)
"""These stand alone too, and are about what the person sees."""
_ACCEPT: Final = "/accept"
_WORD: Final = "/word"
_NEWCOMERS: Final = ("/admit", "/tolisten", "/refuse")
REASONS_IN_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {"tonight": "not_tonight", "late": "too_late", "group": "other_group", "write": "write_first"}
)
"""What a facilitator types behind a name, and the reason's code."""
_MEMBERS: Final[Mapping[str, Callable[..., AnyCommand]]] = MappingProxyType(
    {
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
_PERSONAL: Final = "/personal"
_INSIDE: Final = "/inside"
_TAKE: Final = "/take"
_DOOR: Final = "/door"
_REVOKE: Final = "/revoke"
_RULES: Final = "/rules"
_REMOVE: Final = "/remove"
_HOLD: Final = "/hold"
_SLOW: Final = "/slow"
_FOLDS: Final = MappingProxyType({"/fold": True, "/unfold": False})
_FOLD_LAST: Final = "/foldlast"
_FACILITATORS_ALONE: Final = frozenset(
    (
        "/resume",
        "/stepdown",
        "/invites",
        "/end",
        *_NEWCOMERS,
        *_MEMBERS,
        _REMOVE,
        *_FOLDS,
        _FOLD_LAST,
        _HOLD,
        *_SWITCHES,
        _SLOW,
        *_FILES,
        _PERSONAL,
        _TAKE,
        _DOOR,
        _REVOKE,
    )
)
_WORDS: Final = (
    *_PLAIN,
    *_OF_THE_SCREEN,
    _WORD,
    *_NEWCOMERS,
    *_MEMBERS,
    _REMOVE,
    *_FOLDS,
    _FOLD_LAST,
    _HOLD,
    *_SWITCHES,
    _SLOW,
    *_FILES,
    _PERSONAL,
    _INSIDE,
    _TAKE,
    _DOOR,
    _REVOKE,
    _RULES,
)
