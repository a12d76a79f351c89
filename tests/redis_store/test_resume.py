"""`alcove resume -`, over a real relay with its rooms on Redis."""

from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.cli.resuming import a_participant_is_back, the_only_facilitator_is_back
from tests.redis_store.groups import Standalone


async def test_a_participant_that_was_killed_is_back_by_its_ticket(alone: Standalone) -> None:
    async with RelayProcess("--store", alone.url) as relay:
        seconds = await a_participant_is_back(relay)
    print(f"a participant was back after {seconds:.1f} s")


async def test_the_only_facilitator_that_was_killed_is_back_by_its_ticket(
    alone: Standalone,
) -> None:
    async with RelayProcess("--store", alone.url) as relay:
        seconds = await the_only_facilitator_is_back(relay)
    print(f"the only facilitator was back after {seconds:.1f} s")
