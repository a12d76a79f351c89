"""Rows of what a client lists: what facilitators did, and the open invites."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

FacilitatorAct: TypeAlias = Literal[
    "admit",
    "rejoin",
    "left",
    "remove",
    "appoint",
    "demote",
    "pause",
    "unpause",
    "hold",
    "resume",
    "fold",
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
    author. `age` is in seconds."""

    act: FacilitatorAct
    name: str
    by: str
    age: int


@dataclass(frozen=True, slots=True)
class OpenInvite:
    """An invite of the room. `here` members came by it. It has `uses` left, for `hours`: of another
    facilitator's invite (not `yours`) both are the relay's word, or None when it does not say."""

    door: str
    here: int
    uses: int | None
    hours: int | None
    question: str = field(default="", repr=False)
    yours: bool = False
