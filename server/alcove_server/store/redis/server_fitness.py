"""Whether one server is set so that it neither loses nor keeps what it must not."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from alcove_server.store.values import UnfitStore

log = logging.getLogger(__name__)

OLDEST: Final = (7, 0)
LONGEST_TIMEOUT: Final = 15_000
"""Milliseconds after which the other servers of a Cluster take one for dead. A client's command
ends within 30 seconds, the choice of a replica included."""

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
_IN_A_CLUSTER: Final[Mapping[str, tuple[str, str]]] = {
    "cluster-allow-replica-migration": (
        "no",
        "a replica that goes to another primary is missing where relays wait for it",
    ),
    "cluster-require-full-coverage": ("no", "one primary that is away stops the rooms of all"),
}


def text_of(said: Mapping[str, object], name: str) -> str:
    return str(said.get(name, ""))


def judge(settings: Mapping[str, str], least: int, replicated: bool, cluster: bool = False) -> None:
    """Judge the settings of one server. Raises `UnfitStore`."""
    wanted = {
        **_EXACTLY,
        **(_WITH_REPLICAS if replicated else {}),
        **(_IN_A_CLUSTER if cluster else {}),
    }
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
    timeout = int(settings.get("cluster-node-timeout", 0))
    if cluster and timeout > LONGEST_TIMEOUT:
        raise UnfitStore(
            f"Redis has cluster-node-timeout {timeout}: clients give up before a replica is "
            f"promoted; set cluster-node-timeout to at most {LONGEST_TIMEOUT}"
        )


async def check_server(
    client: Redis, said: Mapping[str, object], least: int, replicated: bool, cluster: bool = False
) -> bool:
    """Check one server, of which `said` is the reply of `INFO`. Return whether it is a replica.
    Raises `UnfitStore` and `FAILURES`."""
    major, minor, *_ = (int(part) for part in text_of(said, "redis_version").split("."))
    if (major, minor) < OLDEST:
        raise UnfitStore(f"this is Redis {major}.{minor}: the relay needs 7.0 or later")
    if (text_of(said, "cluster_enabled") == "1") is not cluster:
        raise UnfitStore(
            "this is no Redis Cluster: name it redis://host:port, or Sentinels that watch it"
            if cluster
            else "this is a Redis Cluster: name it redis+cluster://host:port,…"
        )
    try:
        found = await client.config_get("*")
    except (NoPermissionError, ResponseError):
        log.error(
            "the settings of Redis cannot be read: the relay cannot promise that nothing is "
            "written to a disk, that nothing is evicted, and that nothing is kept in the slow log"
        )
        return text_of(said, "role") == "slave"
    settings = {str(name): str(value) for name, value in found.items()}
    judge(settings, least, replicated, cluster)
    return text_of(said, "role") == "slave"
