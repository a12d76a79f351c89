"""What people do. `arg` chooses the variant of a step."""

from functools import partial
from typing import TYPE_CHECKING

from alcove.errors import AlcoveError
from alcove_protocol.invite import Invite
from alcove_protocol.roster import Op

from tests.simulator.person import Person

if TYPE_CHECKING:
    from tests.simulator.world import World


def there(world: "World", who: int) -> Person | None:
    person = world.present[who]
    return person if person is not None and person.there else None


def host_of(world: "World", arg: int) -> Person | None:
    """A facilitator."""
    hosts = [p for p in world.people if p.facilitates and p.inside and not p.frozen]
    return hosts[arg % len(hosts)] if hosts else None


# --- people ------------------------------------------------------------------------------------


def _post(world: "World", person: Person, warning: str | None = None) -> None:
    if not person.inside or person.frozen:
        return
    number = sum(said.author == person.name for said in world.truth.said.values())
    text = f"{person.name} says {number}"
    try:
        id = world.room(person).post(text, warning=warning)
    except AlcoveError as error:
        world.log(f"{person.name} cannot post: {error.code}")
        wanted = {"paused": world.truth.commanded("paused", person.name),
                  "listen_only": world.truth.ruled("listen_only", on=True),
                  "hold": world.truth.ruled("hold", on=True),
                  "slow": world.truth.ruled("slow", on=True)}  # fmt: skip
        if not wanted.get(error.code, True):
            world.fail(f"{person.name} may not post ({error.code}), and no facilitator wanted that")
        return
    world.truth.says(id, person.name, text)
    world.log(f"{person.name} posts {text!r} as {id[:8]}")


def talk(world: "World", who: int, arg: int) -> None:
    person = there(world, who)
    if person is not None:
        _post(world, person, "long" if arg % 7 == 0 else None)


def burst(world: "World", who: int, arg: int) -> None:
    for _ in range(2 + arg % 6):
        talk(world, who, arg)


def retract(world: "World", who: int, arg: int) -> None:
    person = there(world, who)
    own = [s for s in world.truth.said.values() if person and s.author == person.name]
    if person is None or not own or person.frozen:
        return
    said = own[-1 - arg % min(4, len(own))]
    try:
        world.room(person).retract(said.id)
    except AlcoveError as error:
        world.log(f"{person.name} cannot retract: {error.code}")
    else:
        said.retracted_at = world.clock()
        world.log(f"{person.name} retracts {said.id[:8]}")


def come(world: "World", who: int, arg: int) -> None:
    if there(world, who) is not None or not world.invites:
        return
    newest = arg % 3 != 0
    invite = world.invites[-1] if newest else world.invites[arg % len(world.invites)]
    person = world.new_person(who)
    world.decisions[person.name] = arg
    person.join(invite, accept=arg % 4 != 0)


def leave(world: "World", who: int, arg: int) -> None:
    person = there(world, who)
    if person is not None and not person.frozen:
        world.truth.commands[person.name].leave = True
        world.call(person, world.room(person).leave)


def die(world: "World", who: int, arg: int) -> None:
    person = there(world, who)
    if person is not None:
        person.die()


def remove(world: "World", who: int, arg: int) -> None:
    host, target = host_of(world, arg), world.present[who]
    if host is None or target is None:
        return
    name = target.name

    def then(error: AlcoveError | None) -> None:
        if error is None and not world.truth.losses and name in world.truth.members:
            world.fail(f"{name} is a member after {host.name} was told that they are removed")
        if error is None and not world.truth.losses and world.truth.last(name) is Op.ABSENT:
            text = f"{name} may come back by themselves after {host.name} was told that they are"
            world.fail(f"{text} removed")

    world.truth.commands[host.name].removed.add(name)
    folds = arg % 2 == 0
    if folds:
        world.truth.commands[host.name].folded.add(name)
    world.call(host, lambda: world.room(host).remove(name, fold=folds), then)


