"""What an operator reads when a store cannot be reached: the cause, and nothing of the address."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import hiredis
import pytest
from alcove_protocol import limits
from alcove_server.store.redis import line, topology
from alcove_server.store.redis.errors import TooFewReplicas
from alcove_server.store.redis.fitness import check
from alcove_server.store.redis.reasons import CLOSED, LOGIN, RIGHTS, SILENT, reason_of
from alcove_server.store.redis.sentinels import primary_of
from alcove_server.store.values import UnfitStore
from alcove_server.store_address import Address, parse

from tests.certificates import Certificates, make
from tests.redis_store.groups import Group, Standalone, until_said
from tests.redis_store.node import Node
from tests.redis_store.over_tls import settings, works
from tests.redis_store.server import RedisServer, free_ports, until

BYTES = 512 * limits.MIB


def with_certificate(url: str, own: Certificates) -> Address:
    return replace(parse(url), certificate=str(own.certificate), key=str(own.key))


async def refusal(url: str, own: Certificates | None = None) -> str:
    """The cause in the sentence with which a relay does not start."""
    address = parse(url) if own is None else with_certificate(url, own)
    with pytest.raises(UnfitStore) as unfit:
        await check(address, 0, BYTES)
    said = str(unfit.value)
    assert "127.0.0.1" not in said
    assert "secret" not in said
    return said.removeprefix("Redis cannot be reached or does not let the relay in: ")


async def test_what_does_not_listen_or_has_no_name() -> None:
    (nobody,) = free_ports(1)
    assert await refusal(f"redis://127.0.0.1:{nobody}") == "nothing listens there"
    said = await refusal(f"redis+sentinel://127.0.0.1:{nobody}/alcove")
    assert said == "no Sentinel answers: nothing listens there"
    assert await refusal(f"redis+cluster://127.0.0.1:{nobody}") == "nothing listens there"
    assert await refusal("redis://nobody.invalid") == "its name cannot be resolved"


async def test_a_name_with_several_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """As localhost often has. asyncio raises one error for all of them, without a number."""
    (nobody,) = free_ports(1)

    async def addresses(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, nobody))
            for host in ("127.0.0.1", "127.0.0.2")
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", addresses)
    assert await refusal(f"redis://both:{nobody}") == "nothing listens there"
    assert await refusal(f"redis+cluster://both:{nobody}") == "nothing listens there"


async def test_a_wrong_login_and_missing_rights(alone: Standalone) -> None:
    port = alone.server.port
    assert await refusal(f"redis://nobody:secret@127.0.0.1:{port}") == LOGIN
    await alone.server.ask("ACL", "SETUSER", "shy", "on", ">secret", "~*", "&*", "-@all", "+auth")
    assert await refusal(f"redis://shy:secret@127.0.0.1:{port}") == RIGHTS


async def test_one_side_speaks_tls_and_the_other_does_not(
    alone: Standalone, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    assert await refusal(f"rediss://127.0.0.1:{alone.server.port}") == SILENT
    async with Standalone(tmp_path / "redis", **settings(make(tmp_path), port)):
        assert await refusal(f"redis://127.0.0.1:{port}") == CLOSED


@pytest.mark.parametrize(
    ("address", "ends", "trusted", "said"),
    [
        ("127.0.0.1", -1.0, True, "its certificate has expired"),
        ("192.0.2.1", 24.0, True, "its certificate is for another address"),
        ("127.0.0.1", 24.0, False, "its certificate is of no authority that is trusted here"),
    ],
)
async def test_a_certificate_that_is_not_good(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    ends: float,
    trusted: bool,
    said: str,
) -> None:
    certificates = make(tmp_path, address=address, ends=ends)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    (port,) = free_ports(1)
    async with Standalone(tmp_path / "redis", **settings(certificates, port)):
        assert (await refusal(f"rediss://127.0.0.1:{port}")).startswith(said)


async def test_a_server_that_asks_the_relay_for_a_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As Redis does unless it is told otherwise."""
    certificates = make(tmp_path)
    (tmp_path / "other").mkdir()
    stranger = make(tmp_path / "other")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    port, watching = free_ports(2)
    asking = {"tls-auth-clients": "yes"}
    one = Standalone(tmp_path / "redis", **settings(certificates, port) | asking)
    sentinel = RedisServer.sentinel(
        tmp_path / "sentinel",
        free_ports(1)[0],
        [
            *(settings(certificates, watching) | asking).items(),
            ("tls-replication", "yes"),
            ("sentinel monitor", f"alcove 127.0.0.1 {port} 1"),
        ],
    )
    async with Group([*one.servers, sentinel]):
        await until_said(sentinel, "INFO sentinel", b"status=ok,")
        for url in (
            f"rediss://127.0.0.1:{port}",
            f"rediss+sentinel://127.0.0.1:{watching}/alcove",
        ):
            assert "it asks for a certificate of the relay" in await refusal(url)
            said = await refusal(url, stranger)
            # The connection may be over before the relay has read why.
            assert any(words in said for words in ("it refuses the relay's certificate", CLOSED))
            caplog.clear()
            lost = Node(with_certificate(url, stranger))
            assert await lost.refusal() == "unavailable"
            named = "it refuses the relay's certificate", "no Sentinel names a primary", CLOSED
            assert any(words in caplog.text for words in named)
            await lost.close()
            at = with_certificate(url, certificates)
            await check(at, 0, BYTES)
            await works(at)


