"""Where Redis is, as a URL says it.

    redis://[user:password@]host[:port][/database]               one server
    redis+sentinel://[user:password@]host[:port],…/service       Sentinels know the primary
    redis+cluster://[user:password@]host[:port],…                some servers of a Cluster
    rediss://…, rediss+sentinel://…, rediss+cluster://…          the same over TLS

Neither this module nor the settings that use it import redis-py, which a relay on memory need not
load.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

SENTINEL_PORT: Final = 26379
PORT: Final = 6379
_KINDS: Final = ("", "+sentinel", "+cluster")


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
    tls: bool = False
    cluster: bool = False
    certificate: str = ""
    """The file of the certificate that the relay shows to servers that ask for one, or empty."""
    key: str = ""
    """The file of its key."""


def parse(url: str) -> Address:
    """Read the URL of a store. Raises `BadAddress`."""
    scheme, separator, rest = url.partition("://")
    plain, _, kind = scheme.partition("+")
    if (
        not separator
        or plain not in ("redis", "rediss")
        or scheme.removeprefix(plain) not in _KINDS
    ):
        raise BadAddress(
            "a Redis URL is redis://host:port, redis+sentinel://host:port,…/service or "
            "redis+cluster://host:port,…"
        )
    named, _, path = rest.partition("/")
    login, _, hosts = named.rpartition("@")
    username, _, password = map(unquote, login.partition(":"))
    if username and not password:
        raise BadAddress("a user of Redis has a password: redis://user:password@host:port")
    if kind == "cluster":
        if path:
            raise BadAddress("a Cluster has one database: redis+cluster://host:port,…")
        found: tuple[tuple[str, int], ...] = tuple(_host(host, PORT) for host in hosts.split(","))
        return Address(found, "", username, password, 0, plain == "rediss", cluster=True)
    if not kind:
        if path and not path.isdecimal():
            raise BadAddress(
                "a database of Redis is a number: redis://host:port/0; in a password / is %2F"
            )
        found = (_host(hosts, PORT),)
        service, database = "", int(path or 0)
    else:
        if not path or "/" in path:
            raise BadAddress("a Sentinel URL ends in the name of the service: …/alcove")
        found = tuple(_host(host, SENTINEL_PORT) for host in hosts.split(","))
        service, database = unquote(path), 0
    return Address(found, service, username, password, database, plain == "rediss")


def _host(text: str, port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, given = parts.hostname, parts.port
    except ValueError:  # whose message quotes the text
        raise BadAddress("a server of Redis is host or host:port") from None
    if (
        not host
        or "," in host
        or parts.path
        or parts.query
        or parts.fragment
        or parts.username is not None
        or given == 0
    ):
        raise BadAddress("a server of Redis is host or host:port")
    return host, port if given is None else given
