"""Members with the real SDK on two relays, through the death of a relay and a failover."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import alcove

from tests.client_sdk.cli.relay import RelayProcess
from tests.redis_store.faults.kinds import follow
from tests.redis_store.groups import WithSentinel
from tests.redis_store.talking import conversation


def nothing(_: alcove.Event) -> bool:
    return False


async def test_members_have_one_log_and_one_epoch_through_faults(tmp_path: Path) -> None:
    """While a relay is dead one is admitted, and while the primary is, one is removed."""
    async with WithSentinel(tmp_path, down_after=1_000) as group:
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
                one_process = one.pid
                import os

                os.kill(one_process, signal.SIGSTOP)
                await asyncio.sleep(1.0)
                os.kill(one_process, signal.SIGCONT)
                await room.until_sent(3)
            await room.at_rest()
            assert room.faults([ann, bob, cleo], nothing) == []
            assert ann.epoch >= started + 2
            assert [one.name for one in ann.room.members] == ["Ann", "Bob", "Cleo", "Eve"]
