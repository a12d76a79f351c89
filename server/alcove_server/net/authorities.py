"""The closed list of names by which clients may ask for this relay.

A client signs the host to which it connected. That signature protects it from a false relay only if
the true relay answers to its own names and no others. A page that points its own domain at the
relay's address (DNS rebinding) is refused for the same reason.

One name has many spellings in a Host header: capitals, a dot at the end, the default port, and the
forms of an IPv6 address. Here all are the same name.
"""

import ipaddress
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")

Name = tuple[str, int | None]
"""A host, and a port or None for the default one."""


class Authorities:
    """The names of these origins, each `scheme://host[:port]`. Raises `ValueError` for others."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._names: set[Name] = set()
        for origin in origins:
            scheme, _, authority = origin.partition("://")
            host, port = _name(authority)
            default = _DEFAULT_PORTS[scheme]
            self._names.add((host, port if port is not None else default))
            if port in (None, default):
                self._names.add((host, None))

    def __contains__(self, host: str) -> bool:
        """Whether a Host header is one of the names."""
        try:
            return _name(host) in self._names
        except ValueError:
            return False


def _name(authority: str) -> Name:
    """Raises `ValueError`."""
    parts = urlsplit(f"//{authority}")
    host = parts.hostname or ""
    if authority.startswith("["):
        host = f"[{ipaddress.IPv6Address(host).compressed}]"
    return host.removesuffix("."), parts.port


def listened_at(host: str, port: int, scheme: str) -> tuple[str, ...]:
    """The origins of a relay that listens at this address. On this machine itself it has its usual
    names too. None when it listens at every address: which of them are reached is not known."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if address.is_unspecified:
        return ()
    names = _LOCAL if address.is_loopback else ()
    own = f"[{address.compressed}]" if address.version == 6 else address.compressed
    return tuple(f"{scheme}://{name}:{port}" for name in {own, *names})
