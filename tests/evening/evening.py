"""All people of the evening, the relay, and what each of them was entitled to hear."""

import asyncio
from collections.abc import Awaitable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final, Self

from tests.client_sdk.cli.relay import RelayProcess
from tests.evening.line import Line
from tests.evening.person import Event, Person
from tests.evening.shared_clock import SharedClock, given_to

_RELAY: Final = "relay"


async def all_of(*work: Awaitable[object]) -> None:
    """Do it at once. The first failure ends all of it."""
    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(_awaited(one))


async def _awaited(work: Awaitable[object]) -> None:
    await work


@dataclass(frozen=True, slots=True)
class Said:
    """A message, and the people who were in the room when it was said."""

    id: str
    text: str
    to: frozenset[Person]


class Evening:
    """By `async with`. `here` are the people who are in the room, and `arguments` the relay's."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self.clock = SharedClock()
        self.relay: RelayProcess
        self.people: dict[str, Person] = {}
        self.loose: set[str] = set()
        """Messages that were on their way when the relay lost its memory."""
        self.everybody: list[Person] = []
        """Also those who died or left."""
        self.here: set[str] = set()
        self.said: list[Said] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.clock)
        run = ("-m", "tests.evening.relay_process", given_to(_RELAY, self.clock))
        relay = RelayProcess(*self._arguments, run=run, fds=self.clock.fds)
        self.relay = await self._stack.enter_async_context(relay)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def __getitem__(self, name: str) -> Person:
        return self.people[name]

    def those(self, *without: str) -> list[Person]:
        """The people in the room, in the order of their names."""
        return [self.people[name] for name in sorted(self.here - set(without))]

    def step(self) -> None:
        """Something new begins: what was told before does not count for it."""
        for person in self.people.values():
            person.mark = len(person.seen)

    async def comes(self, name: str, language: str = "en") -> Person:
        """A person with a line to the relay. Under a name of before it is a new program."""
        line = await self._stack.enter_async_context(Line(self.relay.port))
        person = Person(name, line, self.clock, language)
        self.everybody.append(person)
        self.people[name] = await self._stack.enter_async_context(person)
        return person

    # --- getting in ----------------------------------------------------------------------------

    async def let_in(self, by: Person, *newcomers: Person) -> None:
        """Admit them, as soon as each of them knocks, and wait until everybody knows."""

        async def one(newcomer: Person) -> None:
            knock = await by.until("knock", name=newcomer.name)
            await by.do("admit", id=knock["id"])
            await newcomer.until("joined", you=True)

        await all_of(*(one(newcomer) for newcomer in newcomers))
        self.here |= {newcomer.name for newcomer in newcomers}
        await self.members_agree()

    async def members_agree(self) -> None:
        """Wait until everybody was told who is in the room, and who is not."""
        for person in self.those():
            wanted = f"that these are here: {sorted(self.here)}"
            await person.sees(partial(self._knows_members, person), wanted)

    def _knows_members(self, person: Person) -> bool:
        return self.members(person) == self.here

    # --- talking -------------------------------------------------------------------------------

    async def say(self, by: Person, text: str, missed_by: Iterable[Person] = ()) -> Said:
        """Say something. Everybody who is here is entitled to it, except `missed_by`, whom the
        relay never told."""
        sent = await by.until("sent", ref=await by.do("send", text=text))
        return self.was_said(sent["id"], text, missed_by)

    def was_said(self, id: str, text: str, missed_by: Iterable[Person] = ()) -> Said:
        """Note that this was said to those who are here."""
        said = Said(id, text, frozenset(self.those()) - frozenset(missed_by))
        self.said.append(said)
        return said

    async def accounts_for(self, in_flight: Iterable[tuple[Person, str]]) -> None:
        """Texts, by author and ref, that were on their way when the relay lost its memory. Each
        goes again until a relay has taken it. Who lacks one that was taken was told so."""
        for by, ref in in_flight:
            await by.sees(partial(by.ever, "sent", ref=ref), "sent")
            self.loose.add(by.ever("sent", ref=ref)[0]["id"])
        for person in self.those():
            history = self.history(person)
            assert len(history) == len(set(history)), "a message came twice"
            assert self.loose <= set(history) or person.heard("gap"), person.name

    async def hear(self, said: Said, *people: Person) -> None:
        """These people are told of it, or have said it."""
        for person in people:
            if said.id not in {e["id"] for e in person.seen if e["event"] == "sent"}:
                await person.until("message", id=said.id, text=said.text)

    async def all_talk(
        self, people: Iterable[Person], text: str, missed_by: Iterable[Person] = ()
    ) -> None:
        """Everybody says something at once, and hears what the others say."""
        people = list(people)
        self.step()
        said: list[Said] = []

        async def one(person: Person) -> None:
            said.append(await self.say(person, f"{person.name}: {text}", missed_by))

        await all_of(*(one(person) for person in people))
        for one_said in said:
            await self.hear(one_said, *people)

    # --- what must hold ------------------------------------------------------------------------

    def history(self, person: Person) -> list[str]:
        """The messages in the order in which this person was told of them, their own included."""
        return [e["id"] for e in person.seen if e["event"] in ("message", "sent")]

    def histories_agree(self, by: Person) -> None:
        """Everybody, the dead too, has what they were entitled to, once, in the order in which `by`
        has it, and nothing else."""
        order = self._kept(by)
        assert len(order) == len(set(order)), "a message came twice"
        to = {said.id: said.to for said in self.said}
        assert set(order) == {id for id, people in to.items() if by in people}
        for person in self.everybody:
            history = self._kept(person)
            assert set(history) == {id for id, people in to.items() if person in people}
            common = [id for id in order if person in to[id]]
            assert [id for id in history if by in to[id]] == common, person.name

    def _kept(self, person: Person) -> list[str]:
        return [id for id in self.history(person) if id not in self.loose]

    def members(self, person: Person) -> set[str]:
        """Who is in the room, as this person was told."""
        members: set[str] = set()
        for event in person.seen:
            match event["event"]:
                case "joined":
                    members |= {event["name"], *event.get("members", ())}
                case "left" | "removed":
                    members.discard(event["name"])
        return members

    def told_ever(self) -> list[tuple[Person, Event]]:
        """All that anybody was told."""
        return [(person, event) for person in self.everybody for event in person.seen]
