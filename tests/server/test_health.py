"""Health: live, ready and full are three things. A full relay is told so, and is healthy."""

from alcove_protocol.frames import Bye
from alcove_server.net.entrance import RESERVED
from alcove_server.net.front_door import TURNED_AWAY_SECONDS

from tests.server.sockets import serving


async def test_health_is_answered_when_members_have_all_places() -> None:
    async with serving(connections=2, connections_per_prefix=2) as running:
        members = [await running.client() for _ in range(2)]
        for member in members:
            await member.open()
        for _ in range(2 * RESERVED):  # each reserved place is given back
            assert await running.get("/healthz") == (200, b"ok")
        assert await running.get("/readyz") == (200, b"ok")
        assert await running.get("/capacity") == (503, b"full")
        assert (await running.get("/join"))[0] == 503
        await running.time.advance(1)
        assert await running.get("/healthz") == (200, b"ok")


async def test_health_is_answered_when_members_have_all_places_of_the_prefix() -> None:
    async with serving(connections_per_prefix=1, shared_address=()) as running:
        await (await running.client()).open()
        assert await running.get("/healthz") == (200, b"ok")
        assert await running.get("/capacity") == (200, b"ok")
        assert (await running.get("/join"))[0] == 429


async def test_a_connection_without_a_place_that_asks_nothing_is_told_so_in_time() -> None:
    async with serving(connections=1, connections_per_prefix=1) as running:
        await (await running.client()).open()
        silent = [await running.raw() for _ in range(RESERVED)]
        late = await running.raw()
        # The reserved places are taken, so this one is not waited for.
        assert (await late.answer())[0] == 503
        await running.time.advance(TURNED_AWAY_SECONDS)
        for one in silent:
            assert (await one.answer())[0] == 503
        assert await running.get("/healthz") == (200, b"ok")


async def test_draining_is_visible_at_the_port_of_clients() -> None:
    async with serving(auth_seconds=60) as running:
        client = await running.client()
        await client.open()
        client.socket.transport.pause_reading()  # it is slow to leave
        running.service.stop()
        while not running.service.relay.draining:
            assert (await running.get("/healthz"))[0] == 200
        assert await running.get("/readyz") == (503, b"draining")
        assert await running.get("/healthz") == (200, b"ok")
        raw = await running.raw()
        assert (await raw.ask(running.upgrade()))[0] == 503
        await raw.close()
        client.socket.transport.resume_reading()
        assert (await client.until(Bye)).code == "draining"


async def test_a_port_of_its_own_for_health() -> None:
    async with serving(
        connections=1, connections_per_prefix=1, management="127.0.0.1:0"
    ) as running:
        health = running.health
        assert health is not None
        assert await health.get("/capacity") == (200, b"ok")
        client = await running.client()
        await client.open()
        assert await health.get("/healthz") == (200, b"ok")
        assert await health.get("/readyz") == (200, b"ok")
        assert await health.get("/capacity") == (503, b"full")
        for path in ("/join", "/v1/connect", "/"):
            assert (await health.get(path))[0] == 404
        raw = await health.raw()
        assert (await raw.ask(running.upgrade()))[0] == 404
        await raw.close()
        client.socket.transport.pause_reading()
        running.service.stop()
        while not running.service.relay.draining:
            await health.get("/healthz")
        assert await health.get("/readyz") == (503, b"draining")
        assert await health.get("/healthz") == (200, b"ok")
        client.socket.transport.resume_reading()


async def test_with_a_port_of_its_own_clients_do_not_reach_health() -> None:
    async with serving(management="127.0.0.1:0") as running:
        for path in ("/healthz", "/readyz", "/capacity"):
            assert (await running.get(path))[0] == 404
        assert (await running.get("/join"))[0] == 200


async def test_an_idle_monitor_is_cut_off_and_holds_up_no_end() -> None:
    async with serving(management="127.0.0.1:0", auth_seconds=10) as running:
        assert running.health is not None
        idle = await running.health.raw()
        assert await running.health.get("/healthz") == (200, b"ok")
        await running.time.advance(10)
        assert await idle.ended() == b""
        await running.health.raw()
