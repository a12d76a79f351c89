"""What one client told its person, each sentence compared with what is true."""

from typing import TYPE_CHECKING

from alcove import events
from alcove.events import AnyEvent, ConnectionState, RoomState
from alcove_protocol.roster import Op

from tests.simulator.endings import wrong_ending

if TYPE_CHECKING:
    from tests.simulator.person import Person
    from tests.simulator.world import World

SETTLED = 130.0
"""Seconds after the last trouble from which no facilitator is silent any more."""
SLACK = 2.0
"""Seconds: ages on the wire are whole ones, and a client looks at its clock twice a second."""


class Told:
    """All that one client told so far."""

    def __init__(self, person: "Person", world: "World") -> None:
        self.person = person
        self.world = world
        self.shown: dict[str, float] = {}
        self.sent: dict[str, float] = {}
        self.failed: set[str] = set()
        self.retracted: set[str] = set()
        self.expired: set[str] = set()
        self.gaps: list[float] = []
        """When it was told that messages were missed."""
        self.knocks: set[str] = set()
        self.joined_at: float | None = None
        self.rejoined_at: float | None = None
        self.state = RoomState.OPEN
        self.closed: events.Closed | None = None

    def hear(self, event: AnyEvent) -> None:
        """Compare one event."""
        wrong = "after the end" if self.closed is not None else self._wrong(event)
        if wrong:
            self.world.fail(f"{self.person.name} was told {event!r}: {wrong}")

    def _wrong(self, event: AnyEvent) -> str:
        """Why this is not true, or nothing."""
        match event:
            case events.Message():
                return self._message(event)
            case events.Sent(id) | events.Queued(id) | events.Failed(id):
                return self._outcome(event, id)
            case events.Retracted(id):
                return self._retracted(id)
            case events.Expired(id):
                return self._expired(id)
            case events.Joined() | events.Left() | events.Removed():
                return self._membership(event)
            case events.RoomChanged(state):
                self.state = state
                return self._room(state)
            case events.ConnectionChanged(ConnectionState.REJOINED):
                self.rejoined_at = self.world.clock()
            case events.Gap():
                return self._gap()
            case events.Problem(code):
                if code == "unreadable":
                    self.gaps.append(self.world.clock())
                missed = code == "held" and self.world.truth.losses  # all commits but the last
                return "" if missed or self.world.lies else f"there is no reason for {code}"
            case events.Unknown():
                return "every client here knows all kinds"
            case events.Knocked(id) | events.KnockGone(id):
                return self._knock(event, id)
            case events.Closed():
                self.closed = event
                return wrong_ending(self.world, self.person, event.reason, event.code)
            case _:
                pass
        return ""

    # --- messages ------------------------------------------------------------------------------

    def _message(self, event: events.Message) -> str:
        said, now = self.world.truth.said.get(event.id), self.world.clock()
        twice, self.shown[event.id] = event.id in self.shown, now
        if said is None or (said.author, said.text) != (event.sender, event.text):
            return "that person did not say that"
        if twice:
            return "it was shown before"
        if said.author == self.person.name:
            return "it is this person's own"
        if not said.taken:
            return "the relay has not taken it"
        if not 0 < event.ttl <= self.world.schedule.ttl:
            return "its time to live is another"
        if now - said.taken[-1][1] > self.world.schedule.ttl + SLACK and self._quiet:
            return "it has expired"
        return ""

    def _outcome(self, event: events.Sent | events.Queued | events.Failed, id: str) -> str:
        said = self.world.truth.said.get(id)
        if said is None or said.author != self.person.name:
            return "it is not a message of this person"
        if id in self.sent or id in self.failed:
            return "its outcome was told before"
        if isinstance(event, events.Sent):
            self.sent[id] = self.world.clock()
            return "" if said.taken else "the relay has not taken it"
        if isinstance(event, events.Failed):
            self.failed.add(id)
            return "the relay has taken it" if said.taken else ""
        return ""

    def _retracted(self, id: str) -> str:
        said = self.world.truth.said.get(id)
        twice = id in self.retracted
        self.retracted.add(id)
        if said is None or said.retracted_at is None:
            return "its author did not take it back"
        own = said.author == self.person.name
        return "it was not shown, or is gone" if twice or not (own or id in self.shown) else ""

    def _expired(self, id: str) -> str:
        said, now = self.world.truth.said.get(id), self.world.clock()
        since = self.shown.get(id, self.sent.get(id))
        twice = id in self.expired or id in self.retracted
        self.expired.add(id)
        if said is None or since is None or twice:
            return "it was not shown, or is gone"
        early = min(since, said.taken[0][1]) + self.world.schedule.ttl - SLACK > now
        return "it has not expired yet" if early else ""

    def _gap(self) -> str:
        world = self.world
        self.gaps.append(world.clock())
        lossy = world.truth.losses or self.world.lies or self.rejoined_at is not None
        return "" if lossy or world.schedule.ttl < world.clock() else "nothing was missed"

    # --- people --------------------------------------------------------------------------------

    def _membership(self, event: events.Joined | events.Left | events.Removed) -> str:
        truth, name = self.world.truth, event.name
        if isinstance(event, events.Joined):
            if event.you:
                self.joined_at = self.world.clock()
            in_list = name == truth.founder or truth.happened(Op.ADD, name)
            return "" if in_list else "no entry adds them"
        op = Op.LEFT if isinstance(event, events.Left) else Op.REMOVE
        if not truth.happened(op, name):
            return "no entry says so"
        if op is Op.LEFT:
            return "" if truth.commands[name].leave else "they did not ask to go"
        return "" if truth.commanded("removed", name) else "no facilitator wanted that"

    def _knock(self, event: events.Knocked | events.KnockGone, id: str) -> str:
        if isinstance(event, events.KnockGone):
            known = id in self.knocks
            self.knocks.discard(id)
            return "" if known else "it was never shown"
        twice = id in self.knocks
        self.knocks.add(id)
        known = event.name in self.world.truth.commands and self.person.facilitates
        return "" if known and not twice else "there is no such knock for this person"

    # --- the room ------------------------------------------------------------------------------

    @property
    def _quiet(self) -> bool:
        """Whether nothing was wrong for so long that all is as it should be."""
        world = self.world
        traps = any(person.traps for person in world.people)
        return not traps and world.clock() > world.trouble_at + SETTLED

    def _room(self, state: RoomState) -> str:
        if state is RoomState.OPEN or self.world.lies:
            return ""
        if state is RoomState.SPLIT:
            return "the relay shows all members the same"
        if state is RoomState.NOT_HEARD and self.misses_a_facilitator:
            return ""
        held = any(self._holds(person) for person in self.world.people)
        return "a facilitator is there, and nothing is wrong" if held and self._quiet else ""

    @property
    def misses_a_facilitator(self) -> bool:
        """Whether this is a facilitator, and another one is gone without a goodbye: a facilitator
        waits for the others' beats (docs/protocol.md 11)."""
        others = [p for p in self.world.people if p.facilitates and p is not self.person]
        return self.person.facilitates and any(p.frozen or not p.inside for p in others)

    def _holds(self, person: "Person") -> bool:
        """Whether this person facilitates, and did not say goodbye."""
        leaves = self.world.truth.commands[person.name].leave
        return person.facilitates and person.inside and not person.frozen and not leaves
