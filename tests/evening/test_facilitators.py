"""A room that three people hold, for an evening: they appoint each other, one dies, two demote each
other, the ground rules change, and twice the relay loses its memory.

At the end everybody has heard what they were entitled to, in one order, and the room goes on.
"""

from typing import Final

import pytest

from tests.evening.acts import (
    appoints,
    demotes,
    knock,
    language_of,
    listens_only,
    opens,
    others_come_back,
    relay_comes_back,
    role_changes,
    rules,
)
from tests.evening.evening import Evening, all_of
from tests.evening.person import Person

FIRST: Final = ("Ash", "Birch", "Cedar", "Dune", "Elm", "Fern", "Gale", "Hazel")
SETTLED: Final = 90
"""Seconds after which a room that was brought back is settled, and every client knows."""


@pytest.mark.timeout(280)
async def test_a_room_that_three_people_hold() -> None:
    async with Evening() as evening:
        await comes_together(evening)
        await one_dies(evening)
        await is_handed_over(evening)
        await two_demote_each_other(evening)
        await rules_are_corrected(evening)
        await rules_change(evening)
        await who_came_late_brings_the_room(evening)
        await a_former_facilitator_brings_the_room(evening)
        await all_are_equal(evening)
        await ends(evening)


async def comes_together(evening: Evening) -> None:
    kim, invite = await opens(evening, "Kim", "--facilitators-start", "2")
    ro, *first = await knock(evening, invite, "Ro", *FIRST)
    await evening.let_in(kim, ro, *first)
    early = await ro.do("send", text="Ro: is it on?")
    await ro.until("queued", ref=early)

    await appoints(evening, kim, "Ro")
    said = evening.was_said((await ro.until("sent", ref=early))["id"], "Ro: is it on?")
    await evening.hear(said, *evening.those())
    await evening.all_talk(evening.those(), "good evening")
    evening.step()
    [fay] = await knock(evening, invite, "Fay")
    await evening.let_in(ro, fay)
    await appoints(evening, ro, "Fay")

    evening.step()
    [ivy] = await knock(evening, invite, "Ivy")
    knocks = [await person.until("knock", name="Ivy") for person in (kim, ro, fay)]
    assert knocks[0] == knocks[1] == knocks[2]
    # It is killed with this in hand. Whether the relay has taken it, nobody here can know.
    await ro.do("admit", id=knocks[0]["id"])
    await ro.kill()
    await kim.do("admit", id=knocks[0]["id"])
    await ivy.until("joined", you=True)
    evening.here.add("Ivy")


async def one_dies(evening: Evening) -> None:
    """Ro was killed with -9. Who dies so is told as silent, and comes back by the invite."""
    kim, fay, dead = evening["Kim"], evening["Fay"], evening["Ro"]
    evening.here.remove("Ro")
    evening.step()
    await evening.clock.advance(100)
    for person in evening.those():
        if person.name != "Ivy":  # who has never heard Ro
            await person.until("error", code="facilitator_silent", **{"from": "Ro"})
    await evening.all_talk(evening.those(), "one of us is gone")
    assert await fay.refused("remove", name="Ro") == "is_facilitator"
    await demotes(evening, fay, "Ro")
    evening.step()
    await kim.do("remove", name="Ro")
    await evening.members_agree()
    invite = (await kim.until("invite"))["invite"]
    evening.step()
    [ro] = await knock(evening, invite, "Ro")
    await evening.let_in(fay, ro)
    assert ro is not dead
    await appoints(evening, fay, "Ro")
    await evening.all_talk(evening.those(), "we are twelve")


async def is_handed_over(evening: Evening) -> None:
    kim, ash = evening["Kim"], evening["Ash"]
    evening.step()
    await kim.do("hand_over", name="Ash")
    await role_changes(evening, "Ash", "facilitator", kim)
    for person in evening.those():
        await person.until("role", name="Kim", role="participant")
    assert await kim.refused("lock", on=True) == "not_facilitator"
    await evening.all_talk(evening.those(), "after the handover")
    await listens_only(evening, ash, on=True)
    assert await kim.refused("send", text="not now") == "listen_only"
    await listens_only(evening, ash, on=False)


async def two_demote_each_other(evening: Evening) -> None:
    """The first commit counts, whoever was quicker. Who lost it is appointed again."""
    ro, fay = evening["Ro"], evening["Fay"]
    evening.step()
    refs: dict[str, str] = {}

    async def one(by: Person, name: str) -> None:
        refs[by.name] = await by.do("demote", name=name)

    await all_of(one(ro, "Fay"), one(fay, "Ro"))
    role = await evening["Kim"].until("role", role="participant")
    loser = evening[role["name"]]
    error = await loser.until("error", ref=refs[loser.name])
    # They had the other's commit before their own act, or while it was under way.
    assert error["code"] in ("demoted", "not_facilitator")
    for person in evening.those():
        assert await person.until("role", role="participant") == role
    await evening.all_talk(evening.those(), "after the race")
    await appoints(evening, evening["Ash"], loser.name)


