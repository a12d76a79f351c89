"""The states of a group, and what each takes.

Theory of operation. A `Group` is one epoch of one member. It is moved and never copied: merging
a commit makes the next `Group` and closes this one, so no two objects ever send under the same
keys. A commit of one's own is staged first, because a relay may refuse it. While it waits, the
group still reads and speaks in its epoch, and makes no second commit: were the first one taken
after all, its keys would be gone. A commit of another member may be merged meanwhile. The waiting
one is dropped with the epoch that it belongs to.

      create, accept, merge
               │
               ▼          committed
         OPERATIONAL ──────────────────► COMMIT_PENDING
               │     ◄──────────────────       │
               │            dropped            │
               └──────────────┬────────────────┘
                    left      │      wiped
                              ▼
                           CLOSED ◄── merge of a ReInit

A group that a commit with a ReInit led to is closed from the start (12.4.2): it takes no message
and makes none, but it can still be looked at, and its resumption PSK begins the next group. Any
other closed group has no secrets left, and everything raises `GroupClosed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from alcove.mls.errors import CommitPending, GroupClosed


class State(Enum):
    """Where a `Group` is in its life."""

    OPERATIONAL = "operational"
    COMMIT_PENDING = "commit pending"
    CLOSED = "closed"


class Act(Enum):
    """What a `Group` can be asked to do. Looking at it is no act."""

    ENCRYPT = "encrypt"
    PROPOSE = "propose"
    COMMIT = "commit"
    RECEIVE = "receive"
    INVITE = "invite"  # sign a GroupInfo, by which others join from outside


class Event(Enum):
    """What changes a state."""

    COMMITTED = "committed"
    DROPPED = "dropped"
    LEFT = "left"  # another epoch was entered, or a commit that removes me was merged
    WIPED = "wiped"


TAKES: Final[Mapping[State, frozenset[Act]]] = {
    State.OPERATIONAL: frozenset(Act),
    State.COMMIT_PENDING: frozenset(Act) - {Act.COMMIT},
    State.CLOSED: frozenset(),
}

FOLLOWS: Final[Mapping[tuple[State, Event], State]] = {
    (State.OPERATIONAL, Event.COMMITTED): State.COMMIT_PENDING,
    (State.OPERATIONAL, Event.LEFT): State.CLOSED,
    (State.OPERATIONAL, Event.WIPED): State.CLOSED,
    (State.COMMIT_PENDING, Event.DROPPED): State.OPERATIONAL,
    (State.COMMIT_PENDING, Event.LEFT): State.CLOSED,
    (State.COMMIT_PENDING, Event.WIPED): State.CLOSED,
    (State.CLOSED, Event.WIPED): State.CLOSED,
}


class Life:
    """The state of one `Group`."""

    __slots__ = ("state", "why")

    def __init__(self, *, ended: bool) -> None:
        """`ended` says that a ReInit ended the group with the commit that began this epoch."""
        self.state = State.CLOSED if ended else State.OPERATIONAL
        self.why = "it ended by a ReInit" if ended else ""

    def allow(self, act: Act) -> None:
        """Raise `GroupClosed` or `CommitPending` unless the state takes this act."""
        if act in TAKES[self.state]:
            return
        if self.state is State.COMMIT_PENDING:
            raise CommitPending
        raise GroupClosed(self.why)

    def follow(self, event: Event, why: str = "") -> None:
        """Go to the next state. Raises `GroupClosed` for an event that a closed group has not."""
        following = FOLLOWS.get((self.state, event))
        if following is None:
            raise GroupClosed(self.why)
        if following is State.CLOSED:
            self.why = why or self.why
        self.state = following
