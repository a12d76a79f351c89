"""In the group by a standby's external commit, and not a facilitator yet.

    in the tree ──most that answer are in the new epoch──▶ lists itself ──▶ a facilitator
        │
        └─ not so for `FALSE_AFTER`: the answer that led here was false, and the link tries anew

A member may have answered with a group of its own, that no other member is in. A client that lists
itself on such an answer is a facilitator at the relay alone, and has spent the link. So first
members prove that they followed: they name the secret of the new epoch. A member that lied can do
that too, alone or with others that lie. So those that answer from another epoch count against them.

A facilitator that came back by a ticket is listed already, and begins to facilitate after the same
proof. No commit of others makes it one before: it would facilitate where a false answer led, and
without the doors' secrets of its ticket.

All this time counts while the client is connected and the log is settled, since no word of a member
comes before. Else a lost connection would make a true answer false, and a lone liar believed.
"""

from collections.abc import Callable
from hmac import compare_digest
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import RelayAnswer

from alcove import mls
from alcove.errors import AlcoveError, NotTrusted
from alcove.facilitation.committer import Committer, OnTaken
from alcove.facilitation.standby_intents import ListOneself
from alcove.group.external_wrap import wrap_key
from alcove.group.keys import ROOM_SUITE, Identity
from alcove.group.membership import Membership
from alcove.group.outcomes import Merged
from alcove.group.standby_entry import StandbyAnswer, context_of
from alcove.joining.standby_asks import StandbyAsks
from alcove.relay.connected_time import ConnectedClock, UnsettledLog
from alcove.relay.ports import Ports

ASK_EVERY: Final = 5.0
OTHERS_WORD: Final = 3.0
"""Seconds after the first proof, at least, in which others may say that they did not follow."""
ALL_WORDS: Final = 30.0
"""Seconds at most for which it waits in a large room, where the turn of those that are there may
come late: most of the members may be away."""
OWN_WORD: Final = 10.0
"""Seconds after which the member that led here is believed, when no other one answers."""
FALSE_AFTER: Final = 45.0
"""Seconds without a proof, after which the answer was false. The link may try once a minute."""


class StandbyEntering:
    """`by` is the relay key of the member whose answer led here, and `disproved` are those of
    members whose word counts against no other's. `misled` is set when the answer was false.
    `followed` has the relay keys of those that are in the new epoch. `proved` is called after a
    proof instead of the listing, when this member is listed: it has the lobby's key already, if
    any."""

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        ports: Ports,
        asks: StandbyAsks,
        by: bytes,
        disproved: frozenset[bytes],
        *,
        on_taken: OnTaken,
        ready: Callable[[], bool],
        proved: Callable[[], None] | None = None,
        lobby_key: mls.HpkeKeyPair | None = None,
    ) -> None:
        self._on_proved = proved
        self._identity = identity
        self._membership = membership
        self._ports = ports
        self._asks = asks
        self._by = by
        self._disproved = disproved
        self._ready = ready
        self.misled = False
        if proved is None:
            lobby_key = mls.ciphersuite(ROOM_SUITE).hpke_keypair(ports.random)
        self.lobby_key = lobby_key
        self.committer = Committer(membership, identity, ports, on_taken=on_taken, ready=ready)
        self._time = ConnectedClock(ports)
        self._log = UnsettledLog(self._time)
        self._since: float | None = None
        self._ask_at = 0.0
        self.followed: set[bytes] = set()
        self._elsewhere: set[bytes] = set()
        """Relay keys of members that answered from another epoch, and are not held in it."""
        self._first_proof: float | None = None
        self._proved = False

    def answered(self, notice: frames.Answered) -> None:
        """A member answers: it followed, if it names the secret of the new epoch."""
        try:
            content = self._asks.open(notice)
            if content is None:
                return
            answer = StandbyAnswer.decode(content, limit=limits.HANDSHAKE_BLOB)
            context = context_of(answer.group_info)
        except (Malformed, NotTrusted, mls.MLSError):
            return
        group = self._membership.group
        key = wrap_key(group)
        same = compare_digest(key.expose(), answer.key) and context == group.context
        key.wipe()
        if same:
            self._follows(notice.key)
        elif not answer.held and notice.key not in self._disproved:
            self._elsewhere.add(notice.key)
            self.followed.discard(notice.key)

    def committed(self, outcome: Merged) -> None:
        """Another client's commit was followed. One that returned takes a facilitator's for the
        answer of its author, which followed: members answer nothing while they hear another
        facilitator. Who came by a link itself is no facilitator, and counts for nothing."""
        author = next(one for one in outcome.people if one.key == outcome.committer)
        if self.unproved and author.facilitator:
            self._follows(author.relay_key)

    def _follows(self, key: bytes) -> None:
        """The member with this relay key is in the new epoch."""
        self.followed.add(key)
        self._elsewhere.discard(key)
        if self._first_proof is None:
            self._first_proof = self._time.seconds

    @property
    def unproved(self) -> bool:
        """Whether this member is listed already, and no member proved that it followed. Until then
        it does not facilitate, whatever is committed: a false answer may have led it to a group
        that only liars are in."""
        return self._on_proved is not None and not self._proved

    @property
    def _believed(self) -> bool:
        """Whether the members that followed are to be believed now."""
        if self._first_proof is None or self._since is None:
            return False
        now, alone = self._time.seconds, len(self._membership.people()) == 2
        confirmed = alone or self.followed - {self._by}
        proved_for = OTHERS_WORD if confirmed else OWN_WORD
        if now < max(self._first_proof + proved_for, self._since + self._all_words):
            return False
        return len(self.followed) > len(self._elsewhere)

    @property
    def _all_words(self) -> float:
        """Seconds until all members had their turn. The list counts them: a member that lies can
        choose who is in the group, and not who is on the list."""
        return min(ALL_WORDS, len(self._membership.roster.seats) / limits.ANSWERERS)

    def tick(self) -> None:
        """Ask the members whether they followed, and give up when none did."""
        self._time.tick()
        now = self._time.seconds
        if not self._ready() or self._proved or self.misled:
            return
        if self._since is None:
            self._since = now
        if self._believed:
            self._list()
        elif now - self._since > FALSE_AFTER:
            self.misled = True
        elif now >= self._ask_at:
            self._ask_at = now + ASK_EVERY
            counter = self._membership.roster.counter
            self._asks.ask(self._identity.relay, counter, self._asked)

    def _asked(self, answer: RelayAnswer | None) -> None:
        refused = answer.code if isinstance(answer, frames.RequestRefused) else ""
        if refused == "unsettled" and self._log.believed():
            self._since = None  # after a loss no member is asked before the log is settled

    def _list(self) -> None:
        if self._proved:
            return
        self._proved = True
        if self._on_proved is not None:
            self._on_proved()
        elif self.lobby_key is not None:
            self.committer.want(ListOneself(lobby_key=self.lobby_key.public))

    def close(self, error: AlcoveError) -> None:
        """Fail what waits, and forget the asks. The lobby's key is the facilitator's then."""
        self.committer.close(error)
        self._asks.wipe()
