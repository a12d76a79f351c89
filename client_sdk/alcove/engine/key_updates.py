"""Fresh keys for this client's own leaf: the Updates of a participant (RFC 9420, 12.1.2).

They go to the facilitators, who put them into a commit. A facilitator proposes none: its own
commits bring it fresh keys.
"""

from dataclasses import dataclass
from typing import Final

from alcove_protocol import frames
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.sealed import RequestKind

from alcove.engine.requests import LobbyRequests
from alcove.group.admission import leaf_extensions
from alcove.group.framing import handshake_padding
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.relay.ports import Ports

FIRST: Final = 5 * 60.0
INTERVAL: Final = 30 * 60.0
"""Seconds to a member's first Update, and between later ones. The first comes soon, since the
KeyPackage's keys were public longest."""
LOOK_AGAIN: Final = 60.0
"""Seconds after which the client looks whether a commit took its Update."""


@dataclass(slots=True)
class _Asked:
    """An Update that no commit is known to have taken."""

    key: bytes
    """The leaf's encryption key that it replaces."""
    epoch: int
    message: bytes
    sent: bool = False

    def answered(self, answer: RelayAnswer | None) -> None:
        self.sent = answer is not None and not isinstance(answer, frames.RequestRefused)


class KeyUpdates:
    """When a member's leaf is due for fresh keys, and whether it has got them.

    A proposal is valid in its epoch only, and void if its facilitator had staged a commit before it
    came. So the client asks again until its leaf has another key. In one epoch it asks with the
    same bytes, and only when the relay did not take them: no commit can take two Updates of one
    member (RFC 9420, 12.2).
    """

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        requests: LobbyRequests,
        ports: Ports,
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._clock = ports.clock
        self._requests = requests
        self._due = ports.clock() + FIRST * (1 + ports.random(1)[0] / 256)  # not all at once
        self._asked: _Asked | None = None

    def hasten(self) -> None:
        """Propose an Update as soon as the client may send."""
        self._due = self._clock()

    def tick(self) -> None:
        """Propose an Update, if it is time. To be called while the client may send."""
        now = self._clock()
        if now < self._due:
            return
        group, asked = self._membership.group, self._asked
        key = self._membership.own_leaf_key
        if asked is not None and asked.key != key:
            self._asked = None
            # The Update may be older than what the person accepted since.
            self._due = now if self._membership.leaf_lags else now + INTERVAL
            return
        self._due = now + LOOK_AGAIN
        if asked is None or asked.epoch != group.epoch:
            extensions = leaf_extensions(self._identity, self._membership.accepted)
            message = group.propose_update(leaf_extensions=extensions, padding=handshake_padding)
            asked = self._asked = _Asked(key, group.epoch, message)
        if not asked.sent:
            asked.sent = True
            self._requests.send(RequestKind.UPDATE, asked.message, answered=asked.answered)
