"""A facilitator with another client hides acts of its own in the commit of another act.

Every member looks up what facilitators did. What came along by rule is not listed there, so only
that may count as come along.
"""

from dataclasses import replace

import pytest
from alcove import events
from alcove.facilitation.intents import AdmitNewcomer, CommitPlan
from alcove.group.membership import Membership

from tests.end_to_end.evil.rogue import state_of
from tests.end_to_end.evil.rooms import three
from tests.end_to_end.facilitating import do
from tests.end_to_end.test_invites import make
from tests.end_to_end.world import Client


def listed(client: Client) -> list[tuple[str, str]]:
    """What a person reads of what facilitators did."""
    client.engine.commands.acts()
    client.collect()
    acts = client.of(events.PastActs)[-1].acts
    return [(one.act, one.name) for one in acts if not one.aside]


def test_what_is_done_beside_an_admission_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ann lets Dora in to listen. By the same commit she pauses Bob, lets Cleo write again, and
    closes all invites."""
    world, ann, bob, cleo = three()
    do(world, ann, "pause", "Cleo")
    assert len(make(world, ann, 2, uses=9)) == 2
    before = len(listed(cleo))
    bobs, cleos = (one.engine.identity.signature.public for one in (bob, cleo))
    honest = AdmitNewcomer.plan

    def plan(self: AdmitNewcomer, membership: Membership) -> CommitPlan | None:
        made = honest(self, membership)
        if made is None:
            return None
        doors = membership.state.door_ids()
        return replace(
            made, pauses=(*made.pauses, bobs), unpauses=(*made.unpauses, cleos), closes=doors
        )

    monkeypatch.setattr(AdmitNewcomer, "plan", plan)
    doors = len(state_of(ann).door_ids())
    world.knock(ann.invite(), "Dora")
    ann.engine.commands.admit(ann.of(events.Knocked)[-1].id, lambda error: None, to_listen=True)
    world.settle()
    assert "Dora" in cleo.members()
    assert doors == 3
    acts = listed(cleo)[before:]
    assert {("admit", "Dora"), ("pause", "Bob"), ("unpause", "Cleo")} <= set(acts)
    assert acts.count(("revoke", "")) == doors - 1
    assert ("pause", "Dora") not in acts
