"""Which epochs of the group each client was in, and who is behind for good."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alcove.engine.engine import Engine

    from tests.simulator.person import Person
    from tests.simulator.world import World

NEVER = -1


class Epochs:
    """Those of one client, by number."""

    def __init__(self) -> None:
        self.first = self.last = NEVER

    def note(self, engine: "Engine") -> None:
        """Look which one it is in."""
        if engine.closed is None and engine.member is not None:
            self.last = engine.member.membership.group.epoch
            self.first = self.last if self.first == NEVER else self.first

    def began_anew(self) -> None:
        """A Welcome let it in again. It knows nothing of before."""
        self.first = self.last


def left_behind(world: "World", person: "Person") -> bool:
    """Whether this member missed a change that nobody who is here can fill in. The relay lost it,
    or kept it back, and others went on. No facilitator of theirs that is here was in an epoch of
    this member's, so that none can open its request to come back (docs/decisions/0030)."""
    last = person.epochs.last
    went_on = [one for one in world.people if one.epochs.last > last > NEVER]
    if not went_on or not (world.truth.losses or world.lies):
        return False
    return not any(one.inside and one.facilitates and _knows(world, one, person) for one in went_on)


def held_for_good(world: "World", person: "Person") -> bool:
    """Whether this member is left behind, and was told that it is out of step."""
    return "held" in world.told[person].problems and left_behind(world, person)


def _knows(world: "World", one: "Person", other: "Person") -> bool:
    """Whether this client was in one of the other's epochs, or parked it for its ticket."""
    first, last = other.epochs.first, other.epochs.last
    programs = [p for p in world.people if p.name == one.name and p is not one and one.came_by]
    return one.epochs.first <= last or any(first <= p.epochs.last <= last for p in programs)
