"""The second client in a room of the SDK, over a relay process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import alcove
import pytest

from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.waiting import until
from tests.second_client.driver import SecondClient


@asynccontextmanager
async def opened(relay: RelayProcess) -> AsyncIterator[tuple[alcove.Room, str]]:
    """A room that Mara facilitates with the SDK, and its invite."""
    opening = alcove.open_room(relay.url, title="Circle", agreement="Listen.", name="Mara")
    async with opening as mara:
        yield mara, (await until(mara, alcove.Opened)).invite


async def admitted(mara: alcove.Room, invite: str, tess: SecondClient, name: str = "Tess") -> None:
    """The second client knocks, and the facilitator admits it."""
    await tess.do("enter", invite=invite, name=name)
    knock = await until(mara, alcove.Knocked)
    assert knock.name == name
    assert (await tess.until("knocked"))["code"] == knock.code
    await mara.admit(knock.id)
    await tess.until("joined")


async def test_it_joins_reads_and_sends(relay: RelayProcess, tess: SecondClient) -> None:
    problems: list[alcove.Problem] = []
    async with opened(relay) as (mara, invite):
        mara.on(alcove.Problem, problems.append)
        await admitted(mara, invite, tess)
        card = next(event for event in tess.seen if event["event"] == "card")
        assert (card["title"], card["agreement"]) == ("Circle", "Listen.")
        assert await tess.until("beat") == {"event": "beat", "agrees": True, "anchored": True}
        for number in range(3):
            sent = await mara.send(f"from Mara, {number}")
            assert isinstance(sent, alcove.Sent)
            await tess.until("message", **{"from": "Mara"}, text=f"from Mara, {number}")
            text = f"from Tess, {number}: " + "long " * 500 * number
            await tess.do("say", text=text)
            heard = await until(mara, alcove.Message)
            assert (heard.sender, heard.text) == ("Tess", text)
            await tess.until("sent", id=heard.id)
    assert problems == []
    assert tess.faults() == []


async def test_retractions_reach_both_kinds_of_client(
    relay: RelayProcess, tess: SecondClient
) -> None:
    async with opened(relay) as (mara, invite):
        await admitted(mara, invite, tess)
        sent = await mara.send("too much")
        assert isinstance(sent, alcove.Sent)
        await tess.until("message", id=sent.id)
        mara.retract(sent.id)
        await tess.until("retracted", id=sent.id)
        await tess.do("say", text="this too")
        heard = await until(mara, alcove.Message)
        await tess.until("sent")
        await tess.do("retract", id=heard.id)
        assert (await until(mara, alcove.Retracted)).id == heard.id
    assert tess.faults() == []


async def test_words_under_a_used_counter_or_id_are_told_and_not_shown(
    relay: RelayProcess, tess: SecondClient
) -> None:
    """They are for those who came later. The very same again is a message that was repeated."""
    async with opened(relay) as (mara, invite):
        await admitted(mara, invite, tess)
        conversation = mara._engine.require_member().conversation
        draw, outbox = conversation._random, conversation.outbox
        first = await mara.send("to all")
        assert isinstance(first, alcove.Sent)

        async def say_again(text: str, counter: int) -> None:
            outbox._counter, ids = counter, [bytes.fromhex(first.id)]
            conversation._random = lambda size: ids.pop() if ids else draw(size)
            await mara.send(text)

        await say_again("to all", 0)
        await say_again("under its id", 1)
        outbox._counter = 0
        await mara.send("under its counter")
        outbox._counter = 2
        await mara.send("to all, again")
        await tess.until("message", text="to all, again")
    told = [e for e in tess.seen if e["event"] in {"message", "missed"}]
    missed = {"event": "missed", "from": "Mara"}
    assert [e.get("text", "missed") for e in told] == [
        "to all",
        "missed",
        "missed",
        "to all, again",
    ]
    assert told[1] == told[2] == missed
    assert tess.faults() == []


async def test_it_sees_members_come_and_be_removed(relay: RelayProcess, tess: SecondClient) -> None:
    async with opened(relay) as (mara, invite), alcove.join(invite, name="Bo", accept=True) as bo:
        await mara.admit((await until(mara, alcove.Knocked)).id)
        await until(bo, alcove.Joined)
        await admitted(mara, invite, tess)
        joined = tess.seen[-1]
        assert set(joined["names"]) == {"Mara", "Bo", "Tess"}
        await bo.send("hello, all")
        await tess.until("message", **{"from": "Bo"}, text="hello, all")
        async with alcove.join(invite, name="Cy", accept=True) as cy:
            await mara.admit((await until(mara, alcove.Knocked)).id)
            await until(cy, alcove.Joined)
            members = await tess.until("members")
            assert set(members["names"]) == {"Mara", "Bo", "Tess", "Cy"}
            await cy.send("I am new")
            await tess.until("message", **{"from": "Cy"}, text="I am new")
            await mara.remove("Bo")
            members = await tess.until("members")
            assert set(members["names"]) == {"Mara", "Tess", "Cy"}
            await tess.do("say", text="still here")
            assert (await until(cy, alcove.Message)).text == "still here"
    assert tess.faults() == []


async def test_it_leaves(relay: RelayProcess, tess: SecondClient) -> None:
    async with opened(relay) as (mara, invite):
        await admitted(mara, invite, tess)
        await tess.do("leave")
        await tess.until("left")
        assert (await tess.until("closed"))["code"] == 1000
        assert (await until(mara, alcove.Left)).name == "Tess"
    assert tess.faults() == []


async def test_it_is_removed_with_a_proof(relay: RelayProcess, tess: SecondClient) -> None:
    async with opened(relay) as (mara, invite):
        await admitted(mara, invite, tess)
        await mara.remove("Tess")
        assert await tess.until("bye") == {"event": "bye", "code": "removed", "proved": True}
        assert (await tess.until("closed"))["code"] == 4003


async def test_it_learns_why_a_knock_was_refused(relay: RelayProcess, tess: SecondClient) -> None:
    async with opened(relay) as (mara, invite):
        await tess.do("enter", invite=invite, name="Tess")
        await mara.refuse((await until(mara, alcove.Knocked)).id)
        assert (await tess.until("refused"))["code"] == "refused"


@pytest.mark.parametrize("name", ["Mara", "  "])
async def test_a_name_against_the_rules_is_refused(
    relay: RelayProcess, tess: SecondClient, name: str
) -> None:
    async with opened(relay) as (_, invite):
        await tess.do("enter", invite=invite, name=name)
        codes = {"Mara": "name_taken", "  ": "name_empty"}
        assert (await tess.until("refused"))["code"] == codes[name]


async def test_it_is_told_when_its_invite_was_revoked(
    relay: RelayProcess, tess: SecondClient
) -> None:
    async with opened(relay) as (mara, invite), alcove.join(invite, name="Bo", accept=True) as bo:
        await mara.admit((await until(mara, alcove.Knocked)).id)
        await until(bo, alcove.Joined)
        await mara.remove("Bo")
        await tess.do("enter", invite=invite, name="Tess")
        assert (await tess.until("refused"))["code"] == "door_revoked"


async def test_it_shows_and_accepts_a_changed_agreement(
    relay: RelayProcess, tess: SecondClient
) -> None:
    rules = (
        alcove.AgreementText("en", "Be kind.", "Be kind to each other."),
        alcove.AgreementText("de", "Seid nett.", "Seid nett zueinander."),
    )
    async with opened(relay) as (mara, invite):
        await admitted(mara, invite, tess)
        await mara.change_agreement(rules, correction=True)
        corrected = await tess.until("agreement")
        assert (corrected["version"], corrected["asked"]) == (2, False)
        assert [text["language"] for text in corrected["texts"]] == ["en", "de"]
        await tess.do("say", text="under what was corrected")
        assert (await until(mara, alcove.Message)).text == "under what was corrected"
        await mara.change_agreement("Listen, too.")
        asked = await tess.until("agreement")
        assert (asked["version"], asked["asked"]) == (3, True)
        await tess.do("say", text="before accepting")
        assert (await tess.until("refused"))["code"] == "agreement_due"
        await tess.do("accept", version=2)
        assert (await tess.until("refused"))["code"] == "no_agreement"
        await tess.do("accept", version=3)
        await tess.until("accepted")
        await tess.do("say", text="under the new rules")
        assert (await until(mara, alcove.Message)).text == "under the new rules"
    assert tess.faults() == []
