"""The closed list of names by which clients may ask for the relay, and of web origins."""

import pytest
from alcove_protocol.frames import Authenticate, Authenticated, Done, OpenRoom, RequestRefused
from alcove_protocol.labels import Label
from alcove_server.net.authorities import Authorities, listened_at

from tests.server.keys import Facilitated, answer, sign
from tests.server.sockets import serving

ORIGINS = ("https://relay.example", "http://abc.onion:8080", "https://[2001:db8::1]")

SAME = {
    "as it is written": "relay.example",
    "capitals": "RELAY.Example",
    "a dot at the end": "relay.example.",
    "the default port": "relay.example:443",
    "the default port with zeros": "relay.example:0443",
    "capitals, dot and port": "Relay.EXAMPLE.:443",
    "a port of its own": "abc.onion:8080",
    "an address": "[2001:db8::1]",
    "an address in another form": "[2001:0DB8:0:0:0:0:0:1]:443",
}
OTHER = {
    "another name": "evil.example",
    "a part of the name": "example",
    "a longer name": "relay.example.evil.example",
    "the port of another scheme": "relay.example:80",
    "another port": "abc.onion",
    "two dots at the end": "relay.example..",
    "no address": "[2001:db8::g]",
    "another address": "[2001:db8::2]",
    "the address without its brackets": "2001:db8::1",
    "a port that is none": "relay.example:99999",
    "a user": "relay.example@evil.example",
    "nothing": "",
}


@pytest.mark.parametrize("host", SAME.values(), ids=SAME.keys())
def test_one_name_in_its_spellings(host: str) -> None:
    assert host in Authorities(ORIGINS)


@pytest.mark.parametrize("host", OTHER.values(), ids=OTHER.keys())
def test_other_names(host: str) -> None:
    assert host not in Authorities(ORIGINS)


@pytest.mark.parametrize(
    ("listens", "host", "holds"),
    [
        (("127.0.0.1", 8400, "http"), "localhost:8400", True),
        (("::1", 8400, "http"), "[::1]:8400", True),
        (("127.0.0.1", 80, "http"), "127.0.0.1", True),
        (("127.0.0.1", 8400, "http"), "127.0.0.1", False),
        (("192.0.2.7", 443, "https"), "192.0.2.7", True),
        (("192.0.2.7", 443, "https"), "localhost", False),
        (("0.0.0.0", 8400, "http"), "localhost:8400", False),
        (("::", 8400, "http"), "[::]:8400", False),
    ],
)
def test_the_names_of_the_address_that_is_listened_at(
    listens: tuple[str, int, str], host: str, holds: bool
) -> None:
    assert (host in Authorities(listened_at(*listens))) is holds


@pytest.mark.parametrize("origin", [(), ("https://relay.example",)])
async def test_a_client_of_another_name_is_refused_before_its_upgrade(
    origin: tuple[str, ...],
) -> None:
    """A page whose domain points here (DNS rebinding), and a false relay that passes all on."""
    async with serving(origin=origin) as running:
        for host in ("evil.example", "evil.example:443", "relay.example.evil"):
            for more in ((), (f"Origin: http://{host}",)):
                raw = await running.raw()
                status, _ = await raw.ask(running.upgrade(*more, host=host))
                assert status == 421
                await raw.ended()
                await raw.close()
        assert len(running.service.relay) == 0


async def test_a_client_of_each_name_authenticates_by_it() -> None:
    async with serving(origin=("https://relay.example", "http://abc.onion")) as running:
        for host in ("relay.example", "RELAY.example.:443", "abc.onion", running.host):
            raw = await running.raw()
            assert (await raw.ask(running.upgrade(host=host)))[0] == 101
            await raw.close()


@pytest.mark.parametrize(
    ("signed", "told"), [("relay.example", "done"), ("evil.example", "wrong_host")]
)
async def test_the_signed_host_is_one_of_the_names(signed: str, told: str) -> None:
    async with serving(origin=("https://relay.example",)) as running:
        client = await running.client()
        room = Facilitated(relay_key=client.key)
        first = room.chain[0]
        await client.ask(OpenRoom(client.next_n(), first.body, first.signature), Done)
        body = answer(client.key, room.id, "member", client.nonce, host=signed)
        said = sign(client.key, Label.CHALLENGE, body)
        frame = Authenticate(client.next_n(), said.body, said.signature, None, None)
        if told == "done":
            await client.ask(frame, Authenticated)
        else:
            assert (await client.ask(frame, RequestRefused)).code == told


async def test_web_origins_that_may_connect_have_a_list_of_their_own() -> None:
    async with serving(
        origin=("https://relay.example",), web_origin=("https://Chat.test:443",)
    ) as running:
        statuses = {}
        for origin in (
            "https://chat.test",
            "https://chat.test:443",
            "https://relay.example",
            f"http://{running.host}",
            "http://chat.test",
            "https://chat.test.evil",
            "https://chat.test/",
            "null",
            "http://[",
        ):
            raw = await running.raw()
            statuses[origin] = (await raw.ask(running.upgrade(f"Origin: {origin}")))[0]
            await raw.close()
    allowed = {origin for origin, status in statuses.items() if status == 101}
    assert allowed == {"https://chat.test"}
    assert {statuses[origin] for origin in statuses.keys() - allowed} == {403}
