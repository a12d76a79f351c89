"""A relay that lost its memory: wait for the room, bring it, or knock again.

A client that the relay does not know waits. A member brings the room back: a facilitator at once,
the others after a while. A member that is not on the list of what was brought waits, too, and
knocks again when the log is settled without it.
"""

from typing import Final

from alcove_protocol import limits

from alcove.engine.bringing import OTHERS_FIRST
from alcove.engine.doorway import Doorway
from alcove.engine.loss_told import AT_THE_DOOR, LossTold
from alcove.events import CloseReason
from alcove.group.keys import Identity
from alcove.joining.newcomer import Newcomer
from alcove.joining.ticket_comer import TicketComer

KNOCK_AGAIN_AFTER: Final = limits.UNSETTLED_LEAST + 30.0
"""Seconds that a member waits, whom a relay without memory does not list, before they knock. The
log settles first, and a facilitator's client, which looks every 20 s, repeats the commit then."""

BRING_AGAIN: Final = 10.0
"""Seconds between two times that a client brings its chain, when the first was of no use."""


class ForgottenRoom(Doorway):
    """What a client does while the relay does not know its room, or does not list it."""

    def __init__(self, identity: Identity, language: str = "") -> None:
        super().__init__(identity, language)
        self._restoring = False
        self._away_since: float | None = None
        self._unknown_since: float | None = None
        self._unknown_in: bytes | None = None
        self._forgotten_since: float | None = None
        self._brought_at = float("-inf")
        self._loss = LossTold(self.emit)

    def _forgotten(self) -> None:
        """The relay says that it does not know the room. It means "wait", never "ended": a member
        brings the room back, and the first to do so is a facilitator."""
        member = self.member
        first = member is not None and member.facilitator is not None
        if member is not None:
            member.bringing.forgotten(brings=first)
        else:
            self._loss.forgotten(AT_THE_DOOR)
            if isinstance(self.newcomer, TicketComer):
                self.newcomer.forgotten()
        self._wait_for_room()
        self._bring_room(first=first)

    def _bring_room(self, *, first: bool) -> None:
        """Bring the room with the next connection. A participant leaves that to the facilitators
        for a while, unless it is the `first` to do so."""
        if self._forgotten_since is None:
            self._forgotten_since = self.ports.clock()
        now = self.ports.clock()
        self._restoring = first or now - self._forgotten_since >= OTHERS_FIRST
        if self._restoring:
            if now - self._brought_at < BRING_AGAIN:
                self.come_back_after = BRING_AGAIN
            self._brought_at = now

    def _lost_memory(self, generation: bytes | None) -> bool:
        """Whether the relay's log is another than the one that this member knows."""
        return self.member is not None and not self.member.knows(generation)

    def _wait_to_be_known(self, generation: bytes | None) -> None:
        """The relay lost its memory, and what brought it back does not list this member. The entry
        that seated them may come again: the facilitator's commit was not acknowledged. When the
        relay has lost its memory once more, that takes as long once more."""
        newcomer = self.newcomer
        late = self._unknown_for_long(generation)
        if late and isinstance(newcomer, Newcomer) and newcomer.card is not None:
            self._knock_again(newcomer.invite, newcomer.card)
        else:
            self._wait_for_room()
            self._bring_room(first=True)  # in this client's chain it is a member

    def _unknown_for_long(self, generation: bytes | None) -> bool:
        """Whether the relay has not listed this member for so long, in this log."""
        now = self.ports.clock()
        if self._unknown_since is None or self._unknown_in != generation:
            self._unknown_since, self._unknown_in = now, generation
        conflicts = self.member is not None and self.member.bringing.conflicts
        wait = KNOCK_AGAIN_AFTER + (limits.UNSETTLED if conflicts else 0.0)
        return now - self._unknown_since > wait

    def _wait_for_room(self) -> None:
        if self._away_since is None:
            self._away_since = self.ports.clock()
        if self.ports.clock() - self._away_since > limits.ABANDONED_AFTER:
            text = "The relay has lost the room, and no facilitator brought it back here in time."
            self.close(CloseReason.LOST, "lost", text)
