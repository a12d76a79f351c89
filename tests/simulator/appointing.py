"""A second facilitator. The SDK has no command for it yet, so the world's first one commits it.

The commit is the real one, by the real committer. Only the handover of card and lobby key, which
the protocol reserves, goes past the network.
"""

import asyncio
from dataclasses import dataclass

from alcove import mls
from alcove.facilitation.intents import CommitPlan, Intent
from alcove.group.extensions import FacilitatorKeys, group_extensions
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove_protocol.roster import Change, Op, Role, Seat

from tests.end_to_end.appointing import hand_over, keys_of, with_facilitator
from tests.simulator.person import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Appoint(Intent):
    """List one more facilitator, with the appointer's signature (docs/protocol.md 11)."""

    by: Identity
    keys: FacilitatorKeys

    def plan(self, membership: Membership) -> CommitPlan | None:
        by, keys, state = self.by, self.keys, membership.state
        if keys in state.facilitator_list() or membership.find_relay_key(keys.relay_key) is None:
            return None
        after = with_facilitator(state, membership.group.group_id, by, keys)
        return CommitPlan(
            (mls.GroupContextExtensions(group_extensions(after)),),
            (Change(Op.CHANGE, keys.relay_key, Seat(role=Role.FACILITATOR)),),
            force_path=True,
        )


async def appoint(first: Person, appointee: Person) -> None:
    """Make this member a facilitator, as soon as the appointment has come to it."""
    host = first.engine.require_facilitator()
    appointee.appointed = True
    keys = keys_of(appointee.engine.identity)
    host.committer.want(Appoint(by=first.engine.identity, keys=keys))
    while appointee.inside:
        await asyncio.sleep(1.0)
        if not appointee.inside:
            return
        if appointee.engine.require_member().membership.own.facilitator:
            hand_over(first.engine, appointee.engine)
            appointee.facilitates = True
            return
