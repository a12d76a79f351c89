"""What must hold between clients: at each step, and when the room has come to rest (I1 to I6)."""

from collections import defaultdict
from typing import TYPE_CHECKING

from alcove.events import RoomState
from alcove.relay.link import LinkState
from alcove_protocol.roster import Op

from tests.simulator.endings import UNREACHED, may_be_refused
from tests.simulator.epochs import held_for_good
from tests.simulator.messages import SLACK
from tests.simulator.told_tickets import could_be_let_in, had_twins, not_told, twins
from tests.simulator.told_ways import shares_link

ANCHORED = 70.0
"""Seconds after an entrance in which a newcomer may have no log hash to compare yet."""

LINK_OPENS = 300.0
"""Seconds without a heartbeat in which the holder of a standby's link comes in: 90 s of silence,
looks that are 15 s apart, an answer, and a proof that members follow, twice when one was stale."""

REPLACED_WAIT = 32.0
"""Seconds in which a client comes back that another connection with its keys replaced."""

if TYPE_CHECKING:
    from tests.simulator.model import Change, Said
    from tests.simulator.person import Person
    from tests.simulator.world import World


def each_step(world: "World") -> None:
    """Members in one epoch have one group, one roster and one state of the room (I4). A program
    that was replaced by a commit that the relay kept from it is no member any more, and cannot
    know it. As the only facilitator it goes on by itself (docs/threat-model.md)."""
    for slip in world.truth.slips:
        world.fail(f"the relay took {slip}")
    seen: dict[int, tuple[str, tuple[object, ...]]] = {}
    for person in world.people:
        if not person.inside or _held(person) or person.replaced_unseen:
            continue
        membership = person.engine.require_member().membership
        view = (
            membership.group.epoch_authenticator,
            membership.state,
            frozenset(membership.people()),
        )
        epoch = membership.group.epoch
        other = seen.setdefault(epoch, (person.name, view))
        if other[1] != view:
            world.fail(f"{other[0]} and {person.name} are in different groups, both {epoch}")


def _held(person: "Person") -> bool:
    return person.engine.require_member()._following.held


def _kept_out(world: "World", person: "Person") -> bool:
    """Whether a facilitator leaves this member out of step, as is theirs to decide."""
    return person.name in world.kept_out and _held(person)


def unsettled(person: "Person") -> bool:
    """Whether this client's log was brought back, and nothing is committed in it yet."""
    return person.inside and person.engine.require_member().bringing.unsettled


def goes_slowly(person: "Person") -> bool:
    """Whether slow mode is on for this client."""
    return person.inside and person.engine.require_member().membership.state.slow > 0


def moving(world: "World") -> bool:
    """Whether a commit is under way: scheduled ones come at any time."""
    inside = [person.engine.require_member() for person in world.people if person.inside]
    facilitators = [member.facilitator for member in inside if member.facilitator is not None]
    bases = {member.membership.base for member in inside}
    return len(bases) > 1 or not all(one.committer.idle for one in facilitators)


def at_rest(world: "World") -> None:
    """Everything is healed and long past."""
    each_step(world)
    _entered(world)
    _order(world)
    if world.truth.over:
        for person in world.people:
            waits = shares_link(world, person) or had_twins(
                world, person
            )  # for the turn to connect
            if person.there and not waits and not world.truth.losses:  # a relay forgets the end
                world.fail(f"{person.name} goes on after the end of the room")
        return
    inside = [
        person
        for person in world.people
        if person.inside
        and not _kept_out(world, person)
        and not held_for_good(world, person)
        and not world.told[person].doubts
        and not twins(world, person)
    ]
    for person in inside:
        _complete(world, person)
        _expired(world, person)
    _came_in(world)
    _came_back(world)
    split = any(world.told[person].state is RoomState.SPLIT for person in inside)
    may_split = split and world.lies
    if any(person.facilitates for person in inside) and not may_split:
        for person in inside:
            _works(world, person)
        _same_place(world, inside)


def _entered(world: "World") -> None:
    """A room that could not be entered is one that could not be reached, or was closed."""
    for person in world.people:
        code = person.failure.code if person.failure is not None else ""
        closed = world.told[person].closed
        if closed is not None and closed.code == code:
            continue  # compared when they were told
        if person.came_by:
            continue  # compared when it happened
        may = UNREACHED | may_be_refused(world, person.name) | {"left"}  # by this person
        if code and code not in may:
            world.fail(f"{person.name} could not enter: {code}")


