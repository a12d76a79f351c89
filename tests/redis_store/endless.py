"""Scripts that look, after each run, for a key without a time to live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha1
from typing import Final

import pytest
import redis
from alcove_server.store.redis import calls, line
from alcove_server.store.redis.scripts import SOURCES

NOTE: Final = "alcove:endless"
"""The first script that left such a key. The key itself ends."""
WATCHED: Final = """
local function script()
{source}
end
local ran, reply = pcall(script)
local keys, ending = string.match(redis.call('INFO', 'keyspace'), 'keys=(%d+),expires=(%d+)')
if keys ~= ending then redis.call('SET', '{note}', '{name}', 'PX', 600000, 'NX') end
if not ran then error({{err = reply}}) end
return reply
"""
"""Redis counts the keys of a database, and those that have an end."""


def unchanged(source: str) -> str:
    return source


@contextmanager
def watched(change: Callable[[str], str] = unchanged) -> Iterator[None]:
    """Stores that are made meanwhile run such scripts."""
    sources = {
        name: WATCHED.format(source=change(source.decode()), name=name, note=NOTE).encode()
        for name, source in SOURCES.items()
    }
    digests = {
        name: sha1(source, usedforsecurity=False).hexdigest().encode()
        for name, source in sources.items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line, "SOURCES", sources)
        patch.setattr(calls, "DIGESTS", digests)
        yield


def left_endless(port: int) -> str:
    """The script that left a key without an end, or nothing."""
    with redis.Redis(port=port) as asked:
        return (asked.get(NOTE) or b"").decode()
