"""Real command lines over real relays that share one Redis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from alcove_protocol.invite import Invite

from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.cli.test_together import knocking, let_in, mara, say
from tests.redis_store.groups import Standalone, WithSentinel


def by_way_of(relay: RelayProcess, invite: str) -> str:
    """The same invite with the origin of another relay that serves the room."""
    return replace(Invite.parse(invite), origin=relay.url).url()


async def test_a_relay_that_dies_loses_nothing(alone: Standalone) -> None:
    async with (
        RelayProcess("--store", alone.url) as relay,
        mara(relay) as (facilitator, invite),
        knocking(invite, "Robin") as robin,
    ):
        await robin.until("waiting")
        await let_in(facilitator, robin, "Robin")
        await say(facilitator, "Before.", robin)
        await relay.kill()
        for room in (facilitator, robin):
            await room.until("connection", state="reconnecting")
        await relay.start()
        for room in (facilitator, robin):
            await room.until("connection", state="resumed")
        await say(robin, "After.", facilitator)
        assert not [event for event in [*facilitator.seen, *robin.seen] if event["event"] == "gap"]


async def test_members_of_two_relays_are_in_one_room(alone: Standalone) -> None:
    async with (
        RelayProcess("--store", alone.url) as one,
        RelayProcess("--store", alone.url) as other,
        mara(one) as (facilitator, invite),
        knocking(by_way_of(other, invite), "Robin") as robin,
    ):
        await robin.until("waiting")
        await let_in(facilitator, robin, "Robin")
        await say(facilitator, "From the one.", robin)
        await say(robin, "From the other.", facilitator)


async def test_a_server_that_comes_back_empty_is_a_gap_that_is_said(tmp_path: Path) -> None:
    async with (
        Standalone(tmp_path) as server,
        RelayProcess("--store", server.url) as relay,
        mara(relay) as (facilitator, invite),
        knocking(invite, "Robin") as robin,
    ):
        await robin.until("waiting")
        await let_in(facilitator, robin, "Robin")
        await say(facilitator, "Before.", robin)
        await server.server.restart()
        for room in (facilitator, robin):
            await room.until("gap")
        await say(robin, "After.", facilitator)


async def test_a_failover_is_a_pause_and_no_gap(tmp_path: Path) -> None:
    async with (
        WithSentinel(tmp_path) as group,
        RelayProcess("--store", group.url, "--store-replicas", "2") as relay,
        mara(relay) as (facilitator, invite),
        knocking(invite, "Robin") as robin,
    ):
        await robin.until("waiting")
        await let_in(facilitator, robin, "Robin")
        await say(facilitator, "Before.", robin)
        primary = await group.primary()
        await primary.kill()
        promoted = await group.next_primary()
        await primary.start()
        for server in group.databases:
            if server is not promoted:  # Sentinel would do it too, after 10 seconds
                await server.ask("REPLICAOF", "127.0.0.1", str(promoted.port))
        await say(robin, "After.", facilitator)
        assert not [event for event in [*facilitator.seen, *robin.seen] if event["event"] == "gap"]
