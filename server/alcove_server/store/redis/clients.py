"""A client for a few questions to one server, by redis-py. The rooms go by `wire`."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from alcove_server.store_address import Address


def client_of(address: Address, host: str, port: int, seconds: float) -> Redis:
    """A client that logs in as the address says. One question may take so many seconds, and is
    asked once."""
    return Redis(
        host=host,
        port=port,
        db=address.database,
        username=address.username or None,
        password=address.password or None,
        ssl=address.tls,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
