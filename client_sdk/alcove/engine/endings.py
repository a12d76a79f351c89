"""What a relay claims has ended, compared with a facilitator's signature.

A relay can say at any time that the room was ended or the member removed. Only a statement that a
facilitator signed makes it so. Without one the room is called lost.
"""

from collections.abc import Callable
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.endings import verify_end
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.statements import EndStatement, Signed, verify

from alcove import events
from alcove.engine.standing import Standing
from alcove.events import CloseReason

CLAIMS: Final = 3
"""Connections that may end between a claim and its proof. The proof comes right behind the claim,
so an honest relay's is lost only when the network cuts the connection there."""
REPLACED_AGAIN: Final = 5 * 60.0
"""Seconds in which a second `replaced` is no race of this client's own connections."""
REPLACED_WAIT: Final = 30.0
"""Seconds after which it comes back then."""
_REPLACED: Final = (
    "The relay says that another connection uses this client's keys, as a copy of this device "
    "would. Your client keeps coming back; if there is no copy, the relay is at fault."
)
_LINK_SHARED: Final = (
    "The relay says that another program uses this link, as somebody else would who holds it too. "
    "Your program keeps coming back; if nobody else has the link, the relay is at fault."
)
_DOUBTED: Final = (
    "The relay lost its memory, and says that the room was ended or that you were removed. That "
    "may be out of date; this client asks again for half an hour."
)


class Endings:
    """Closes the room when its end is proved, or when a claimed end stays without proof."""

    def __init__(
        self, standing: Standing, clock: Callable[[], float], doubted: Callable[[], None]
    ) -> None:
        """`doubted` is called when an ending is told in a log that the client does not know."""
        self._standing = standing
        self._clock = clock
        self._doubted = doubted
        self._doubted_since: float | None = None
        self._claimed: str | None = None
        self._claims = 0
        self._replaced_at: float | None = None
        self._told_replaced = False

    def claim(self, code: str, generation: bytes | None) -> None:
        """The relay refused this client as `ended` or `removed`. The proof is on its way."""
        self._claimed = code if self._is_final(generation) else None

    def _is_final(self, generation: bytes | None) -> bool:
        """Whether an ending in this log counts. The relay may have lost its memory, and what was
        brought back may be stale. Then the ending counts when it is told again half an hour later:
        a true one stays, and a member with a newer chain has had the time to bring it."""
        member = self._standing.member
        if member is None or member.knows(generation):
            return True
        if self._doubted_since is None:
            self._doubted_since = self._clock()
            self._standing.emit(events.Problem("ending_doubted", _DOUBTED))
        if self._clock() - self._doubted_since >= limits.FINAL_AFTER:
            return True
        self._doubted()
        return False

    def entered(self) -> None:
        """The relay takes this client for a member: what it said before was not so."""
        self._doubted_since = None

    def connection_lost(self) -> None:
        """A claim whose proof has not come on several connections is without one."""
        claimed, self._claimed = self._claimed, None
        if claimed is not None:
            self._claims += 1
            if self._claims >= CLAIMS:
                self._unproved(claimed)

    def bye(self, frame: frames.Bye) -> None:
        """The relay's last frame. Most codes mean only that this connection ends."""
        if frame.code in ("removed", "ended") and not self._is_final(frame.generation):
            return
        if frame.code == "removed":
            self._removed(frame)
        elif frame.code == "ended":
            self._ended(frame)
        elif frame.code == "replaced":
            self._replaced()

    def _replaced(self) -> None:
        """Only this client has its keys, and a relay can say this at any time. So it ends the
        connection and no more. Two copies of one device come back in turns, and not at once."""
        now = self._clock()
        again = self._replaced_at is not None and now - self._replaced_at < REPLACED_AGAIN
        self._replaced_at = now
        if again:
            self._standing.come_back_after = REPLACED_WAIT
            if not self._told_replaced:
                shared = self._standing.holds_link
                text = _LINK_SHARED if shared else _REPLACED
                self._standing.emit(events.Problem("replaced", text))
            self._told_replaced = True

    def _removed(self, frame: frames.Bye) -> None:
        member = self._standing.member
        if member is not None and member.membership.puts_me_out(_signed(frame)):
            # No hearsay: a facilitator signed it.
            text = self._standing.removed_text()
            self._standing.close(CloseReason.REMOVED, frame.code, text)
        else:
            self._unproved(frame.code)

    def _ended(self, frame: frames.Bye) -> None:
        try:
            self._verify_end(_signed(frame))
        except Malformed:
            self._unproved(frame.code)
        else:
            self._standing.close(CloseReason.ENDED)

    def _verify_end(self, signed: Signed) -> None:
        """Raises `Malformed`. A newcomer knows no list, only the room's first facilitator."""
        member, newcomer = self._standing.member, self._standing.newcomer
        if member is not None:
            ended = verify_end(member.membership.roster, signed)
            # The roster alone could be a single facilitator's work. The group's state is not.
            if ended.relay_key not in member.membership.facilitators():
                raise Malformed("bad_signature", "No facilitator of the group signed the end.")
        elif newcomer is not None and newcomer.card is not None:
            opening = newcomer.card.opening
            ended = verify(EndStatement, Label.END, signed, opening.relay_key).statement
            if (ended.room, ended.relay_key) != (self._standing.room, opening.relay_key):
                raise Malformed("bad_statement", "The end is of another room or key.")
        else:
            raise Malformed("bad_signature", "No facilitator is known yet.")

    def _unproved(self, code: str) -> None:
        if self._standing.member is None:
            self._standing.fail(self._standing.refused(code))
        else:
            what = "the room was ended" if code == "ended" else "you were removed"
            text = f"The relay says that {what}, but no facilitator that you know of signed it."
            self._standing.close(CloseReason.LOST, "lost", text)


def _signed(frame: frames.Bye) -> Signed:
    return Signed(frame.statement or b"", frame.signature or b"")
