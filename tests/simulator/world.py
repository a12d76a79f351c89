"""One world: a relay, its store and several people on one virtual clock, and a schedule to follow.

After the last step everything is healed. Then the room has to come to rest: all members in one
epoch, nothing waiting, each message with every member. A last message of each member shows that
the room works, and at last it is ended.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Final

from alcove import events
from alcove.errors import AlcoveError
from alcove.events import AnyEvent
from alcove.joining.door_words import REASONS
from alcove.room import Room
from alcove_protocol import limits
from alcove_protocol.roster import Op

from tests.simulator import checks, virtual
from tests.simulator.acts import end, lift, make_facilitator, talk
from tests.simulator.faults import STEPS, heal
from tests.simulator.model import Truth
from tests.simulator.node import Node
from tests.simulator.person import Person
from tests.simulator.schedule import NAMES, Schedule
from tests.simulator.sentences import Told
from tests.simulator.told_tickets import wrong_refusal
from tests.simulator.ways import come_inside

ABSENT: Final = 120
"""Seconds of silence after which members are let go, where clients send signs of life."""
SETTLED: Final = 130.0
"""Seconds after the last trouble from which no facilitator is silent any more."""
UNDER_WAY: Final = 20
"""Seconds that a commit may be under way in a healed room."""
REST: Final = 160.0
"""Seconds that a healed room has to come to rest: silence of 90 s, a beat, and a way back."""
COVERED: Final = 65.0
"""Seconds after the end of slow mode in which a message may still wait for its heartbeat: a void
that it may need had to wait for its author's turn."""


