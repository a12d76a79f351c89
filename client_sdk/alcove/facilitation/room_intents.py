"""What a facilitator wants of the members of a room: one that listens, a rule for all, a hold.

Each is told to the relay by the same commit: a pause by a CHANGE, a rule by the entry's flags.
"""

from dataclasses import dataclass, replace
from typing import Literal

from alcove_protocol.position import Position
from alcove_protocol.roster import Change, Op, Seat

from alcove.errors import NotNow
from alcove.facilitation.intents import (
    CommitPlan,
    Intent,
    state_change,
    with_folded,
    without_folded,
    without_pause,
)
from alcove.facilitation.role_intents import comes_by_standby
from alcove.group.membership import Membership

RoomRule = Literal["listen_only", "locked"]
"""A field of the state that is a rule for all, on or off."""


def not_paused() -> NotNow:
    """Why a facilitator is not paused."""
    text = "A facilitator cannot be paused. Make them a participant first: /demote NAME."
    return NotNow("is_facilitator", text)


def not_folded() -> NotNow:
    """Why not all that a facilitator writes is folded."""
    text = (
        "What a facilitator writes is not folded as a whole. Make them a participant first: "
        "/demote NAME."
    )
    return NotNow("is_facilitator", text)


def on_hold() -> NotNow:
    """Why participants do not write while the room is held."""
    text = "The room is paused for everybody, so this was not done. /resume opens it again."
    return NotNow("on_hold", text)


@dataclass(frozen=True, slots=True)
class SetPause(Intent):
    """Let a participant listen only, or write again."""

    key: bytes = b""
    on: bool = True

    @property
    def urgent(self) -> bool:
        return True

    def plan(self, membership: Membership) -> CommitPlan | None:
        person = membership.find_key(self.key)
        if person is None:
            raise NotNow("unknown_name", "They have left the room, so this was not done.")
        state = membership.state
        if (person.key in state.paused_keys()) is self.on:
            return None
        if person.facilitator:
            raise not_paused()
        if person.entering:
            raise comes_by_standby()
        rest = without_pause(state, person.key)
        after = replace(state, paused=rest + (person.key if self.on else b""))
        return CommitPlan(
            (state_change(after),),
            (Change(Op.CHANGE, person.relay_key, Seat(paused=self.on)),),
        )


@dataclass(frozen=True, slots=True)
class SetRule(Intent):
    """Set a rule for all. The entry that goes with the commit names it by a flag."""

    rule: RoomRule = "listen_only"
    on: bool = True

    @property
    def urgent(self) -> bool:
        return True

    def plan(self, membership: Membership) -> CommitPlan | None:
        state = membership.state
        locked = self.on if self.rule == "locked" else state.locked
        listen_only = self.on if self.rule == "listen_only" else state.listen_only
        after = replace(state, locked=locked, listen_only=listen_only)
        if after == state:
            return None
        if state.hold is not None and not listen_only:
            raise on_hold()
        return CommitPlan((state_change(after),))


@dataclass(frozen=True, slots=True)
class HoldRoom(Intent):
    """Let only facilitators write, lock the door, and fold all from a place in the log on.

    When the room is held already, the earlier place counts, so that two facilitators who hold it
    at once get the same room in either order. `named` says that a person chose the place.
    """

    start: Position | None = None
    named: bool = False

    @property
    def urgent(self) -> bool:
        return True

    def plan(self, membership: Membership) -> CommitPlan | None:
        state = membership.state
        if self.start is None or (state.hold is not None and not self._is_earlier(state.hold)):
            return None
        after = replace(state, hold=self.start.encode(), listen_only=True, locked=True)
        return CommitPlan((state_change(after),))

    def _is_earlier(self, hold: bytes) -> bool:
        if not self.named or self.start is None:
            return False
        held = Position.decode(hold)
        same = held.generation == self.start.generation
        return not same or self.start.number < held.number


@dataclass(frozen=True, slots=True)
class ResumeRoom(Intent):
    """End a hold: participants may write again. The door stays locked, until it is unlocked."""

    @property
    def urgent(self) -> bool:
        return True

    def plan(self, membership: Membership) -> CommitPlan | None:
        if membership.state.hold is None:
            return None
        return CommitPlan((state_change(replace(membership.state, hold=None, listen_only=False)),))


@dataclass(frozen=True, slots=True)
class FoldMember(Intent):
    """Fold all that a participant writes, or no more."""

    key: bytes = b""
    on: bool = True

    @property
    def urgent(self) -> bool:
        return True

    def plan(self, membership: Membership) -> CommitPlan | None:
        state, person = membership.state, membership.find_key(self.key)
        if person is None:
            raise NotNow("unknown_name", "They have left the room, so this was not done.")
        if (person.key in state.folded_keys()) is self.on:
            return None
        if self.on and person.facilitator:
            raise not_folded()
        folded = (
            with_folded(membership, person.key) if self.on else without_folded(state, person.key)
        )
        return CommitPlan((state_change(replace(state, folded=folded)),))


@dataclass(frozen=True, slots=True)
class SetSlow(Intent):
    """Set the seconds that a participant waits after a turn. The entry names them too."""

    seconds: int = 0

    @property
    def urgent(self) -> bool:
        return True

    def plan(self, membership: Membership) -> CommitPlan | None:
        after = replace(membership.state, slow=self.seconds)
        return None if after == membership.state else CommitPlan((state_change(after),))
