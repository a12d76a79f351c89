"""What clients tell of other ways in, compared with what is true: by a link, under the own name."""

from typing import TYPE_CHECKING

from alcove import events
from alcove_protocol.roster import Op

from tests.simulator.virtual import START

if TYPE_CHECKING:
    from tests.simulator.person import Person
    from tests.simulator.world import World


def standby_changed(world: "World", *, on: bool) -> str:
    """A link is made by a command alone, and goes too with the facilitator that made it, and with
    the one that came by it."""
    truth = world.truth
    if on:
        made = any(True in done.standby for done in truth.commands.values())
        return "" if made else "no facilitator made one"
    closed = any(False in done.standby for done in truth.commands.values())
    went = any(done.demoted or done.leave for done in truth.commands.values())
    spent = any(truth.happened(Op.CHANGE, name) for name in _comers(world))
    return "" if closed or went or spent else "no facilitator closed it, and none went"


def _comers(world: "World") -> list[str]:
    """Those who come by a standby's link."""
    return [name for name, done in world.truth.commands.items() if done.by_link]


def standby_asked(world: "World", *, admitted: bool) -> str:
    """A holder asks, or is a facilitator now."""
    truth, comers = world.truth, _comers(world)
    if not comers:
        return "no holder of a link came"
    listed = any(truth.happened(Op.CHANGE, name) for name in comers)
    return "" if listed or truth.losses or not admitted else "no holder is a facilitator"


def shares_link(world: "World", person: "Person") -> bool:
    """Whether another one comes by the same link: each takes the connection from the other."""
    others = (one for one in world.people if one is not person)
    return person.link != b"" and any(one.link == person.link for one in others)


def again(world: "World", event: events.Knocked) -> str:
    """Who is said to be lost gave no sign of life for as long as this client says."""
    same = [person for person in world.people if person.name == event.again]
    let_go = world.truth.happened(Op.ABSENT, event.again)
    if len(same) < 2 and not let_go:
        return "nobody comes again under this name"
    earlier = same[: max(1, len(same) - 1)]
    silent = world.clock() - max(person.frame_sent for person in earlier)
    # Of one that was away itself it is the time since the last sign that it heard.
    unheard = world.lies or (not world.quiet and event.away < world.clock() - START)
    return "" if event.away <= silent + 1.0 or unheard else f"silent for {silent:.0f} s"
