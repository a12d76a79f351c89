"""What happens at the door of the evening."""

from functools import partial
from typing import Final

from tests.evening.evening import Evening
from tests.evening.person import Event, Person

QUESTION: Final = "Who told you of us?"


async def several_at_once(evening: Evening, by: Person, *newcomers: Person) -> None:
    """All who wait are let in by one act. Both facilitators see the same lobby."""
    names = {newcomer.name for newcomer in newcomers}
    lobbies = []
    for person in (evening["Kim"], by):
        await person.sees(partial(all_wait, person, names), "all who wait")
        lobbies.append(waiting(person))
    assert lobbies[0] == lobbies[1]
    await by.do("admit_all")
    for newcomer in newcomers:
        await newcomer.until("joined", you=True)
    evening.here |= names
    await evening.members_agree()


def all_wait(person: Person, names: set[str]) -> bool:
    return waiting(person).keys() == names


def waiting(person: Person) -> dict[str, Event]:
    """Who knocked in this step, as this facilitator was told."""
    return {event["name"]: event for event in person.heard("knock")}


async def talks_at_the_door(evening: Evening, newcomer: Person, id: str) -> None:
    """Ro takes the talk, which Kim sees. The group is told nothing of it."""
    kim, ro = evening["Kim"], evening["Ro"]
    group = {person.name: len(person.seen) for person in evening.those("Kim", "Ro")}
    await ro.do("door_take", id=id)
    await kim.until("door_taken", id=id, by="Ro")
    assert "id" not in await newcomer.until("door_taken", by="Ro")
    await ro.do("door_say", id=id, text="Have we met tonight?")
    await newcomer.until("door_said", **{"text": "Have we met tonight?", "from": "Ro"})
    await newcomer.do("door_say", text="Never.")
    for person in (kim, ro):
        await person.until("door_said", **{"id": id, "text": "Never.", "from": "Poppy"})
    assert {person.name: len(person.seen) for person in evening.those("Kim", "Ro")} == group


async def answers(evening: Evening, invite: str, name: str, answer: str) -> Person:
    """A newcomer who reads the rules and the question, and knocks with this answer."""
    person = await evening.comes(name)
    await person.join(invite)
    shown = await person.until("agreement", asked=True)
    assert shown["question"] == QUESTION
    await person.do("accept", version=shown["version"], answer=answer)
    return person
