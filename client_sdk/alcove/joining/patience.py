"""How long a newcomer waits for what, and which refusals it waits after."""

from typing import Final

from alcove_protocol import limits

from alcove.errors import PASSING
from alcove.mls.secret import Random

WELCOME_PATIENCE: Final = 10.0
"""Seconds in which the relay hands over the Welcome to a newcomer who is on the list."""
ASK_AGAIN: Final = 60.0
"""Seconds after which a newcomer without a Welcome asks again."""
UNANSWERED: Final = limits.KNOCK_TTL + 60.0
"""Seconds after which a knock has been answered or has expired. A newcomer that was told neither
connects anew, and learns whether they are on the list. A relay where the knock still waits lies, or
its clock stands still: then nothing is to be waited for."""
EXPIRES: Final = limits.KNOCK_TTL - 60.0
"""Seconds after which an honest relay may say that a knock's time has passed: it counts from before
its answer, which may have been under way for so long."""
WELCOME_NEVER: Final = float(limits.ABANDONED_AFTER)
"""Seconds on the list after which no Welcome will come: a member of whom something was heard is not
let in again without their old keys."""
EARLIER: Final = frozenset({"already_waiting", "not_allowed"})
"""Refusals of a knock behind an earlier one of this client, which waits or was admitted."""
FULL: Final = PASSING | {"too_many_knocks"}
"""Refusals after which a newcomer waits, and asks again."""
FULL_WAIT: Final = 15.0
"""Seconds, and up to twice as many: a crowd does not come back all at once."""


def full_wait(random: Random) -> float:
    """Seconds until a newcomer asks again where there was no place."""
    return FULL_WAIT + int.from_bytes(random(2), "big") / 2**16 * FULL_WAIT
