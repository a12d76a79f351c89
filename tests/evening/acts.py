"""What people of the evening do, with what everybody is told of it."""

from pathlib import Path
from typing import Final

from tests.evening.evening import Evening, all_of
from tests.evening.person import Person

HERE: Final = Path(__file__).resolve().parent
TITLE: Final = "Evening circle"
GERMAN: Final = frozenset({"Birch", "Elm", "Hazel", "Ro"})
"""They read the ground rules in German, the others in English."""


def language_of(name: str) -> str:
    return "de" if name in GERMAN else "en"


def rules(name: str) -> str:
    """A file of ground rules in both languages."""
    return str(HERE / f"{name}.toml")


async def opens(evening: Evening, name: str, *arguments: str) -> tuple[Person, str]:
    """This person opens the room. Return them and their invite."""
    person = await evening.comes(name, language_of(name))
    about = ("--title", TITLE, "--agreement-file", rules("rules"), "--uses", "20")
    await person.open(evening.relay.url, *about, *arguments)
    invite: str = (await person.until("opened"))["invite"]
    await person.until("joined", you=True)
    evening.here.add(name)
    return person, invite


async def knock(evening: Evening, invite: str, *names: str) -> list[Person]:
    """These people come to the door, and accept the ground rules."""
    people = [await evening.comes(name, language_of(name)) for name in names]
    await all_of(*(person.join(invite, "--accept") for person in people))
    return people


async def role_changes(evening: Evening, name: str, role: str, by: Person) -> None:
    """Everybody is told who facilitates, or does no more, and by whose act."""
    for person in evening.those():
        await person.until("role", name=name, role=role, by=by.name)


async def appoints(evening: Evening, by: Person, name: str) -> None:
    """Everybody is told, and the new facilitator can let people in."""
    evening.step()
    await by.do("appoint", name=name)
    await role_changes(evening, name, "facilitator", by)
    for facilitator in (by, evening[name]):
        await facilitator.until("vault", name=name, complete=True)


async def demotes(evening: Evening, by: Person, name: str) -> None:
    """Everybody whose line is open is told."""
    evening.step()
    await by.do("demote", name=name)
    for person in evening.those():
        if person.line.open:
            await person.until("role", name=name, role="participant", by=by.name)


async def listens_only(evening: Evening, by: Person, *, on: bool) -> None:
    """Everybody is told the rule."""
    evening.step()
    await by.do("listen_only", on=on)
    for person in evening.those():
        await person.until("rules", listen_only=on, by=by.name)


async def relay_comes_back(evening: Evening, first: Person) -> None:
    """The relay is killed with all that it had, and started again. `first` reaches it before all
    others: their lines are held until this one has brought the room."""
    evening.step()
    for person in evening.those():
        person.line.hold()
    await evening.relay.kill()
    for person in evening.those():
        if person.is_connected:
            await person.until("connection", state="reconnecting")
    evening.step()
    await evening.relay.start()
    first.line.let_go()
    await first.until("connection", state="resumed")


async def others_come_back(evening: Evening) -> None:
    """The lines of all others are let go."""
    for person in evening.those():
        person.line.let_go()
    for person in evening.those():
        await person.until("connection", state="resumed")
