"""Fairness: how long the relay's loop is held, and how long a good client waits, under attack.

    python -m bench.fairness [--quick] [--only NAME…] [--interpreted | --compiled]

Each attack runs against a relay of its own, with its limits as delivered, from other addresses of
this machine than those of the good clients.

    stall   the most CPU time of the relay's thread between two ticks of a timer in its loop, set to
            2 ms. Other programs on the machine do not count in it
    p99     of five good clients' requests, one after the other, by the clock on the wall. Other
            programs and the attackers' own share of the machine do count in it

Both are medians over the repetitions.
"""
