"""An evening of twelve people: each is a process of its own, and so is the relay.

shared_clock.py     the time of all of them, which a test lets pass
line.py             one person's way to the relay, which a test can hold
person.py           one person's `alcove … --json`
evening.py          all of them, and what each was entitled to hear
alcove_process.py, relay_process.py    the command and the relay, by that clock
"""
