"""What all front doors of one port share: places, the relay's names, origins, trusted proxies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from alcove_server.net.admission import Admitted
from alcove_server.net.authorities import Authorities
from alcove_server.net.request_head import BadRequest, RequestHead
from alcove_server.networks import Address, Networks, parse_address
from alcove_server.ports.tally import Tally

LINGERING: Final = 128
"""Connections that were turned away and may still read why."""
RESERVED: Final = 16
"""Connections without a place whose request is read, because it may be for health."""
_REAL_ADDRESS: Final = "x-real-ip"


class Bounded:
    """A set with a bound."""

    __slots__ = ("_items", "_most")

    def __init__(self, most: int) -> None:
        self._items: set[object] = set()
        self._most = most

    def add(self, item: object) -> bool:
        """Return whether there was room."""
        if len(self._items) < self._most:
            self._items.add(item)
        return item in self._items

    def discard(self, item: object) -> None:
        """It is gone."""
        self._items.discard(item)


@dataclass(frozen=True, slots=True)
class Entrance:
    """`enter` is `Admission.enter`. `proxies` are the peers that name each client's address."""

    enter: Callable[[str], Admitted]
    authorities: Authorities
    web_origins: frozenset[str]
    proxies: Networks
    tally: Tally
    lingering: Bounded = field(default_factory=lambda: Bounded(LINGERING))
    reserve: Bounded = field(default_factory=lambda: Bounded(RESERVED))

    def may_connect(self, origin: str | None) -> bool:
        """Whether a page of this origin may connect. A native client sends no origin. A browser
        always sends one, in the one spelling of the list, and `null` for a page that hides its
        own."""
        return origin is None or origin in self.web_origins

    def address_told(self, peer: Address | None, head: RequestHead) -> Address | None:
        """The client's address, when the peer is a trusted proxy that names it. Raises `BadRequest`
        (400) when another peer names one, and for more than one name: a proxy that appends to what
        the client sent would pass on the client's own word."""
        told = head.all(_REAL_ADDRESS) if len(self.proxies) else []
        if not told:
            return None
        address = parse_address(told[0]) if len(told) == 1 and peer in self.proxies else None
        if address is None:
            raise BadRequest(HTTPStatus.BAD_REQUEST)
        return address

    def lacks_address(self, peer: Address | None, head: RequestHead) -> bool:
        """Whether the peer is a proxy that has to name the client's address, and did not."""
        return peer in self.proxies and not head.all(_REAL_ADDRESS)
