"""Where a server could keep what ended: keys and values, files, the replication backlog, logs."""

from __future__ import annotations

import socket

import redis

from tests.redis_store.server import RedisServer

AGAIN = 50


def keys_and_values(server: RedisServer) -> bytes:
    """All keys with what they hold, uncompressed."""
    with redis.Redis(port=server.port) as asked:
        asked.config_set("rdbcompression", "no")
        keys = list(asked.scan_iter(count=1000))
        return b"\n".join(keys + [asked.dump(key) or b"" for key in keys])


def files(server: RedisServer) -> bytes:
    """All that the process wrote below its folder: its log, and what must not be there."""
    paths = [path for path in sorted(server.folder.rglob("*")) if path.is_file()]
    return b"\n".join(path.read_bytes() for path in paths)


def slow_log(server: RedisServer) -> bytes:
    with redis.Redis(port=server.port) as asked:
        return repr(asked.execute_command("SLOWLOG", "GET", -1)).encode()


def backlog(server: RedisServer) -> bytes:
    """What the server keeps for replicas that come back: it is asked as by one of them."""
    for _ in range(AGAIN):
        with redis.Redis(port=server.port) as asked:
            said = asked.info("replication")
        size, first = said["repl_backlog_histlen"], said["repl_backlog_first_byte_offset"]
        if not size:
            return b""
        with socket.create_connection(("127.0.0.1", server.port), 30) as replica:
            replica.sendall(b"PSYNC %s %d\r\n" % (said["master_replid"].encode(), first))
            stream = replica.makefile("rb")
            if stream.readline().startswith(b"+CONTINUE"):
                return stream.read(size)
    raise AssertionError("the backlog moves on each time before it is read")


PLACES = {
    "keys": keys_and_values,
    "files": files,
    "slow log": slow_log,
    "backlog": backlog,
}


def places_of(server: RedisServer, canary: bytes) -> set[str]:
    """The places of a server where the canary is."""
    return {name for name, search in PLACES.items() if canary in search(server)}
