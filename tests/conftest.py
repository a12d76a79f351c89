"""For every suite."""

import signal

from hypothesis import settings

from tests.randomness import SEED

# A shell tells its background jobs to ignore these, and a child process inherits that. A test that
# sends one would wait for ever.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler)

# No deadline for one example: a machine may be slow, and what bounds the time is each suite's cap.
settings.register_profile("alcove", settings.get_profile("ci"), derandomize=not SEED)
settings.load_profile("alcove")
