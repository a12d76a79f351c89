"""What a relay claims has ended, compared with a facilitator's signature.

A relay can say at any time that the room was ended or the member removed. Only a statement that a
facilitator signed makes it so. Without one the room is called lost.
"""

from typing import Final

from alcove_protocol import frames
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.statements import EndStatement, Signed, verify

from alcove.engine.standing import Standing
from alcove.errors import Refused
from alcove.events import CloseReason

CLAIMS: Final = 3
"""Connections that may end between a claim and its proof. The proof comes right behind the claim,
so an honest relay's is lost only when the network cuts the connection there."""


class Endings:
    """Closes the room when its end is proved, or when a claimed end stays without proof."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._claimed: str | None = None
        self._claims = 0

    def claim(self, code: str) -> None:
        """The relay refused this client as `ended` or `removed`. The proof is on its way."""
        self._claimed = code

    def connection_lost(self) -> None:
        """A claim whose proof has not come on several connections is without one."""
        claimed, self._claimed = self._claimed, None
        if claimed is not None:
            self._claims += 1
            if self._claims >= CLAIMS:
                self._unproved(claimed)

    def bye(self, frame: frames.Bye) -> None:
        """The relay's last frame. Most codes mean only that this connection ends."""
        if frame.code == "removed":
            self._removed(frame)
        elif frame.code == "ended":
            self._ended(frame)
        elif frame.code == "replaced":
            self._standing.fail(Refused.by_relay(frame.code))

    def _removed(self, frame: frames.Bye) -> None:
        member = self._standing.member
        if member is not None and member.membership.puts_me_out(_signed(frame)):
            text = Refused.by_relay(frame.code).text
            self._standing.close(CloseReason.REMOVED, frame.code, text)
        else:
            self._unproved(frame.code)

    def _ended(self, frame: frames.Bye) -> None:
        for key in self._facilitator_keys():
            try:
                ended = verify(EndStatement, Label.END, _signed(frame), key).statement
            except Malformed:
                continue
            # One with an earlier counter was signed for the room as it was then, not as it is.
            member = self._standing.member
            known = member.membership.roster.counter if member is not None else 0
            if ended.room == self._standing.room and ended.counter >= known:
                self._standing.close(CloseReason.ENDED)
                return
        self._unproved(frame.code)

    def _facilitator_keys(self) -> set[bytes]:
        """The relay keys of the facilitators whom this client knows."""
        member, newcomer = self._standing.member, self._standing.newcomer
        if member is not None:
            return set(member.membership.roster.facilitators())
        if newcomer is not None and newcomer.card is not None:
            return {newcomer.card.opening.relay_key}
        return set()

    def _unproved(self, code: str) -> None:
        if self._standing.member is None:
            self._standing.fail(Refused.by_relay(code))
        else:
            what = "the room was ended" if code == "ended" else "you were removed"
            text = f"The relay says that {what}, but no facilitator signed that."
            self._standing.close(CloseReason.LOST, "lost", text)


def _signed(frame: frames.Bye) -> Signed:
    return Signed(frame.statement or b"", frame.signature or b"")
