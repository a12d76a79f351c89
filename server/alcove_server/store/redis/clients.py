"""A client for a few questions to one server, by redis-py. The rooms go by `wire`."""

from __future__ import annotations

from ssl import SSLContext, create_default_context
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from alcove_server.store_address import Address

FAILURES: Final = (OSError, RedisError, RuntimeError)
"""What a question may end with. uvloop says `RuntimeError` of a connection over TLS that was closed
while redis-py used it."""


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
        ssl_certfile=address.certificate or None,
        ssl_keyfile=address.key or None,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def context_of(address: Address) -> SSLContext | None:
    """What a handshake needs, or None without TLS. The files are read anew, so that a renewed
    certificate serves from the next connection on. Raises `OSError`."""
    if not address.tls:
        return None
    context = create_default_context()
    if address.certificate:
        # An empty password, so that a key that has one is refused and nobody is asked for it.
        context.load_cert_chain(address.certificate, address.key, "")
    return context
