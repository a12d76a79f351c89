"""`rediss+cluster://`: every server is asked over TLS, with its certificate checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certificates import make
from tests.redis_store.groups import SLOTS, Group, until_said
from tests.redis_store.over_tls import checks_the_certificate, settings
from tests.redis_store.server import RedisServer, free_ports


async def test_a_cluster_over_tls_checks_the_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = make(tmp_path)
    plain, port = free_ports(2, highest=55_535)
    one = RedisServer.database(
        tmp_path / "one",
        plain,
        **settings(certificates, port),
        tls_cluster="yes",
        cluster_enabled="yes",
        cluster_require_full_coverage="no",
        cluster_allow_replica_migration="no",
    )
    async with Group([one]):
        await one.ask("CLUSTER", "ADDSLOTSRANGE", "0", str(SLOTS - 1))
        await until_said(one, "CLUSTER INFO", b"cluster_state:ok")
        url = f"rediss+cluster://127.0.0.1:{port}"
        await checks_the_certificate(url, certificates, monkeypatch)
