"""Members with the real SDK on two relays, through the death of a relay and a failover."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from tests.client_sdk.cli.relay import RelayProcess
from tests.redis_store.faults.kinds import follow
from tests.redis_store.groups import WithSentinel
from tests.redis_store.talking import conversation


async def test_members_have_one_log_and_one_epoch_through_faults(tmp_path: Path) -> None:
    """While a relay is dead a newcomer is admitted, and while the primary is, a member is removed.
    Then the facilitator's relay is held, and the others talk."""
    async with WithSentinel(tmp_path) as group:
        store = ("--store", group.url, "--store-replicas", "2")
        async with (
            RelayProcess(*store) as one,
            RelayProcess(*store) as other,
            conversation([one.url, other.url], ["Bob", "Cleo", "Dan"]) as room,
        ):
            ann, bob, cleo, dan = room.members
            started = ann.epoch
            async with room.talk():
                await room.until_sent(3)
                await other.kill()
                admitting = asyncio.create_task(room.admit("Eve"))
                await other.start()
                await admitting
                await room.until_sent(3)
                primary = await group.primary()
                await primary.kill()
                removing = asyncio.create_task(room.remove(dan))
                promoted = await group.next_primary()
                await primary.start()
                await follow(group, promoted)
                await removing
                await room.until_sent(3)
                os.kill(one.pid, signal.SIGSTOP)
                await room.until_sent(3, [bob])
                os.kill(one.pid, signal.SIGCONT)
                await room.until_sent(3)
            await room.at_rest()
            assert room.faults([ann, bob, cleo]) == []
            assert ann.epoch >= started + 2
            assert [one.name for one in ann.room.members] == ["Ann", "Bob", "Cleo", "Eve"]
