"""The events of a room, as frozen values. `match` on their types.

Identifiers are lower-case hex. Names are pseudonyms of this room only. `ref` is the value that the
caller gave with a command, or None. Invites and texts are secret, so `repr` leaves them out: an
event can be logged.
"""

from dataclasses import dataclass, field

from alcove.door_events import DoorSaid as DoorSaid
from alcove.door_events import DoorTaken as DoorTaken
from alcove.door_events import Event as Event
from alcove.door_events import InviteChanged as InviteChanged
from alcove.door_events import InviteRevoked as InviteRevoked
from alcove.door_events import InvitesListed as InvitesListed
from alcove.door_events import Knocked as Knocked
from alcove.door_events import KnockGone as KnockGone
from alcove.door_events import OpenInvite as OpenInvite
from alcove.door_events import Outside as Outside
from alcove.door_events import StandbyAsked as StandbyAsked
from alcove.door_events import StandbyChanged as StandbyChanged
from alcove.door_events import StandbyLink as StandbyLink
from alcove.door_events import Waiting as Waiting
from alcove.members import FoldReason, Member, Whereabouts
from alcove.past_acts import FacilitatorAct as FacilitatorAct
from alcove.past_acts import PastAct as PastAct
from alcove.past_acts import PastActs as PastActs
from alcove.states import CloseReason as CloseReason
from alcove.states import ConnectionState as ConnectionState
from alcove.states import RoomState as RoomState


@dataclass(frozen=True, slots=True)
class Opened(Event):
    """The room exists and `invite` lets people knock. The invite is a secret: do not log it."""

    invite: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AgreementShown(Event):
    """The ground rules, in the reader's language: for a newcomer, from a verified card, or in the
    room, when they changed. `asked` says that they must be accepted before anything is sent.

    `summary` has at most five lines, and may be empty. `languages` lists the tags of all languages
    that the same agreement is written in. With `unseen` no member that answered has the text,
    and `text` says so instead: the holder of a standby's link may accept, and gives the rules anew.
    """

    version: int
    text: str
    title: str
    language: str = ""
    summary: str = ""
    asked: bool = True
    languages: tuple[str, ...] = ()
    question: str = field(default="", repr=False)
    """What this invite asks at the door. The answer goes along with the acceptance."""
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class Accepted(Event):
    """A member accepted the ground rules that changed. To facilitators only."""

    name: str


@dataclass(frozen=True, slots=True)
class Joined(Event):
    """A member is in. With `you` it is this client: it can talk, and `members` lists all names.
    `by` is the facilitator whose client let them in, told to facilitators that saw it."""

    name: str
    you: bool = False
    members: tuple[str, ...] = ()
    by: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Left(Event):
    """A member left by their own wish. A lost connection is none: its member stays on the list."""

    name: str


@dataclass(frozen=True, slots=True)
class Removed(Event):
    """A facilitator put a member out. `by` is its name, told to facilitators alone. `away`: they
    were not in the room, but let go for a lost connection, or outside. They come back by themselves
    no more. Of one outside the remover alone is told. A client that the relay shows another list of
    members (`roster_mismatch`) is told so of a member that left, too: the list alone says that."""

    name: str
    by: str = field(default="", compare=False)
    away: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Absent(Event):
    """The client of the facilitator `by` let a silent member go. They may come back."""

    name: str
    by: str


@dataclass(frozen=True, slots=True)
class NewKeys(Event):
    """The facilitator `by` let a person in under a member's name: the old keys are out."""

    name: str
    by: str


@dataclass(frozen=True, slots=True)
class Reloaded(Event):
    """A member's program, or page, was started anew, and they are back under the same keys. What
    they had on their screen before, they have no more."""

    name: str


@dataclass(frozen=True, slots=True)
class TicketMade(Event):
    """A ticket of this client, which the relay knows now: `alcove.resume` takes it. Whoever has it
    can be this person for some minutes after this program has ended. Do not log it."""

    ticket: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RoleChanged(Event):
    """A facilitator made a member a facilitator, or one no more. `by` is the name of the
    facilitator that did it, or confirmed it to one that stepped down."""

    name: str
    facilitator: bool
    by: str


@dataclass(frozen=True, slots=True)
class Paused(Event):
    """A facilitator lets this member only read for now. To facilitators, and to the member, whose
    event has `you`. `by` is the facilitator; it is empty for what changed while this client did
    not follow. `to_listen`: they came in so."""

    name: str
    by: str = ""
    you: bool = False
    to_listen: bool = False


@dataclass(frozen=True, slots=True)
class Unpaused(Event):
    """This member can write again, unless a rule for all says otherwise. Told as `Paused` is."""

    name: str
    by: str = ""
    you: bool = False


@dataclass(frozen=True, slots=True)
class PresenceChanged(Event):
    """A member is here, is away, or it cannot be told any more, as at first. To facilitators."""

    name: str
    presence: Whereabouts


