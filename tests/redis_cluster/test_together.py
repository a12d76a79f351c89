"""Real command lines over a relay on a Cluster: their slot moves, and their primary dies."""

from __future__ import annotations

from pathlib import Path

from alcove_protocol.invite import Invite
from alcove_server.store.redis.records import tag_of
from alcove_server.store.redis.topology import slot_of

from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.cli.test_together import knocking, let_in, mara, say
from tests.redis_store.groups import Cluster


async def test_members_hear_no_gap_when_a_slot_moves_and_a_primary_dies(tmp_path: Path) -> None:
    async with (
        Cluster(tmp_path) as cluster,
        RelayProcess("--store", cluster.url, "--store-replicas", "1") as relay,
        mara(relay) as (facilitator, invite),
        knocking(invite, "Robin") as robin,
    ):
        await robin.until("waiting")
        await let_in(facilitator, robin, "Robin")
        await say(facilitator, "Before.", robin)
        slot = slot_of(tag_of(Invite.parse(invite).room))
        source = await cluster.primary_of(slot)
        target = next(server for server in cluster.servers[:3] if server is not source)
        await cluster.begin_move(slot, source, target)
        await facilitator.do("send", text="Meanwhile.", ref="meanwhile")
        await cluster.end_move(slot, source, target)
        await robin.until("message", text="Meanwhile.")
        await say(robin, "After the move.", facilitator)
        (replica,) = await cluster.replicas_of(target)
        await target.kill()
        assert await cluster.primary_of(slot) is replica
        await target.start()
        await say(facilitator, "After the failover.", robin)
        assert not [event for event in [*facilitator.seen, *robin.seen] if event["event"] == "gap"]
