"""What waits in a facilitator's lobby, within which bounds, and why it is not taken."""

from dataclasses import dataclass
from typing import Final

from alcove import mls
from alcove.group.sealing import KnockBody, Psk

UPDATE_MOST: Final = 4096
"""Bytes of one Update's message. An honest one has 1 KiB, or 2 KiB in a post-quantum room."""
UPDATES_MOST: Final = 400 * 1024
"""Bytes of all Updates that wait for a commit. With the largest commit they fit its blob."""

REJOINS_MOST: Final = 4
REJOINS_WITHIN: Final = 50.0
"""Rejoins of one member that this facilitator takes within so many seconds. An honest client that
was released and then held by its own rejoin asks twice at once. One refused asks again after 60 s.
"""


FOR_THE_NEWCOMER: Final = frozenset({"agreement", "name_taken"})
"""Why an admission failed, where only the newcomer can mend it: they are told, and knock again."""


@dataclass(frozen=True, slots=True)
class WaitingKnock:
    """A knock that a facilitator can admit. `door` is the id of the door it came by."""

    id: bytes
    door: bytes
    body: KnockBody
    key_package: mls.KeyPackage
    psk: Psk


class Later(Exception):
    """The item was put aside, and is not settled yet."""


class CannotAdmit(Exception):
    """This knock cannot be admitted. `code` tells the newcomer why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
