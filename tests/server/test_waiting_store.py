"""The relay waits for its store, as for one on another machine, and other clients act meanwhile."""

import asyncio

from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    Bye,
    LobbyItem,
    Published,
    RequestRefused,
    Resume,
    Resumed,
)
from alcove_server.ports.outlet import Close

from tests.server.waiting import STEPS, TURNS, Waited, turns


@STEPS
async def test_an_outlet_that_drains_during_a_read_starts_no_second_replay(step: int) -> None:
    scene = Waited()
    await scene.elsewhere(30)
    scene.host.send(Resume(77, bytes(16), 0))
    await turns(step)
    scene.session.drained()
    await turns(100)
    assert [number for _, number in scene.told()] == list(range(1, 31))


@STEPS
async def test_a_client_that_resumes_again_while_a_page_is_read_hears_all_once(step: int) -> None:
    scene = Waited()
    await scene.elsewhere(10)
    scene.host.link.blocked = True
    scene.host.send(Resume(77, bytes(16), 0))
    await turns(60)
    scene.host.fetch()
    scene.session.drained()
    scene.host.link.blocked = False
    await turns(step % 7)
    scene.host.send(Resume(78, bytes(16), 0))
    await turns(step)
    scene.session.drained()
    await turns(100)
    assert [number for _, number in scene.told()] == list(range(1, 11))


@STEPS
async def test_a_publish_while_the_room_reads_is_answered_in_its_place(step: int) -> None:
    scene = Waited()
    await scene.elsewhere()
    reading = asyncio.create_task(scene.ring())
    await turns(step)
    scene.host.send(scene.host.blob(b"mine", BlobClass.BEAT))
    await turns(150)
    await reading
    assert scene.told() == [(BlobIs, 1), (Published, 2)]
    assert not scene.session.client.answers


@STEPS
async def test_a_publish_that_expires_while_the_room_reads_is_answered(step: int) -> None:
    scene = Waited()
    await scene.elsewhere()
    reading = asyncio.create_task(scene.ring())
    scene.host.send(scene.host.blob(b"mine", BlobClass.BEAT, ttl=10, base=scene.base))
    await turns(step)
    scene.clock.advance(10)
    await turns(150)
    await reading
    assert scene.told() == [(BlobIs, 1), (Published, 2)]
    assert not scene.session.client.answers


@STEPS
async def test_a_publish_in_the_middle_of_a_replay_is_answered_once(step: int) -> None:
    scene = Waited()
    await scene.elsewhere(10)
    scene.host.link.blocked = True
    scene.host.send(Resume(77, bytes(16), 0))
    await turns(60)
    told = scene.told()
    scene.host.link.blocked = False
    scene.session.drained()
    await turns(step)
    scene.host.send(scene.host.blob(b"mine", BlobClass.BEAT))
    await turns(150)
    told += scene.told()
    assert told == [*((BlobIs, number) for number in range(1, 11)), (Published, 11)]


async def test_a_reader_that_fails_leaves_the_rest_to_the_next() -> None:
    scene = Waited()
    await scene.elsewhere()
    rings = [asyncio.create_task(scene.ring()) for _ in range(3)]
    scene.store.fails = True
    await turns(TURNS + 2)
    scene.store.fails = False
    failed, *rest = await asyncio.gather(*rings, return_exceptions=True)
    assert isinstance(failed, OSError)
    assert rest == [None, None]
    await turns(2)
    assert scene.told() == [(BlobIs, 1)]


@STEPS
async def test_an_item_that_comes_while_the_lobby_is_read_is_told_once(step: int) -> None:
    scene = Waited()
    ids = [await scene.request() for _ in range(3)]
    scene.host.send(Resume(77, bytes(16), 0))
    for _ in range(2):
        await turns(step)
        ids.append(await scene.request())
        await scene.ring()
    await turns(100)
    items = [frame.id for frame in scene.host.fetch() if isinstance(frame, LobbyItem)]
    assert items == ids


@STEPS
async def test_a_resume_whose_store_fails_is_answered_once_and_leaves_no_client_deaf(
    step: int,
) -> None:
    scene = Waited()
    await scene.elsewhere(30)
    scene.host.fetch()
    scene.host.send(Resume(77, bytes(16), 0))
    await turns(step)
    scene.store.fails = True
    await turns(200)
    heard = scene.host.fetch()
    answers = [frame for frame in heard if isinstance(frame, Resumed | RequestRefused)]
    assert [answer.n for answer in answers] == [77]
    deaf = isinstance(answers[0], Resumed) and scene.session.client.resumption is not None
    if scene.host.link.closed is not None:
        assert scene.host.link.closed == Close.TRY_AGAIN
        assert isinstance(heard[-1], Bye)
        assert heard[-1].code == "unavailable"
    else:
        assert not deaf
