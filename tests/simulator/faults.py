"""What goes wrong: connections, devices, the relay and its store. `arg` chooses the variant."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tests.simulator import acts, ways
from tests.simulator.acts import there
from tests.simulator.network import Trap

if TYPE_CHECKING:
    from tests.simulator.world import World

UP: Final = ("", "publish", "resume", "auth", "knock", "request", "leave", "door", "card", "reseat")
DOWN: Final = ("", "published", "message", "commit", "welcome", "resumed", "authenticated",
               "done", "lobby", "challenge", "refused", "bye", "card")  # fmt: skip
TRAPS: Final = tuple(
    (up, kind, act)
    for up, kinds in ((True, UP), (False, DOWN))
    for kind in kinds
    for act in ("cut-before", "cut-after")
)
LIES: Final = tuple(
    (kind, act)
    for kind in ("message", "commit", "commit", "commit", "beat", "lobby", "welcome")
    for act in ("lose", "twice")
)
SECONDS: Final = (1.0, 5.0, 20.0, 45.0, 100.0, 200.0)

NOTICED: Final = (0.0, 0.0, 4.0, 35.0)
"""Seconds after which one end notices a cut: the keepalive finds it within 40 s."""


def cut(world: "World", who: int, arg: int) -> None:
    person = there(world, who)
    if person is not None and person.wire is not None:
        client, relay = NOTICED[arg % 4], NOTICED[arg // 4 % 4]
        world.trouble(max(client, relay) + 20.0)
        person.wire.cut(client_after=client, relay_after=relay)


def offline(world: "World", who: int, arg: int) -> None:
    person = there(world, who)
    if person is None:
        return
    seconds = SECONDS[arg % len(SECONDS)]
    world.trouble(seconds + 20.0)
    person.online = False
    if person.wire is not None:
        person.wire.cut(client_after=NOTICED[arg // 6 % 4], relay_after=NOTICED[arg // 24 % 4])

    def back() -> None:
        person.online = True

    world.later(seconds, back)


def hold(world: "World", who: int, arg: int) -> None:
    """The network carries nothing for a while. Both ends give up when it lasts too long."""
    person = there(world, who)
    if person is None or person.wire is None:
        return
    wire, seconds = person.wire, (0.5, 3.0, 10.0, 25.0, 45.0)[arg % 5]
    world.trouble(seconds + 40.0)
    if arg // 5 % 3 != 1:
        wire.up.hold(seconds)
    if arg // 5 % 3 != 2:
        wire.down.hold(seconds)
    if seconds > 40.0:
        world.later(40.0, wire.cut)


def freeze(world: "World", who: int, arg: int) -> None:
    """The device sleeps, or the process stands. The relay gives the connection up after 40 s."""
    person = there(world, who)
    if person is None or person.frozen:
        return
    seconds = SECONDS[arg % len(SECONDS)]
    world.trouble(seconds + 40.0)
    person.freeze(clock_stands=arg // 6 % 2 == 0)
    wire = person.wire
    if seconds > 40.0 and wire is not None:
        world.later(40.0, wire.cut)
    world.later(seconds, person.thaw)


def trap(world: "World", who: int, arg: int) -> None:
    person = there(world, who)
    if person is None:
        return
    up, kind, act = TRAPS[arg % len(TRAPS)]
    person.traps.append(Trap(up, kind, 1 + arg // len(TRAPS) % 3, act))


def lie(world: "World", who: int, arg: int) -> None:
    """The relay swallows a frame, or sends it twice."""
    person = there(world, who)
    if person is None:
        return
    kind, act = LIES[arg % len(LIES)]
    person.traps.append(Trap(False, kind, 1 + arg // len(LIES) % 3, act))


def strand(world: "World", who: int, arg: int) -> None:
    """The relay keeps a commit from a member, again and again. After a few returns within an hour
    a person decides about the next one."""
    inside = [person for person in world.people if person.inside and not person.facilitates]
    if not inside:
        return
    person = inside[who % len(inside)]

    def once() -> None:
        if person.inside and not world.healing:
            person.traps.append(Trap(False, "commit", 1, "lose"))
            acts.refresh(world, arg)
            world.later(5.0, lambda: acts.refresh(world, arg))

    for number in range(6 + arg % 3):
        world.later(70.0 * number, once)


def restart(world: "World", who: int, arg: int) -> None:
    _restart(world, arg, memory=True)


def amnesia(world: "World", who: int, arg: int) -> None:
    """The relay dies, and its memory with it."""
    _restart(world, arg, memory=False)


def _restart(world: "World", arg: int, *, memory: bool) -> None:
    if not world.node.up:
        return
    seconds = (0.1, 2.0, 15.0, 60.0)[arg % 4]
    world.trouble(seconds + 40.0)
    world.stop_relay(memory=memory)
    world.later(seconds, world.node.start)


def drain(world: "World", who: int, arg: int) -> None:
    """SIGTERM, and a new process on the same store."""
    if not world.node.up:
        return
    world.trouble(60.0)
    world.node.drain()
    world.later(0.5, lambda: world.stop_relay(memory=True))
    world.later(1.0, world.node.start)


def slow(world: "World", who: int, arg: int) -> None:
    seconds = (2.0, 10.0, 40.0)[arg % 3]
    world.trouble(seconds + 40.0)
    world.node.moods.seconds = (0.05, 0.5, 3.0, 8.0)[arg // 3 % 4]
    world.node.moods.slow_until = world.clock() + seconds


def fail(world: "World", who: int, arg: int) -> None:
    """The next calls of the store fail: before it acts, or after it acted."""
    world.trouble(60.0)
    after = (arg % 2 == 0, arg // 2 % 2 == 0, arg // 4 % 2 == 0)
    world.node.moods.failures.extend(after[: 1 + arg // 8 % 3])


def clock(world: "World", who: int, arg: int) -> None:
    """The wall clock of a device is set: by minutes, and seldom by more than an hour."""
    person = there(world, who)
    if person is not None:
        person.clock_error = 60.0 * (arg % 100 - 50)


def relay_clock(world: "World", who: int, arg: int) -> None:
    world.node.clock_error = 60.0 * (arg % 100 - 50)


def heal(world: "World", who: int, arg: int) -> None:
    """The end of all faults. What they broke is left for the room to mend."""
    if not world.node.up:
        world.node.start()
    world.node.moods.failures.clear()
    world.node.moods.slow_until = 0.0
    world.node.clock_error = 0.0
    for person in world.people:
        person.traps.clear()
        person.clock_error = 0.0
        person.online = True
        if person.frozen:
            person.thaw()


STEPS: Final[dict[str, Callable[["World", int, int], None]]] = {
    "talk": acts.talk,
    "burst": acts.burst,
    "retract": acts.retract,
    "come": acts.come,
    "leave": acts.leave,
    "die": acts.die,
    "remove": acts.remove,
    "invite": acts.invite,
    "race": acts.race,
    "appoint": acts.appoint,
    "demote": acts.demote,
    "step_down": acts.step_down,
    "hand_over": acts.hand_over,
    "agreement": acts.agreement,
    "pause": acts.pause,
    "quiet": acts.quiet,
    "fold": acts.fold,
    "slowly": acts.slow,
    "links": acts.links,
    "revoke": acts.revoke,
    "door": acts.door,
    "listen_only": acts.listen_only,
    "standby": acts.standby,
    "lock": acts.lock,
    "blackout": ways.blackout,
    "enter": ways.enter,
    "lose": ways.lose,
    "again": ways.again,
    "outside": ways.outside,
    "inside": ways.inside,
    "rejoin": ways.rejoin,
    "ticket": ways.ticket,
    "reload": ways.reload,
    "resume": ways.resume,
    "take": ways.take,
    "question": ways.question,
    "end": acts.end,
    "anyway": acts.anyway,
    "wait": acts.wait,
    "cut": cut,
    "offline": offline,
    "hold": hold,
    "freeze": freeze,
    "trap": trap,
    "lie": lie,
    "strand": strand,
    "restart": restart,
    "amnesia": amnesia,
    "drain": drain,
    "slow": slow,
    "fail": fail,
    "clock": clock,
    "relay-clock": relay_clock,
}
"""What each step of a schedule does."""
