"""What is said above a ticket: the way back for the same person when a program fails."""

from typing import Final

KEEP: Final = (
    "This ticket brings you back as yourself if this program fails: start alcove resume - and "
    "paste it there. It is good for 7 to 10 minutes after this program was last connected, and not "
    "after you leave. Whoever uses it then is you, and all members are told. Keep it where only "
    "you find it:"
)
