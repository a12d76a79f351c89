"""`rediss+cluster://`: every server is asked over TLS, with its certificate checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from alcove_protocol import limits
from alcove_server.store.redis.fitness import check
from alcove_server.store.values import UnfitStore
from alcove_server.store_address import parse

from tests.certificates import make
from tests.redis_store.groups import SLOTS, Group, until_said
from tests.redis_store.node import Node, id_of
from tests.redis_store.server import RedisServer, free_ports


async def test_a_cluster_over_tls_checks_the_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = make(tmp_path)
    plain, port = free_ports(2, highest=55_535)
    one = RedisServer.database(
        tmp_path / "one",
        plain,
        tls_port=str(port),
        tls_cert_file=str(certificates.certificate),
        tls_key_file=str(certificates.key),
        tls_ca_cert_file=str(certificates.ca),
        tls_auth_clients="no",
        tls_cluster="yes",
        cluster_enabled="yes",
        cluster_require_full_coverage="no",
        cluster_allow_replica_migration="no",
    )
    async with Group([one]):
        await one.ask("CLUSTER", "ADDSLOTSRANGE", "0", str(SLOTS - 1))
        await until_said(one, "CLUSTER INFO", b"cluster_state:ok")
        url = f"rediss+cluster://127.0.0.1:{port}"
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
