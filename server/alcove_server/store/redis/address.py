"""Where Redis is: a URL, and how a node finds the server that takes writes.

    redis://[user:password@]host[:port][/database]     one server
    rediss://…                                         the same over TLS
    redis+sentinel://host[:port],…/service             Sentinels know the primary
    rediss+sentinel://…                                the same over TLS

redis-py reads the URLs, talks to Sentinels and makes the settings of TLS.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ssl import SSLContext, create_default_context
from typing import Any, Final, cast
from urllib.parse import urlsplit

from redis.asyncio.connection import parse_url
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisError

SENTINEL_PORT: Final = 26379
PORT: Final = 6379
DEADLINE: Final = 3.0
"""Seconds to reach a server or a Sentinel."""


class BadAddress(ValueError):
    """The URL names no store. The message quotes nothing of it: it may hold a password."""


@dataclass(frozen=True)
class Address:
    """A parsed URL. `service` is empty without Sentinels."""

    hosts: tuple[tuple[str, int], ...]
    service: str = ""
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    database: int = 0
    tls: SSLContext | None = field(default=None, repr=False)

    async def primary(self) -> tuple[str, int]:
        """Return the server that takes writes. Raises `OSError` when no Sentinel names one."""
        if not self.service:
            return self.hosts[0]
        sentinel = Sentinel(list(self.hosts), socket_timeout=DEADLINE, ssl=self.tls is not None)
        try:
            host, port = await sentinel.discover_master(self.service)
        except RedisError as error:
            raise ConnectionError("no Sentinel names a primary") from error
        finally:
            for one in sentinel.sentinels:
                await one.aclose()
        return str(host), int(port)


def parse(url: str) -> Address:
    """Read the URL of a store. Raises `BadAddress`."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise BadAddress("a Redis URL is redis://host:port")
    plain = scheme.removesuffix("+sentinel")
    if plain not in ("redis", "rediss"):
        raise BadAddress("there is no store of that scheme")
    tls = create_default_context() if plain == "rediss" else None
    if plain == scheme:
        return _alone(url, tls)
    return _watched(rest, tls)


def _alone(url: str, tls: SSLContext | None) -> Address:
    try:
        # The type of what redis-py returns lists each key as optional.
        found = cast(dict[str, Any], parse_url(url))
    except ValueError as error:
        raise BadAddress("a Redis URL is redis://[user:password@]host[:port][/database]") from error
    if not found.get("host"):
        raise BadAddress("a Redis URL names a host")
    return Address(
        ((found["host"], found.get("port", PORT)),),
        username=found.get("username", ""),
        password=found.get("password", ""),
        database=found.get("db", 0),
        tls=tls,
    )


def _watched(rest: str, tls: SSLContext | None) -> Address:
    named, _, service = rest.partition("/")
    login, _, hosts = named.rpartition("@")
    username, _, password = login.partition(":")
    if not service or "/" in service:
        raise BadAddress("a Sentinel URL ends in the name of the service: …/alcove")
    found = []
    for host in hosts.split(","):
        try:
            parts = urlsplit(f"//{host}")
            found.append((parts.hostname or "", parts.port or SENTINEL_PORT))
        except ValueError as error:
            raise BadAddress("a Sentinel is host:port") from error
    if not all(host for host, _ in found):
        raise BadAddress("a Sentinel is host:port")
    return Address(tuple(found), service, username, password, tls=tls)
