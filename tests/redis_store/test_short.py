"""A replica hangs: nothing is told, clients are sent away for a while, and nothing is lost."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import alcove
import pytest
from alcove import shell
from alcove_server.ports import services
from alcove_server.store.redis import calls, records, wire
from alcove_server.store.redis.store import RedisStore

from tests.client_sdk.waiting import until as event
from tests.redis_store.groups import Pair
from tests.redis_store.relay import relay, two
from tests.redis_store.server import until


@pytest.fixture
async def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    monkeypatch.setattr(wire, "PATIENCE", 0.5)
    monkeypatch.setattr(calls, "READY_SECONDS", 0.5)
    monkeypatch.setattr(services, "AWAY_SECONDS", 1)
    async with Pair(tmp_path) as pair:
        yield pair


async def connection(room: alcove.Room, state: alcove.ConnectionState) -> None:
    while (await event(room, alcove.ConnectionChanged)).state is not state:
        pass


async def test_members_are_sent_away_and_go_on_where_they_were(pair: Pair) -> None:
    async with relay(pair.url, 1) as node, two(node) as (ann, bob):
        pair.two.signal(signal.SIGSTOP)
        result = await bob.send("Said while nobody could promise it.")
        assert isinstance(result, alcove.Queued)
        for room in (ann, bob):
            await connection(room, alcove.ConnectionState.RECONNECTING)
        assert not await node.service.store.ready()
        pair.two.signal(signal.SIGCONT)
        heard = []
        async with asyncio.timeout(60):
            async for one in ann:
                heard.append(one)
                if isinstance(one, alcove.Message):
                    break
        await bob.send("Said afterwards.")
        async with asyncio.timeout(60):
            async for one in ann:
                heard.append(one)
                if isinstance(one, alcove.Message) and one.text == "Said afterwards.":
                    break
        texts = [one.text for one in heard if isinstance(one, alcove.Message)]
        assert texts == ["Said while nobody could promise it.", "Said afterwards."]
        assert not [one for one in heard if isinstance(one, alcove.Gap)]


async def test_a_command_ends_and_still_happens(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with relay(pair.url, 1) as node, two(node) as (ann, bob):
        pair.two.signal(signal.SIGSTOP)
        monkeypatch.setattr(shell, "COMMAND_PATIENCE", 0.5)
        with pytest.raises(alcove.NotNow) as caught:
            await ann.remove("Bob")
        assert caught.value.code == "unavailable"
        assert "may still happen" in caught.value.text
        assert len(bob.members) == 2  # it was told nowhere
        pair.two.signal(signal.SIGCONT)
        assert (await event(bob, alcove.Closed)).reason is alcove.CloseReason.REMOVED
        await event(ann, alcove.Removed)
        assert [member.name for member in ann.members] == ["Ann"]


async def test_a_node_that_stops_answers_first(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PATIENCE", 30.0)
    async with relay(pair.url, 1) as node, two(node) as (_, bob):
        pair.two.signal(signal.SIGSTOP)
        sending = asyncio.create_task(bob.send("Before the end."))

        async def written() -> bool:
            return any(client.answers.expecting for client in node.service.relay._clients)

        await until(written)
        node.service.stop()

        async def draining() -> bool:
            return node.service.relay.draining

        await until(draining)
        assert not sending.done()
        pair.two.signal(signal.SIGCONT)
        assert isinstance(await sending, alcove.Sent)  # and not `Queued`, as without an answer


async def test_rooms_are_held_after_their_clients_were_sent_away(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with relay(pair.url, 1) as node, two(node):
        pair.two.signal(signal.SIGSTOP)

        async def all_gone() -> bool:
            return not node.service.relay.rooms.loaded

        await node.service.store.ready()
        await until(all_gone)
        store = node.service.store
        assert isinstance(store, RedisStore)
        (left,) = store._watching._left
        store.unwatch(store._watching._watched[left])  # as a minute after the last client
        meta = (left + records.META).decode()  # other keys of the room end in any byte
        assert await pair.one.ask("PEXPIRE", meta, "60000") == b":1\r\n"
        line = store._calls.lines.line_of(left)
        assert line is not None
        line._held = None  # it was held before

        async def held() -> bool:
            return int((await pair.one.ask("PTTL", meta))[1:]) > 60_000

        await until(held)
        pair.two.signal(signal.SIGCONT)
