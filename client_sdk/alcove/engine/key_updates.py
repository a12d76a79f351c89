"""Fresh keys for one's own leaf: the Updates that a participant proposes (RFC 9420, 12.1.2).

They go to the facilitators, who take them into a commit. A facilitator has none: its own commits
bring it fresh keys.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alcove_protocol import frames

from alcove.facilitation.committer import handshake_padding
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.sealing import RequestBody
from alcove.joining.newcomer import leaf_extensions
from alcove.relay.link import Answer

FIRST: Final = 5 * 60.0
INTERVAL: Final = 30 * 60.0
"""Seconds between a member's Updates; soon after joining, since the KeyPackage's keys were public
longest."""
LOOK_AGAIN: Final = 60.0
"""Seconds after which it is looked whether a commit took an Update."""


@dataclass(slots=True)
class _Asked:
    """An Update that no commit is known to have taken."""

    key: bytes | None
    """The leaf's encryption key that it is to replace."""
    epoch: int
    message: bytes
    sent: bool = False

    def answered(self, answer: frames.Request | None) -> None:
        self.sent = answer is not None and not isinstance(answer, frames.Refused)


class OwnUpdates:
    """When a member's leaf is due for fresh keys, and whether it has got them.

    A proposal is of its epoch only, and void if its facilitator had staged a commit before it came:
    so it is asked for again until the leaf's key is another. In one epoch these are the same bytes,
    and only when the relay did not take them: of two Updates of one member no commit could take
    both (RFC 9420, 12.2).
    """

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        request: Callable[[RequestBody, Answer], None],
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._clock = clock
        self._request = request
        self._due = clock() + FIRST * (1 + random(1)[0] / 256)  # not all at once
        self._asked: _Asked | None = None

    def tick(self) -> None:
        """Propose, if it is time. Only while the client may send."""
        now = self._clock()
        if now < self._due:
            return
        group, asked = self._membership.group, self._asked
        leaf = group.member(group.own_index)
        key = leaf.encryption_key if leaf is not None else None
        if asked is not None and asked.key != key:
            self._asked = None
            self._due = now + INTERVAL
            return
        self._due = now + LOOK_AGAIN
        if asked is None or asked.epoch != group.epoch:
            extensions = leaf_extensions(self._identity, self._membership.state.agreement)
            message = group.propose_update(leaf_extensions=extensions, padding=handshake_padding)
            asked = self._asked = _Asked(key, group.epoch, message)
        if not asked.sent:
            asked.sent = True
            self._request(RequestBody("update", asked.message), asked.answered)
