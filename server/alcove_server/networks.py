"""Addresses and networks of the internet, each in one spelling.

A listener for both versions sees an IPv4 client as `::ffff:192.0.2.1`. That is the address
192.0.2.1, here and in the settings.
"""

import ipaddress
from collections.abc import Iterable
from typing import Final, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")
"""IPv4 within IPv6, RFC 4291 section 2.5.5.2."""


def parse_address(text: str) -> Address | None:
    """Return the address without its zone. None for what is no address, such as the peer of a local
    socket."""
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def parse_network(text: str) -> Network:
    """Return a network in CIDR notation. An address is a network of one.

    Raises `ValueError` for anything else, and for a network with bits behind its prefix: that may
    be a slip of the pen.
    """
    parsed = ipaddress.ip_network(text)
    if isinstance(parsed, ipaddress.IPv6Network) and parsed.subnet_of(_MAPPED):
        first = parsed.network_address.ipv4_mapped
        return ipaddress.ip_network((int(first or 0), parsed.prefixlen - _MAPPED.prefixlen))
    return parsed


class Networks:
    """A set of networks. Raises `ValueError` as `parse_network`."""

    __slots__ = ("_networks",)

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = tuple(parse_network(item) for item in networks)

    def __contains__(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)

    def __len__(self) -> int:
        return len(self._networks)
