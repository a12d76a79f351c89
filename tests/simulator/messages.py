"""What one client tells of messages, compared with what was said."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from alcove import events

if TYPE_CHECKING:
    from tests.simulator.model import Said
    from tests.simulator.person import Person
    from tests.simulator.world import World

SLACK = 2.0
"""Seconds: ages on the wire are whole ones, and a client looks at its clock once a second."""


class MessagesTold:
    """The messages of one client, its own and those of others."""

    def __init__(self, person: "Person", world: "World") -> None:
        self._person = person
        self._world = world
        self._truth = world.truth
        self.shown: dict[str, float] = {}
        """When each message of another member was shown, in order."""
        self.sent: dict[str, float] = {}
        self.failed: set[str] = set()
        self._over: set[str] = set()
        """The messages whose outcome was told."""
        self.gone: set[str] = set()
        self.gaps: list[float] = []
        """When it was told that messages were missed."""

    def message(self, event: events.Message) -> str:
        said, now = self._truth.said.get(event.id), self._world.clock()
        twice, self.shown[event.id] = event.id in self.shown, now
        if said is None or (said.author, said.text) != (event.sender, event.text):
            return "that person did not say that"
        if twice:
            return "it was shown before"
        if said.author == self._person.name:
            return "it is this person's own"
        if not said.taken:
            return "the relay has not taken it"
        if event.folded and not self._truth.may_be_folded(event.id):
            return "nobody folded it"
        if not 0 < event.ttl <= self._world.schedule.ttl:
            return "its time to live is another"
        if now - said.taken[-1][1] > self._world.schedule.ttl + SLACK and self._world.quiet:
            return "it has expired"
        return "" if self._truth.losses else self._of_this_stay(said)

    def _of_this_stay(self, said: "Said") -> str:
        """Nothing is shown of before a member came, or after they went (I5)."""
        place, _ = said.taken[0]
        if self._truth.is_in(self._person.name, place):
            return ""
        return "it was said before this person came, or after they went"

    def outcome(self, event: events.Sent | events.Queued | events.Failed) -> str:
        said, id = self._truth.said.get(event.id), event.id
        if said is None or said.author != self._person.name:
            return "it is not a message of this person"
        if id in self._over:
            return "its outcome was told before"
        if isinstance(event, events.Failed):
            self._over.add(id)
            if event.code == "unconfirmed":
                return ""
            self.failed.add(id)
            return "the relay has taken it" if said.taken else ""
        if isinstance(event, events.Queued):
            return ""
        earlier = next(reversed(self.sent), None)
        self._over.add(id)
        self.sent[id] = self._world.clock()
        if earlier is not None and self._truth.number_of(earlier) > self._truth.number_of(id):
            return "it was said before the one that was sent before"
        return "" if said.taken else "the relay has not taken it"

    def are_own(self, ids: Iterable[str]) -> bool:
        """Whether this person wrote them all."""
        said = [self._truth.said.get(id) for id in ids]
        return all(one is not None and one.author == self._person.name for one in said)

    @property
    def takes_back(self) -> bool:
        """Whether this person took back what they had said, and was not told that it is gone."""
        said = self._truth.said.values()
        own = [one for one in said if one.author == self._person.name and one.id not in self.gone]
        return any(one.retracted_at is not None for one in own)

    def retracted(self, id: str) -> str:
        said, gone = self._truth.said.get(id), id in self.gone
        self.gone.add(id)
        if said is None or said.retracted_at is None:
            return "its author did not take it back"
        own = said.author == self._person.name
        return "it was not shown, or is gone" if gone or not (own or id in self.shown) else ""

    def expired(self, id: str) -> str:
        said, now, gone = self._truth.said.get(id), self._world.clock(), id in self.gone
        since = self.shown.get(id, self.sent.get(id))
        self.gone.add(id)
        if said is None or since is None or gone:
            return "it was not shown, or is gone"
        early = min(since, said.taken[0][1]) + self._world.schedule.ttl - SLACK > now
        return "it has not expired yet" if early else ""

    def gap(self, *, may_be: bool) -> str:
        """Messages are told as missed. `may_be` says that it cannot know that none were."""
        world = self._world
        self.gaps.append(world.clock())
        lossy = self._truth.losses or world.lies or may_be
        return "" if lossy or world.schedule.ttl < world.clock() else "nothing was missed"
