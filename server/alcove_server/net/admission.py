"""Admission of connections: caps, and rates of what is expensive, for each part of the network.

A part of the network is an address prefix (IPv4 /24, IPv6 /48), because an attacker has many
addresses of one prefix before having many prefixes. All clients of an onion service, or of a proxy,
share one address. They are a class of their own with a share of everything, so that neither the
class nor the other clients can starve each other. Within the class, clients cannot be told apart.
It is protected because unproved connections give way: when its places are taken, the oldest
connection that had `GRACE` seconds to prove its key is closed. So a flood of silent connections
costs members no place. It costs newcomers theirs only if it fills all places within that time.

When all places of the node are taken, the part of the network with the most connections gives way
to a newcomer of one that would have fewer: by its oldest unproved connection, or else by its newest
one. So to keep others out, an attacker needs so many parts of the network that a few connections of
each fill all places. The shared class does not give way to others, because it has its half only.

The networks of one provider are cheap too: an IPv6 /32 has 65,536 prefixes of 48 bits, and whoever
rents one has them all. So all prefixes of a /32 have together what the shared class has: half of
all places, the rates of a hundred prefixes, and its part of the store. A provider with more people
than that has more than one /32. IPv4 needs no such bound, because its prefixes are few and dear.

An address is never logged or kept: the prefix is hashed with a key of this process and dropped.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from weakref import WeakValueDictionary

from alcove_protocol import limits

from alcove_server.net.crowds import Crowds, level
from alcove_server.net.request_head import BadRequest
from alcove_server.networks import Networks, parse_address
from alcove_server.ports.token_bucket import TokenBucket
from alcove_server.store.budget import Holding

_SHARED: Final = b"shared"
_IPV4_SIZE: Final = 4
_IPV4_PREFIX: Final = 3
_IPV6_PREFIX: Final = 6
"""Bytes of an address, and of its prefix: /24 and /48."""
_PROVIDER: Final = 4
"""Bytes of the prefix that a provider gets of a registry: /32 (RFC 6177, RIPE-738)."""
_KEY_SIZE: Final = 16
_HASH_SIZE: Final = 8
"""Bytes of the key and of the hash that stands for a prefix."""
_SHARED_RATE: Final = 100
"""The shared class has the rates of this many prefixes, for as many people behind one address."""
_SHARED_WEIGHT: Final = 16
"""Where turns and memory are shared out, the class counts as this many prefixes. As many as
`_SHARED_RATE` would let one client there delay all others for a second."""
GRACE: Final = 3.0
"""Seconds that a slow client needs to authenticate, an onion service's round trips included."""
_REMEMBERED: Final = 50_000
"""Prefixes remembered after their last connection, until their buckets are full again."""
_SWEPT: Final = 1_000
"""Prefixes that one sweep looks at: about 2 ms. All are looked at in less than a minute."""
_SEARCHED: Final = 32
"""Prefixes among which one without connections is looked for."""


@dataclass(frozen=True, slots=True)
class Rates:
    """(a second, at once) for one prefix, each times `factor`. A factor of 0 is no limit."""

    tls: tuple[float, float] = (20, 200)
    handshakes: tuple[float, float] = (5, 60)
    rooms: tuple[float, float] = (1 / 30, 20)
    knocks: tuple[float, float] = (1 / 3, 20)
    told: tuple[float, float] = (8 * limits.MIB, 256 * limits.MIB)
    """Bytes that are sent because of this prefix: what its members say, once for each listener, and
    the cards and logs that it asks for."""

    def divided(self, parts: int) -> Rates:
        """The rates of each of so many processes that serve one port. Each may do one thing."""
        return Rates(
            *(
                (rate / parts, max(1.0, burst / parts))
                for rate, burst in (
                    self.tls,
                    self.handshakes,
                    self.rooms,
                    self.knocks,
                    self.told,
                )
            )
        )


