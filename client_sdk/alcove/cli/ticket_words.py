"""What is said above a ticket: the way back for the same person when a program fails."""

from typing import Final

SPENT: Final = "The ticket by which you came back is used up, and this is a new one. "
KEEP: Final = (
    "This ticket brings you back as yourself if this program fails: start alcove resume - and "
    "paste it there. It is good for at most 10 minutes after this program was last connected, and "
    "not after you leave or step outside. Whoever uses it then is you, and all members are told. "
    "Keep it where only you find it:"
)


def keep(*, asked: bool) -> str:
    """Return what stands above a ticket. One that was not `asked` for takes the place of the one
    by which this person came back."""
    return KEEP if asked else SPENT + KEEP
