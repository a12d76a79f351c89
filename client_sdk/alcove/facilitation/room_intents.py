"""What a facilitator wants of the members of a room: one that listens, a rule for all.

Each is told to the relay by the same commit: a pause by a CHANGE, a rule by the entry's flags.
"""

from dataclasses import dataclass, replace
from typing import Literal

from alcove_protocol.roster import Change, Op, Seat

from alcove.errors import NotNow
from alcove.facilitation.intents import CommitPlan, Intent, state_change, without_pause
from alcove.facilitation.role_intents import comes_by_standby
from alcove.group.membership import Membership

RoomRule = Literal["listen_only", "locked"]
"""A field of the state that is a rule for all, on or off."""


def not_paused() -> NotNow:
    """Why a facilitator is not paused."""
    text = "A facilitator cannot be paused; demote them first."
    return NotNow("is_facilitator", text)


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
        return CommitPlan((state_change(after),))
