"""A second facilitator. The SDK has no command for it yet, so the world's first one commits it.

The commit is the real one, by the real committer. Only the handover of card and lobby key, which
the protocol reserves, goes past the network.
"""

import asyncio
from dataclasses import dataclass, replace

from alcove import mls
from alcove.facilitation.intents import CommitPlan, Intent
from alcove.group.extensions import FacilitatorKeys, group_extensions
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove_protocol.codec import pack_list
from alcove_protocol.labels import Label
from alcove_protocol.roster import Change, Op, Role, Seat
from alcove_protocol.statements import Appointment

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
        room, appointer = membership.group.group_id, by.signature.public
        statement = Appointment(room, appointer, keys.mls_key, keys.relay_key)
        signed = by.mls_signer().sign(Label.APPOINT, statement)
        after = replace(
            state,
            facilitators=state.facilitators + keys.encode(),
            appointments=state.appointments + pack_list([signed.encode()]),
        )
        return CommitPlan(
            (mls.GroupContextExtensions(group_extensions(after)),),
            (Change(Op.CHANGE, keys.relay_key, Seat(role=Role.FACILITATOR)),),
            force_path=True,
        )


async def appoint(first: Person, appointee: Person) -> None:
    """Make this member a facilitator, as soon as the appointment has come to it."""
    host, opening = first.engine.require_facilitator(), first.engine.opening
    assert opening is not None  # the first facilitator opened the room
    identity = appointee.engine.identity
    keys = FacilitatorKeys(identity.signature.public, identity.relay.public)
    appointee.appointed = True
    host.committer.want(Appoint(by=first.engine.identity, keys=keys))
    while appointee.inside:
        await asyncio.sleep(1.0)
        if not appointee.inside:
            return
        member = appointee.engine.require_member()
        if member.membership.own.facilitator:
            keys_at_door = opening.lobby_key
            copied = mls.HpkeKeyPair(keys_at_door.private.copy(), keys_at_door.public)
            member.become_facilitator(replace(opening.handover(), lobby_key=copied))
            appointee.facilitates = True
            return