class World:
    """What is there, and what has been found wrong."""

    def __init__(self, schedule: Schedule, say: Callable[[str], None]) -> None:
        self.schedule = schedule
        self.loop = asyncio.get_running_loop()
        self.random = Random(f"{schedule.seed} world")
        self.clock = self.loop.time
        self.truth = Truth(self.clock)
        self.truth.find = self._owner
        self.truth.connected = self._is_connected
        self.node = Node(self.truth, self.random, limited=schedule.limited)
        self.reach = self.node.reach
        self.people: list[Person] = []
        self.present: list[Person | None] = [None] * len(NAMES)
        self.invites: list[str] = []
        self.links: list[str] = []
        """The links of standbys that facilitators were shown."""
        self.decisions: dict[str, int] = {}
        self.kept_out: set[str] = set()
        """Members whom a facilitator did not let in again."""
        self.failures: list[str] = []
        self.told: dict[Person, Told] = {}
        self.trouble_at = 0.0
        """Until when something was wrong with relay, store or any connection."""
        self.healing = False
        self.lies = schedule.kind == "lies"
        """Whether the relay may swallow what it should send."""
        self._say = say
        self._tasks: set[asyncio.Task[None]] = set()

    # --- what is wrong -------------------------------------------------------------------------

    def stop_relay(self, *, memory: bool) -> None:
        """The relay's process dies, and every connection with it."""
        self.node.stop(memory=memory)
        for person in self.people:
            if person.wire is not None:
                person.wire.cut()

    def trouble(self, seconds: float) -> None:
        """Something is wrong for so long, counted with the time to connect again."""
        self.trouble_at = max(self.trouble_at, self.clock() + seconds)

    @property
    def quiet(self) -> bool:
        """Whether nothing was wrong for so long that all is as it should be."""
        traps = any(person.traps for person in self.people)
        return not traps and self.clock() > self.trouble_at + SETTLED

    # --- people --------------------------------------------------------------------------------

    def delay(self) -> float:
        most = self.schedule.latency
        return self.random.uniform(most / 2, most) if most else 0.0

    def sends(self, blob: bytes, id: str) -> None:
        self.truth.sends(blob, id)

    def _owner(self, relay_key: bytes) -> str:
        """Who came by a standby's link makes fresh keys, as often as an answer was false."""
        owners = (p for p in self.people if p.engine.identity.relay.public == relay_key)
        return next((person.name for person in owners), "")

    def _is_connected(self, relay_key: bytes) -> bool:
        """Whether a program with this key is connected, and nothing keeps the relay from seeing
        that."""
        programs = (p for p in self.people if p.engine.identity.relay.public == relay_key)
        wires = (person.wire for person in programs if person.inside and not person.frozen)
        return self.quiet and any(wire is not None and not wire.closed for wire in wires)

    def failed(self, person: Person, code: str) -> None:
        """A room could not be entered. What keeps newcomers out is compared in the end."""
        wrong = wrong_refusal(self, person, code) if person.came_by else ""
        if wrong:
            self.fail(f"{person.name} cannot come back by a ticket: {wrong}")

    def new_person(self, slot: int, name: str = "") -> Person:
        """Another stay at this place. With a `name` it is that of an earlier one."""
        stay = sum(person.slot == slot for person in self.people)
        seed = NAMES[slot] + (f" {chr(ord('A') + stay)}" if stay else "")
        name = name or seed
        person = Person(slot, name, self, f"{self.schedule.seed} {seed}")
        self.people.append(person)
        self.present[slot] = person
        self.told[person] = Told(person, self)
        self.truth.person(name, person.engine.identity.relay.public)
        return person

    def shown(self, person: Person, event: AnyEvent) -> None:
        """A client tells its person something."""
        self.log(f"{person.name} is told {event!r}")
        self.told[person].hear(event)
        match event:
            case events.Opened(invite) | events.InviteChanged(invite):
                self.invites.append(invite)
            case events.TicketMade(ticket):
                person.ticket = ticket
            case events.StandbyLink(link) if link:
                self.links.append(link)
            case events.AgreementShown(question=asked) if asked and not person.inside:
                self.later(1.0, lambda: self.call(person, lambda: self._answer(person)))
            case events.AgreementShown() if not person.inside:
                if self.decisions.get(person.name, 0) % 4 == 0 or person.link:
                    self.later(1.0, lambda: self.call(person, self.room(person).accept))
            case events.AgreementShown(asked=True) if person.inside:
                self.later(self._thinks(person), lambda: self.accept(person))
            case events.Closed(code="knock_again") if self.lies:
                self.kept_out.add(person.name)  # a relay that lies keeps them from coming back
            case events.Knocked():
                self._knocked(person, event)
            case events.Joined(you=True) if person.came_by:
                self.truth.commands[person.name].ticket = True  # they are given the next one
            case events.Joined(you=True) if 0 < person.slot < self.schedule.facilitators:
                if self.people[0].inside:
                    make_facilitator(self, self.people[0], person.name)
            case _:
                pass

    def _thinks(self, person: Person) -> float:
        """Seconds in which a person reads new ground rules."""
        return 1.0 if self.healing else float(self.decisions.get(person.name, 0) % 50)

    async def _answer(self, person: Person) -> None:
        await self.room(person).accept(answer=f"{person.name} was invited.")

    def accept(self, person: Person) -> None:
        """Accept the ground rules that a person was shown last, once their device is awake."""
        if person.inside and person.frozen:
            self.later(1.0, lambda: self.accept(person))
        elif person.inside:
            self.call(person, self.room(person).accept)

    @staticmethod
    def room(person: Person) -> Room:
        assert person.room is not None  # each person opens or joins at once
        return person.room

    def _knocked(self, person: Person, knock: events.Knocked) -> None:
        """A facilitator decides, as the newcomer's step says. A member who returns has no code."""
        if knock.outside:
            return  # they come back by themselves
        drawn, room = self.decisions.get(knock.name, 99), self.room(person)
        decision = drawn % 10 if knock.code else drawn // 10 % 10
        if not knock.code and decision < 2 and not self.healing:
            self.kept_out.add(knock.name)
        commands = self.truth.commands[person.name]
        if decision == 0 and not self.healing:
            reason = REASONS[drawn // 100 % len(REASONS)]
            commands.refused.add(knock.name)
            commands.reasons[knock.name] = reason
            self.later(0.5, lambda: self.call(person, lambda: room.refuse(knock.id, reason)))
        elif decision == 1 and not self.healing:
            pass  # nobody looks
        else:
            commands.admitted.add(knock.name)
            seconds = 20.0 if decision == 2 else 0.1 * decision
            listens = bool(knock.code) and drawn // 100 == 3
            if listens:
                commands.listeners.add(knock.name)
                commands.paused.add(knock.name)
            admit = partial(room.admit, knock.id, to_listen=listens)
            self.later(seconds, lambda: self.call(person, admit))

    def fail(self, what: str) -> None:
        self.log(f"FAILED: {what}")
        self.failures.append(f"[{self.clock() - virtual.START:.2f} s] {what}")

    def _broken(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """A callback of the world itself raised."""
        self.fail(f"the world broke: {context.get('exception') or context['message']!r}")

    def log(self, what: str) -> None:
        self._say(f"{self.clock() - virtual.START:9.2f}  {what}")

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        self.loop.call_later(seconds, act)

    def call(
        self,
        person: Person,
        command: Callable[[], Awaitable[None] | None],
        then: Callable[[AlcoveError | None], None] = lambda error: None,
    ) -> None:
        """Give a command to a client. `then` hears how it ended."""
        if person.there and not person.frozen:
            task = self.loop.create_task(self._called(person, command, then))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _called(
        self,
        person: Person,
        command: Callable[[], Awaitable[None] | None],
        then: Callable[[AlcoveError | None], None],
    ) -> None:
        try:
            waits = command()
            if waits is not None:
                await waits
        except AlcoveError as error:
            self.log(f"{person.name} is answered {type(error).__name__} {error.code}")
            then(error)
        except Exception as error:
            self.fail(f"a command of {person.name} raised {error!r}")
        else:
            then(None)

    # --- the course ----------------------------------------------------------------------------

    async def run(self) -> list[str]:
        self.loop.set_exception_handler(self._broken)
        random.seed(self.schedule.seed)  # the SDK's pauses between connections
        ticking = self.loop.create_task(self.node.tick())
        self.node.start()
        absent = ABSENT if self.schedule.line else 0
        self.new_person(0).open(self.schedule.ttl, self.schedule.uses, absent)
        await asyncio.sleep(3.0)
        for step in self.schedule.steps:
            await asyncio.sleep(step.after)
            if self.failures:
                break
            self.log(f"STEP {step!r}")
            STEPS[step.act](self, step.who, step.arg)
            await asyncio.sleep(0)
            checks.each_step(self)
        if not self.failures:
            await self._come_to_rest()
        ticking.cancel()
        for person in self.people:
            person.die()
        return self.failures

    async def _come_to_rest(self) -> None:
        self.healing = True
        heal(self, 0, 0)
        for person in self.people:
            if person.there and not person.inside and self.truth.commands[person.name].outside:
                come_inside(self, person)
        await asyncio.sleep(REST)
        if any(checks.unsettled(person) for person in self.people):
            # Few came back: what was brought stands only after ten minutes.
            await asyncio.sleep(limits.UNSETTLED + REST)
        slowly = any(checks.goes_slowly(person) for person in self.people)
        lift(self)
        back = 20.0 if any(person.steps_in for person in self.people) else 0.0
        # A locked door, or another program with their ticket, kept them out: they ask every 30 s.
        let_go = any(self.truth.happened(Op.ABSENT, person.name) for person in self.people)
        if let_go or any(person.came_by for person in self.people):
            back = 40.0
        if let_go and self.truth.losses:
            # They believe that they are out once the room has settled, and ask for three minutes.
            back = 200.0
        if slowly:
            back = max(back, COVERED)
        await asyncio.sleep(10.0 * self.schedule.latency + 6.0 + back)
        await self._stand_still()
        checks.at_rest(self)
        if self.failures:
            return
        for person in self.people:
            if person.inside:
                talk(self, person.slot, 0)
        await asyncio.sleep(10.0 * self.schedule.latency + 3.0)
        await self._stand_still()
        checks.at_rest(self)
        if not self.failures and not self.truth.over:
            end(self, 0, 0)
            await asyncio.sleep(10.0 * self.schedule.latency + 6.0)
            checks.at_rest(self)

    async def _stand_still(self) -> None:
        """Wait, but not for ever, until no commit is under way."""
        for _ in range(UNDER_WAY):
            if not checks.moving(self):
                return
            await asyncio.sleep(1.0)