async def rules_are_corrected(evening: Evening) -> None:
    """Each reads the correction in their own language, and nobody is asked."""
    evening.step()
    await evening["Ro"].do("agreement_change", file=rules("rules_corrected"), correction=True)
    for person in evening.those():
        language = language_of(person.name)
        await person.until("agreement", version=2, asked=False, language=language)
    await evening.all_talk(evening.those(), "after the correction")


async def rules_change(evening: Evening) -> None:
    """Everybody is asked, in their own language. What Kim writes before waits, and is not lost."""
    kim, fay = evening["Kim"], evening["Fay"]
    evening.step()
    await fay.do("agreement_change", file=rules("rules_new"))
    for person in evening.those("Fay"):
        language = language_of(person.name)
        await person.until("agreement", version=3, asked=True, language=language)
    waits = await kim.do("send", text="Kim: in mid-sentence")
    await kim.until("queued", ref=waits)
    for person in evening.those("Fay"):
        await person.do("accept", version=3)
    said = evening.was_said((await kim.until("sent", ref=waits))["id"], "Kim: in mid-sentence")
    await evening.hear(said, *evening.those())
    # It goes into their own leaves. What misses one commit is asked anew a minute later.
    holding = (evening["Ash"], evening["Ro"], fay)

    def have_accepted(by: Person) -> set[str]:
        return {event["name"] for event in by.heard("accepted")}

    def all_have() -> bool:
        return all(have_accepted(by) == evening.here - {by.name, "Fay"} for by in holding)

    await evening.clock.advance_until(all_have, 300)
    assert all_have()
    await evening.all_talk(evening.those(), "after the new rule")


async def who_came_late_brings_the_room(evening: Evening) -> None:
    """All are talking when the relay dies. What a relay that lost its memory had taken may be
    missing for some, who are told so."""
    ash, fay = evening["Ash"], evening["Fay"]
    evening.step()
    refs = [(p, await p.do("send", text=f"{p.name}: unfinished")) for p in evening.those()]
    await evening["Kim"].until("message")
    await relay_comes_back(evening, fay)
    await others_come_back(evening)
    await evening.accounts_for(refs)
    await evening.all_talk(evening.those(), "in a log that is not settled")
    assert await ash.refused("end") == "unsettled"
    await evening.clock.advance(SETTLED)
    await evening.all_talk(evening.those(), "in a log that is settled")
    await listens_only(evening, fay, on=True)
    await listens_only(evening, ash, on=False)


async def a_former_facilitator_brings_the_room(evening: Evening) -> None:
    """Ro is away while others demote Ro, and brings the chain in which Ro still facilitates. The
    others have the longer one, and take the room from there."""
    ash, ro = evening["Ash"], evening["Ro"]
    evening.step()
    ro.line.hold()
    await ro.until("connection", state="reconnecting")
    await demotes(evening, ash, "Ro")
    await evening.all_talk(evening.those("Ro"), "Ro is away", missed_by=[ro])
    await relay_comes_back(evening, ro)
    assert not ro.heard("role")
    await evening.say(ro, "Ro: alone in an old room", missed_by=evening.those("Ro"))
    await others_come_back(evening)
    await evening.clock.advance(SETTLED)
    await ro.until("role", name="Ro", role="participant", by="Ash")
    for person in evening.those():
        await person.until("gap")
    assert await ro.refused("lock", on=True) == "not_facilitator"
    await evening.all_talk(evening.those(), "everybody again")


async def all_are_equal(evening: Evening) -> None:
    """The same members and the same history for all, the same group for all that hold it, and what
    each may do is what everybody was told."""
    await evening.members_agree()
    evening.histories_agree(evening["Kim"])
    evening.step()
    holding = [evening["Ash"], evening["Fay"]]
    roles = {name: "participant" for name in evening.here} | {
        person.name: "facilitator" for person in holding
    }
    for person in evening.those():
        members = (await person.asks("members"))["members"]
        assert {member["name"]: member["role"] for member in members} == roles
        assert [member["name"] for member in members if member["you"]] == [person.name]
    words = [(await person.asks("words"))["words"] for person in holding]
    assert words[0] == words[1]
    for person in evening.those("Ash", "Fay"):
        for do, keys in (("words", {}), ("pause", {"name": "Elm"}), ("appoint", {"name": "Elm"})):
            assert await person.refused(do, **keys) == "not_facilitator"
    for number, person in enumerate(holding):
        await listens_only(evening, person, on=number % 2 == 0)


async def ends(evening: Evening) -> None:
    evening.step()
    await evening["Fay"].do("end")
    for person in evening.those():
        assert await person.ended() == ("ended", 0)
    said = {event["event"] for _, event in evening.told_ever()}
    assert not {"unknown", "failed"} & said
