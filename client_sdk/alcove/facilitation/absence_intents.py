"""What a facilitator's client does about a member whose connection was lost for long.

Each is one commit. A member is let go by ABSENT, so that no name is kept for ever and every later
message stays closed to a lost device. The same client comes back without a person's decision.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from alcove_protocol.roster import NO_DOOR, Change, Op, Seat

from alcove import mls
from alcove.errors import NotNow
from alcove.facilitation.intents import (
    CommitPlan,
    Intent,
    check_welcome,
    state_change,
    without_pause,
)
from alcove.group.membership import Membership
from alcove.group.sealing import Psk


def _lost() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class LetAbsentGo(Intent):
    """Remove a participant of whom no sign of life came for long. Their door stays."""

    key: bytes = b""
    still: Callable[[], bool] = field(default=_lost, compare=False)
    """Whether nothing came of them meanwhile."""

    def plan(self, membership: Membership) -> CommitPlan | None:
        index, person = membership.group.find(self.key), membership.find_key(self.key)
        if index is None or person is None or person.facilitator or not self.still():
            return None
        proposals: list[mls.Proposal] = [mls.Remove(index)]
        after = replace(membership.state, paused=without_pause(membership.state, self.key))
        if after != membership.state:
            proposals.append(state_change(after))
        return CommitPlan(tuple(proposals), (Change(Op.ABSENT, person.relay_key),))


@dataclass(frozen=True, slots=True)
class LetBackIn(Intent):
    """Add a member again that was let go so. A pause goes on, and no use of the door is spent."""

    key_package: mls.KeyPackage | None = None
    relay_key: bytes = b""
    reply_key: bytes = b""
    door: bytes = NO_DOOR
    paused: bool = False
    psk: Psk | None = None
    still: Callable[[], bool] = field(default=_lost, compare=False)
    """Whether no facilitator removed them meanwhile."""

    def plan(self, membership: Membership) -> CommitPlan | None:
        if self.key_package is None or self.psk is None:
            return None
        if membership.find_relay_key(self.relay_key) or not self.still():
            return None
        if membership.state.locked:
            raise NotNow("locked", "The door is locked, so a member did not come back.")
        leaf = self.key_package.leaf_node
        check_welcome(leaf, membership)
        seat = Seat(self.door, paused=self.paused)
        return CommitPlan(
            (mls.Add(self.key_package),),
            (Change(Op.ADD, self.relay_key, seat),),
            ((self.relay_key, self.reply_key, self.psk),),
            pauses=(leaf.signature_key,) if self.paused else (),
        )