class Allowance:
    """The rates of one part of the network, and its places. Nothing in it names that part."""

    __slots__ = (
        "__weakref__",
        "_clock",
        "_handshakes",
        "_knocks",
        "_rooms",
        "_tls",
        "_told",
        "connections",
        "holding",
        "most",
        "networks",
        "there",
        "unproved",
        "weight",
        "whole",
    )

    def __init__(
        self,
        clock: Callable[[], float],
        most: int,
        factor: float,
        rates: Rates,
        weight: int = 1,
        whole: Allowance | None = None,
        nodes: int = 1,
    ) -> None:
        """`weight` says for how many parts of the network this one stands. `whole` is that of the
        provider, in which all this counts too. `nodes` are the processes that share a store."""
        now = clock()
        self.weight: Final = weight
        self.whole: Final[Allowance | None] = whole
        held = whole.holding if whole is not None else None
        self.holding: Final[Holding] = Holding(weight, held, clock, nodes)
        self._clock = clock
        self.connections = 0
        self.most = most
        self.unproved: OrderedDict[Admitted, None] = OrderedDict()
        self.there: dict[Admitted, None] = {}
        """Its connections, the newest last, without those that were told to give way. Of a
        provider, its networks have them."""
        self.networks: Crowds[Allowance] | None = None
        """Those of a provider."""
        self._tls, self._handshakes, self._rooms, self._knocks, self._told = (
            TokenBucket(rate * factor, burst * max(factor, 1.0), now)
            for rate, burst in (rates.tls, rates.handshakes, rates.rooms, rates.knocks, rates.told)
        )

    def tls(self) -> bool:
        """One more TLS handshake."""
        return self._tls.take(self._clock()) and (self.whole is None or self.whole.tls())

    def handshake(self) -> bool:
        """One more WebSocket."""
        taken = self._handshakes.take(self._clock())
        return taken and (self.whole is None or self.whole.handshake())

    def open_room(self) -> bool:
        """One more room, or one brought back."""
        return self._rooms.take(self._clock()) and (self.whole is None or self.whole.open_room())

    def knock(self) -> bool:
        """One more knock."""
        return self._knocks.take(self._clock()) and (self.whole is None or self.whole.knock())

    def tell(self, size: int) -> bool:
        """So many bytes more are to be sent, as `Quota.tell`."""
        told = self._told.owe(self._clock(), size)
        return (self.whole is None or self.whole.tell(size)) and told

    def make_room(self) -> bool:
        """Close the oldest unproved connection; return whether there was one."""
        oldest = next(iter(self.unproved), None)
        if oldest is None or self._clock() - oldest.since < GRACE:
            return False
        oldest.make_way()
        return True

    def show_out(self) -> bool:
        """Have one connection give way, proved or not; return whether there was one."""
        if self.make_room():
            return True
        largest = self.networks.largest if self.networks is not None else None
        newest = next(reversed((largest or self).there), None)
        if newest is None:
            return False
        newest.make_way()
        return True

    def forgettable(self) -> bool:
        """Whether a new allowance would be equal to this one. So would that of the provider, which
        is forgotten with the last of its parts."""
        return self.idle and all(part.unspent for part in self.line)

    @property
    def unspent(self) -> bool:
        """Whether all that it may do at once is left."""
        now = self._clock()
        buckets = (self._tls, self._handshakes, self._rooms, self._knocks, self._told)
        return all(bucket.full(now) for bucket in buckets)

    @property
    def idle(self) -> bool:
        """Whether nothing of this part of the network is here: no connection, and nothing held."""
        return not self.connections and self.holding.empty

    @property
    def droppable(self) -> bool:
        """Whether little is lost when it is forgotten: no connection, no room, and no more than
        each may hold in any case."""
        return not self.connections and self.holding.least

    @property
    def line(self) -> tuple[Allowance, ...]:
        """This part, and the provider's."""
        return (self,) if self.whole is None else (self, self.whole)


class Admitted:
    """One connection's place, from its first byte to its last. `give_way` may be called to close
    the connection for another one. Once `proved`, only when all places of the node are taken."""

    __slots__ = ("_admission", "allowance", "give_way", "since")

    def __init__(self, admission: Admission, allowance: Allowance, since: float) -> None:
        self._admission = admission
        self.allowance = allowance
        self.since = since
        self.give_way: Callable[[], None] = _stay
        allowance.there[self] = None
        for part in allowance.line:
            part.unproved[self] = None

    def make_way(self) -> None:
        """Close the connection for another one. Its place is free when it is gone."""
        self.proved()
        self.allowance.there.pop(self, None)
        self.give_way()

    def proved(self) -> None:
        """The client proved its key: the connection keeps its place from now on."""
        for part in self.allowance.line:
            part.unproved.pop(self, None)

    def free(self) -> None:
        """The connection is gone. To be called once."""
        self.proved()
        self.allowance.there.pop(self, None)
        self.give_way = _stay
        self._admission.free(self.allowance)


def _gives_way(crowds: Crowds[Allowance] | None, newcomer: Allowance) -> bool:
    """Whether a connection of the largest part gave way to a part that would have fewer."""
    largest = crowds.largest if crowds is not None else None
    if largest is None or level(largest) <= level(newcomer, 1):
        return False
    return largest.show_out()


def _stay() -> None:
    """No connection is to be closed yet, or any more."""


