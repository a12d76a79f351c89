"""Which facilitator's client does what each of them could do: the first in line.

They stand in the order of their leaves. One that was not heard lately is passed over, and each
that is not the first does it a while later, if it is still to be done: the first may be cut off.
"""

from typing import Final

from alcove.group.membership import Membership
from alcove.messages.presence import Presence

OTHERS_WAIT: Final = 10.0
"""Seconds that every facilitator but the first in line waits for the one before."""
LATELY: Final = 60.0
"""Seconds within which a facilitator's heartbeat keeps their place in line."""


class InLine:
    """This client's place."""

    def __init__(self, membership: Membership, presence: Presence) -> None:
        self._membership = membership
        self._presence = presence

    def is_first(self, without: bytes = b"") -> bool:
        """Whether no facilitator with a lower leaf was heard lately, but the one with the MLS key
        `without`."""
        group = self._membership.group
        keys = self._membership.facilitator_keys - {self._membership.own.key, without}
        here = [key for key in keys if self._presence.heard_within(key, LATELY)]
        places = [place for key in here if (place := group.find(key)) is not None]
        return all(place > group.own_index for place in places)

    def delay(self, without: bytes = b"") -> float:
        """Seconds that this client leaves to the one before."""
        return 0.0 if self.is_first(without) else OTHERS_WAIT
