"""A store over TLS: `rediss://` and `rediss+sentinel://`, with the certificate checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certificates import make
from tests.redis_store.groups import Group, Standalone, until_said
from tests.redis_store.node import Node
from tests.redis_store.over_tls import checks_the_certificate, settings, works
from tests.redis_store.server import RedisServer, free_ports


async def test_a_store_over_tls_checks_the_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = make(tmp_path)
    (port,) = free_ports(1)
    async with Standalone(tmp_path / "redis", **settings(certificates, port)):
        await checks_the_certificate(f"rediss://127.0.0.1:{port}", certificates, monkeypatch)


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
        await works(f"rediss+sentinel://127.0.0.1:{watching_tls}/alcove")
        plain = Node(f"redis+sentinel://127.0.0.1:{watching_tls}/alcove")
        assert await plain.refusal() == "unavailable"
        await plain.close()
