"""Comings back by a ticket: what is told of them, and when they must come about.

docs/protocol.md 10, *Tickets*. A ticket that the relay knows lets in, when the program of the
ticket is gone, and a facilitator's client that knows the epoch of the ticket is there. A
facilitator that is alone is let in by the members.
"""

from typing import TYPE_CHECKING, Final

from alcove.joining.ticket_comer import TicketComer
from alcove_protocol import limits
from alcove_protocol.roster import Op
from alcove_protocol.ticket import Ticket

from tests.simulator.endings import clocks_are_set, may_be_lost
from tests.simulator.virtual import START

if TYPE_CHECKING:
    from tests.simulator.parked import Parking
    from tests.simulator.person import Person
    from tests.simulator.world import World

NOTICED: Final = 60.0
"""Seconds after which the relay knows that a connection is over which nobody closed."""
RETURNS: Final = 5
"""Returns of a member within an hour, after which a person decides (docs/protocol.md 11)."""
FACILITATES: Final = 100.0
"""Seconds after which a new facilitator serves the lobby: with a vault, or 90 s without one."""
PASSING: Final = frozenset({"unavailable", "busy", "draining", "rate_limited", "unsettled"})


def slot_of(person: "Person") -> bytes:
    return Ticket.parse(person.came_by).slot()


def had_twins(world: "World", person: "Person") -> "list[Person]":
    """Programs of the same person with the same keys that did not die: each takes the connection
    from the other."""
    same = [p for p in world.people if p.name == person.name and p is not person and not p.dead]
    return same if person.came_by else [one for one in same if one.came_by]


def twins(world: "World", person: "Person") -> "list[Person]":
    """Those of them that run."""
    return [one for one in had_twins(world, person) if one.there]


def ticket_made(world: "World", person: "Person", text: str) -> str:
    """Who asked for a ticket is told one that the relay knows, and so is who came by one."""
    if not world.truth.commands[person.name].ticket:
        return "this person did not ask"
    # Its answer was on its way meanwhile, and a relay dies.
    known = world.truth.parked.is_good(Ticket.parse(text).slot()) or not world.quiet
    return "" if known else "the relay does not know it"


def reloaded(world: "World", name: str, times: int) -> str:
    """A program came by a ticket of this person, and an entry lets it in. Each entry is told
    once."""
    programs = [one for one in world.people if one.came_by and one.name == name]
    if not programs:
        return "nobody came by a ticket of theirs"
    since = min(one.began_at for one in programs)
    entries = [c for c in world.truth.changes if c.op is Op.REJOIN and c.name == name]
    count = sum(change.at >= since for change in entries)
    return "" if times <= count else f"they were let in again {count} times"


def has_fetched(person: "Person") -> bool:
    """Whether the relay handed this program what was parked."""
    comer = person.engine.newcomer
    return isinstance(comer, TicketComer) and comer.fetched


def wrong_refusal(world: "World", person: "Person", code: str) -> str:
    """Why a program that came by a ticket was not kept out for this reason, or nothing."""
    truth, now = world.truth, world.clock()
    same = [one for one in world.people if one is not person and one.name == person.name]
    lately = any(now - one.died_at < NOTICED for one in same) and not world.quiet
    reasons = {
        "unreachable": not world.quiet,
        "dropped": not world.quiet,
        "unknown_ticket": not truth.parked.is_good(slot_of(person)),
        "ticket_in_use": lately or any(one.there for one in same),
        # What was parked is in the program alone from then on, so it waits for the room.
        "unknown_room": (bool(truth.losses) or may_be_lost(world)) and not has_fetched(person),
        "lost": bool(truth.losses) or may_be_lost(world),
        "ended": truth.over,
        "removed": truth.happened(Op.REMOVE, person.name),
        "not_member": bool(truth.losses) or person.name not in truth.members,
        "bad_roster": bool(truth.losses),
        "knock_again": not could_be_let_in(world, person),
        "clock_wrong": clocks_are_set(world),
        "": truth.commands[person.name].leave,  # before they were let in
        "left": truth.commands[person.name].leave,
    }
    passing = code in PASSING and (world.trouble_at > 0 or world.schedule.limited)
    return "" if passing or reasons.get(code, False) else f"there is no reason for {code}"


