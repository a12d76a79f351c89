"""How a client's room may end, by what is true."""

from itertools import pairwise
from typing import TYPE_CHECKING

from alcove.events import CloseReason
from alcove_protocol import limits
from alcove_protocol.roster import Op

from tests.simulator.virtual import START

if TYPE_CHECKING:
    from tests.simulator.person import Person
    from tests.simulator.world import World

UNREACHED = frozenset({"unreachable", "dropped"})
"""Why a room cannot be entered that cannot be reached."""


def wrong_ending(world: "World", person: "Person", reason: CloseReason, code: str) -> str:
    """Why the room is not over for this person in this way, or nothing."""
    truth, name = world.truth, person.name
    if reason is CloseReason.LEFT:
        left = truth.commands[name].leave or truth.happened(Op.LEFT, name)
        return "" if left else "they did not leave"
    if reason is CloseReason.ENDED:
        wanted = any(commands.end for commands in truth.commands.values())
        return "" if truth.over and wanted else "no facilitator ended the room"
    if reason is CloseReason.REMOVED:
        return "" if truth.happened(Op.REMOVE, name) else "no facilitator removed them"
    if reason is CloseReason.REFUSED:
        return "" if code in may_be_refused(world, name) else f"there is no reason for {code}"
    if reason is CloseReason.LOST:
        refused = not truth.happened(Op.ADD, name) and code in may_be_refused(world, name)
        # Who was away does not know that whoever signed removal or end facilitates by now.
        appointed = any(commands.appointed for commands in truth.commands.values())
        put_out = truth.over or truth.happened(Op.REMOVE, name)
        removed = put_out and appointed and code == "lost"
        let_go = truth.happened(Op.ABSENT, name) and code in ("knock_again", "not_member")
        lost = refused or removed or let_go or world.lies or _may_be_lost(world)
        return "" if lost else "the room is not lost"
    return "" if code in UNREACHED else f"there is no reason for {code}"


def _may_be_lost(world: "World") -> bool:
    """Whether the room was without a facilitator's beat for so long that it is gone."""
    beats = [START, *world.truth.beat_at, world.clock()]
    silence = max(later - earlier for earlier, later in pairwise(beats))
    return silence > limits.ABANDONED_AFTER - limits.HEARTBEAT_INTERVAL


def clocks_are_set(world: "World") -> bool:
    """Whether any clock may be wrong in this world."""
    return any(step.act in ("clock", "relay-clock") for step in world.schedule.steps)


def may_be_refused(world: "World", name: str) -> set[str]:
    """The codes with which this newcomer may be turned away."""
    truth = world.truth
    codes: set[str] = set()
    codes |= {done.reasons[name] for done in truth.commands.values() if name in done.reasons}
    if world.clock() > limits.KNOCK_TTL:
        codes.add("expired")
    if truth.ruled("locked", on=True):
        codes.add("locked")
    invited = any(commands.invited for commands in truth.commands.values())
    if invited or truth.admitted() >= world.schedule.uses:
        codes.add("door_used")
    if any(commands.revoked for commands in truth.commands.values()):
        codes |= {"door_revoked", "link_closed"}
    if any(commands.removed for commands in truth.commands.values()):
        codes |= {"door_revoked", "removed", "link_closed"}
    if any(commands.agreements for commands in truth.commands.values()):
        codes.add("agreement")
    if truth.losses:
        codes |= {"unknown_room", "unknown_door", "no_welcome", "door_expired"}
    if sum(person.name == name for person in world.people) > 1:
        codes.add("name_taken")  # the one whose place they would take gave a sign of life
    links = {person.link for person in world.people if person.name == name} - {b""}
    if links and (truth.losses or links.isdisjoint(truth.links)):
        codes.add("link_closed")
    if truth.over:
        codes.add("ended")
    if _may_be_lost(world):
        codes.add("unknown_room")
    if world.trouble_at:
        codes |= {"unavailable", "busy", "draining"}
    if clocks_are_set(world):
        codes.add("clock_wrong")
    return codes