class Admission:
    """Counts connections and gives them places. `random` gives the key of the hash."""

    def __init__(
        self,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        *,
        connections: int,
        per_prefix: int,
        shared: frozenset[str],
        factor: float = 1.0,
        rates: Rates | None = None,
        nodes: int = 1,
    ) -> None:
        self._clock = clock
        self._key = random(_KEY_SIZE)
        self._most = connections
        self._per_prefix = per_prefix
        self._shared = Networks(shared)
        self._factor = factor
        self._rates = rates if rates is not None else Rates()
        self._nodes = nodes
        self._known: OrderedDict[bytes, Allowance] = OrderedDict()
        # As long as a part of it is known.
        self._providers: WeakValueDictionary[bytes, Allowance] = WeakValueDictionary()
        self._crowds: Crowds[Allowance] = Crowds()  # without the shared class
        self.connections = 0

    def enter(self, address: str) -> Admitted:
        """Give one more connection a place. When all are taken, another connection may be closed
        for it. Raises `BadRequest`: 503 when all places are taken, 429 when those of this part of
        the network are."""
        allowance = self._allowance(address)
        full, whole = self.full, allowance.whole
        if allowance.connections >= allowance.most:
            found = allowance.make_room()
        elif whole is not None and whole.connections >= whole.most:
            found = whole.make_room() or _gives_way(whole.networks, allowance)
        elif full:
            found = allowance.make_room() or _gives_way(self._crowds, whole or allowance)
            if not found and whole is not None:
                found = _gives_way(whole.networks, allowance)
        else:
            found = True
        if not found:
            raise BadRequest(
                HTTPStatus.SERVICE_UNAVAILABLE if full else HTTPStatus.TOO_MANY_REQUESTS
            )
        self._count(allowance, 1)
        return Admitted(self, allowance, self._clock())

    def _count(self, allowance: Allowance, more: int) -> None:
        self.connections += more
        for part in allowance.line:
            part.connections += more
        whole = allowance.whole
        if whole is not None and whole.networks is not None:
            whole.networks.moved(allowance)
        if allowance is not self._known.get(_SHARED):
            self._crowds.moved(whole or allowance)

    def may_shake_hands(self, address: str) -> bool:
        """Whether this part of the network may begin one more TLS handshake. More of them are
        allowed than WebSockets, so that a client with too many WebSockets gets an answer."""
        return self._allowance(address).tls()

    def free(self, allowance: Allowance) -> None:
        """A place of this part of the network is free again."""
        self._count(allowance, -1)

    def sweep(self) -> None:
        """Forget the parts of the network whose allowance is as new. Each call looks at a bounded
        number, and the next call goes on from there."""
        for _ in range(min(_SWEPT, len(self._known))):
            prefix = next(iter(self._known))
            if self._known[prefix].forgettable():
                del self._known[prefix]
            else:
                self._known.move_to_end(prefix)

    @property
    def full(self) -> bool:
        """Whether all places of the node are taken."""
        return self.connections >= self._most

    def _allowance(self, address: str) -> Allowance:
        prefix = self._prefix(address)
        known = self._known.get(prefix)
        if known is None:
            known = self._known[prefix] = self._make(prefix, self._provider(address))
            if len(self._known) > _REMEMBERED:
                self._drop_idle()
        return known

    def _make(self, prefix: bytes, whole: Allowance | None) -> Allowance:
        if prefix == _SHARED:
            return self._make_large()
        most, factor, rates = self._per_prefix, self._factor, self._rates
        return Allowance(self._clock, most, factor, rates, 1, whole, self._nodes)

    def _make_large(self) -> Allowance:
        most = max(self._most // 2, self._per_prefix)
        factor = self._factor * _SHARED_RATE
        weight, nodes = _SHARED_WEIGHT, self._nodes
        return Allowance(self._clock, most, factor, self._rates, weight, None, nodes)

    def _provider(self, address: str) -> Allowance | None:
        parsed = parse_address(address)
        if parsed is None or len(parsed.packed) == _IPV4_SIZE:
            return None
        prefix = self._hash(parsed.packed[:_PROVIDER])
        known = self._providers.get(prefix)
        if known is None:
            known = self._providers[prefix] = self._make_large()
            known.networks = Crowds()
        return known

    def _drop_idle(self) -> None:
        """Forget one part of the network without connections, among a bounded number of them."""
        for _ in range(_SEARCHED):
            prefix = next(iter(self._known))
            if self._known[prefix].droppable:
                del self._known[prefix]
                return
            self._known.move_to_end(prefix)

    def _prefix(self, address: str) -> bytes:
        parsed = parse_address(address)
        if parsed is None or parsed in self._shared:  # None: a local socket, such as a proxy's
            return _SHARED
        packed = parsed.packed
        part = packed[:_IPV4_PREFIX] if len(packed) == _IPV4_SIZE else packed[:_IPV6_PREFIX]
        return self._hash(part)

    def _hash(self, part: bytes) -> bytes:
        return hashlib.blake2b(part, key=self._key, digest_size=_HASH_SIZE).digest()
