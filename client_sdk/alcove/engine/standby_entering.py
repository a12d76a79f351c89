"""In the group by a standby's external commit, and not a facilitator yet.

    in the tree ──a member's answer is of the new epoch──▶ lists itself ──▶ a facilitator
        │
        └─ none is, for `FALSE_AFTER`: the answer that led here was false, and the link tries anew

A member of another epoch may have answered with a group that no other member is in. A client that
lists itself on such an answer is a facilitator at the relay alone, and has spent the link. So first
another member proves that it followed: it names the secret of the new epoch.
"""

from collections.abc import Callable
from hmac import compare_digest
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.errors import Malformed

from alcove import mls
from alcove.errors import AlcoveError, NotTrusted
from alcove.facilitation.committer import Committer, OnTaken
from alcove.facilitation.standby_intents import ListOneself
from alcove.group.external_wrap import wrap_key
from alcove.group.keys import ROOM_SUITE, Identity
from alcove.group.membership import Membership
from alcove.group.standby_entry import StandbyAnswer, context_of
from alcove.joining.standby_asks import StandbyAsks
from alcove.joining.standby_choice import Choice
from alcove.relay.ports import Ports

ASK_EVERY: Final = 5.0
OWN_WORD: Final = 10.0
"""Seconds after which the member that led here is believed, when no other one contradicts it. It
can lead to a branch of its own, where it alone follows."""
FALSE_AFTER: Final = 45.0
"""Seconds without a proof, after which the answer was false. The link may try once a minute."""


class StandbyEntering:
    """`by` is the relay key of the member whose answer led here. `misled` is set when it was
    false. `choice` learns of the members from it."""

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        ports: Ports,
        asks: StandbyAsks,
        by: bytes,
        choice: Choice,
        *,
        on_taken: OnTaken,
        ready: Callable[[], bool],
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._ports = ports
        self._asks = asks
        self._by = by
        self._choice = choice
        self._ready = ready
        self.misled = False
        self.lobby_key = mls.ciphersuite(ROOM_SUITE).hpke_keypair(ports.random)
        self.committer = Committer(membership, identity, ports, on_taken=on_taken, ready=ready)
        self._since: float | None = None
        self._ask_at = 0.0
        self._own_word_at: float | None = None
        self._contradicted = False
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
        if not same:
            # The ask came behind the external commit: who is not held should have followed.
            doubts = notice.key != self._by and not self._choice.is_false(notice.key)
            self._contradicted |= doubts and not answer.held
        elif notice.key != self._by:
            self._list()
        elif self._own_word_at is None:
            self._own_word_at = self._ports.clock() + OWN_WORD

    def tick(self) -> None:
        """Ask the members whether they followed, and give up when none did."""
        now = self._ports.clock()
        if not self._ready() or self._proved or self.misled:
            return
        if self._since is None:
            self._since = now
        own_word = self._own_word_at is not None and now >= self._own_word_at
        if own_word and not self._contradicted:
            self._list()
        elif now - self._since > FALSE_AFTER:
            self._give_up()
        elif now >= self._ask_at:
            self._ask_at = now + ASK_EVERY
            counter = self._membership.roster.counter
            self._asks.ask(self._identity.relay, counter, lambda answer: None)

    def _give_up(self) -> None:
        self.misled = True
        if self._own_word_at is None:
            self._choice.led_nowhere(self._by)
        else:
            self._choice.contradicted(self._by)

    def _list(self) -> None:
        if not self._proved:
            self._proved = True
            self.committer.want(ListOneself(lobby_key=self.lobby_key.public))

    def close(self, error: AlcoveError) -> None:
        """Fail what waits, and forget the asks. The lobby's key is the facilitator's then."""
        self.committer.close(error)
        self._asks.wipe()
