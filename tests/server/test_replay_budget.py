"""Logs are told in turns of the loop, however many ask for them together."""

import asyncio

from alcove_protocol.frames import BlobIs, Resume
from alcove_server.rooms.replay_budget import AT_ONCE
from alcove_server.store.budget import PAGE_BLOBS

from tests.server.scene import Person
from tests.server.waiting import Waited

BLOBS = 3000


def waits(person: Person) -> bool:
    assert person.link.session is not None
    return person.link.session.client.resumption is not None


async def test_members_that_resume_together_share_a_bound_in_each_turn() -> None:
    scene = Waited(slow=False)
    door = scene.put_door()
    people = [scene.host, *[scene.member(door) for _ in range(4)]]
    await scene.elsewhere(BLOBS, 1)
    budget, turns = scene.relay.relay.rooms.replay_budget, [0]
    real = budget.read

    def counted(count: int, size: int) -> None:
        turns[-1] += count
        real(count, size)

    budget.read = counted  # type: ignore[method-assign]  # a stand-in
    for one in people:
        one.fetch()
        one.send(Resume(77, bytes(16), 0))
    while any(waits(one) for one in people):
        await asyncio.sleep(0)
        turns.append(0)
    told = [sum(isinstance(frame, BlobIs) for frame in one.fetch()) for one in people]
    assert min(told) >= BLOBS
    assert sum(turns) >= BLOBS * len(people)
    assert max(turns) <= AT_ONCE + PAGE_BLOBS
