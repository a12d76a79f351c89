"""The scripts hold to the limits of the protocol and of the store, which they cannot import."""

from __future__ import annotations

import re

import pytest
from alcove_protocol import limits
from alcove_server.store import budget
from alcove_server.store.redis import records
from alcove_server.store.redis.scripts import SOURCES

LIMITS: dict[str, float] = {
    "ABANDONED": limits.ABANDONED_AFTER,
    "READ_ONLY": limits.READ_ONLY_AFTER,
    "TOMBSTONE": limits.TOMBSTONE,
    "REJOIN": limits.REJOIN_WINDOW,
    "FACTOR": budget.CHAIN_FACTOR,
    "ROOM_BYTES": budget.ROOM_OVERHEAD,
    "KNOCKS": limits.KNOCKS,
    "KNOCKS_PER_DOOR": limits.KNOCKS_PER_DOOR,
    "REQUESTS": budget.REQUESTS,
    "SETTLED": budget.SETTLED,
    "ITEM_BYTES": budget.ITEM_OVERHEAD,
    "ITEM": budget.ITEM_OVERHEAD,
    "WELCOME_BYTES": budget.ITEM_OVERHEAD,
    "TICKET": limits.TICKET,
    "FETCHED": limits.TICKET_FETCHED,
    "TRIES": limits.TICKET_TRIES,
    "TICKET_BYTES": budget.ITEM_OVERHEAD,
    "DOORS": limits.DOORS,
    "VAULTS": budget.VAULTS,
    "CLOSED": budget.CLOSED_DOORS,
    "IDS": budget.PUBLISH_IDS,
    "PAGE": budget.PAGE_BLOBS,
    "FRAME": budget.BLOB_FRAME,
    "LAYOUT": records.LAYOUT,
}


def constants() -> dict[str, float]:
    """The numbers that the scripts give names to, all on one line."""
    found: dict[str, float] = {}
    source = "\n".join(one.decode() for one in SOURCES.values())
    for names, values in re.findall(r"^local ([A-Z_, ]+) = ([\d, ]+)(?: *--.*)?$", source, re.M):
        for name, value in zip(names.split(", "), values.split(", "), strict=True):
            assert found.setdefault(name, float(value)) == float(value), name
    return found


@pytest.mark.parametrize("name", LIMITS)
def test_a_script_knows_the_limit_as_it_is(name: str) -> None:
    assert constants()[name] == LIMITS[name]


def test_times_and_the_chain_are_as_they_are() -> None:
    source = SOURCES["publish_step"].decode()
    knock, rejoin = limits.KNOCK_TTL, limits.REJOIN_WINDOW
    ask = limits.ASK_TTL
    lives = f"{{{knock}, {rejoin}, math.huge, {knock}, {rejoin}, 0, {ask}, {ask}}}"
    assert f"local LIFE = {lives}" in source
    assert limits.ROSTER_CHAIN == 2 * 1024 * 1024
    assert "local CHAIN = 2 * 1024 * 1024" in source


@pytest.mark.parametrize("name", SOURCES)
def test_each_script_looks_whether_its_slot_is_whole(name: str) -> None:
    """By a key that is never there. A publish asks for it with its first other keys."""
    first = re.findall(r"^[a-z ,]*(?:= )?call\(.*NOWHERE\)", SOURCES[name].decode(), re.M)
    assert len(first) == 1
