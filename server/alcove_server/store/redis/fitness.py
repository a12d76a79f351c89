"""Whether the servers are set so that they neither lose nor keep what they must not.

A relay checks this once, before it serves: the primary and each replica that it names. A setting
that breaks a promise of docs/operating.md is refused in one sentence that names what to change.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from alcove_server.store.redis.sentinels import primary_of, sentinel_of
from alcove_server.store.values import UnfitStore
from alcove_server.store_address import Address

log = logging.getLogger(__name__)

SECONDS: Final = 3.0
"""Seconds that one question to a server may take."""
DOWN_AFTER: Final = 4000
"""Milliseconds. A primary that restarts empty in less time than Sentinels notice would go on as the
primary."""
OLDEST: Final = (7, 0)

_EXACTLY: Final[Mapping[str, tuple[str, str]]] = {
    "save": ("", "it writes ciphertext to a disk"),
    "appendonly": ("no", "it writes ciphertext to a disk"),
    "maxmemory-policy": ("noeviction", "it drops what members were promised"),
    "slowlog-log-slower-than": ("-1", "the slow log keeps ciphertext"),
}
_WITH_REPLICAS: Final[Mapping[str, tuple[str, str]]] = {
    "repl-diskless-sync": ("yes", "a replica's start writes ciphertext to a disk"),
    "repl-diskless-load": ("swapdb", "a replica's start writes ciphertext to a disk"),
    "rdb-del-sync-files": ("yes", "a replica's start leaves ciphertext on a disk"),
}


def _client(address: Address, host: str, port: int) -> Redis:
    return Redis(
        host=host,
        port=port,
        db=address.database,
        username=address.username or None,
        password=address.password or None,
        ssl=address.tls,
        socket_timeout=SECONDS,
        socket_connect_timeout=SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def _text(said: Mapping[str, object], name: str) -> str:
    return str(said.get(name, ""))


def judge(settings: Mapping[str, str], least: int, replicated: bool) -> None:
    """Judge the settings of one server. Raises `UnfitStore`."""
    wanted = {**_EXACTLY, **(_WITH_REPLICAS if replicated else {})}
    for name, (value, why) in wanted.items():
        if name in settings and settings[name] != value:
            shown = value or '""'
            raise UnfitStore(f"Redis has {name} {settings[name]}: {why}; set {name} {shown}")
    most = int(settings.get("maxmemory", least))
    if most < least:
        raise UnfitStore(
            f"Redis has maxmemory {most}, less than store-bytes ({least}): set it higher, or "
            "store-bytes lower"
        )


async def check(address: Address, replicas: int, store_bytes: int) -> None:
    """See that the servers are set as they must be. Raises `UnfitStore`, with a sentence."""
    try:
        await _check(address, replicas, store_bytes)
    except (OSError, RedisError) as error:
        kind = type(error).__name__
        raise UnfitStore(f"Redis cannot be reached or does not let the relay in: {kind}") from None


async def _check(address: Address, replicas: int, least: int) -> None:
    """Check the primary and what replicates it. `least` is the memory that it must have. Raises
    `UnfitStore`, `OSError`, `RedisError`."""
    if address.service:
        promotable, servers = await _by_sentinel(address)
        _count(promotable, replicas)
        replicated = True
    else:
        servers, replicated = [], replicas > 0
    async with _client(address, *await primary_of(address)) as client:
        said = await client.info()
        servers += [at for at in _replicas_of(said) if at not in servers]
        await _server(client, said, least, replicated or bool(servers))
    promotable = 0
    for host, port in servers:
        try:
            async with _client(address, host, port) as client:
                promotable += await _server(client, await client.info(), least, True)
        except (OSError, RedisError):
            log.warning("a replica cannot be reached, and its settings are not checked")
            promotable += 1
    _count(promotable, replicas)


def _count(promotable: int, replicas: int) -> None:
    if promotable > replicas:
        raise UnfitStore(
            f"{promotable} replicas of Redis can be promoted, and store-replicas is {replicas}: a "
            "failover could lose what was acknowledged; set store-replicas to their number, or "
            "replica-priority 0 on replicas that must never be promoted"
        )


async def _by_sentinel(address: Address) -> tuple[int, list[tuple[str, int]]]:
    """How many replicas the Sentinels know that can be promoted, and where all of them are."""
    sentinel = sentinel_of(address)
    try:
        for one in sentinel.sentinels:
            try:
                master = await one.sentinel_master(address.service)
                replicas = await one.sentinel_slaves(address.service)
            except (OSError, RedisError):
                continue
            assert isinstance(master, dict)  # its type covers other questions too
            down_after = int(master["down-after-milliseconds"])
            if down_after < DOWN_AFTER:
                raise UnfitStore(
                    f"Sentinel has down-after-milliseconds {down_after}: a primary that restarts "
                    f"empty would not be noticed; set it to at least {DOWN_AFTER}"
                )
            promotable = sum(int(replica["slave-priority"]) > 0 for replica in replicas)
            return promotable, [(str(one["ip"]), int(one["port"])) for one in replicas]
    finally:
        for one in sentinel.sentinels:
            await one.aclose()
    raise ConnectionError("no Sentinel answers")


def _replicas_of(said: Mapping[str, object]) -> list[tuple[str, int]]:
    found = []
    for name, value in said.items():
        if name.startswith("slave") and isinstance(value, dict):
            found.append((str(value["ip"]), int(value["port"])))
    return found


async def _server(client: Redis, said: Mapping[str, object], least: int, replicated: bool) -> bool:
    """Check one server. Return whether it could be promoted."""
    major, minor, *_ = (int(part) for part in _text(said, "redis_version").split("."))
    if (major, minor) < OLDEST:
        raise UnfitStore(f"this is Redis {major}.{minor}: the relay needs 7.0 or later")
    if _text(said, "cluster_enabled") == "1":
        raise UnfitStore("this is a Redis Cluster, which the relay does not support")
    try:
        found = await client.config_get("*")
    except (NoPermissionError, ResponseError):
        log.error(
            "the settings of Redis cannot be read: the relay cannot promise that nothing is "
            "written to a disk, that nothing is evicted, and that nothing is kept in the slow log"
        )
        return True
    settings = {str(name): str(value) for name, value in found.items()}
    judge(settings, least, replicated)
    return _text(said, "role") == "slave" and settings.get("replica-priority", "100") != "0"