def _came_in(world: "World") -> None:
    """Nobody is kept out who may come in by themselves: by a standby's link while no facilitator is
    there, as long as one member is, and from a step outside while one is."""
    if world.truth.losses or world.lies:
        return
    inside = [person for person in world.people if person.inside and not _held(person)]
    # A device whose clock is wrong lets nobody in, and says so.
    right = [person for person in inside if "clock_wrong" not in world.told[person].problems]
    holders = [person for person in right if person.facilitates]
    alone = world.clock() - max(world.truth.beat_at, default=0.0) > LINK_OPENS
    for person in world.people:
        comers = [one for one in world.people if one.link and one.link == person.link and one.there]
        members = [one for one in inside if one is not person and not one.link]
        opens = alone and person.link in world.truth.links and len(comers) == 1 and members
        if opens and person.there and not person.facilitates:
            world.fail(f"at rest, {person.name} holds the standby's link, and is not let in")
        # One that came since, as by a standby's link, has no key of their door, and none is left.
        went = world.truth.when(Op.LEFT, person.name)
        saw = went is not None and any(world.told[one].in_since < went.at for one in holders)
        if saw and person.steps_in and person.there and not person.inside:
            world.fail(f"at rest, {person.name} is still outside")


def _came_back(world: "World") -> None:
    """Who came by a ticket is in the room where somebody could let them in, and the others were
    told."""
    for person in world.people:
        if person.came_by and person.there and not person.inside:
            if could_be_let_in(world, person):
                world.fail(f"at rest, {person.name} came by a ticket, and is not let in")
        elif person.inside and not _held(person):
            name = not_told(world, person)
            if name:
                world.fail(f"{person.name} was not told that {name}'s program was started anew")


def _nobody_has_the_rules(world: "World", person: "Person") -> bool:
    """The person has yet to accept ground rules whose text no facilitator has, or can send:
    a client waits until others are heard. They were told, and a facilitator gives the room
    its rules anew."""
    membership = person.engine.require_member().membership
    inside = (p for p in world.people if p.inside and p.facilitates)
    holders = (p for p in inside if not world.told[p].misses_a_facilitator)
    texts = any(p.engine.agreements.of(membership.state) is not None for p in holders)
    told = "agreement_changed" in world.told[person].problems
    return membership.agreement_due and told and not texts


def _gave_way(world: "World", person: "Person") -> bool:
    """Another program with this person's keys took the place of this one's connection, and has
    ended since. This one comes back half a minute after it was replaced."""
    twins = (one for one in world.people if one.name == person.name and one is not person)
    ended = max((world.told[one].closed_at for one in twins), default=0.0)
    return "replaced" in world.told[person].problems and world.clock() - ended <= REPLACED_WAIT


def _works(world: "World", person: "Person") -> None:
    """A member of a healed room with a facilitator is connected, in step, and heard."""
    told, member = world.told[person], person.engine.require_member()
    wrong = []
    if person.engine.link.state is not LinkState.MEMBER and not _gave_way(world, person):
        wrong.append("is not connected")
    if _held(person):
        wrong.append("is held")
    silent = told.state is RoomState.NOT_HEARD and told.misses_a_facilitator
    if told.state is not RoomState.OPEN and not silent:
        wrong.append(f"is told that the room is {told.state}")
    waiting = [item.id.hex() for item in member.conversation.outbox.waiting() if item.shown]
    if waiting and not silent and not _nobody_has_the_rules(world, person):
        wrong.append(f"has messages that wait: {waiting}")
    if member.facilitator is not None and not member.facilitator.committer.idle:
        wrong.append("has a commit that waits")
    if person.name not in world.truth.members:
        wrong.append("is no member at the relay")
    names = {other.name for other in member.membership.people()}
    if names != world.truth.members:
        wrong.append(f"sees {sorted(names)}, and members are {sorted(world.truth.members)}")
    for what in wrong:
        world.fail(f"at rest, {person.name} {what}")


def _same_place(world: "World", inside: "list[Person]") -> None:
    """All are in one epoch, on one base, with one roster."""
    views = defaultdict(list)
    for person in inside:
        membership = person.engine.require_member().membership
        at = (membership.group.epoch, membership.base, membership.roster.head)
        views[at].append(person.name)
    if len(views) > 1:
        places = [(epoch, base.number, names) for (epoch, base, _), names in views.items()]
        world.fail(f"at rest, members differ in epoch, base or roster: {places}")


