"""A client's standing in a room: newcomer, opener or member, and how it ends."""

from collections import deque
from typing import Final

from alcove import events
from alcove.engine.member import MemberClient
from alcove.errors import AlcoveError, NotNow, Refused, RoomClosed
from alcove.events import AnyEvent, CloseReason
from alcove.facilitation.facilitator import Facilitator
from alcove.facilitation.opening import RoomOpening
from alcove.group.keys import Identity
from alcove.joining.door_words import refusal_sentence, refused_by_relay, removed_sentence
from alcove.joining.newcomer import Newcomer
from alcove.joining.standby_comer import StandbyComer
from alcove.joining.ticket_comer import TicketComer
from alcove.messages.agreements import Agreements
from alcove.messages.outbox import UNCONFIRMED
from alcove.messages.shown import ShownMessages

EVENTS: Final = 10_000
"""Events kept for a reader. Beyond that the oldest are dropped, and a gap is told."""
_NOT_PROVED: Final = (
    "You facilitate this room, but your program still waits until members confirm that it is back, "
    "so this was not done. That takes some seconds once one is connected; try it again then."
)
_OUT_BEFORE: Final = "You were out of the room before this was sent."
_NOT_BACK: Final = (
    "What you took back was not taken back: you were out of the room before that could be done. "
    "Others may see it until it expires."
)
_ENDED_BEFORE: Final = (
    "What you took back was not taken back before the room ended. Each client forgets "
    "what was said as soon as it knows of the end."
)
_MAYBE_BACK: Final = (
    "It is not confirmed that what you took back is gone. Others may see it until it expires."
)
_NOT_SENT: Final = {
    CloseReason.LEFT: "You left the room before this was sent.",
    CloseReason.ENDED: "The room had ended before this was sent.",
}