def invite(world: "World", who: int, arg: int) -> None:
    host = host_of(world, arg)
    if host is None:
        return

    async def made() -> None:
        world.invites.append(await world.room(host).invite())

    world.call(host, made)


def links(world: "World", who: int, arg: int) -> None:
    """A facilitator makes invites for one person each."""
    host = host_of(world, arg)
    if host is None:
        return
    world.truth.commands[host.name].invited = True

    async def made() -> None:
        world.invites.extend(await world.room(host).new_invites(1 + arg % 2, uses=1, hours=1))

    world.call(host, made)


def revoke(world: "World", who: int, arg: int) -> None:
    """A facilitator closes an invite, and makes another one."""
    host = host_of(world, arg)
    if host is None or not world.invites:
        return
    door = Invite.parse(world.invites[arg % len(world.invites)]).door.hex()
    world.truth.commands[host.name].revoked = True
    world.call(host, lambda: world.room(host).revoke(door))
    invite(world, who, arg)


def door(world: "World", who: int, arg: int) -> None:
    """Who waits says something, or a facilitator does to all that wait."""
    host, person = host_of(world, arg), there(world, who)
    speaker = person if arg % 2 and person is not None and not person.inside else host
    if speaker is not None and not speaker.frozen:
        text = f"{speaker.name} at the door {arg}"
        world.truth.commands[speaker.name].said.add(text)
        world.call(speaker, lambda: world.room(speaker).door_say(text))


def refresh(world: "World", arg: int) -> None:
    """A facilitator's client begins a new epoch, as it does every half hour."""
    host = host_of(world, arg)
    if host is not None:
        host.engine.require_facilitator().refresh_keys()


def race(world: "World", who: int, arg: int) -> None:
    """All facilitators change the group at the same time."""
    for number in range(sum(person.facilitates for person in world.people)):
        invite(world, who, number)


def make_facilitator(world: "World", by: Person, name: str) -> None:
    if by.inside and not by.frozen:
        world.truth.commands[by.name].appointed.add(name)
        world.call(by, lambda: world.room(by).appoint(name))


def appoint(world: "World", who: int, arg: int) -> None:
    host, target = host_of(world, arg), world.present[who]
    if host is not None and target is not None:
        make_facilitator(world, host, target.name)


def demote(world: "World", who: int, arg: int) -> None:
    host, target = host_of(world, arg), world.present[who]
    if host is not None and target is not None:
        world.truth.commands[host.name].demoted.add(target.name)
        world.call(host, lambda: world.room(host).demote(target.name))


def step_down(world: "World", who: int, arg: int) -> None:
    host = host_of(world, arg)
    if host is not None:
        world.truth.commands[host.name].demoted.add(host.name)
        world.call(host, world.room(host).step_down)


def hand_over(world: "World", who: int, arg: int) -> None:
    host, target = host_of(world, arg), world.present[who]
    if host is not None and target is not None:
        commands = world.truth.commands[host.name]
        commands.appointed.add(target.name)
        commands.demoted.add(host.name)
        world.call(host, lambda: world.room(host).hand_over(target.name))


def agreement(world: "World", who: int, arg: int) -> None:
    """A facilitator gives the room other ground rules, or mends the wording of those it has."""
    host = host_of(world, arg)
    if host is not None:
        text = f"Ground rules {arg} of {host.name}."
        world.truth.commands[host.name].agreements.add(text)
        room, correction = world.room(host), arg % 3 == 0
        world.call(host, lambda: room.change_agreement(text, correction=correction))


def pause(world: "World", who: int, arg: int) -> None:
    host, target = host_of(world, arg), world.present[who]
    if host is not None and target is not None:
        room, name = world.room(host), target.name
        if arg % 3:
            world.truth.commands[host.name].paused.add(name)
            world.call(host, lambda: room.pause(name))
        else:
            world.truth.commands[host.name].unpaused.add(name)
            world.call(host, lambda: room.unpause(name))


