"""For every suite."""

import signal

# Who runs the tests in the background may have told them to ignore these, and a child process
# inherits that: a test that sends one would wait for ever.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler)
