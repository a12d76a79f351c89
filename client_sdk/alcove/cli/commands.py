"""The commands of a program, one JSON object a line: `{"do": "send", "text": "…"}`.

A line is read whole or refused. An unknown key is refused too, because the program that wrote it
meant something by it.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, Final, NoReturn, get_args

LINE_MAX: Final = 64 * 1024
"""Bytes of one line. The longest text fits, with every character escaped."""
REF_MAX: Final = 200
"""Characters of a `ref`. A ref is held until its answer is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Base of all commands. `do` is its word. `ref` comes back in the answer."""

    do: ClassVar[str]
    one_of: ClassVar[tuple[str, ...]] = ()
    """Keys of which exactly one is given."""
    ref: str | None = None

    def fault(self) -> str:
        """Return what is wrong with values that do not go together, or nothing."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitCommand(Command):
    do = "admit"
    id: str
    to_listen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitAllCommand(Command):
    do = "admit_all"
    to_listen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseCommand(Command):
    do = "refuse"
    id: str
    reason: str = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorTakeCommand(Command):
    do = "door_take"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorSayCommand(Command):
    do = "door_say"
    text: str = field(repr=False)
    id: str | None = None
    """The newcomer's knock. Without it, all that wait; a newcomer gives none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideCommand(Command):
    do = "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideCommand(Command):
    do = "inside"
    name: str | None = None
    """Of a member outside, for a facilitator. Without it, this client comes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCommand(Command):
    do = "send"
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetractCommand(Command):
    do = "retract"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveCommand(Command):
    do = "remove"
    one_of = ("name", "names")
    name: str | None = None
    names: tuple[str, ...] | None = None
    fold: bool = False
    link: str = "close"
    """`close`, or `question` to keep the links by which they came, with the question."""
    question: str | None = field(default=None, repr=False)

    @property
    def all_names(self) -> tuple[str, ...]:
        """The members that it is about."""
        return (self.name,) if self.name is not None else self.names or ()

    def fault(self) -> str:
        if self.link not in ("close", "question"):
            return "`link` must be close or question."
        if (self.link == "question") is (self.question is None):
            return "`question` goes with the `link` question, and with no other."
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointCommand(Command):
    do = "appoint"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoteCommand(Command):
    do = "demote"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseCommand(Command):
    do = "pause"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpauseCommand(Command):
    do = "unpause"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenOnlyCommand(Command):
    do = "listen_only"
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LockCommand(Command):
    do = "lock"
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldCommand(Command):
    do = "hold"
    on: bool
    since: str | None = None
    """The id of the first message that is folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowCommand(Command):
    do = "slow"
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldCommand(Command):
    do = "fold"
    one_of = ("id", "name")
    id: str | None = None
    name: str | None = None
    """The member, for all that they write."""
    on: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StandbyCommand(Command):
    do = "standby"
    on: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDownCommand(Command):
    do = "step_down"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverCommand(Command):
    do = "hand_over"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsCommand(Command):
    do = "words"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActsCommand(Command):
    do = "acts"


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersCommand(Command):
    do = "members"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptCommand(Command):
    do = "accept"
    version: int | None = None
    """The version that the person read. Without it, the one that was shown last."""
    answer: str = field(default="", repr=False)
    """To the question that the invite asks."""
    word: str = field(default="", repr=False)
    """The person's word for today, at the door."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementChangeCommand(Command):
    do = "agreement_change"
    file: str
    correction: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteNewCommand(Command):
    do = "invite_new"
    count: int = 1
    uses: int | None = None
    """People that each lets in, and for how many hours. Without them, as the first invite."""
    hours: int | None = None
    question: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitesCommand(Command):
    do = "invites"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeCommand(Command):
    do = "revoke"
    door: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAnywayCommand(Command):
    do = "send_anyway"


@dataclass(frozen=True, slots=True, kw_only=True)
class RejoinCommand(Command):
    do = "rejoin"


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketCommand(Command):
    do = "ticket"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveCommand(Command):
    do = "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCommand(Command):
    do = "end"


