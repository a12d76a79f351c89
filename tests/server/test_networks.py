"""Addresses of clients in one spelling each, and the address that a trusted proxy names."""

import logging
from contextlib import AbstractAsyncContextManager

import pytest
from alcove_server.net.request_head import BadRequest
from alcove_server.networks import Networks, parse_address, parse_network
from alcove_server.testing.embedded import ManualClock

from tests.server.sockets import Running, serving
from tests.server.test_admission import admission


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("127.0.0.1", "127.0.0.1/32"),
        ("::ffff:127.0.0.1", "127.0.0.1/32"),
        ("::ffff:7f00:1", "127.0.0.1/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("0:0:0:0:0:0:0:1", "::1/128"),
        ("2001:DB8::/32", "2001:db8::/32"),
    ],
)
def test_a_network_has_one_spelling(text: str, same: str) -> None:
    assert str(parse_network(text)) == same


@pytest.mark.parametrize(
    "text", ["", "notanip", "localhost", "10.0.0.1/8", "10.0.0.0/33", "127.0.0.1:80", "[::1]"]
)
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(ValueError):
        parse_network(text)


@pytest.mark.parametrize(
    ("address", "holds"),
    [
        ("127.0.0.1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.9.9.9", True),
        ("10.9.9.9", True),
        ("11.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", True),
        ("", False),
    ],
)
def test_an_address_of_a_network(address: str, holds: bool) -> None:
    networks = Networks(["::ffff:127.0.0.1", "10.0.0.0/8", "fe80::/10"])
    assert (parse_address(address) in networks) is holds


def test_a_client_of_a_listener_for_both_versions_is_of_the_shared_class() -> None:
    at = admission(ManualClock())  # 127.0.0.1 is shared: half of ten places, where others have 3
    for _ in range(5):
        at.enter("::ffff:127.0.0.1")
    with pytest.raises(BadRequest):
        at.enter("127.0.0.1")


# --- a trusted proxy --------------------------------------------------------------------------


def behind_a_proxy() -> AbstractAsyncContextManager[Running]:
    return serving(trusted_proxy=("127.0.0.0/8",), shared_address=(), connections_per_prefix=2)


async def asked(running: Running, *more: str) -> int:
    """The status of an upgrade, whose connection stays."""
    raw = await running.raw()
    return (await raw.ask(running.upgrade(*more)))[0]


async def test_each_client_behind_a_trusted_proxy_has_the_places_of_its_own_prefix() -> None:
    async with behind_a_proxy() as running:
        for last in (1, 2):
            assert await asked(running, f"X-Real-IP: 192.0.2.{last}") == 101
        assert await asked(running, "X-Real-IP: 192.0.2.3") == 429
        assert await asked(running, "X-Real-IP: ::ffff:192.0.2.3") == 429
        assert await asked(running, "X-Real-IP: 2001:db8::1") == 101
        assert running.service.admission.connections == 3


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("X-Real-IP: unknown",),
        ("X-Real-IP:",),
        ("X-Real-IP: 192.0.2.1, 198.51.100.1",),
        ("X-Real-IP: 192.0.2.1:4711",),
        ("X-Real-IP: 192.0.2.1", "X-Real-IP: 198.51.100.1"),
        ("X-Forwarded-For: 192.0.2.1",),
    ],
)
async def test_a_proxy_that_names_no_address_or_two_is_refused(more: tuple[str, ...]) -> None:
    async with behind_a_proxy() as running:
        assert await asked(running, *more) == 400


async def test_a_client_that_is_no_proxy_cannot_name_an_address() -> None:
    async with serving(trusted_proxy=("192.0.2.9",)) as running:
        assert await asked(running, "X-Real-IP: 198.51.100.1") == 400
        assert await asked(running) == 101


async def test_without_a_trusted_proxy_no_header_names_an_address() -> None:
    async with serving(shared_address=(), connections_per_prefix=2) as running:
        statuses = [
            await asked(running, f"X-Real-IP: 10.{n}.1.1", f"X-Forwarded-For: 10.{n}.1.1")
            for n in range(3)
        ]
        assert statuses == [101, 101, 429]


async def test_a_named_address_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with behind_a_proxy() as running:
        for _ in range(3):
            await asked(running, "X-Real-IP: 192.0.2.77")
        await asked(running, "X-Real-IP: canary")
        running.service.refusal_log.write()
    assert "http 400 1, http 429 1" in caplog.text
    assert "192.0.2" not in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    "first",
    [
        b"PROXY TCP4 192.0.2.1 127.0.0.1 4711 443\r\n",
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12),
    ],
    ids=["version 1", "version 2"],
)
async def test_the_proxy_protocol_names_nobody(first: bytes) -> None:
    async with behind_a_proxy() as running:
        raw = await running.raw()
        raw.send(first + running.upgrade().encode())
        assert (await raw.answer())[0] == 400
