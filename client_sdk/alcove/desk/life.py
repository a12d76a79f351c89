"""Signs of life: which members are there, as a facilitator's client can know it by itself.

A sign of life is a frame of the private line that opens and names a heartbeat younger than 90 s.
Only the member's client can make one, and not before that heartbeat was sent. So a relay that kept
frames can make a lost member seem to be here for three minutes, and no longer.

Silence counts only while this client could have heard: from the moment at which it is connected,
as long as the relay takes its heartbeats. It counts anew from each time that it connects again.
Otherwise a facilitator without a connection would call all members away.
"""

from collections import deque
from typing import Final

from alcove_protocol import limits

from alcove.desk.frame import DeskBody
from alcove.group.membership import Membership
from alcove.members import Whereabouts
from alcove.relay.ports import Ports

YOUNG: Final = float(limits.READ_ONLY_AFTER)
"""Seconds for which a heartbeat that is named is a sign of life."""
MISSED: Final = 3
"""Frames that may be missing before a member is away, when that is longer than `YOUNG`."""
LINE_BROKEN: Final = 2.0 * limits.HEARTBEAT_INTERVAL
"""Seconds without an own heartbeat that the relay took, after which silence counts anew."""


class SignsOfLife:
    """The last sign of life of each participant, by MLS key."""

    def __init__(self, membership: Membership, ports: Ports) -> None:
        self._membership = membership
        self._clock = ports.clock
        self._beats: deque[tuple[float, bytes]] = deque()
        self._last: dict[bytes, float] = {}
        self._known: dict[bytes, float] = {}
        """Since when each member is in the group, or is again, and this client facilitates, as it
        saw it."""
        self._since: float | None = None
        self._taken = float("-inf")

    # --- what came -----------------------------------------------------------------------------

    def beat_taken(self, digest: bytes, sent: float) -> None:
        """The relay took this client's heartbeat, which it sent at this time."""
        self._taken = self._clock()
        self._beats.append((sent, digest))

    def beat_heard(self, digest: bytes) -> None:
        """Another facilitator's heartbeat came, and it is not late."""
        self._beats.append((self._clock(), digest))

    def sign(self, key: bytes, body: DeskBody) -> None:
        """A member's frame opened."""
        self._forget_old()
        if any(digest == body.beat for _, digest in self._beats):
            self._last[key] = self._clock()

    def spoke(self, key: bytes, age: int) -> None:
        """A message came that the member made lately, and that the relay took so long ago. A relay
        that keeps their frames back does not make them silent while they speak."""
        at = self._clock() - age
        self._last[key] = max(self._last.get(key, at), at)

    def let_in(self, key: bytes) -> None:
        """A commit let a member in again that asked for it. That is no proof that they are here: a
        relay may have kept the request. Their silence counts from here on."""
        self._known[key] = self._clock()

    def resumed(self) -> None:
        """This client is connected, and hears what is sent from now on."""
        self._since = self._clock()

    def disconnected(self) -> None:
        self._since = None

    def began(self) -> None:
        """This client facilitates from now on. Before, it could open no frame of any member."""
        self._known.clear()

    def tick(self) -> None:
        """Note which members there are, and whether this client can hear them."""
        now = self._clock()
        self._forget_old()
        if self._since is not None and now - self._taken > LINE_BROKEN:
            self._since = now
        keys = [person.key for person in self._membership.people()]
        self._known = {key: self._known.get(key, now) for key in keys}
        self._last = {key: at for key, at in self._last.items() if key in self._known}

    def _forget_old(self) -> None:
        while self._beats and self._clock() - self._beats[0][0] > YOUNG:
            self._beats.popleft()

    # --- what follows --------------------------------------------------------------------------

    def silence(self, key: bytes) -> float:
        """Seconds in which this client could have heard a member, and did not."""
        if self._since is None:
            return 0.0
        known = self._known.get(key, self._clock())
        return self._clock() - max(self._since, known, self._last.get(key, known))

    def since_sign(self, key: bytes) -> float:
        """Seconds since the last sign of life, or since this client first saw the member, or could
        open a frame of theirs."""
        known = self._known.get(key, self._clock())
        return self._clock() - max(known, self._last.get(key, known))

    def signed_within(self, key: bytes, seconds: float) -> bool:
        """Whether a sign of life came at most so long ago."""
        return self._clock() - self._last.get(key, float("-inf")) <= seconds

    def heard_since_let_in(self, key: bytes) -> bool:
        """Whether a sign of life came since this member is in the group, or is again."""
        return self._last.get(key, float("-inf")) >= self._known.get(key, float("inf"))

    def whereabouts(self, key: bytes) -> Whereabouts:
        """Where a participant is."""
        if self._since is None:
            return "unknown"
        enough = max(YOUNG, float(MISSED * self._membership.state.desk_interval))
        if self.signed_within(key, enough):
            return "here"
        return "away" if self.silence(key) > enough else "unknown"