def listen_only(world: "World", who: int, arg: int) -> None:
    host = host_of(world, arg)
    if host is not None:
        on = arg % 2 == 0
        world.truth.commands[host.name].rules.add(("listen_only", on))
        world.call(host, lambda: world.room(host).listen_only(on))


def lock(world: "World", who: int, arg: int) -> None:
    host = host_of(world, arg)
    if host is not None:
        on = arg % 2 == 0
        world.truth.commands[host.name].rules.add(("locked", on))
        world.call(host, lambda: world.room(host).lock(on))


def _shown(world: "World", arg: int) -> str | None:
    """The id of one of the latest messages."""
    latest = list(world.truth.said)[-4:]
    return latest[arg % len(latest)] if latest else None


def quiet(world: "World", who: int, arg: int) -> None:
    """A facilitator holds the room, or lets it go on."""
    host = host_of(world, arg)
    if host is None:
        return
    room, commands = world.room(host), world.truth.commands[host.name]
    if arg % 3 == 0:
        commands.rules |= {("hold", False), ("listen_only", False)}
        world.call(host, lambda: room.hold(False))
        return
    since = _shown(world, arg) if arg % 3 == 1 else None
    commands.held.add(since or "")
    commands.rules |= {("hold", True), ("listen_only", True), ("locked", True)}
    world.call(host, lambda: room.hold(since=since))


def slow(world: "World", who: int, arg: int) -> None:
    """A facilitator slows the room, or lets it go on as before."""
    host = host_of(world, arg)
    if host is not None:
        seconds = (0, 5, 40, 90)[arg % 4]
        room, rules = world.room(host), world.truth.commands[host.name].rules
        rules.add(("slow", seconds > 0))
        world.call(host, lambda: room.slow(seconds))


def fold(world: "World", who: int, arg: int) -> None:
    """A facilitator folds a message, or all that one member writes."""
    host, target = host_of(world, arg), world.present[who]
    if host is None:
        return
    room, commands = world.room(host), world.truth.commands[host.name]
    id = _shown(world, arg)
    if arg % 2 and id is not None:
        commands.folded.add(id)
        try:
            room.fold(id)
        except AlcoveError as error:
            world.log(f"{host.name} cannot fold: {error.code}")
    elif target is not None:
        name, on = target.name, arg % 8 > 0
        commands.folded.add(name)
        world.call(host, lambda: room.fold_member(name, on))


def standby(world: "World", who: int, arg: int) -> None:
    """A facilitator makes a standby's link, another one, or closes it."""
    host = host_of(world, arg)
    if host is not None:
        on = arg % 4 != 0
        world.truth.commands[host.name].standby.append(on)
        world.call(host, lambda: world.room(host).standby(on))


def lift(world: "World") -> None:
    """A facilitator lets everybody write, and opens the door."""
    host = host_of(world, 0)
    if host is None:
        return
    room, commands = world.room(host), world.truth.commands[host.name]
    if any(done.rules for done in world.truth.commands.values()):
        commands.rules |= {("hold", False), ("listen_only", False), ("locked", False)}
        world.call(host, lambda: room.hold(False))
        commands.rules.add(("slow", False))
        world.call(host, lambda: room.slow(0))
        world.call(host, lambda: room.listen_only(False))
        world.call(host, lambda: room.lock(False))
    for member in room.members:
        if member.paused:
            commands.unpaused.add(member.name)
            world.call(host, partial(room.unpause, member.name))


def end(world: "World", who: int, arg: int) -> None:
    host = host_of(world, arg)
    if host is None:
        return

    def then(error: AlcoveError | None) -> None:
        if error is None and not world.truth.over and not world.truth.losses:
            world.fail(f"{host.name} was told that the room is ended, and it is not")

    world.truth.commands[host.name].end = True
    world.call(host, world.room(host).end, then)


def anyway(world: "World", who: int, arg: int) -> None:
    person = there(world, who)
    if person is not None and not person.frozen:
        world.call(person, world.room(person).send_anyway)


def wait(world: "World", who: int, arg: int) -> None:
    """Only time passes."""
