"""How a client's room may end, by what is true."""

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from alcove.events import CloseReason
from alcove_protocol import limits
from alcove_protocol.roster import Op

from tests.simulator.epochs import held_for_good
from tests.simulator.virtual import START

if TYPE_CHECKING:
    from tests.simulator.person import Person
    from tests.simulator.world import World

TWO_TICKS: Final = 15.0
"""Seconds of two ticks of the private line, and of the ways of the last frame and the answer."""
ANSWERED_LATE: Final = 60.0
"""The same where the network holds what it likes, until a connection is given up."""
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
        # Who was let go before their Welcome came never was in, and knocks as before. So does
        # a new program of one whose program of before was in.
        anew = any(
            world.told[one].joined_at is not None for one in world.people if one.name == name
        )
        never = world.told[person].joined_at is None and (truth.happened(Op.ABSENT, name) or anew)
        outside = never or not truth.happened(Op.ADD, name)
        refused = outside and code in may_be_refused(world, name)
        removed = code == "lost" and _by_a_stranger(world, name)
        let_go = truth.happened(Op.ABSENT, name) and code in ("knock_again", "not_member")
        behind = code == "knock_again" and held_for_good(world, person)
        gone = _way_back_is_gone(world, name)
        closed = code == "unknown_door" and gone
        ways = (refused, removed, let_go, behind, closed)
        lost = any(ways) or world.lies or may_be_lost(world)
        return "" if lost else "the room is not lost"
    return "" if code in UNREACHED else f"there is no reason for {code}"


def _by_a_stranger(world: "World", name: str) -> bool:
    """Whether removal or end may be signed by one of whom this person does not know that they
    facilitate: one that was appointed, or came by a standby's link, while this person was away."""
    truth = world.truth
    removed = truth.happened(Op.REMOVE, name)
    signers = [
        other
        for other, commands in truth.commands.items()
        if (truth.over and commands.end) or (removed and name in commands.removed)
    ]
    return any(truth.commanded("appointed", one) or truth.commands[one].by_link for one in signers)


def _way_back_is_gone(world: "World", name: str) -> bool:
    """Whether a facilitator removed this person while they were outside, which closes their own way
    back and the invite that they came by. A relay that lost its memory knows no closed door. It
    knows none at all while no facilitator was there since: a member that does not facilitate brings
    a room without its doors."""
    truth = world.truth
    went = truth.commands[name].outside and truth.last(name) is Op.LEFT
    none = max(truth.beat_at, default=START) < truth.restored_at
    return bool(truth.losses) and went and (none or truth.commanded("removed", name))


def may_be_lost(world: "World") -> bool:
    """Whether the room was without a facilitator's beat for so long that it is gone."""
    beats = [START, *world.truth.beat_at, world.clock()]
    silence = max(later - earlier for earlier, later in pairwise(beats))
    return silence > limits.ABANDONED_AFTER - limits.HEARTBEAT_INTERVAL


def clocks_are_set(world: "World") -> bool:
    """Whether any clock may be wrong in this world."""
    return any(step.act in ("clock", "relay-clock") for step in world.schedule.steps)


def _is_there(world: "World", name: str) -> bool:
    """Whether the one whose place they would take may have given a sign of life within two ticks of
    the knock, or of the decision (docs/protocol.md 8). The answer may be late in trouble, and so
    may a sign of one who is there."""
    *earlier, _ = (person for person in world.people if person.name == name)
    # By the clock of a facilitator's device that slept, less time has passed.
    stood = max((person.stood for person in world.people if person.facilitates), default=0.0)
    within = stood + (TWO_TICKS if world.quiet else ANSWERED_LATE)
    lately = any(world.clock() - one.sign_came < within for one in earlier)
    # One that was appointed may not know it, and keeps the name.
    appointed = world.truth.commanded("appointed", name)
    facilitates = appointed or any(person.facilitates for person in earlier)
    return lately or facilitates or (not world.quiet and any(person.there for person in earlier))


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
    links = {person.link for person in world.people if person.name == name} - {b""}
    if any(commands.revoked for commands in truth.commands.values()):
        codes |= {"door_revoked"} if links else {"door_revoked", "link_closed"}
    doors = {person.door.hex() for person in world.people if person.name == name}
    if doors & truth.revoked:
        codes.add("door_revoked")  # also by who facilitates and lacks what the vault should have
    if any(commands.removed for commands in truth.commands.values()):
        codes |= {"door_revoked", "removed"}
    if truth.happened(Op.REMOVE, name):
        codes.add("removed")  # also where the next program of the same person took the place
    if truth.commands[name].outside and truth.commanded("removed", name):
        codes.add("link_closed")  # their own way back: a removal ends it for who is outside
    if any(commands.agreements for commands in truth.commands.values()):
        codes.add("agreement")
    if truth.losses:
        codes |= {"unknown_room", "unknown_door", "no_welcome", "door_expired"}
    if _is_there(world, name):
        codes.add("name_taken")
    if links and (truth.losses or links.isdisjoint(truth.links)):
        codes.add("link_closed")
    if truth.over:
        codes.add("ended")
    if may_be_lost(world):
        codes.add("unknown_room")
    if world.trouble_at:
        codes |= {"unavailable", "busy", "draining"}
    if clocks_are_set(world):
        codes.add("clock_wrong")
    return codes
