"""A member that cannot follow: held in its epoch, until a Welcome or a commit on it brings it back.

It keeps its keys, sends nothing, and asks to be let in again (`rejoining`).
"""

from abc import abstractmethod
from typing import Final

from alcove_protocol import frames
from alcove_protocol.position import Position

from alcove import events
from alcove.engine.member_parts import MemberParts
from alcove.errors import NotTrusted
from alcove.events import RoomState
from alcove.joining.tries import Unanswered

_NOTHING_WRONG: Final = (RoomState.OPEN, RoomState.READ_ONLY)
"""States of a room in which no member asks to be let in again."""


class HeldMember(MemberParts):
    """The part of a member's client that is about being held, and back again."""

    @abstractmethod
    def authenticated(self) -> None:
        """Resume the log, as the member that it is."""

    def asked_before(self, unanswered: Unanswered) -> None:
        """What this client asked as a newcomer can still be granted. It is void once the own leaf
        is another, so that comes soon."""
        self._rejoining.asked_before(unanswered)
        if self._rejoining.waiting:
            self._key_updates.hasten()

    def _hold(self, leaf: bytes = b"") -> None:
        """Keep the epoch, send nothing, ask to come back. `leaf` is what a rejoin brought."""
        self._following.hold()
        self._rejoining.held()
        if leaf and self._rejoining.expects(leaf):
            return  # the Welcome comes next
        self._telling.held()
        self._ask_rejoin()

    def _ask_rejoin(self) -> None:
        self._rejoining.ask(heard=not self._following.others_silent)

    def _release(self) -> None:
        """Held no more, in the epoch that was kept."""
        if self._following.skipped:
            self._gap()  # what came meanwhile was not read
        self._following.release()
        if self._rejoining.waiting:
            self._key_updates.hasten()  # what was asked for is void once the own leaf is another
        self.presence.released()

    def let_go(self) -> None:
        """This client was let go, as the log shows. What comes behind that is of a group without
        it, until a Welcome brings it back."""
        self._following.hold()
        self._rejoining.held()

    def come_back(self) -> None:
        """This client was let go, as the relay says, and asks over a connection in role `away`."""
        self.let_go()
        self._ask_rejoin()

    @property
    def waits_for_log(self) -> bool:
        """Whether the relay's log has to be settled before this client can be let in again."""
        return self._rejoining.unsettled

    def rejoin(self) -> bool:
        """The person finds that this client cannot go on, and asks to be let in again. False while
        nothing is wrong: each return is a commit that all members follow. False also while no
        facilitator is connected who could let it in: held, it would only show nothing new. A held
        client asks now and not with its next round, unless it has just asked."""
        if self._following.held:
            self._rejoining.hurry()
            if self._rejoining.due:
                self._ask_rejoin()
        elif self.presence.state in _NOTHING_WRONG and not self.membership.lacks_the_list:
            return False
        else:
            self._following.hold()
            self._rejoining.held()
            self._telling.asks()
            self._ask_rejoin()
            self._ask_rejoin()  # under an epoch before: the newest may be this branch's alone
        return True

    def welcomed(self, frame: frames.WelcomeIs) -> bool:
        """The Welcome of a rejoin that this client asked for. Any other is ignored: False."""
        try:
            entered = self._rejoining.open(frame)
        except NotTrusted as error:
            self._emit(events.Problem(error.code, error.text))
            return False
        if entered is None:
            return False
        before = self.membership.people()
        self.membership.restart(entered)
        self._following.restart()
        self.stream.restart(Position.decode(frame.position))
        self.presence.rejoined()
        self.conversation.epoch_began()
        self.conversation.outbox.begin_anew()  # as the others did when the commit added this leaf
        self._telling.came_back(before, self.membership.people())
        self._names_let_go.came(self.membership.people())
        self.seen_going.look()
        self._gap()
        self._agreement.ask()
        self._resumed = False
        self._rules.look()
        here = (*before, *self.membership.people())
        self.conversation.folding.look({person.key: person.name for person in here})
        self._take_part()
        if self.facilitator is not None:
            self.facilitator.rejoined()
        else:
            self.seen_lost.forget_all()
            self.conversation.probe()  # so that the others know that the Welcome arrived
        self.agreement_change.came_back()
        self.authenticated()
        return True