class Standing:
    """Holds what this client is, collects its events, and closes it."""

    def __init__(self, identity: Identity, language: str = "") -> None:
        self.identity = identity
        self.opening: RoomOpening | None = None
        self.newcomer: Newcomer | StandbyComer | TicketComer | None = None
        self.member: MemberClient | None = None
        self.entered: bool = False
        """True once the room exists (opening) or the card was verified (joining)."""
        self.error: AlcoveError | None = None
        """Why the room could not be entered, or was closed for an error."""
        self.closed: events.Closed | None = None
        self.come_back_after: float = 0.0
        """Seconds that a restarting relay asks to be left alone, so that not all come at once."""
        self.agreements = Agreements(language)
        self.still_shown: list[ShownMessages] = []
        """What the person was shown in earlier stays, until it expires."""
        self._events: deque[AnyEvent] = deque()
        self._lost_events = False

    # --- what happened -------------------------------------------------------------------------

    def emit(self, event: AnyEvent) -> None:
        """Tell the person. After the close there is nothing to tell."""
        if self.closed is not None:
            return
        if len(self._events) >= EVENTS:
            self._events.popleft()
            self._lost_events = True
        self._events.append(event)

    def drain_events(self) -> list[AnyEvent]:
        """The events since the last call."""
        drained, self._events = list(self._events), deque()
        if self._lost_events:
            self._lost_events = False
            drained.insert(0, events.Gap(None))
        return drained

    # --- what this client is -------------------------------------------------------------------

    @property
    def begun(self) -> bool:
        """Whether it is decided what to connect for."""
        return self.opening is not None or self.newcomer is not None

    @property
    def room(self) -> bytes:
        """The room's id."""
        if self.opening is not None:
            return self.opening.room
        assert self.newcomer is not None  # one of the two was begun
        if isinstance(self.newcomer, TicketComer):
            return self.newcomer.ticket.room
        return self.newcomer.invite.room

    @property
    def holds_link(self) -> bool:
        """Whether this client connects by the keys of a standby's link, which others may hold."""
        return self.member is None and isinstance(self.newcomer, StandbyComer)

    def refused(self, code: str) -> Refused:
        """What the relay's refusal means before this client came in. The holder of a standby's link
        never was in the room: their link is not on the list any more."""
        if self.holds_link and code in ("removed", "not_member"):
            return Refused("link_closed", refusal_sentence("link_closed"))
        if self.member is not None or self.newcomer is None:
            return Refused.by_relay(code)
        outside = isinstance(self.newcomer, Newcomer) and bool(self.newcomer.outside)
        return refused_by_relay(code, self.newcomer.card, outside=outside)

    def require_open(self) -> None:
        """Raises `RoomClosed`. Its code is the reason of the `Closed` event."""
        if self.closed is not None:
            raise RoomClosed.of(self.closed) from self.error

    def require_member(self) -> MemberClient:
        """Raises `RoomClosed`, `NotNow` (`not_in_room`)."""
        self.require_open()
        if self.member is None and isinstance(self.newcomer, Newcomer) and self.newcomer.outside:
            raise NotNow("not_in_room", "You are outside at the moment. /inside comes back.")
        if self.member is None:
            raise NotNow("not_in_room", "You are not in the room yet.")
        return self.member

    def require_facilitator(self) -> Facilitator:
        """Raises `RoomClosed`, `NotNow` (`not_in_room`, `not_facilitator`, `not_proved`)."""
        member = self.require_member()
        if member.facilitator is None:
            if member.membership.own.facilitator and member.entering is not None:
                raise NotNow("not_proved", _NOT_PROVED)
            raise NotNow("not_facilitator", "Only a facilitator can do that.")
        return member.facilitator

    def removed_text(self) -> str:
        """What this person reads when a facilitator removed them, with what the card said."""
        opening, newcomer = self.opening, self.newcomer
        if newcomer is not None and newcomer.card is not None:
            card = newcomer.card.card
            return removed_sentence(card.helplines, card.contact or "")
        if opening is not None:
            return removed_sentence(opening.plan.card.helplines, opening.plan.card.contact)
        return removed_sentence("", "")

    # --- the end -------------------------------------------------------------------------------

    def fail(self, error: AlcoveError) -> None:
        """The room cannot be entered, or cannot be kept."""
        self.error = error
        outside = self.member is None or not self.entered
        refused = isinstance(error, Refused) and outside
        reason = CloseReason.REFUSED if refused else CloseReason.ERROR
        self.close(reason, error.code, error.text)

    def _fail_waiting_texts(self, why: str) -> None:
        waiting = self.member.conversation.outbox.waiting() if self.member is not None else ()
        for item in waiting:
            if item.shown:
                # The relay may have taken what it was given, even if it is to be encrypted anew.
                code, text = ("unconfirmed", UNCONFIRMED) if item.given else ("closed", why)
                self.emit(events.Failed(item.id.hex(), code, text, item.ref))

    def _tell_not_taken_back(self, why: str) -> None:
        """What the person took back while they could not write, or were outside, stays."""
        waiting = self.member.conversation.taking_back() if self.member is not None else {}
        for shown in self.still_shown:
            waiting |= {id: given for id, given in shown.taking_back.items() if id in shown}
        for given in sorted(set(waiting.values())):
            self.emit(events.Problem("not_retracted", _MAYBE_BACK if given else why))

    def close(self, reason: CloseReason, code: str = "", text: str = "") -> None:
        """Tell why, wipe every key, and be done. Only the first call counts."""
        if self.closed is not None:
            return
        self._fail_waiting_texts(_NOT_SENT.get(reason, _OUT_BEFORE))
        why = _ENDED_BEFORE if reason is CloseReason.ENDED else _NOT_BACK
        self._tell_not_taken_back(why)
        closed = events.Closed(reason, code, text)
        self.emit(closed)
        self.closed = closed
        if self.member is not None:
            self.member.stepping_down.close(self.error or RoomClosed.of(closed))
            if self.member.tickets is not None:
                self.member.tickets.close(self.error or RoomClosed.of(closed))
            if self.member.facilitator is not None:
                self.member.facilitator.close(self.error or RoomClosed.of(closed))
            if self.member.entering is not None:
                self.member.entering.close(self.error or RoomClosed.of(closed))
            self.member.wipe()
        if self.newcomer is not None:
            self.newcomer.wipe()
        self.agreements.forget()
        self.still_shown.clear()
        self.identity.wipe()