AnyCommand = (
    AdmitCommand
    | AdmitAllCommand
    | RefuseCommand
    | DoorTakeCommand
    | DoorSayCommand
    | OutsideCommand
    | InsideCommand
    | SendCommand
    | RetractCommand
    | RemoveCommand
    | AppointCommand
    | DemoteCommand
    | PauseCommand
    | UnpauseCommand
    | ListenOnlyCommand
    | LockCommand
    | HoldCommand
    | FoldCommand
    | SlowCommand
    | StandbyCommand
    | StepDownCommand
    | HandOverCommand
    | WordsCommand
    | ActsCommand
    | MembersCommand
    | AcceptCommand
    | AgreementChangeCommand
    | InviteNewCommand
    | InvitesCommand
    | RevokeCommand
    | SendAnywayCommand
    | RejoinCommand
    | TicketCommand
    | LeaveCommand
    | EndCommand
)
"""Every command. A `match` over it can be exhaustive: end it with `assert_never`."""

COMMANDS: Final[Mapping[str, type[AnyCommand]]] = MappingProxyType(
    {kind.do: kind for kind in get_args(AnyCommand)}
)
"""Every command by its word."""
_VALUES: Final[Mapping[Any, tuple[type, str]]] = MappingProxyType(
    {
        bool: (bool, "true or false"),
        int: (int, "a whole number"),
        int | None: (int, "a whole number"),
        tuple[str, ...] | None: (list, "a list of texts"),
        str | None: (str, "text"),
    }
)
"""What a field that is no text takes, by its type."""


class BadCommand(Exception):
    """The line is no command. `ref` is the ref of the line, if one could be read."""

    def __init__(self, text: str, ref: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.ref = ref


def parse(line: bytes) -> AnyCommand:
    """Return the command of `line`. Raises `BadCommand`."""
    try:
        value = json.loads(
            line.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise BadCommand("The line is not one JSON object in UTF-8.") from None
    if not isinstance(value, dict):
        raise BadCommand("The line is not a JSON object.")
    ref = value.get("ref")
    if ref is not None and not _is_ref(ref):
        raise BadCommand(f"`ref` must be text of at most {REF_MAX} characters.")
    return _build(value, ref)


def _build(value: dict[str, Any], ref: str | None) -> AnyCommand:
    do = value.pop("do", None)
    kind = COMMANDS.get(do) if isinstance(do, str) else None
    if kind is None:
        raise BadCommand(f"`do` must be one of {', '.join(COMMANDS)}.", ref)
    known = {field.name: field for field in fields(kind)}
    if not value.keys() <= known.keys():
        raise BadCommand(f"`{do}` was given a key that it does not have.", ref)
    for key in known.keys() - {"ref"}:
        given, optional = value.get(key), known[key].default is not MISSING
        if key not in value and optional:
            continue
        wanted, words = _VALUES.get(known[key].type, (str, "text"))
        texts = given if isinstance(given, list) else [given]
        if type(given) is not wanted or (wanted is list and not _all_texts(texts)):
            needs = "takes" if optional else "needs"
            raise BadCommand(f"`{do}` {needs} `{key}`, as {words}.", ref)
        if any(isinstance(one, str) and not _is_unicode(one) for one in texts):
            raise BadCommand(f"`{key}` holds half a surrogate pair, which is no character.", ref)
    if kind.one_of and sum(key in value for key in kind.one_of) != 1:
        raise BadCommand(f"`{do}` needs one of {' and '.join(kind.one_of)}.", ref)
    if "ref" in value and value["ref"] is None:
        raise BadCommand("`ref` must be text, or be left out.")
    given = {key: tuple(one) if isinstance(one, list) else one for key, one in value.items()}
    command: AnyCommand = kind(**given)
    if fault := command.fault():
        raise BadCommand(fault, ref)
    return command


def _all_texts(values: list[object]) -> bool:
    return all(type(value) is str for value in values)


def _is_ref(value: object) -> bool:
    return isinstance(value, str) and len(value) <= REF_MAX and _is_unicode(value)


def _is_unicode(text: str) -> bool:
    """Return whether `text` has UTF-8. JSON can escape a lone surrogate, which has none."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")
