"""What the relay answers to a request."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeAlias

from alcove_protocol import limits
from alcove_protocol.frames.fields import (
    CardBytes,
    Code,
    Count,
    GenerationBytes,
    Hash,
    ParkedBytes,
    PositionBytes,
    RoleName,
    Sentence,
)
from alcove_protocol.frames.frame import Answer
from alcove_protocol.records import AtMost


@dataclass(frozen=True, slots=True)
class Done(Answer):
    """The relay did what the request asked."""

    KIND: ClassVar[str] = "done"


@dataclass(frozen=True, slots=True)
class Authenticated(Answer):
    """The signatures hold. `role` is what the connection now is.

    A newcomer who was admitted in the meantime asks as `door` and is told `member`. `waiting` tells
    a newcomer that their knock still stands.
    """

    KIND: ClassVar[str] = "authenticated"
    role: RoleName
    waiting: bool


@dataclass(frozen=True, slots=True)
class CardIs(Answer):
    """The sealed room card and its number. `read_only` is true when the relay heard no facilitator
    for `limits.READ_ONLY_AFTER`: whoever knocks now waits for one to come back. To a
    facilitator the relay also says how many `uses` the door has left, and its seconds (`ttl`)."""

    KIND: ClassVar[str] = "card"
    number: Count
    card: CardBytes
    read_only: bool = False
    uses: Annotated[int, AtMost(limits.USES_MAX)] | None = None
    ttl: Annotated[int, AtMost(limits.DOOR_TTL_MAX)] | None = None


@dataclass(frozen=True, slots=True)
class Resumed(Answer):
    """Everything unexpired after the position follows, then what is new.

    `head` is the log's last position and `base` is the last commit's. `commit` is SHA-256 of the
    last commit's blob, or 32 zeros when there was none. In a new generation it tells a client
    whether the room is where the client left it. `lost` is true when application blobs after the
    position are gone. `read_only` is true when the relay heard no facilitator for
    `limits.READ_ONLY_AFTER`, so no member can post.

    A log that a client brought back is new at first: nothing is committed in it. `unsettled` is the
    seconds until the relay looks again whether that is over, and 0 when it is. `disputed` is true
    when two different chains were brought.
    """

    KIND: ClassVar[str] = "resumed"
    head: PositionBytes
    base: PositionBytes
    commit: Hash
    lost: bool
    read_only: bool
    unsettled: Annotated[int, AtMost(limits.UNSETTLED)]
    disputed: bool


@dataclass(frozen=True, slots=True)
class Published(Answer):
    """The blob has this position. The relay delivers it to every client that may receive it."""

    KIND: ClassVar[str] = "published"
    position: PositionBytes


@dataclass(frozen=True, slots=True)
class RequestRefused(Answer):
    """The request changed nothing. `n` is 0 when the relay could not read it.

    `base` goes with the code `stale`. `generation` is that of the room's log, where there is one:
    in a generation that a client did not know, some codes are not final yet. `wait` goes with the
    code `slow`: the seconds after which the key may send again.
    """

    KIND: ClassVar[str] = "refused"
    code: Code
    text: Sentence
    base: PositionBytes | None = None
    generation: GenerationBytes | None = None
    wait: Annotated[int, AtMost(limits.TURN + limits.SLOW_MAX)] | None = None


@dataclass(frozen=True, slots=True)
class ChainIs(Answer):
    """A part of the roster chain: `entries` lists `signature ‖ body` from counter `first` on.

    `more` tells that entries follow. The client asks for them from the next counter on.
    """

    KIND: ClassVar[str] = "chain"
    first: Count
    entries: Annotated[bytes, AtMost(limits.CHAIN_PAGE)]
    more: bool


@dataclass(frozen=True, slots=True)
class Fetched(Answer):
    """What was parked in the slot, sealed as it came."""

    KIND: ClassVar[str] = "fetched"
    blob: ParkedBytes


RelayAnswer: TypeAlias = (
    Done | Authenticated | CardIs | Resumed | Published | RequestRefused | ChainIs | Fetched
)
"""Every answer of the relay."""