def _complete(world: "World", person: "Person") -> None:
    """What was acknowledged was shown, or its loss was announced (I1, I6)."""
    told = world.told[person]
    for said in world.truth.said.values():
        if said.author == person.name:
            if said.taken and said.id in told.messages.failed:
                world.fail(f"{person.name} was told that {said.text!r} failed, and it did not")
        elif said.id not in told.messages.shown and _was_due(world, person, said):
            at = said.taken[0][1]
            if world.lies and not _is_noticed(world, person, said):
                continue
            if not any(gap >= at for gap in told.messages.gaps):
                world.fail(f"{person.name} was not shown {said.text!r}, and was told of no gap")


def _is_noticed(world: "World", person: "Person", said: "Said") -> bool:
    """Whether a message that the relay hides makes a gap."""
    return _compares(world, person, said) or _heard_around(world, person, said)


def _compares(world: "World", person: "Person", said: "Said") -> bool:
    """Whether this person's log hash goes over the message: a facilitator's heartbeat shows what a
    relay left out of a replay. A facilitator who is alone has none to compare with. After a gap, or
    an entrance, there is nothing to compare until the next heartbeat."""
    told = world.told[person]
    if told.messages.gaps or person.facilitates:
        return False
    return told.joined_at is not None and told.joined_at + ANCHORED < said.taken[0][1]


def _heard_around(world: "World", person: "Person", said: "Said") -> bool:
    """Whether an earlier and a later message of the same author were shown: then the author's
    counters have a hole. They begin at 1 again with each leaf that a commit adds for the author,
    and at whoever was told of a gap."""
    if world.told[person].messages.gaps:
        return False
    truth, shown = world.truth, world.told[person].messages.shown
    author, number, at = truth.said[said.id].author, truth.number_of(said.id), said.taken[0][1]
    anew = [one.at for one in truth.changes if one.op in (Op.ADD, Op.REJOIN) and one.name == author]
    begins = max((one for one in anew if one <= at), default=0.0)
    ends = min((one for one in anew if one > at), default=float("inf"))
    same = [truth.said[id] for id in shown if truth.said[id].author == author]
    numbers = [
        truth.number_of(it.id) for it in same if it.taken and begins <= it.taken[0][1] < ends
    ]
    return any(other < number for other in numbers) and any(other > number for other in numbers)


def _expired(world: "World", person: "Person") -> None:
    """What is past its time to live is gone from every client (I5)."""
    told, ttl = world.told[person].messages, world.schedule.ttl
    for id, at in (told.shown | told.sent).items():
        if id not in told.gone and at + ttl + SLACK < world.clock() and not person.slept:
            world.fail(f"{person.name} still has {world.truth.said[id].text!r}, which has expired")


def _was_due(world: "World", person: "Person", said: "Said") -> bool:
    """Whether the relay took it while this person was a member."""
    if not said.taken or said.unsent:
        return False
    (generation, number), at = said.taken[0]
    if person.engine.opening is not None:  # they opened the room
        return True
    added, joined = _entry(world, person), world.told[person].joined_at
    if added is None or joined is None or at < added.at:
        return False
    if joined > at + world.schedule.ttl:
        return False  # over before this person came in
    return added.place[0] != generation or added.place[1] < number


def _entry(world: "World", person: "Person") -> "Change | None":
    """The entry by which this person came in. With a late Welcome it is not the one that added
    them: they have no key of what was said before it. Nor is it when the relay lost its memory
    with the first one, and the commit came again."""
    truth, joined = world.truth, world.told[person].joined_at
    again = [
        change
        for change in truth.changes
        if change.op in (Op.ADD, Op.REJOIN)
        and change.name == person.name
        and joined is not None
        and change.at <= joined
    ]
    return again[-1] if again else truth.when(Op.ADD, person.name)


def _order(world: "World") -> None:
    """All members are shown the messages in the order of the log (I3)."""
    logs = list(dict.fromkeys(generation for generation, _ in world.truth.places))
    for person in world.people:
        last = (0, 0)
        for id in world.told[person].messages.shown:
            said = world.truth.said.get(id)
            if said is None or len(said.taken) != 1:
                continue  # a log that was lost: it went again
            (generation, number), _ = said.taken[0]
            place = (logs.index(generation), number)
            if place < last:
                world.fail(f"{person.name} was shown {said.text!r} out of order")
            last = place
