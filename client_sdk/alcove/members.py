"""A member as people and programs see them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Whereabouts: TypeAlias = Literal["here", "away", "unknown"]
"""Whether a member is there, as far as this client can know by itself. `here`: a sign of life came
lately that no relay can make. `away`: none came, although this client was connected all the while.
`unknown`: this client cannot tell."""

WordCheck: TypeAlias = Literal["fits", "differs", "missing", "none", "unknown", "spent"]
"""How the word of a knock compares with that of the silent member of its name. `fits`: it is what
the member chose for today. `differs`: it is another. `missing`: the member chose one, and the knock
brings none. `none`: the member chose none. `unknown`: this client cannot know what they chose, as
it did not see their knock. `spent`: so many wrong words were tried that it says nothing any
more."""


FoldReason: TypeAlias = Literal["message", "member", "hold"]
"""Why messages are folded. `message`: a facilitator folded this one. `member`: all that its author
writes. `hold`: they came after the place from which the room is paused, by any author."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member as people see them."""

    name: str
    facilitator: bool
    you: bool
    heard: bool = True
    """False for a member let in before this client's eyes, of whom nothing came since: their
    Welcome may be lost, and they may not be able to read. A silent one counts as heard after 10
    minutes, when their client renews its keys."""
    paused: bool = False
    """Whether a facilitator paused them, so that they can only read."""
    presence: Whereabouts = "unknown"
    """Of facilitators every member knows it by their heartbeats. Of participants only facilitators
    know it."""
