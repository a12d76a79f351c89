"""What a program or a person can ask of a room, each as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Final, get_args


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
