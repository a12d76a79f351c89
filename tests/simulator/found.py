"""Schedules that showed a defect once, shrunk. Each has to pass now."""

from typing import Final

from tests.simulator.schedule import Schedule, Step

FOUND: Final[dict[str, Schedule]] = {
    "one that missed that they facilitate no more finds out by what the relay refuses": Schedule(
        seed=7405268, kind="lies", ttl=1800, latency=0.02, uses=50, facilitators=3,
        steps=(
            Step(0, "lie", 0, 718), Step(0, "come", 2, 53), Step(0.1, "come", 3, 459),
            Step(57.4, "step_down", 2, 78), Step(44, "talk", 0, 437), Step(11.2, "talk", 0, 33),
        ),
    ),
    "a paused member that comes back often has one void to send afterwards": Schedule(
        seed=7306795, kind="lies", ttl=1800, latency=0.4, uses=50, facilitators=1,
        steps=(
            Step(0.5, "come", 1, 338), Step(50.3, "strand", 0, 380),
            Step(650.15, "strand", 0, 779), Step(706.35, "strand", 0, 53),
            Step(602.3, "strand", 1, 445), Step(600, "wait", 0, 0),
        ),
    ),
    "a facilitator brings no card back that another has put anew": Schedule(
        seed=7403586, kind="amnesia", ttl=1800, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 1, 838), Step(0, "come", 2, 844), Step(3, "race", 1, 556),
            Step(0, "leave", 1, 431), Step(1, "amnesia", 3, 101), Step(766.6, "amnesia", 0, 253),
        ),
    ),
    "what a newcomer asked is void, or opens, when they are in by another Welcome": Schedule(
        seed=7101406, kind="amnesia", ttl=60, latency=0.4, uses=50, facilitators=3,
        steps=(
            Step(0.55, "drain", 5, 864),
            Step(1, "come", 5, 58),
            Step(2.6, "come", 3, 444),
            Step(3.6, "offline", 3, 125),
            Step(3.1, "slow", 4, 295),
            Step(0, "remove", 5, 705),
            Step(3, "amnesia", 4, 536),
        ),
    ),
    "one that was let go counts anew though its connection went before its Welcome": Schedule(
        seed=7202938, kind="network", ttl=1800, latency=0.0, uses=50, facilitators=2,
        steps=(
            Step(0, "come", 1, 714),
            Step(1, "step_down", 1, 470),
            Step(0, "talk", 0, 625),
            Step(1, "freeze", 0, 719),
            Step(0, "trap", 0, 448),
            Step(782.05, "talk", 3, 566),
        ),
    ),
    "a removal later takes a way back off the list that a new program let them in by": Schedule(
        seed=7103819, kind="calm", ttl=60, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 3, 717),
            Step(0, "come", 2, 764),
            Step(21.05, "outside", 3, 659),
            Step(0, "ticket", 0, 828),
            Step(1, "reload", 0, 231),
            Step(0, "resume", 0, 335),
            Step(823.1, "remove", 3, 954),
        ),
    ),
    "a facilitator that came by a ticket closes the invites of a dead one": Schedule(
        seed=7105234, kind="amnesia", ttl=1800, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 1, 456),
            Step(0, "come", 2, 89),
            Step(1, "demote", 2, 642),
            Step(858.15, "ticket", 1, 626),
            Step(0, "ticket", 0, 19),
            Step(0.05, "race", 0, 699),
            Step(0, "reload", 0, 314),
            Step(0, "resume", 0, 752),
            Step(23, "reload", 1, 646),
            Step(0, "resume", 1, 220),
            Step(749.05, "offline", 1, 429),
            Step(0, "race", 0, 572),
            Step(1, "reload", 0, 936),
            Step(0, "amnesia", 2, 143),
            Step(34.65, "demote", 2, 801),
        ),
        limited=True,
    ),
    "a facilitator closes the invite of a dead one long after the relay's loss": Schedule(
        seed=7103183, kind="amnesia", ttl=10, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 1, 688),
            Step(49, "step_down", 2, 266),
            Step(1, "slow", 0, 428),
            Step(0, "hand_over", 0, 483),
            Step(14.45, "cut", 0, 379),
            Step(0, "die", 1, 453),
            Step(0, "amnesia", 1, 102),
        ),
    ),
    "a new program of one that was in knocks as any newcomer": Schedule(
        seed=7201208, kind="amnesia", ttl=1800, latency=0.0, uses=50, facilitators=1,
        steps=(
            Step(0, "come", 2, 427),
            Step(0, "come", 3, 749),
            Step(1, "die", 0, 470),
            Step(0, "lose", 0, 673),
            Step(0, "again", 0, 523),
            Step(1, "amnesia", 4, 304),
        ),
    ),
    "who comes by the link meanwhile makes no returning facilitator begin": Schedule(
        seed=7107882, kind="amnesia", ttl=1800, latency=0.02, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 2, 46), Step(0, "come", 3, 987), Step(0, "standby", 0, 845),
            Step(0, "come", 5, 758), Step(1, "reload", 2, 474), Step(1, "die", 3, 700),
            Step(0.05, "amnesia", 4, 944), Step(0, "ticket", 0, 979), Step(7, "reload", 0, 681),
            Step(1, "enter", 3, 554), Step(95, "resume", 0, 536),
        ),
    ),
    "a return by ticket is not given up before a lost log is settled": Schedule(
        seed=7107882, kind="amnesia", ttl=1800, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 2, 46), Step(0, "come", 3, 987), Step(0, "come", 5, 758),
            Step(1, "reload", 2, 474), Step(0, "die", 3, 700), Step(0, "amnesia", 4, 944),
            Step(0, "ticket", 0, 979), Step(7, "reload", 0, 681), Step(0, "resume", 0, 536),
        ),
    ),
    "a program that a lying relay does not tell of its return goes on by itself": Schedule(
        seed=7202561, kind="lies", ttl=60, latency=0.0, uses=50, facilitators=1,
        steps=(
            Step(0, "come", 1, 183), Step(0, "lie", 0, 380), Step(846.3, "ticket", 0, 296),
            Step(1, "reload", 0, 102), Step(0, "race", 3, 487), Step(0, "resume", 0, 422),
            Step(60, "race", 0, 294), Step(1017, "freeze", 5, 391),
        ),
    ),
    "a removal closes the way back by which another facilitator let them in": Schedule(
        seed=7101812, kind="calm", ttl=1800, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 2, 34),
            Step(0, "come", 3, 217),
            Step(1, "outside", 3, 247),
            Step(0, "ticket", 0, 269),
            Step(1, "reload", 0, 751),
            Step(0, "resume", 0, 203),
            Step(96.1, "remove", 3, 304),
        ),
    ),
    "a way back is no invite to a facilitator that was appointed since": Schedule(
        seed=7201556, kind="calm", ttl=60, latency=0.0, uses=50, facilitators=1,
        steps=(
            Step(0, "come", 1, 125),
            Step(0, "question", 3, 579),
            Step(0, "come", 2, 739),
            Step(1, "outside", 2, 892),
            Step(0.3, "appoint", 1, 137),
        ),
    ),
    "a newcomer waits for others' beats when the first one heard says goodbye": Schedule(
        seed=7203783, kind="calm", ttl=10, latency=0.4, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 1, 965),
            Step(2, "come", 2, 119),
            Step(3.05, "talk", 1, 591),
            Step(0.05, "door", 2, 492),
            Step(0.3, "come", 3, 650),
            Step(30.9, "invite", 1, 312),
            Step(3.35, "come", 3, 153),
            Step(0.05, "talk", 2, 784),
            Step(3.6, "leave", 1, 281),
        ),
    ),
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
    "of two requests that wait, the newest is granted": Schedule(
        seed=7302329, kind="lies", ttl=60, latency=0.0, uses=50, facilitators=1,
        steps=(
            Step(0, "come", 1, 843), Step(0, "come", 2, 684), Step(0, "ticket", 0, 653),
            Step(4.05, "reload", 0, 659), Step(0, "ticket", 1, 51), Step(0.05, "reload", 1, 454),
            Step(0, "resume", 1, 168), Step(63, "reload", 1, 458), Step(0, "resume", 0, 865),
            Step(0, "resume", 1, 488), Step(49.65, "appoint", 2, 955),
        ),
    ),
    "a card without any words says nothing of the room's": Schedule(
        seed=7404639, kind="relay", ttl=1800, latency=0.02, uses=1, facilitators=3,
        steps=(
            Step(0, "come", 1, 514), Step(10, "ticket", 1, 445), Step(3, "reload", 1, 836),
            Step(0, "resume", 1, 311), Step(21.35, "race", 0, 204),
        ),
    ),
    "a vault that the relay lost is gone with the facilitator that put it": Schedule(
        seed=7305757, kind="amnesia", ttl=1800, latency=0.1, uses=50, facilitators=2,
        steps=(
            Step(0, "come", 1, 737), Step(1, "come", 2, 774), Step(24, "hand_over", 2, 226),
            Step(1, "cut", 2, 78), Step(0, "offline", 2, 404), Step(1, "leave", 1, 966),
            Step(0, "amnesia", 1, 948),
        ),
    ),
    "in slow mode the void behind an uncovered message waits for its turn": Schedule(
        seed=7306818, kind="relay", ttl=10, latency=0.4, uses=50, facilitators=3,
        steps=(
            Step(0.5, "come", 1, 362), Step(0, "come", 2, 39), Step(1, "come", 3, 340),
            Step(40, "die", 2, 961), Step(1, "leave", 1, 652), Step(0, "talk", 1, 423),
            Step(1, "talk", 0, 397), Step(40, "step_down", 0, 50), Step(0.3, "slowly", 2, 983),
            Step(48.1, "come", 1, 29), Step(3.05, "talk", 0, 516), Step(0.05, "trap", 1, 621),
            Step(0, "invite", 0, 941), Step(8, "fail", 0, 675), Step(0, "retract", 0, 442),
            Step(0, "freeze", 0, 44), Step(1, "hold", 1, 138),
        ),
    ),
    "a correction is learned of once the log is settled": Schedule(
        seed=7400997, kind="amnesia", ttl=1800, latency=0.1, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 2, 424), Step(0, "come", 3, 695), Step(84.4, "trap", 2, 23),
            Step(0, "slow", 3, 569), Step(0, "agreement", 1, 303), Step(0, "offline", 0, 255),
            Step(22.7, "die", 2, 399), Step(0, "amnesia", 1, 979),
        ),
    ),
    "an entry that lets a member outside is on its way to them": Schedule(
        seed=7307925, kind="relay", ttl=10, latency=0.0, uses=50, facilitators=1,
        steps=(
            Step(0, "come", 1, 335), Step(0, "come", 2, 874), Step(0, "links", 4, 862),
            Step(0, "come", 4, 607), Step(0.3, "cut", 1, 629), Step(1, "freeze", 0, 142),
            Step(20.65, "outside", 4, 257), Step(1, "restart", 1, 743), Step(66.7, "hold", 4, 17),
        ),
    ),
    "who let a member outside ends before it put the door of the way back": Schedule(
        seed=7405912, kind="relay", ttl=1800, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 1, 478), Step(1, "freeze", 1, 358), Step(53.65, "demote", 1, 809),
            Step(52.85, "slow", 4, 164), Step(0, "outside", 1, 297), Step(23, "blackout", 0, 723),
        ),
    ),
    "a client ahead of a lost log looks again before it follows a standby": Schedule(
        seed=41108, kind="amnesia", ttl=10, latency=0.4, uses=50, facilitators=1,
        steps=(
            Step(0.5, "come", 1, 19), Step(0, "standby", 0, 177), Step(26, "blackout", 0, 451),
            Step(0, "enter", 4, 825), Step(91.25, "amnesia", 2, 458),
        ),
    ),
    "a lone return opens no vault of the time in which it was out": Schedule(
        seed=7407831, kind="network", ttl=60, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 1, 493), Step(0, "ticket", 0, 736), Step(1, "reload", 0, 112),
            Step(0, "resume", 0, 427), Step(19.55, "reload", 0, 381), Step(0, "come", 3, 878),
            Step(0, "resume", 0, 124), Step(1, "race", 2, 177), Step(1, "die", 1, 426),
        ),
    ),
    "a change waits while a lost log is unsettled": Schedule(
        seed=7408500, kind="amnesia", ttl=10, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 1, 344), Step(724.45, "cut", 1, 855), Step(7.45, "end"),
            Step(0.6, "amnesia", 3, 897), Step(149.05, "lock", 2, 924),
        ),
    ),
    "a program that waited is removed when the next one of its person takes the place": Schedule(
        seed=7409746, kind="network", ttl=1800, latency=0.0, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 1, 462), Step(1, "offline", 1, 329), Step(24.3, "again", 0, 719),
            Step(40, "wait"),
        ),
    ),
    "a ticket of two programs is spent when one of them is let in": Schedule(
        seed=7502041, kind="calm", ttl=1800, latency=0.02, uses=50, facilitators=3,
        steps=(
            Step(0, "come", 2, 634), Step(1, "ticket", 2, 653), Step(1, "reload", 2, 57),
            Step(0, "resume", 2, 510), Step(0, "resume", 2, 488), Step(166.45, "leave", 2, 143),
        ),
    ),
    "a member that was let go as absent is removed": Schedule(
        seed=8100001, kind="network", ttl=1800, latency=0.0, uses=50, facilitators=2,
        steps=(
            Step(0, "come", 1, 344), Step(2, "come", 3, 737), Step(60, "offline", 3, 5),
            Step(170, "remove", 3, 1), Step(400, "wait"),
        ),
        line=True,
    ),
    "a program that came by a ticket lacks the keys that the one before it had": Schedule(
        seed=7303308, kind="relay", ttl=10, latency=0.02, uses=50, facilitators=1,
        steps=(
            Step(0, "come", 5, 804), Step(0, "ticket", 0, 626), Step(3.05, "reload", 0, 923),
            Step(0, "resume", 0, 289), Step(0, "resume", 0, 746), Step(61, "race", 3, 353),
        ),
    ),
    "a program that came by a ticket is asked about the ground rules": Schedule(
        seed=7303308, kind="relay", ttl=10, latency=0.02, uses=50, facilitators=1,
        steps=(
            Step(0, "come", 5, 804), Step(0, "talk", 0, 731), Step(0, "ticket", 0, 626),
            Step(0, "talk", 0, 78), Step(3, "reload", 0, 923), Step(0, "resume", 0, 289),
            Step(0, "resume", 0, 746), Step(81.3, "agreement", 1, 217),
        ),
    ),
    "an invite that did not arrive before a loss comes with a later card": Schedule(
        seed=7308332, kind="amnesia", ttl=10, latency=0.1, uses=50, facilitators=1,
        steps=(
            Step(0, "come", 2, 272), Step(0, "trap", 0, 35), Step(40.5, "remove", 2, 812),
            Step(1, "amnesia", 2, 510),
        ),
    ),
    "a program comes back half a minute after another with its keys has ended": Schedule(
        seed=7308182, kind="network", ttl=1800, latency=0.0, uses=50, facilitators=1,
        steps=(
            Step(0, "slowly", 2, 874), Step(0, "ticket", 0, 462), Step(1, "reload", 0, 120),
            Step(0, "resume", 0, 359), Step(77, "talk", 1, 966),
        ),
    ),
    "one that was shown another list knows that a member is gone, and not how": Schedule(
        seed=7609328, kind="lies", ttl=60, latency=0.0, uses=50, facilitators=1,
        steps=(
            Step(0, "come", 1, 173), Step(0, "come", 2, 635), Step(0, "come", 3, 593),
            Step(4.45, "talk", 3, 580), Step(0, "ticket", 0, 978), Step(0.05, "reload", 0, 591),
            Step(0, "resume", 0, 978), Step(20, "reload", 0, 244), Step(14, "resume", 0, 911),
            Step(28, "hold", 2, 562), Step(0, "lie", 2, 44), Step(1.35, "leave", 1, 444),
            Step(12.35, "reload", 0, 995), Step(250, "resume", 0, 953), Step(0, "resume", 0, 810),
        ),
    ),
}  # fmt: skip
