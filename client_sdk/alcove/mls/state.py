"""The states of a group, and what each takes.

Theory of operation. A `Group` is one epoch of one member. It is moved and never copied: merging
a commit makes the next `Group` and closes this one, so no two objects ever send under the same
keys. A commit of one's own is staged first, because a relay may refuse it. While it is on its way,
the group still reads and speaks in its epoch, and makes no second commit. It is settled when it is
set aside or dropped. One that was set aside can still be merged, should it be taken after all. A
commit of another member may be merged meanwhile. What waits is wiped with its epoch.

      create, accept, merge
               │
               ▼          committed
         OPERATIONAL ──────────────────► COMMIT_PENDING
               │     ◄──────────────────       │
               │            settled            │
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


class GroupState(Enum):
    """Where a `Group` is in its life."""

    OPERATIONAL = "operational"
    COMMIT_PENDING = "commit pending"
    CLOSED = "closed"


class GroupAct(Enum):
    """What a `Group` can be asked to do. Looking at it is no act."""

    ENCRYPT = "encrypt"
    PROPOSE = "propose"
    COMMIT = "commit"
    RECEIVE = "receive"
    INVITE = "invite"  # sign a GroupInfo, by which others join from outside


class GroupEvent(Enum):
    """What changes a state."""

    COMMITTED = "committed"
    SETTLED = "settled"  # a commit of mine is no longer on its way: set aside, or dropped
    LEFT = "left"  # another epoch was entered, or a commit that removes me was merged
    WIPED = "wiped"


TAKES: Final[Mapping[GroupState, frozenset[GroupAct]]] = {
    GroupState.OPERATIONAL: frozenset(GroupAct),
    GroupState.COMMIT_PENDING: frozenset(GroupAct) - {GroupAct.COMMIT},
    GroupState.CLOSED: frozenset(),
}

FOLLOWS: Final[Mapping[tuple[GroupState, GroupEvent], GroupState]] = {
    (GroupState.OPERATIONAL, GroupEvent.COMMITTED): GroupState.COMMIT_PENDING,
    (GroupState.OPERATIONAL, GroupEvent.LEFT): GroupState.CLOSED,
    (GroupState.OPERATIONAL, GroupEvent.WIPED): GroupState.CLOSED,
    (GroupState.COMMIT_PENDING, GroupEvent.SETTLED): GroupState.OPERATIONAL,
    (GroupState.COMMIT_PENDING, GroupEvent.LEFT): GroupState.CLOSED,
    (GroupState.COMMIT_PENDING, GroupEvent.WIPED): GroupState.CLOSED,
    (GroupState.CLOSED, GroupEvent.WIPED): GroupState.CLOSED,
}


class Life:
    """The state of one `Group`."""

    __slots__ = ("state", "why")

    def __init__(self, *, ended: bool) -> None:
        """`ended` says that a ReInit ended the group with the commit that began this epoch."""
        self.state = GroupState.CLOSED if ended else GroupState.OPERATIONAL
        self.why = "it ended by a ReInit" if ended else ""

    def allow(self, act: GroupAct) -> None:
        """Raise `GroupClosed` or `CommitPending` unless the state takes this act."""
        if act in TAKES[self.state]:
            return
        if self.state is GroupState.COMMIT_PENDING:
            raise CommitPending
        raise GroupClosed(self.why)

    def follow(self, event: GroupEvent, why: str = "") -> None:
        """Go to the next state. Raises `GroupClosed` for an event that a closed group has not."""
        following = FOLLOWS.get((self.state, event))
        if following is None:
            raise GroupClosed(self.why)
        if following is GroupState.CLOSED:
            self.why = why or self.why
        self.state = following
