"""A store over TLS: `rediss://` and `rediss+sentinel://`, with the certificate checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from alcove_protocol import limits
from alcove_server.store.redis.fitness import check
from alcove_server.store.values import UnfitStore
from alcove_server.store_address import parse

from tests.certificates import Certificates, make
from tests.redis_store.groups import Group, Standalone, until_said
from tests.redis_store.node import Node, id_of
from tests.redis_store.server import RedisServer, free_ports


def settings(certificates: Certificates, port: int) -> dict[str, str]:
    return {
        "tls-port": str(port),
        "tls-cert-file": str(certificates.certificate),
        "tls-key-file": str(certificates.key),
        "tls-ca-cert-file": str(certificates.ca),
        "tls-auth-clients": "no",
    }


async def test_a_store_over_tls_checks_the_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = make(tmp_path)
    (port,) = free_ports(1)
    async with Standalone(tmp_path / "redis", **settings(certificates, port)):
        url = f"rediss://127.0.0.1:{port}"
        stranger = Node(url)
        assert await stranger.refusal() == "unavailable"
        with pytest.raises(UnfitStore):
            await check(parse(url), 0, limits.MIB)
        await stranger.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
        await check(parse(url), 0, limits.MIB)
        node = Node(url)
        await node.open()
        assert (await node.publish(id_of(1))).number == 1
        await node.close()


async def test_sentinels_are_asked_over_tls_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = make(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    at, watching, watching_tls = free_ports(3)
    one = Standalone(tmp_path / "redis", **settings(certificates, at))
    sentinel = RedisServer.sentinel(
        tmp_path / "sentinel",
        watching,
        [
            *settings(certificates, watching_tls).items(),
            ("tls-replication", "yes"),
            ("sentinel monitor", f"alcove 127.0.0.1 {at} 1"),
        ],
    )
    async with Group([*one.servers, sentinel]):
        await until_said(sentinel, "INFO sentinel", b"status=ok,")
        node = Node(f"rediss+sentinel://127.0.0.1:{watching_tls}/alcove")
        await node.open()
        assert (await node.publish(id_of(1))).number == 1
        await node.close()
        plain = Node(f"redis+sentinel://127.0.0.1:{watching_tls}/alcove")
        assert await plain.refusal() == "unavailable"
        await plain.close()
