"""A store over TLS: a server's settings, and what must hold of whoever asks it."""

from __future__ import annotations

import pytest
from alcove_protocol import limits
from alcove_server.store.redis.fitness import check
from alcove_server.store.values import UnfitStore
from alcove_server.store_address import Address, parse

from tests.certificates import Certificates
from tests.redis_store.node import Node, id_of


def settings(certificates: Certificates, port: int) -> dict[str, str]:
    """Of a server that takes TLS at this port, too."""
    return {
        "tls-port": str(port),
        "tls-cert-file": str(certificates.certificate),
        "tls-key-file": str(certificates.key),
        "tls-ca-cert-file": str(certificates.ca),
        "tls-auth-clients": "no",
    }


async def checks_the_certificate(
    url: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relay works with the store once it trusts who signed the certificate, and not before."""
    stranger = Node(url)
    assert await stranger.refusal() == "unavailable"
    with pytest.raises(UnfitStore):
        await check(parse(url), 0, limits.MIB)
    await stranger.close()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    await check(parse(url), 0, limits.MIB)
    await works(url)


async def works(at: str | Address) -> None:
    """A node on this store opens a room and publishes."""
    node = Node(at)
    await node.open()
    assert (await node.publish(id_of(1))).number == 1
    await node.close()
