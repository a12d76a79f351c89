"""How this client comes to a door: by an invite, again after a loss, or to step outside."""

from abc import abstractmethod

from alcove_protocol.invite import Invite
from alcove_protocol.position import Position

from alcove import events
from alcove.engine.outside import SteppingOutside
from alcove.engine.standing import Standing
from alcove.errors import NotNow
from alcove.group.membership import Membership
from alcove.joining.card import CheckedCard
from alcove.joining.door_words import KNOCKING_AGAIN
from alcove.joining.newcomer import Newcomer
from alcove.joining.todays_word import NO_WORD
from alcove.joining.tries import Unanswered
from alcove.relay.link import Link
from alcove.relay.ports import Ports


class Doorway(Standing):
    """What a client is that may stand at a door."""

    link: Link
    ports: Ports
    _outside: SteppingOutside
    _unknown_since: float | None
    _moves: bool
    """Whether this client hangs up to go to the door of a member outside."""

    @abstractmethod
    def _welcomed(self, membership: Membership, at: Position, unanswered: Unanswered) -> None:
        """A Welcome was opened and checked."""

    def _be_newcomer(
        self,
        invite: Invite,
        *,
        accept: bool,
        before: CheckedCard | None,
        outside: bytes = b"",
    ) -> None:
        """At this door. Today's word stays what it was at the one before."""
        word = self.newcomer.word if isinstance(self.newcomer, Newcomer) else NO_WORD
        self.newcomer = Newcomer(
            invite,
            self.identity,
            self.ports,
            accept=accept,
            agreements=self.agreements,
            before=before,
            outside=outside,
            word=word,
            on_card=self._note_entered,
            on_member=self._welcomed,
            fail=self.fail,
        )

    def _note_entered(self) -> None:
        self.entered = True

    def _knock_again(self, invite: Invite, card: CheckedCard, outside: bytes = b"") -> None:
        """No longer a member of what the room goes on with. At the door a person decides again, but
        of one that steps `outside`."""
        if self.member is not None:
            self._fail_waiting_texts("You are no longer in the room in which this was to be said.")
            if self.member.facilitator is not None:
                text = "You are no longer in the room; this was not done."
                self.member.facilitator.close(NotNow("not_in_room", text))
            self.still_shown.append(self.member.conversation.leave_shown())
            self.member.wipe()
            self.member = None
        if not outside:
            self.emit(events.Problem("knocking_again", KNOCKING_AGAIN))
        self._unknown_since = None
        self._be_newcomer(invite, accept=False, before=card, outside=outside)

    def _awaits_door(self, code: str, generation: bytes | None) -> bool:
        """Whether this is the door of a member outside, which no facilitator has put yet."""
        newcomer = self.newcomer if self.member is None else None
        if not isinstance(newcomer, Newcomer) or not newcomer.outside or code != "unknown_door":
            return False
        self._outside.no_door_in(generation)
        if not self._outside.door_may_come and self._outside.came_by is not None:
            # By the invite they came by a person decides. The rules were accepted before.
            assert newcomer.card is not None  # it came along
            self._knock_again(self._outside.came_by, newcomer.card)
        return True

    def _steps_outside(self) -> bool:
        """The way out, if this member was let go for it."""
        way = self._outside.take()
        if way is None:
            return False
        self.link.hang_up = self._moves = True
        self._knock_again(way.invite, way.card, way.accepted)
        return True
