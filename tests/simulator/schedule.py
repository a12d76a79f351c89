"""Schedules: what people do and what goes wrong, drawn from a seed, and nothing of what follows.

A schedule does not depend on the course of its world, so that one without some of its steps is a
schedule too. A step that cannot be done (the person is not there) does nothing. `repr` of a
schedule is Python that makes it again.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

NAMES: Final = ("Ann", "Bob", "Cleo", "Dora", "Emil", "Finn")

ACTS: Final = {"talk": 30, "come": 9, "retract": 6, "leave": 3, "remove": 3, "die": 2, "invite": 2,
               "burst": 3, "anyway": 1, "race": 2, "wait": 6,
               "appoint": 2, "demote": 2, "step_down": 1, "hand_over": 1}  # fmt: skip
"""What people do, and how often."""
HARD: Final = {
    "agreement": 3,
    "pause": 6,
    "listen_only": 4,
    "lock": 2,
    "quiet": 4,
    "fold": 5,
    "slowly": 3,
}
"""What facilitators do besides, in one world of three."""
DOOR: Final = {"links": 2, "revoke": 2, "door": 5}
"""What happens at the door, in one world of four."""
WAYS: Final = {"outside": 4, "inside": 4, "rejoin": 2, "take": 2, "question": 2}
"""Other ways in and out, in one world of four."""
NETWORK: Final = {"cut": 6, "offline": 4, "hold": 3, "freeze": 3, "trap": 14}
RELAY: Final = {"restart": 4, "drain": 1, "slow": 3, "fail": 5, "relay-clock": 1, "clock": 1}
AMNESIA: Final = {"amnesia": 4}
LIES: Final = {"lie": 16, "strand": 1}
KINDS: Final = {
    "calm": ACTS,
    "network": ACTS | NETWORK,
    "relay": ACTS | NETWORK | RELAY,
    "amnesia": ACTS | NETWORK | RELAY | AMNESIA,
    "lies": ACTS | NETWORK | LIES,
}
"""Kinds of worlds, by what can go wrong in them."""
WEIGHTS: Final = {"calm": 2, "network": 4, "relay": 4, "amnesia": 3, "lies": 2}
PAUSES: Final = ((0.0, 5), (0.05, 5), (0.3, 5), (1.0, 4), (3.0, 3), (8.0, 2), (20.0, 1), (40.0, 1))
"""Seconds before a step, and how often."""
LONG: Final = (100.0, 330.0, 700.0)
ARGUMENTS: Final = 1000
LINES: Final = 0.1
"""In so many of all worlds clients send frames of the private line."""


@dataclass(frozen=True, slots=True)
class Step:
    """After so many seconds, this act of this person. `arg` chooses among its variants."""

    after: float
    act: str
    who: int = 0
    arg: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """One world. `seed` is also that of all randomness in it."""

    seed: int
    kind: str
    ttl: int
    latency: float
    uses: int
    facilitators: int
    steps: tuple[Step, ...]
    limited: bool = False
    """Whether the relay has its rate limits."""
    line: bool = False
    """Whether clients send frames of the private line. They cost as much as all else together."""


def schedule_of(seed: int) -> Schedule:
    """The schedule of a seed."""
    random = Random(seed)
    kind = _pick(random, WEIGHTS)
    people = random.randint(3, len(NAMES))
    count = random.randint(20, 60)
    acts = KINDS[kind]
    steps = [Step(random.choice((0.0, 0.5, 2.0)), "come", who, random.randrange(ARGUMENTS))
             for who in range(1, random.randint(2, people))]  # fmt: skip
    for number in range(count):
        pause = random.choices(PAUSES, [weight for _, weight in PAUSES])[0][0]
        if random.random() < 0.01:
            pause = random.choice(LONG)
        act = _pick(random, acts)
        who = _who(random, act, people)
        steps.append(Step(pause, act, who, random.randrange(ARGUMENTS)))
        if act == "strand":
            steps.append(Step(600.0, "wait"))  # until it has happened often enough
        if number > count * 3 // 4 and random.random() < 0.02:
            steps.append(Step(0.0, "end"))
    _hard_minutes(steps, Random(f"{seed} hard"))
    _at_the_door(steps, Random(f"{seed} door"))
    _standbys(steps, Random(f"{seed} standby"))
    _other_ways(steps, Random(f"{seed} ways"))
    _by_link(steps, Random(f"{seed} link"))
    _tickets(steps, kind, Random(f"{seed} ticket"))
    again = _own_name_again(steps, Random(f"{seed} again"))
    several = random.random() < 0.3
    return Schedule(
        seed,
        kind,
        random.choice((10, 60, 1800, 1800)),
        random.choice((0.0, 0.02, 0.1, 0.4)),
        random.choice((1, 3, 50)),
        random.choice((2, 3)) if several else 1,
        tuple(steps),
        random.random() < 0.3,
        again or Random(f"{seed} line").random() < LINES,
    )


def _hard_minutes(steps: list[Step], random: Random) -> None:
    """Put what facilitators do besides into the course of some worlds. What else is drawn for a
    seed stays what it was."""
    if random.random() < 1 / 3:
        for _ in range(random.randint(1, 8)):
            pause, act = random.choice((0.0, 0.3, 3.0)), _pick(random, HARD)
            who, arg = _who(random, act, len(NAMES)), random.randrange(ARGUMENTS)
            steps.insert(random.randint(0, len(steps)), Step(pause, act, who, arg))


def _at_the_door(steps: list[Step], random: Random) -> None:
    """Put what happens at the door into the course of some worlds, as above."""
    if random.random() < 1 / 4:
        for _ in range(random.randint(1, 6)):
            pause, act = random.choice((0.0, 0.3, 3.0)), _pick(random, DOOR)
            who, arg = random.randrange(len(NAMES)), random.randrange(ARGUMENTS)
            steps.insert(random.randint(0, len(steps)), Step(pause, act, who, arg))


def _standbys(steps: list[Step], random: Random) -> None:
    """Put links of a standby into the course of some worlds, as hard minutes are."""
    if random.random() < 1 / 4:
        for _ in range(random.randint(1, 4)):
            step = Step(random.choice((0.0, 0.3, 3.0)), "standby", 0, random.randrange(ARGUMENTS))
            steps.insert(random.randint(0, len(steps)), step)


def _other_ways(steps: list[Step], random: Random) -> None:
    """Put other ways in and out into the course of some worlds, as hard minutes are."""
    if random.random() < 1 / 4:
        for _ in range(random.randint(2, 7)):
            pause, act = random.choice((0.0, 0.3, 3.0, 20.0)), _pick(random, WAYS)
            who, arg = random.randrange(1, len(NAMES)), random.randrange(ARGUMENTS)
            steps.insert(random.randint(0, len(steps)), Step(pause, act, who, arg))


def _by_link(steps: list[Step], random: Random) -> None:
    """In one world of eight the facilitators' devices die, and somebody comes by the standby's
    link: soon or after the silence that opens it, alone or two at a time, and in some worlds
    another link took its place, or none did."""
    if random.random() > 1 / 8:
        return

    def step(pause: float, act: str, who: int = 0) -> Step:
        return Step(pause, act, who, random.randrange(ARGUMENTS))

    block = [Step(1.0, "standby", 0, random.choice((1, 1, 2, 3)))]
    if random.random() < 0.3:
        block.append(step(3.0, "standby"))
    block += [step(2.0, "talk", 1), step(random.choice((0.0, 3.0)), "blackout")]
    comers = random.sample(range(2, len(NAMES)), random.choice((1, 1, 2)))
    block += [step(random.choice((0.0, 0.3, 30.0, 95.0)), "enter", who) for who in comers]
    block += [step(random.choice((20.0, 60.0, 100.0)), "talk", 1), step(1.0, "talk", comers[0])]
    at = random.randint(len(steps) // 4, len(steps))
    steps[at:at] = block


def _tickets(steps: list[Step], kind: str, random: Random) -> None:
    """In one world of six programs end without their keys and come back by their tickets: soon or
    late, in other epochs, when the relay died too, with another program that has the same ticket,
    and with or without a standby beside them."""
    if random.random() > 1 / 6:
        return

    def step(pause: float, act: str, who: int = 0) -> Step:
        return Step(pause, act, who, random.randrange(ARGUMENTS))

    meanwhile = ["wait", "wait", "talk", "race", "come", "standby", "enter", "remove"]
    meanwhile += [act for act in ("restart", "amnesia", "offline") if act in KINDS[kind]]
    for _ in range(random.randint(1, 3)):
        whose = random.choice(((0,), (0,), (1,), (2,), (0, 1)))
        block = [step(0.3, "standby")] if random.random() < 0.3 else []
        block += [step(1.0, "ticket", who) for who in whose]
        block.append(step(random.choice((0.0, 0.05, 3.0)), random.choice(("talk", "race", "wait"))))
        ends = "reload" if random.random() < 0.9 else "wait"  # its program goes on
        block += [step(random.choice((0.0, 3.0)), ends, who) for who in whose]
        block.append(step(random.choice((0.0, 1.0, 8.0)), random.choice(meanwhile), 3))
        again = random.choice((1, 1, 1, 2))
        pauses = (0.0, 0.3, 3.0, 3.0, 30.0, 95.0, 250.0, 700.0)
        block += [step(random.choice(pauses), "resume", who) for who in whose * again]
        block += [step(random.choice((5.0, 20.0, 60.0)), "talk", who) for who in whose]
        at = random.randint(len(steps) // 4, len(steps))
        steps[at:at] = block


def _own_name_again(steps: list[Step], random: Random) -> bool:
    """In one world of twenty a device is lost, and its person comes again under their name: they
    need the signs of life of the private line. Return whether it is this world."""
    if random.random() > 1 / 20:
        return False
    for _ in range(random.randint(1, 3)):
        pause = random.choice((0.3, 12.0, 40.0, 150.0))
        block = [Step(1.0, "lose", 0, random.randrange(ARGUMENTS))]
        block += [Step(pause, "again", 0, random.randrange(ARGUMENTS)), Step(40.0, "wait")]
        at = random.randint(len(steps) // 4, len(steps))
        steps[at:at] = block
    return True


def _pick(random: Random, weights: dict[str, int]) -> str:
    return random.choices(list(weights), list(weights.values()))[0]


def _who(random: Random, act: str, people: int) -> int:
    """A person. The first facilitator seldom goes: without one there is no room."""
    spared = act in ("come", "leave", "die") and random.random() < 0.97
    return random.randrange(1 if spared else 0, people)
