"""Which server of a Cluster has which slots, as the servers say it."""

from __future__ import annotations

import random
from binascii import crc_hqx
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from alcove_server.store.redis.clients import FAILURES, client_of
from alcove_server.store.redis.reasons import reason_of
from alcove_server.store_address import Address

SLOTS: Final = 16_384
At = tuple[str, int]
"""Host and port of a server."""
SECONDS: Final = 0.5
"""Seconds that one server may take: the next one is asked then."""


@dataclass(frozen=True, slots=True)
class ClusterMember:
    """A server. `primary` is the id of the server that it copies, or empty. `ranges` are the first
    and the last slot of each range of a primary."""

    at: At
    flags: frozenset[str]
    primary: str
    ranges: tuple[tuple[int, int], ...]

    def slots(self) -> Iterator[int]:
        """All slots of a primary."""
        return chain.from_iterable(range(first, last + 1) for first, last in self.ranges)


@dataclass(frozen=True, slots=True)
class Topology:
    """The servers, by their ids."""

    members: Mapping[str, ClusterMember]

    def primaries(self) -> list[ClusterMember]:
        """Those that have slots."""
        return [member for member in self.members.values() if member.ranges]

    def replicas(self, primary: ClusterMember) -> list[ClusterMember]:
        """Those that copy a primary, whether they are well or not."""
        ids = [id for id, member in self.members.items() if member is primary]
        return [member for member in self.members.values() if member.primary in ids]


def slot_of(channel: bytes) -> int:
    """The slot of all keys that begin with `{…}`, which the channel is."""
    return crc_hqx(channel[1:-1], 0) % SLOTS


async def topology_of(address: Address, known: Collection[At]) -> Topology:
    """Ask the known servers, then those of the address, until one answers that is not cut off from
    the majority. Raises `ConnectionError` when none does."""
    why = "it is cut off from the others, or they have not met (cluster_state)"
    # In any order, so that one that is wrong is not asked first each time.
    for host, port in [*random.sample(sorted(known), len(known)), *address.hosts]:
        try:
            found = await _ask(address, host, port)
        except FAILURES as error:
            why = reason_of(error)
            continue
        if found is not None:
            return found
    raise ConnectionError(f"no server of the Cluster answers: {why}")


async def _ask(address: Address, host: str, port: int) -> Topology | None:
    async with client_of(address, host, port, SECONDS) as client:
        # redis-py types `execute_command` in part
        info = await client.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
        if info["cluster_state"] != "ok":  # it is cut off, or is not ready to serve
            return None
        nodes = await client.execute_command("CLUSTER NODES")  # type: ignore[no-untyped-call]
        return read(nodes, host)


def read(nodes: Mapping[str, Mapping[str, Any]], asked: str) -> Topology:  # redis-py's reading
    """Read `CLUSTER NODES`. A server that does not know its own address is at the one `asked`."""
    members = {}
    for name, said in nodes.items():
        host, _, port = name.partition("@")[0].rpartition(":")
        at = (said.get("hostname") or host or asked, int(port))
        flags = frozenset(said["flags"].split(","))
        ranges = tuple((int(found[0]), int(found[-1])) for found in said["slots"])
        primary = "" if said["master_id"] == "-" else said["master_id"]
        members[said["node_id"]] = ClusterMember(at, flags, primary, ranges)
    return Topology(members)
