"""Nobody is lost by a crash: a participant is killed and back under the same name, then every
facilitator is killed and the standby comes in. On a relay with its rooms in memory, and on Redis.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.evening.acts import appoints, knock, opens
from tests.evening.evening import Evening
from tests.evening.person import Person
from tests.redis_store.moved import Moved, make_shim, needs_compiler

WORD: Final = "blue kettle"
GONE: Final = {"left", "removed", "absent"}
SILENT: Final = 25
"""Seconds: four frames of the private line, and one more."""


@asynccontextmanager
async def stored(where: str, folder: Path) -> AsyncIterator[Evening]:
    """An evening whose relay keeps its rooms there."""
    if where == "memory":
        async with Evening() as evening:
            yield evening
        return
    async with (
        Moved(folder, make_shim(folder)) as redis,
        Evening("--store", redis.url) as evening,
    ):
        evening.clock.moves.append(redis.move)  # a store on Redis goes by its clock
        yield evening


@pytest.mark.timeout(280)
@pytest.mark.parametrize("where", ["memory", pytest.param("redis", marks=needs_compiler)])
async def test_nobody_is_lost_by_a_crash(where: str, tmp_path: Path) -> None:
    async with stored(where, tmp_path) as evening:
        invite, link = await comes_together(evening)
        await a_participant_is_killed_and_comes_back(evening, invite)
        await every_facilitator_is_killed(evening, link)
        await the_room_goes_on(evening)


async def comes_together(evening: Evening) -> tuple[str, str]:
    """Return the invite, and the standby's link."""
    kim, invite = await opens(evening, "Kim")
    ro, birch = await knock(evening, invite, "Ro", "Birch")
    await evening.let_in(kim, ro, birch)
    await appoints(evening, kim, "Ro")
    evening.step()
    await evening.let_in(ro, await with_a_word(evening, invite, WORD))
    evening.step()
    await kim.do("standby")
    link: str = (await kim.until("standby"))["invite"]
    for person in evening.those():
        assert (await person.until("standby_changed"))["by"] == "Kim"
        assert bool(person.ever("standby")) is (person is kim)
    return invite, link


async def with_a_word(evening: Evening, invite: str, word: str) -> Person:
    """Ash comes to the door, reads the ground rules, and chooses a word for today."""
    ash = await evening.comes("Ash")
    await ash.join(invite)
    version = (await ash.until("agreement", asked=True))["version"]
    await ash.do("accept", version=version, word=word)
    return ash


async def a_participant_is_killed_and_comes_back(evening: Evening, invite: str) -> None:
    kim, ro, birch = evening["Kim"], evening["Ro"], evening["Birch"]
    evening.step()
    came = kim.at(kim.ever("knock", name="Ash")[0])
    await evening["Ash"].kill()
    evening.here.remove("Ash")
    await evening.clock.advance(SILENT)
    ash = await with_a_word(evening, invite, WORD)
    knocks = [await person.until("knock", name="Ash") for person in (kim, ro)]
    stayed = SILENT + time.monotonic() - came
    for told in knocks:
        assert (told["again"], told["word"]) == ("Ash", "fits")
        assert SILENT - 5 <= told["away"] <= stayed  # no fixed bound: a busy machine takes its time
    await ro.do("admit", id=knocks[0]["id"])
    joined = await ash.until("joined", you=True)
    assert set(joined["members"]) == {"Ash", "Birch", "Kim", "Ro"}
    for person in (kim, ro, birch):
        assert await person.until("new_keys") == {"event": "new_keys", "name": "Ash", "by": "Ro"}
        assert not {one["event"] for one in person.new} & GONE
        # No invite was closed for it, and none has taken the place of another.
        assert not person.heard("revoked") + person.heard("invite")
    evening.here.add("Ash")
    await true_lists(evening, {"Kim", "Ro"})
    await evening.all_talk(evening.those(), "one of us is back")
    [cedar] = await knock(evening, invite, "Cedar")  # by the invite that Ash came by, twice
    await evening.let_in(kim, cedar)


async def every_facilitator_is_killed(evening: Evening, link: str) -> None:
    """What the others are told of it, in the order of what is true."""
    evening.step()
    for name in ("Kim", "Ro"):
        await evening[name].kill()
        evening.here.remove(name)
    dora = await evening.comes("Dora")
    await dora.join(link, "--accept")
    await dora.until("error", code="facilitated")  # their last heartbeats are of just now
    await evening.clock.advance(45)
    for person in evening.those():
        assert not person.heard("standby_asked")
        # A newcomer of a moment ago may be told only now that the room is open, by a heartbeat.
        assert {one["state"] for one in person.heard("room")} <= {"open"}

    def is_in() -> bool:
        return bool(dora.heard("standby_changed", on=False))

    await evening.clock.advance_until(is_in, 180)
    await dora.until("joined", you=True)
    for person in evening.those():
        for kind, keys in (
            ("room", {"state": "read-only"}),
            ("standby_asked", {"admitted": False}),
            ("joined", {"name": "Dora"}),
            ("role", {"name": "Dora", "role": "facilitator", "by": "Dora"}),
            ("standby_asked", {"admitted": True}),
            ("standby_changed", {"on": False, "by": "Dora"}),
        ):
            await person.until(kind, **keys)
        told = [one["event"] for one in person.new]
        assert told.index("standby_asked") < told.index("joined") < told.index("role")
        assert not set(told) & GONE
    evening.here.add("Dora")
    # Who died is not taken off the list by it: they may come back with their keys.
    await true_lists(evening, {"Dora", "Kim", "Ro"}, dead={"Kim", "Ro"})


async def true_lists(
    evening: Evening, facilitators: set[str], dead: Set[str] = frozenset()
) -> None:
    """What each client lists is who is in the room, and who facilitates."""
    for person in evening.those():
        members = (await person.asks("members"))["members"]
        assert {member["name"] for member in members} == evening.here | dead
        listed = {member["name"] for member in members if member["role"] == "facilitator"}
        assert listed == facilitators


async def the_room_goes_on(evening: Evening) -> None:
    """Everybody reads everybody, and the one who came by the link lets people in."""
    await evening.clock.advance(30)  # until a heartbeat names the new conversation
    for person in evening.those("Dora"):
        await person.until("room", state="open")
    await evening.all_talk(evening.those(), "we go on")
    dora = evening["Dora"]
    invite: str = (await dora.asked("invite", "invite_new"))["invite"]
    [elm] = await knock(evening, invite, "Elm")
    told = await dora.until("knock", name="Elm")
    await dora.do("admit", id=told["id"])
    assert "Elm" in (await elm.until("joined", you=True))["members"]
