"""Where the primary is, as Sentinels say it."""

from __future__ import annotations

from typing import Final

from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from alcove_server.store.redis.clients import FAILURES
from alcove_server.store_address import Address

SENTINEL_SECONDS: Final = 0.5
"""Seconds that one Sentinel may take: the next one is asked while the line still has time."""


def sentinel_of(address: Address) -> Sentinel:
    """The Sentinels of an address. To be closed."""
    given = {
        "socket_timeout": SENTINEL_SECONDS,
        "socket_connect_timeout": SENTINEL_SECONDS,
        "ssl": address.tls,
        "ssl_certfile": address.certificate or None,
        "ssl_keyfile": address.key or None,
        "retry": Retry(NoBackoff(), 0),
    }
    return Sentinel(  # type: ignore[no-untyped-call]  # redis-py types it in part
        list(address.hosts),
        sentinel_kwargs=given,
    )


async def primary_of(address: Address) -> tuple[str, int]:
    """Return the server that takes writes. Raises `OSError` when no Sentinel names one."""
    if not address.service:
        return address.hosts[0]
    sentinel = sentinel_of(address)
    try:
        host, port = await sentinel.discover_master(address.service)
    except FAILURES as error:
        raise ConnectionError("no Sentinel names a primary") from error
    finally:
        for one in sentinel.sentinels:
            await one.aclose()
    return str(host), int(port)
