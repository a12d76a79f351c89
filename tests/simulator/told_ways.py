"""What clients tell of other ways in, compared with what is true: by a link, under the own name."""

from typing import TYPE_CHECKING, Final

from alcove import events
from alcove_protocol import limits
from alcove_protocol.roster import Op

from tests.simulator.virtual import START

if TYPE_CHECKING:
    from alcove.facilitation.facilitator import Facilitator

    from tests.simulator.person import Person
    from tests.simulator.world import World

FALSE_AFTER: Final = 50.0
"""Seconds after an entrance in which a standby waits for a proof (docs/protocol.md 10): 45 s, and
the connection by the fresh key."""
PROVEN: Final = limits.READ_ONLY_AFTER + 2.0
"""Seconds in a log after which a client knows where it was 90 s before: it looks once a second."""
UNDER_WAY: Final = 60.0
"""Seconds in which an entry comes to a member in trouble, or its connection is given up."""
COVERED: Final = 90.0
"""Seconds after an entrance in which a message of before it may wait: 30 s until all had their turn
and the standby is listed, 30 s until a void follows, and 30 s until a heartbeat covers that."""


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


def unconfirmed(world: "World", person: "Person") -> bool:
    """Whether a standby that entered may have been told by nobody that they followed. A facilitator
    came back: members answer nothing while they hear one. Or nobody else is there."""
    truth = world.truth
    since = world.clock() - truth.entered_at
    back = max(truth.beat_at, default=0.0) > truth.entered_at
    others = [one for one in world.people if one.inside and not one.link and one is not person]
    return since < FALSE_AFTER and (back or all(one.frozen for one in others))


def uncovered(world: "World", person: "Person") -> bool:
    """Whether this person said something, after the last heartbeat but one, before somebody came in
    by a standby's link: the log hash begins anew there, so only a void behind it is covered."""
    truth, entered = world.truth, world.truth.entered_at
    *_, last = [0.0, *(at for at in truth.beat_at if at < entered)]
    own = [said.at for said in truth.said.values() if said.author == person.name]
    waits = any(last - limits.HEARTBEAT_INTERVAL < at < entered for at in own)
    return waits and world.clock() - entered < COVERED


def _sign_came(world: "World", hears: "Person", person: "Person") -> float:
    """When the last sign of life of this person came. A message is one for a facilitator that knows
    where the log was 90 s before: what names a later place was made since (docs/protocol.md 11)."""
    since = max(world.told[hears].in_since, world.truth.restored_at)
    proven = (at for at in person.said_came if at - since > PROVEN)
    return max(person.frame_came, *proven, float("-inf"))


def again(world: "World", hears: "Person", event: events.Knocked) -> str:
    """Who is said to be lost gave no sign of life for as long as this facilitator's client says. In
    trouble it is the time since the last sign that came to it."""
    same = [person for person in world.people if person.name == event.again]
    let_go = world.truth.happened(Op.ABSENT, event.again)
    if len(same) < 2 and not let_go:
        return "nobody comes again under this name"
    earlier = same[: max(1, len(same) - 1)]
    let_in = world.truth.let_in_at(event.again)
    at = max(let_in, *(_sign_came(world, hears, person) for person in earlier))
    if not world.quiet:
        keys = world.truth.keys[event.again]
        heard = [hears.signs[key].heard_to for key in keys if key in hears.signs]
        at = min(at, max(let_in, START, *heard))
    silent = world.clock() - at
    return "" if event.away <= silent + 1.0 else f"silent for {silent:.0f} s"


def wishes_in_vain(world: "World", name: str) -> bool:
    """Whether this person wished to step outside since they came in last, and is in the room. In
    trouble the entry that let them go may be on its way to them."""
    truth = world.truth
    if truth.commands[name].wished_at <= truth.let_in_at(name):
        return False
    went = max((c.at for c in truth.changes if c.op is Op.LEFT and c.name == name), default=START)
    under_way = not world.quiet and world.clock() - went < UNDER_WAY
    return name in truth.members or under_way


def lacked_doors(person: "Person") -> set[str]:
    """The listed doors whose keys this facilitator's client does not have."""
    member = person.engine.member
    if member is None or member.facilitator is None:
        return set()
    listed, doors = member.membership.state.door_ids(), member.facilitator.doors
    return {door.hex() for door in listed if not doors.knows(door)}


def keys_are_lost(world: "World", door: str) -> bool:
    """Whether a facilitator closes this door for that (docs/protocol.md 10): its vault lacked the
    keys, also long after the trouble, and no facilitator that is there could have given them."""
    known = any(keeper.doors.knows(bytes.fromhex(door)) for _, keeper in _keepers(world))
    return door in world.truth.lacked and not known


def vaults_are_lost(world: "World", person: "Person") -> bool:
    """Whether a relay lost what it kept of vaults, and no facilitator that is there could give the
    same again: who put them has gone. One that came by a ticket opens no vault of the epochs in
    which it was out. The program whose place it took may not know yet that it is out, and gives
    nothing."""
    others = [keeper for name, keeper in _keepers(world) if name != person.name]
    given = any(keeper.vaults.complete for keeper in others)
    return (bool(world.truth.losses) or bool(person.came_by)) and not given


def _keepers(world: "World") -> "list[tuple[str, Facilitator]]":
    """The facilitators' parts of the clients that are there, and their names."""
    there = [
        (p.name, p.engine.member) for p in world.people if p.there and p.inside and not p.frozen
    ]
    found = [(name, one.facilitator) for name, one in there if one is not None]
    return [(name, part) for name, part in found if part is not None]