def could_be_let_in(world: "World", person: "Person") -> bool:
    """Whether nothing kept others from letting this program in, for the last two minutes."""
    parking = world.truth.parked.handed.get(slot_of(person))
    if parking is None or not world.quiet or twins(world, person):
        return False
    return not _decided(world, person.name) and bool(_helpers(world, person, parking))


def _decided(world: "World", name: str) -> bool:
    """Whether a person decides about the next return, or did."""
    hour = world.clock() - 3600.0
    entries = [c for c in world.truth.changes if c.op is Op.REJOIN and c.name == name]
    return sum(change.at > hour for change in entries) >= RETURNS or name in world.kept_out


def _helpers(world: "World", person: "Person", parking: "Parking") -> "list[Person]":
    """Facilitators whose clients know the epoch that was parked. Without a facilitator beside a
    facilitator that comes back, all members: those that came in since know its leaf."""
    truth = world.truth
    inside = [p for p in world.people if p.inside and not p.frozen and p.name != person.name]
    know = [one for one in inside if world.told[one].in_since < parking.at]
    holders = [one for one in inside if one.facilitates]
    if holders and _was_spent(world, person, parking):
        return []
    if holders:
        return [one for one in know if one in holders and _serves(world, one)]
    last = max((truth.beats_of(one) for one in truth.facilitators - {parking.key}), default=0.0)
    alone = world.clock() - max(last, person.began_at) > limits.READ_ONLY_AFTER + NOTICED
    # One from whom a lying relay kept a commit cannot answer: their client knows no present epoch.
    able = [p for p in inside if not (world.lies and p.engine.require_member()._following.held)]
    return able if alone and parking.key in truth.facilitators else []


def _was_spent(world: "World", person: "Person", parking: "Parking") -> bool:
    """Whether an earlier program with this ticket was let in, and ended before it made the next
    one. What was parked is void then (docs/protocol.md 10): who asks by it could be the earlier one
    once more. So it is when two programs have the ticket at a time, and the other one is let in."""
    entries = [c for c in world.truth.changes if c.op is Op.REJOIN and c.name == person.name]
    others = [one for one in world.people if one is not person and one.came_by == person.came_by]
    two = any(world.told[one].joined_at is not None for one in others)
    return any(
        parking.at < change.at and (two or change.at < person.began_at) for change in entries
    )


def _serves(world: "World", person: "Person") -> bool:
    """Whether this facilitator is one for long enough to serve the lobby."""
    changes = [c.at for c in world.truth.changes if c.op is Op.CHANGE and c.name == person.name]
    return world.clock() - max(changes, default=START) > FACILITATES


def not_told(world: "World", person: "Person") -> str:
    """Whose program was started anew while this member was in the room without a break, and this
    member was not told."""
    told = world.told[person]
    if told.rejoined or world.truth.losses or world.lies:
        return ""
    for one in world.people:
        back = world.told[one].joined_at
        if not one.came_by or back is None or one.name == person.name:
            continue
        entries = [c for c in world.truth.changes if c.op is Op.REJOIN and c.name == one.name]
        at = max((change.at for change in entries if change.at <= back), default=0.0)
        if told.in_since < at and not told.reloads[one.name]:
            return one.name
    return ""


def puts_bare_cards(world: "World", name: str) -> bool:
    """Whether this person came by a ticket and may have read no card on the way, or was appointed
    by one that did. Languages, helplines and contact are in no state, so their program's cards lack
    them until it reads one."""
    makers = {name}
    for _ in world.people:
        makers |= {maker for maker, done in world.truth.commands.items() if makers & done.appointed}
    return any(one.came_by and one.name in makers for one in world.people)


def members_at(world: "World", name: str) -> list[frozenset[str]]:
    """The members after each entry that let this person in, or in again."""
    ways = (Op.ADD, Op.REJOIN)
    return [one.members for one in world.truth.changes if one.op in ways and one.name == name]


def lost_to_a_ticket(world: "World", person: "Person", code: str) -> bool:
    """Whether a ticket of this person brought another program back in the place of this one."""
    later = [p for p in world.people if p.came_by and p.name == person.name and p is not person]
    return code == "not_member" and bool(later) and world.truth.happened(Op.REJOIN, person.name)