@dataclass(frozen=True, slots=True)
class MemberList(Event):
    """All members at this moment, to the program that asked."""

    members: tuple[Member, ...]
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class RulesChanged(Event):
    """The rules of the room as they are now. `changed` names those that are another than before:
    `listen_only` (only facilitators write), `locked` (no newcomer comes in) and `hold` (the room is
    paused, which sets the other two) and `slow` (seconds between two turns, 0 for none).

    `by` is the facilitator; it is empty for what was so when this client came, or came back.
    `facilitators` has the names of all of them, when the room is paused. `Room` has no property for
    the rules, so a program that shows them keeps the last of these events, and begins anew at each
    `Joined` of its own person: what holds then is told behind it.
    """

    listen_only: bool
    locked: bool
    changed: tuple[str, ...]
    by: str = ""
    hold: bool = False
    facilitators: tuple[str, ...] = ()
    slow: int = 0


@dataclass(frozen=True, slots=True)
class VaultChanged(Event):
    """Whether this facilitator has what the facilitators share, without which they let nobody in:
    the lobby's key, and the invites' secrets. Of another one the relay says so (`claimed`)."""

    name: str
    complete: bool
    claimed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class SafetyWords(Event):
    """Eight words, which are the same for all members of the group at this moment. They change with
    every change of the group. Do not log them."""

    words: tuple[str, ...] = field(repr=False)
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Message(Event):
    """Another member's message. Forget it after `ttl` seconds, when `Expired` comes.

    `age` is how many seconds the relay had had it when it came: 0 in a running conversation, more
    after an absence. `time` is when the relay took it, in Unix seconds by this device's clock. Both
    stand on the relay's word. With `folded` show it only when its reader asks for it: see `Folded`.
    """

    id: str
    sender: str
    text: str = field(repr=False)
    ttl: int
    warning: str | None = field(default=None, repr=False)
    time: float = 0.0
    age: int = 0
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Sent(Event):
    """The relay has numbered this message and delivers it. All members know it by this id."""

    id: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Queued(Event):
    """The message waits here until it can be sent. A `Sent` or `Failed` follows."""

    id: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """The message was not sent. With the code `unconfirmed` others may have read it. A `Sent`
    follows only if the relay took it and denied that: then the members may have read it. The
    reference has a table of the codes."""

    id: str
    code: str
    text: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Retracted(Event):
    """The sender took this message back."""

    id: str


@dataclass(frozen=True, slots=True)
class Folded(Event):
    """A facilitator folded these messages: hide each text until its reader asks for it. Nothing is
    deleted. `by` is the facilitator; it is empty for what changed while this client did not follow.

    With `name` it is all that this member writes, also what is still to come. Not `on`: what they
    write from now on is not folded any more. `yours` are those of `ids` that this client's person
    wrote: they were sent, and nothing has to be done about them.
    """

    ids: tuple[str, ...]
    name: str = ""
    by: str = ""
    on: bool = True
    why: FoldReason = "message"
    yours: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expired(Event):
    """This message has expired: drop it."""

    id: str


@dataclass(frozen=True, slots=True)
class ConnectionChanged(Event):
    """The connection to the relay changed. The client connects again by itself. `unanswered` is how
    many seconds it has waited for an answer, of a relay that is silent. `moving`: it hung up by
    itself to go between the room and its door, and nothing is wrong."""

    state: ConnectionState
    unanswered: int = 0
    moving: bool = False


@dataclass(frozen=True, slots=True)
class RoomChanged(Event):
    """`missing` is how many more facilitators have to be heard before participants can post, while
    the room is read-only for that. 0 where it is read-only because there is none at all."""

    state: RoomState
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Gap(Event):
    """Messages were missed: how many. None when that cannot be told: it may be none at all.

    `sender` is the member whose messages they are. None when the numbers of the log show it.
    """

    missed: int | None
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Problem(Event):
    """Something went wrong. The room goes on unless `Closed` follows.

    `sender` is the member of whom `text` tells it, if it is one. The reference has a table of the
    codes.
    """

    code: str
    text: str
    ref: str | None = None
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Unknown(Event):
    """A member sent something that this version does not know."""

    sender: str
    kind: str


@dataclass(frozen=True, slots=True)
class Closed(Event):
    """The last event. Keys are wiped. A member that left has the code `unconfirmed` when the relay
    did not say that it took that: the others may see them in the list for a while."""

    reason: CloseReason
    code: str = ""
    text: str = ""


AnyEvent = (
    Opened
    | InviteChanged
    | InvitesListed
    | InviteRevoked
    | AgreementShown
    | Accepted
    | Waiting
    | Knocked
    | Outside
    | DoorTaken
    | DoorSaid
    | KnockGone
    | Joined
    | Left
    | Removed
    | Absent
    | NewKeys
    | Reloaded
    | TicketMade
    | RoleChanged
    | Paused
    | Unpaused
    | PresenceChanged
    | MemberList
    | RulesChanged
    | StandbyLink
    | StandbyChanged
    | StandbyAsked
    | VaultChanged
    | SafetyWords
    | PastActs
    | Message
    | Sent
    | Queued
    | Failed
    | Retracted
    | Folded
    | Expired
    | ConnectionChanged
    | RoomChanged
    | Gap
    | Problem
    | Unknown
    | Closed
)
"""Every event of this version. A `match` over it can be exhaustive: end it with `assert_never`."""
