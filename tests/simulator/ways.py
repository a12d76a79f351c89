"""Ways in and out: a standby's link, a ticket, the own name again, a step outside, a rejoin."""

from typing import TYPE_CHECKING

from alcove.errors import AlcoveError

from tests.simulator.acts import host_of, there

LOST = 200.0
"""Seconds for which a lost device is away that comes back."""

if TYPE_CHECKING:
    from tests.simulator.person import Person
    from tests.simulator.world import World


def blackout(world: "World", who: int, arg: int) -> None:
    """The facilitators' devices die: all of them, or in one of three cases all but one."""
    holders = [person for person in world.people if person.facilitates and person.inside]
    if arg % 3 == 0 and len(holders) > 1:
        holders.pop(arg % len(holders))
    for person in holders:
        person.die()


def enter(world: "World", who: int, arg: int) -> None:
    """Somebody comes by a standby's link: the newest, or in one of four cases one that may be
    replaced, closed or spent."""
    if there(world, who) is not None or not world.links:
        return
    link = world.links[arg % len(world.links)] if arg % 4 == 0 else world.links[-1]
    person = world.new_person(who)
    world.decisions[person.name] = arg
    world.truth.commands[person.name].by_link = True
    person.join(link, accept=arg % 3 != 0)


def lose(world: "World", who: int, arg: int) -> None:
    """A participant's device is lost: broken for good, or away for longer than others wait."""
    members = [p for p in world.people if p.inside and not p.facilitates and not p.frozen]
    if not members:
        return
    person = members[arg % len(members)]
    if arg // 10 % 3:
        person.die()
        return
    _cut_off(world, person)


def _cut_off(world: "World", person: "Person") -> None:
    """A device is away for longer than others wait."""
    world.trouble(LOST)
    person.online = False
    if person.wire is not None:
        person.wire.cut()
    world.later(LOST, lambda: setattr(person, "online", True))


def again(world: "World", who: int, arg: int) -> None:
    """Who lost their device comes again, under the same name and without the keys."""
    present = [person for person in world.present if person is not None and not person.facilitates]
    lost = [p for p in present if p.name in world.truth.members and not (p.online and p.there)]
    if not lost or not world.invites:
        return
    person = lost[arg % len(lost)]
    anew = world.new_person(person.slot, person.name)
    world.decisions[anew.name] = arg
    anew.join(world.invites[-1], accept=arg % 4 != 0)


def outside(world: "World", who: int, arg: int) -> None:
    """A member steps outside for a while."""
    person = there(world, who)
    if person is not None and person.inside and not person.frozen:
        world.truth.commands[person.name].outside = True
        world.truth.commands[person.name].wished_at = world.clock()
        world.call(person, world.room(person).outside)


def inside(world: "World", who: int, arg: int) -> None:
    """A member comes back from outside, or a facilitator lets them in again."""
    person, host = there(world, who), host_of(world, arg)
    if person is None or person.inside or not world.truth.commands[person.name].outside:
        return
    if arg % 3 == 0 and host is not None:
        name = person.name
        world.call(host, lambda: world.room(host).inside(name))
    else:
        come_inside(world, person)


def come_inside(world: "World", person: "Person") -> None:
    def then(error: AlcoveError | None) -> None:
        person.steps_in = person.steps_in or error is None

    world.call(person, world.room(person).inside, then)


def rejoin(world: "World", who: int, arg: int) -> None:
    """A member asks to be let in again with fresh keys, when something is wrong."""
    person = there(world, who)
    if person is not None and person.inside and not person.frozen:
        world.truth.commands[person.name].rejoin = True
        world.call(person, world.room(person).rejoin)


def take(world: "World", who: int, arg: int) -> None:
    """A facilitator talks with one that waits, and the others keep out."""
    host = host_of(world, arg)
    waiting = world.room(host).waiting if host is not None else ()
    if host is not None and waiting:
        world.truth.commands[host.name].took = True
        id = waiting[arg % len(waiting)].id
        world.call(host, lambda: world.room(host).door_take(id))


def question(world: "World", who: int, arg: int) -> None:
    """A facilitator makes an invite that asks newcomers something."""
    host = host_of(world, arg)
    if host is None:
        return
    world.truth.commands[host.name].invited = True
    room, text = world.room(host), f"Question {arg} of {host.name}?"
    world.truth.questions.add(text)

    async def made() -> None:
        world.invites.extend(await room.new_invites(1, uses=5, hours=1, question=text))

    world.call(host, made)


def ticket(world: "World", who: int, arg: int) -> None:
    """A member asks for a ticket."""
    person = there(world, who)
    if person is not None and person.inside and not person.frozen:
        world.truth.commands[person.name].ticket = True

        async def made() -> None:
            await world.room(person).ticket()

        world.call(person, made)


def reload(world: "World", who: int, arg: int) -> None:
    """A program ends without its keys. In one of six cases its device is only cut off for long, and
    the program comes back, too. Not where a relay may forget which of the two the others follow:
    then both go on, each with true keys and its own group, and the room is in two parts."""
    person = there(world, who)
    if person is None:
        return
    if arg % 6 or world.schedule.kind == "amnesia":
        person.die()
    else:
        _cut_off(world, person)


def resume(world: "World", who: int, arg: int) -> None:
    """The holder of a ticket comes back: mostly once the program of the ticket is gone."""
    person = world.present[who]
    if person is None or not person.ticket or (person.there and person.online and arg % 2):
        return
    anew = world.new_person(who, person.name)
    world.decisions[anew.name] = arg
    anew.resume(person.ticket)
