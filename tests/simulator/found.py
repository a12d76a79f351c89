"""Schedules that showed a defect once, shrunk. Each has to pass now."""

from typing import Final

from tests.simulator.schedule import Schedule, Step

FOUND: Final[dict[str, Schedule]] = {
    "a text that others read is not said to be unsent where the room ends": Schedule(
        seed=7103295, kind="amnesia", ttl=60, latency=0.1, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 1, 114), Step(0, "come", 2, 215), Step(0, "come", 3, 867),
            Step(36.1, "talk", 2, 921), Step(0, "freeze", 2, 911), Step(0, "reload", 1, 765),
            Step(0, "remove", 3, 404), Step(128.95, "amnesia", 2, 318),
            Step(0, "step_down", 2, 269),
        ),
    ),
    "a standby is let in by one that a lying relay keeps behind": Schedule(
        seed=7101029, kind="lies", ttl=10, latency=0.1, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 1, 747),
            Step(0, "come", 3, 284),
            Step(31.3, "lie", 3, 690),
            Step(0, "offline", 0, 76),
            Step(0, "come", 2, 47),
            Step(0, "standby", 0, 1),
            Step(5, "blackout", 0, 821),
            Step(0, "enter", 5, 163),
        ),
    ),
    "a way back that no facilitator left has put is put after a loss": Schedule(
        seed=5003303, kind="amnesia", ttl=1800, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 2, 886),
            Step(0, "come", 3, 782),
            Step(1, "offline", 2, 237),
            Step(30.2, "step_down", 4, 120),
            Step(0, "outside", 3, 35),
            Step(194.65, "amnesia", 5, 575),
        ),
    ),
    "no member that a lying relay keeps behind answers a ticket": Schedule(
        seed=5003279, kind="lies", ttl=1800, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 1, 36),
            Step(0, "come", 2, 608),
            Step(0, "come", 3, 149),
            Step(112.95, "reload", 0, 601),
            Step(0, "lie", 3, 590),
            Step(0, "leave", 2, 200),
            Step(1, "ticket", 1, 918),
            Step(0, "race", 0, 742),
            Step(3, "reload", 1, 319),
            Step(0, "resume", 1, 695),
        ),
    ),
    "the replay of a log that was unsettled for long is waited for before a heartbeat": Schedule(
        seed=1101060, kind="amnesia", ttl=1800, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 1, 673),
            Step(0, "come", 2, 118),
            Step(0, "come", 3, 548),
            Step(0, "come", 4, 279),
            Step(1, "offline", 0, 89),
            Step(0, "appoint", 4, 312),
            Step(40, "amnesia", 1, 798),
            Step(0, "leave", 3, 700),
            Step(0, "leave", 2, 991),
        ),
    ),
    "who facilitates again was not silent while they did not": Schedule(
        seed=700328, kind="calm", ttl=1800, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 1, 355),
            Step(1, "step_down", 3, 277),
            Step(178.75, "appoint", 1, 105),
        ),
    ),
    "a facilitator that was just appointed knows of nobody whether they are there": Schedule(
        seed=1009241, kind="network", ttl=1800, latency=0.02, uses=50, facilitators=1,
        steps=(
            Step(0, "come", 1, 74),
            Step(5, "come", 3, 74),
            Step(20, "die", 3),
            Step(30, "again", 0, 75),
            Step(10, "hand_over", 1),
        ),
    ),
    "a commit whose replay was cut off is not missed yet": Schedule(
        seed=600010, kind="relay", ttl=60, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 1, 964),
            Step(0, "come", 2, 888),
            Step(1, "restart", 3, 284),
            Step(1, "freeze", 0, 134),
            Step(0, "offline", 0, 159),
            Step(0, "race", 1, 14),
            Step(0, "talk", 1, 505),
            Step(40, "slow", 3, 116),
            Step(41.6, "trap", 4, 108),
        ),
    ),
    "who was away follows the commits that a newcomer brings": Schedule(
        seed=68, kind="amnesia", ttl=10, latency=0.1, uses=50, facilitators=3,
        steps=(
            Step(0, "restart", 0, 95),
            Step(51, "trap", 0, 93),
            Step(9, "come", 2, 838),
            Step(0, "agreement", 0, 361),
            Step(16, "come", 1, 885),
            Step(0, "offline", 0, 71),
            Step(106.45, "die", 2, 120),
            Step(0, "amnesia", 1, 245),
            Step(0, "race", 0, 987),
        ),
    ),
    "who comes back to a settled log leaves the turn to commits that the relay lost": Schedule(
        seed=601379, kind="amnesia", ttl=60, latency=0.1, uses=50, facilitators=2,
        steps=(
            Step(0, "come", 1, 625),
            Step(0, "come", 2, 288),
            Step(0.65, "talk", 0, 505),
            Step(0.6, "trap", 1, 693),
            Step(0.3, "talk", 1, 63),
            Step(0.05, "fail", 2, 915),
            Step(3, "race", 0, 106),
            Step(0.3, "amnesia", 3, 608),
            Step(2.35, "restart", 2, 876),
            Step(1, "restart", 2, 319),
            Step(55.3, "talk", 3, 533),
        ),
    ),
    "a commit that is repeated in a replay does not end the replay": Schedule(
        seed=600466, kind="network", ttl=1800, latency=0.4, uses=50, facilitators=3,
        steps=(
            Step(1, "come", 2, 552),
            Step(45.4, "invite", 3, 594),
            Step(1, "offline", 0, 892),
            Step(920.7, "wait", 0, 909),
        ),
    ),
    "a member who is not listed waits anew when the relay loses its memory again": Schedule(
        seed=500667, kind="amnesia", ttl=1800, latency=0.02, uses=50, facilitators=1,
        steps=(
            Step(0, "come", 3, 639),
            Step(1.05, "cut", 0, 402),
            Step(0, "come", 2, 920),
            Step(1, "amnesia", 2, 977),
            Step(8, "amnesia", 4, 315),
            Step(135.2, "cut", 2, 487),
        ),
    ),
    "what a dead process still does unwatches no room": Schedule(
        seed=311079, kind="amnesia", ttl=60, latency=0.0, uses=50, facilitators=2,
        steps=(
            Step(0, "come", 2, 911),
            Step(6.75, "slow", 2, 235),
            Step(0, "fail", 0, 820),
            Step(8.35, "wait", 0, 293),
            Step(0, "burst", 0, 30),
            Step(1, "restart", 0, 569),
            Step(0.65, "talk", 1, 78),
        ),
    ),
    "a connection that proved its key late does not replace a newer one": Schedule(
        seed=330903, kind="amnesia", ttl=1800, latency=0.0, uses=50, facilitators=2,
        steps=(
            Step(0, "come", 1, 154),
            Step(1, "slow", 2, 69),
            Step(0, "restart", 3, 272),
            Step(1, "cut", 1, 717),
        ),
    ),
    "a room that was restored from before a member's commits blames no list": Schedule(
        seed=2015, kind="amnesia", ttl=60, latency=0.0, uses=50, facilitators=2,
        steps=(
            Step(0, "come", 1, 524),
            Step(3.3, "offline", 0, 941),
            Step(0, "race", 1, 925),
            Step(0, "race", 0, 423),
            Step(11.4, "amnesia", 2, 287),
        ),
        limited=True,
    ),
    "a facilitator's commit that died with the relay's memory is taken again": Schedule(
        seed=2015, kind="amnesia", ttl=60, latency=0.1, uses=50, facilitators=2,
        steps=(
            Step(0, "come", 1, 524),
            Step(3.3, "offline", 0, 941),
            Step(1, "race", 0, 423),
            Step(1, "amnesia", 2, 287),
        ),
    ),
    "what was kept back in an unsettled log that was lost, too, is told as a gap": Schedule(
        seed=301111, kind="amnesia", ttl=60, latency=0.0, uses=50, facilitators=2,
        steps=(
            Step(0, "come", 1, 508),
            Step(0, "come", 4, 112),
            Step(0, "trap", 1, 140),
            Step(64.5, "restart", 3, 903),
            Step(21.35, "race", 4, 52),
            Step(41.75, "amnesia", 4, 672),
            Step(30.4, "talk", 0, 208),
            Step(1, "amnesia", 1, 558),
        ),
    ),
    "what expired while it was kept back is told as a gap": Schedule(
        seed=310275, kind="amnesia", ttl=60, latency=0.02, uses=50, facilitators=2,
        steps=(
            Step(0, "come", 1, 717),
            Step(0, "come", 3, 985),
            Step(1, "talk", 3, 546),
            Step(0, "talk", 1, 135),
            Step(8, "cut", 1, 90),
            Step(1, "come", 2, 289),
            Step(3, "amnesia", 1, 589),
            Step(0.35, "trap", 1, 461),
            Step(0, "talk", 0, 123),
            Step(1, "leave", 2, 624),
            Step(0, "come", 2, 405),
            Step(6.05, "cut", 0, 693),
        ),
    ),
    "two commits that died with the relay's memory are taken again": Schedule(
        seed=321291, kind="amnesia", ttl=1800, latency=0.1, uses=50, facilitators=2,
        steps=(
            Step(0, "come", 1, 95),
            Step(1127.15, "offline", 1, 308),
            Step(8, "race", 1, 33),
            Step(8.3, "invite", 3, 604),
            Step(1, "amnesia", 2, 101),
        ),
    ),
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
    "a knock that was renewed during a cut ends later than its client counts": Schedule(
        seed=4000424, kind="relay", ttl=1800, latency=0.0, uses=1, facilitators=1,
        steps=(
            Step(0, "come", 2, 917), Step(0.5, "come", 3, 34), Step(1, "offline", 3, 196),
            Step(0, "door", 0, 998), Step(923.75, "race", 2, 98),
        ),
    ),
    "another standby takes along an entrant by the link of before": Schedule(
        seed=4002551, kind="network", ttl=10, latency=0.0, uses=50, facilitators=1,
        steps=(
            Step(0, "standby", 0, 19), Step(0, "come", 1, 443), Step(1, "offline", 0, 196),
            Step(3, "standby", 0, 515), Step(0, "enter", 3, 967), Step(345.75, "retract", 0, 90),
        ),
    ),
    "one whose name has new keys asks for three minutes once the room has settled": Schedule(
        seed=4004372, kind="amnesia", ttl=60, latency=0.0, uses=50, facilitators=1,
        steps=(
            Step(0, "come", 2, 612), Step(0, "come", 4, 146), Step(721.75, "offline", 4, 587),
            Step(0, "talk", 2, 690), Step(82.3, "again", 0, 621), Step(41.25, "amnesia", 5, 560),
        ),
    ),
    "what a network held up is in turn all the same": Schedule(
        seed=4007640, kind="network", ttl=1800, latency=0.4, uses=50, facilitators=1,
        steps=(
            Step(1, "come", 2, 988), Step(0, "slowly", 5, 747), Step(148.6, "trap", 0, 20),
            Step(0, "talk", 2, 52), Step(43.05, "talk", 2, 933), Step(0, "hold", 0, 458),
        ),
    ),
}  # fmt: skip
