"""Whether the servers are set so that they neither lose nor keep what they must not.

A relay checks this once, before it serves: the primary and each replica that it names. A setting
that breaks a promise of docs/operating.md is refused in one sentence that names what to change.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from redis.exceptions import ResponseError

from alcove_server.store.redis.clients import FAILURES, client_of
from alcove_server.store.redis.reasons import reason_of
from alcove_server.store.redis.sentinels import primary_of, sentinel_of
from alcove_server.store.redis.server_fitness import check_server
from alcove_server.store.redis.topology import SLOTS, At, topology_of
from alcove_server.store.values import UnfitStore
from alcove_server.store_address import Address

log = logging.getLogger(__name__)

SECONDS: Final = 3.0
"""Seconds that one question to a server may take."""
DOWN_AFTER: Final = 4000
"""Milliseconds. A primary that restarts empty in less time than Sentinels notice would go on as the
primary."""


async def check(address: Address, replicas: int, store_bytes: int) -> None:
    """See that the servers are set as they must be. Raises `UnfitStore`, with a sentence."""
    try:
        if address.cluster:
            await _check_cluster(address, replicas, store_bytes)
        else:
            await _check(address, replicas, store_bytes)
    except FAILURES as error:
        raise UnfitStore(
            f"Redis cannot be reached or does not let the relay in: {reason_of(error)}"
        ) from None


async def _check(address: Address, replicas: int, least: int) -> None:
    """Check the primary and what replicates it. `least` is the memory that it must have. Raises
    `UnfitStore` and `FAILURES`."""
    if address.service:
        servers = await _by_sentinel(address)
        _count(len(servers), replicas)
        replicated = True
    else:
        servers, replicated = [], replicas > 0
    async with client_of(address, *await primary_of(address), SECONDS) as client:
        said = await client.info()
        servers += [at for at in _replicas_of(said) if at not in servers]
        await check_server(client, said, least, replicated or bool(servers))
    copies = 0
    for host, port in servers:
        try:
            async with client_of(address, host, port, SECONDS) as client:
                copies += await check_server(client, await client.info(), least, True)
        except FAILURES:
            log.warning("a replica cannot be reached, and its settings are not checked")
            copies += 1
    _count(copies, replicas)


def _count(copies: int, replicas: int) -> None:
    """Also those that are never promoted: `WAIT` counts whichever replica confirms, so one of them
    could stand for one that is promoted later."""
    if copies > replicas:
        raise UnfitStore(
            f"{copies} replicas of Redis confirm what is written, and store-replicas is "
            f"{replicas}: a failover could lose what was acknowledged; set store-replicas to their "
            "number"
        )


async def _by_sentinel(address: Address) -> list[tuple[str, int]]:
    """Where all replicas are that the Sentinels know."""
    sentinel = sentinel_of(address)
    why = "no Sentinel answers"
    try:
        for one in sentinel.sentinels:
            try:
                master = await one.sentinel_master(address.service)
                replicas = await one.sentinel_slaves(address.service)
            except ResponseError:
                why = "no Sentinel watches a service of this name"
                continue
            except FAILURES as error:
                why = f"no Sentinel answers: {reason_of(error)}"
                continue
            assert isinstance(master, dict)  # its type covers other questions too
            down_after = int(master["down-after-milliseconds"])
            if down_after < DOWN_AFTER:
                raise UnfitStore(
                    f"Sentinel has down-after-milliseconds {down_after}: a primary that restarts "
                    f"empty would not be noticed; set it to at least {DOWN_AFTER}"
                )
            return [(str(one["ip"]), int(one["port"])) for one in replicas]
    finally:
        for one in sentinel.sentinels:
            await one.aclose()
    raise ConnectionError(why)


def _replicas_of(said: Mapping[str, object]) -> list[tuple[str, int]]:
    found = []
    for name, value in said.items():
        if name.startswith("slave") and isinstance(value, dict):
            found.append((str(value["ip"]), int(value["port"])))
    return found


async def _check_cluster(address: Address, replicas: int, least: int) -> None:
    """Check all servers of a Cluster. Raises `UnfitStore` and `FAILURES`."""
    await _is_cluster(address, replicas, least)
    found = await topology_of(address, ())
    served = sum(len(list(primary.slots())) for primary in found.primaries())
    if served < SLOTS:
        raise UnfitStore(
            f"the Cluster serves {served} of {SLOTS} slots: rooms in the others would have no "
            "server; give each slot a primary (CLUSTER ADDSLOTS)"
        )
    is_well = not any("fail" in member.flags for member in found.members.values())
    for primary in found.primaries():
        copies = found.replicas(primary)
        if is_well and len(copies) < replicas:
            raise UnfitStore(
                f"a primary of the Cluster has {len(copies)} replicas, and store-replicas is "
                f"{replicas}: nothing of its rooms could be acknowledged; give it more, or set "
                "store-replicas to their number"
            )
        await _member(address, primary.at, least)
        for replica in copies:
            await _member(address, replica.at, least)
        _count(len(copies), replicas)


async def _is_cluster(address: Address, replicas: int, least: int) -> None:
    """Check the first server of the address that answers, before it is asked for the others. Raises
    `UnfitStore`, and one of `FAILURES` when none answers."""
    for at in address.hosts:
        try:
            async with client_of(address, *at, SECONDS) as client:
                await check_server(client, await client.info(), least, replicas > 0, cluster=True)
        except FAILURES:
            if at == address.hosts[-1]:
                raise
        else:
            return


async def _member(address: Address, at: At, least: int) -> None:
    """Check one server of a Cluster. Raises `UnfitStore`."""
    try:
        async with client_of(address, *at, SECONDS) as client:
            await check_server(client, await client.info(), least, True, cluster=True)
    except FAILURES:
        log.warning("a server of the Cluster cannot be reached, and its settings are not checked")