async def test_the_log_says_each_reason_once_until_redis_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    user = ("ACL", "SETUSER", "ann", "on", ">secret", "~*", "&*", "+@all")

    async def logged(words: str) -> None:
        async def said() -> bool:
            return words in caplog.text

        await until(said)

    async with Standalone(tmp_path) as one:
        await one.server.ask(*user)
        node = Node(f"redis://ann:secret@127.0.0.1:{one.server.port}")
        await node.open()
        with caplog.at_level(logging.INFO):
            await one.server.kill()
            await logged("nothing listens there")
            await one.server.start()  # it has forgotten the user
            await logged(LOGIN)
            await one.server.ask(*user)
            await logged("Redis is reached again")
        assert caplog.text.count("nothing listens there") == 1
        assert caplog.text.count(LOGIN) == 1
        assert "secret" not in caplog.text
        await node.close()


async def test_a_line_comes_back_from_what_uvloop_says_of_tls(
    alone: Standalone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection over TLS that goes while redis-py uses it is a `RuntimeError` there."""
    node, asked = Node(alone.url), 0
    await node.open()

    async def once(address: Address) -> tuple[str, int]:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise RuntimeError("the handler is closed")
        return await primary_of(address)

    async def is_back() -> bool:
        return asked > 1

    monkeypatch.setattr(line, "primary_of", once)
    await alone.server.ask("CLIENT", "KILL", "SKIPME", "yes")
    await until(is_back)  # and nothing is sent meanwhile
    await node.close()


async def test_a_cluster_asks_the_next_server_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(address: Address, host: str, port: int) -> topology.Topology:
        if host == "one":
            raise RuntimeError("the handler is closed")
        return topology.Topology({})

    monkeypatch.setattr(topology, "_ask", ask)
    found = await topology.topology_of(parse("rediss+cluster://one,two"), ())
    assert found == topology.Topology({})


def test_what_a_log_says_of_a_lost_line() -> None:
    assert reason_of(hiredis.ReplyError("WRONGPASS invalid secret")) == LOGIN
    assert reason_of(hiredis.ReplyError("NOPERM User secret has no")) == RIGHTS
    assert reason_of(hiredis.ReplyError("READONLY You can't")) == "READONLY"
    assert reason_of(TooFewReplicas("0 of 2")) == "0 of 2"
    assert reason_of(ConnectionResetError(104, "secret")) == CLOSED
    assert reason_of(TimeoutError()) == SILENT
    assert reason_of(OSError(113, "No route to secret")) == "No route to host"
    both = "Multiple exceptions: [Errno 101] secret, [Errno 111] secret, [Errno 111] secret"
    assert reason_of(OSError(both)) == "Network is unreachable, nothing listens there"
    assert reason_of(OSError("secret")) == "OSError"
    assert reason_of(ssl.SSLError(1, "secret")) == CLOSED
    assert reason_of(ValueError("secret")) == "ValueError"
