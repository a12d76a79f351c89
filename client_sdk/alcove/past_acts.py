"""What a facilitator can have done, as every member may look it up."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from alcove.door_events import Event

FacilitatorAct: TypeAlias = Literal[
    "admit",
    "rejoin",
    "left",
    "remove",
    "absent",
    "appoint",
    "demote",
    "pause",
    "unpause",
    "hold",
    "resume",
    "fold",
    "fold_message",
    "unfold",
    "slow",
    "listen_only",
    "listen_only_off",
    "lock",
    "unlock",
    "invite",
    "revoke",
    "lobby_key",
    "ttl",
    "agreement",
    "standby",
    "standby_off",
]
"""What a facilitator can have done. `left` grants a wish, `revoke` is about an invite."""


@dataclass(frozen=True, slots=True)
class PastAct:
    """One act of a facilitator. `name` is the member that it was about, or empty. `by` is its
    author. A wish to be a participant has its member there, though another client grants it, where
    this client knows of the wish: as the member's own, or as a facilitator's. `age` is in seconds.
    `aside`: no person asked for it by itself. A client did it by rule, or it came along with
    another act, as a link closes with a removal. `away`, of a `remove`: the member was not in the
    room, and comes back by themselves no more."""

    act: FacilitatorAct
    name: str
    by: str
    age: int
    aside: bool = False
    away: bool = False


@dataclass(frozen=True, slots=True)
class PastActs(Event):
    """What facilitators did since this client is in the room, the oldest first: at most 100."""

    acts: tuple[PastAct, ...]
    ref: str | None = None
