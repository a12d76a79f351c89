"""Schedules that showed a defect once, shrunk. Each has to pass now."""

from typing import Final

from tests.simulator.schedule import Schedule, Step

FOUND: Final[dict[str, Schedule]] = {
    "a restored commit comes with its roster entry": Schedule(
        seed=1252, kind="amnesia", ttl=1800, latency=0.0, uses=50, facilitators=2,
        steps=(
            Step(0, "come", 1, 722),
            Step(0, "come", 4, 448),
            Step(1, "restart", 3, 423),
            Step(20, "freeze", 4, 892),
            Step(56.5, "freeze", 1, 785),
            Step(98.7, "amnesia", 4, 235),
        ),
    ),
    "the proof of a removal is asked for again": Schedule(
        seed=1671, kind="network", ttl=1800, latency=0.02, uses=50, facilitators=1,
        steps=(
            Step(0, "come", 1, 489),
            Step(13.5, "offline", 1, 47),
            Step(62.65, "remove", 1, 515),
            Step(22.35, "trap", 1, 343),
            Step(120.9, "hold", 0, 365),
        ),
    ),
    "an acceptance while the connection comes back knocks once": Schedule(
        seed=20088,
        kind="network",
        ttl=1800,
        latency=0.1,
        uses=50,
        facilitators=1,
        steps=(Step(0, "come", 3, 156), Step(1, "cut", 3, 844)),
    ),
    "what the relay may have taken is not called unsent": Schedule(
        seed=280,
        kind="network",
        ttl=1800,
        latency=0.02,
        uses=50,
        facilitators=2,
        steps=(
            Step(0, "come", 1, 737),
            Step(1, "trap", 1, 325),
            Step(1, "talk", 1, 689),
            Step(0.3, "end"),
        ),
    ),
    "what was said alone needs no beat of a later facilitator": Schedule(
        seed=286, kind="relay", ttl=1800, latency=0.4, uses=50, facilitators=2,
        steps=(Step(0, "talk", 0, 27), Step(709.75, "come", 1, 552)),
    ),
}  # fmt: skip
