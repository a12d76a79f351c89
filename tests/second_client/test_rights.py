"""The second client burns what every member burns, by a facilitator who holds to no rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import alcove
import pytest
from alcove import mls
from alcove.facilitation import committer
from alcove.facilitation.intents import AdmitNewcomer, CommitPlan
from alcove.facilitation.room_intents import SetRule
from alcove.group import trial
from alcove.group.extensions import group_extensions
from alcove.group.membership import Membership

from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.waiting import until
from tests.second_client.driver import SecondClient
from tests.second_client.test_live import admitted, opened

STRANGER: Final = bytes(32)
"""A key of no member."""


@pytest.fixture
def lawless(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's clients of this process judge no commit, also not their own."""
    for module in (committer, trial):
        monkeypatch.setattr(module, "judge", lambda group, staged: None)


@pytest.mark.usefixtures("lawless")
async def test_a_pause_of_a_stranger_is_burned(
    relay: RelayProcess, tess: SecondClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan(self: SetRule, membership: Membership) -> CommitPlan:
        after = replace(membership.state, paused=STRANGER)
        return CommitPlan((mls.GroupContextExtensions(group_extensions(after)),))

    async with opened(relay) as (mara, invite):
        await admitted(mara, invite, tess)
        monkeypatch.setattr(SetRule, "plan", plan)
        await mara.lock()
        assert (await tess.until("burned"))["code"] == "paused_not_member"


@pytest.mark.usefixtures("lawless")
async def test_a_newcomer_through_a_locked_door_is_burned(
    relay: RelayProcess, tess: SecondClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = AdmitNewcomer.plan

    def plan(self: AdmitNewcomer, membership: Membership) -> CommitPlan | None:
        made = honest(self, membership)
        after = replace(membership.state, locked=True)
        locking = mls.GroupContextExtensions(group_extensions(after))
        return made and replace(made, proposals=(*made.proposals, locking), gathers=False)

    async with opened(relay) as (mara, invite), alcove.join(invite, name="Bo", accept=True):
        knock = await until(mara, alcove.Knocked)
        await admitted(mara, invite, tess)
        monkeypatch.setattr(AdmitNewcomer, "plan", plan)
        await mara.admit(knock.id)
        assert (await tess.until("burned"))["code"] == "locked"


FORBIDDEN: Final = {
    "folded_not_member": {"folded": STRANGER},
    "hold_open": {"hold": bytes(16)},
}
"""Fields of the state that no honest facilitator sets so, by the code that burns the commit."""


@pytest.mark.usefixtures("lawless")
@pytest.mark.parametrize("code", FORBIDDEN)
async def test_a_false_fold_or_hold_is_burned(
    relay: RelayProcess, tess: SecondClient, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def plan(self: SetRule, membership: Membership) -> CommitPlan:
        after = replace(membership.state, **FORBIDDEN[code])  # type: ignore[arg-type]
        return CommitPlan((mls.GroupContextExtensions(group_extensions(after)),))

    async with opened(relay) as (mara, invite):
        await admitted(mara, invite, tess)
        monkeypatch.setattr(SetRule, "plan", plan)
        await mara.lock()
        assert (await tess.until("burned"))["code"] == code


async def test_a_held_room_and_a_fold_are_followed(relay: RelayProcess, tess: SecondClient) -> None:
    async with opened(relay) as (mara, invite):
        await admitted(mara, invite, tess)
        said = await mara.send("too much")
        await tess.until("message")
        mara.fold(said.id)
        folded = await tess.until("folded")
        assert (folded["id"], folded["by"]) == (said.id, "Mara")
        await mara.hold(since=said.id)
        await mara.hold(False)
        await mara.send("we go on")
        assert (await tess.until("message"))["text"] == "we go on"
