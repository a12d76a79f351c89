"""What a person may ask of a room.

A command raises at once when it cannot be done. Otherwise events tell what becomes of it, and
`done`, where there is one, is called once: with None, or with the error.
"""

from collections.abc import Callable
from typing import Final

from alcove_protocol import frames
from alcove_protocol.card import AgreementText
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.labels import Label
from alcove_protocol.statements import LeaveStatement
from alcove_protocol.ticket import Ticket

from alcove import events
from alcove.engine.door_commands import DoorCommands
from alcove.engine.hard_minute import message_id
from alcove.engine.outside import SteppingOutside
from alcove.engine.standing import Standing
from alcove.errors import LEFT_UNTOLD, AlcoveError, InvalidInput, NotNow
from alcove.events import CloseReason, RoomState
from alcove.facilitation.intents import Done
from alcove.group.safety_words import safety_words
from alcove.joining.newcomer import Newcomer
from alcove.joining.todays_word import NO_WORD, word_key
from alcove.messages.muted import muted
from alcove.messages.payload import Retract, check_text
from alcove.messages.slow import too_soon
from alcove.relay.link import Link

_NOBODY_LETS_IN: Final = (
    "No facilitator is connected who could let you in again. It goes on by itself once one is back."
)
_NOBODY_LETS: Final = (
    "You can only read for now, and no facilitator is here to change that, so this was not sent. "
    "You are told if one comes back and lets you write."
)
_READ_ONLY: Final = (
    "The relay takes no messages while no facilitator is connected. What you write waits, and goes "
    "out by itself once one is back."
)


class Commands(DoorCommands):
    """Every command of the SDK's `Room`, decided."""

    def __init__(self, standing: Standing, link: Link, outside: SteppingOutside) -> None:
        super().__init__(standing, outside)
        self._link = link

    # --- of every member -----------------------------------------------------------------------

    def say(self, text: str, *, warning: str | None = None, ref: str | None = None) -> str:
        """Send a message and return its id. `Sent`, `Queued` or `Failed` follows.

        Raises `InvalidInput` (as `check_text`), `NotNow` (`paused`, `listen_only`, `hold`, `slow`,
        `queue_full`, `not_in_room`), `RoomClosed`.
        """
        member = self._standing.require_member()
        body = check_text(text, warning)
        if (why := muted(member.membership)) is not None:
            nobody = member.presence.state is RoomState.READ_ONLY
            raise NotNow(why.code, _NOBODY_LETS) if nobody else why
        if wait := member.conversation.slow.wait:
            raise too_soon(wait)
        item = member.conversation.compose(body, ref=ref)
        member.pump()
        if member.publisher.stalled:
            member.publisher.tell_queued()
        return item.id.hex()

    def retract(self, id: str, *, ref: str | None = None) -> None:
        """Take back this member's own message. `Retracted` follows.

        A message that is on its way is taken back as soon as it is known to be there. While this
        member may not write it waits, also through a step outside, from where none can be asked
        for. It goes out as soon as it can. What expires before that is told so (`Expired`). When
        the room closes first, or the relay does not take it, `Problem` (`not_retracted`) follows.
        Raises `InvalidInput` (`unknown_message`), `NotNow` (`not_in_room`, `queue_full`),
        `RoomClosed`.
        """
        member = self._standing.require_member()
        conversation, target = member.conversation, message_id(id)
        if conversation.unsend(target) or conversation.take_back_later(target):
            return
        if not conversation.may_retract(target):
            text = "There is no message of yours with this id; it may have expired."
            raise InvalidInput("unknown_message", text)
        conversation.compose(Retract(target), ref=ref)
        member.pump()

    def send_anyway(self) -> None:
        """Send although the room is SPLIT or NOT_HEARD. `RoomChanged` follows.

        It is the person's decision, and it holds until the next sign that something is wrong.
        Raises `NotNow` (`nothing_to_decide`, `not_in_room`), `RoomClosed`.
        """
        member = self._standing.require_member()
        if member.presence.state is RoomState.READ_ONLY:
            raise NotNow("nothing_to_decide", _READ_ONLY)
        if not member.presence.decide():
            raise NotNow("nothing_to_decide", "Your messages are not held back; nothing to decide.")
        member.pump()

    def rejoin(self) -> None:
        """Ask the facilitators to be let in again, with fresh keys: the last resort of a client
        that is in another branch of the group. `ConnectionChanged` follows.

        Raises `NotNow` (`nothing_to_rejoin` while nothing is wrong, `only_facilitator`,
        `not_in_room`), `RoomClosed`.
        """
        member = self._standing.require_member()
        if member.membership.facilitates_alone:
            text = "You are the only facilitator, so nobody can let you in again."
            raise NotNow("only_facilitator", text)
        if not member.rejoin():
            if member.presence.state is RoomState.READ_ONLY:
                raise NotNow("nothing_to_rejoin", _NOBODY_LETS_IN)
            text = "You are in step with the room as far as your client knows; nothing to mend."
            raise NotNow("nothing_to_rejoin", text)

    def ticket(self, done: Done) -> Ticket:
        """Keep a ticket of this client at the relay. `done` is called once it is there, and
        `TicketMade` follows. Raises `NotNow` (`not_in_room`), `RoomClosed`."""
        member = self._standing.require_member()
        keeper = member.keep_ticket()
        keeper.ask(done)
        member.tick()
        return keeper.ticket

    def word_key(self, word: str) -> bytes:
        """What a knock of this client carries of this word for today; zeros for no word. It takes a
        fifth of a second, and may be called from another thread.

        Raises `InvalidInput` (`bad_word`), `NotNow` (`no_door`) where there is no door to knock at.
        """
        newcomer = self._standing.newcomer
        if not word:
            return NO_WORD
        if self._standing.member is not None or not isinstance(newcomer, Newcomer):
            text = "A word for today is chosen at the door, when you ask to be let in."
            raise NotNow("no_door", text)
        return word_key(newcomer.invite.room, newcomer.identity.name, word)

    def accept(self, version: int | None = None, answer: str = "", word: bytes = NO_WORD) -> None:
        """Accept the agreement on the card, and knock; or, in the room, one that changed. With
        `version` only that one: another may have come while the person read it. `answer` is to the
        question of the invite. `word` is what `word_key` made of today's word.

        Raises `NotNow` (`nothing_to_accept`, `no_agreement`, `agreement_changed`, `no_answer`),
        `InvalidInput` (`bad_answer`), `RoomClosed`.
        """
        self._standing.require_open()
        if self._standing.member is not None:
            self._standing.member.accept_agreement(version)
            self._standing.member.pump()
            return
        if self._standing.newcomer is None:
            raise NotNow("nothing_to_accept", "There is nothing to accept.")
        self._standing.newcomer.accept(version, answer, word)

    def leave(
        self,
        done: Callable[[], None],
        reason: CloseReason = CloseReason.LEFT,
        code: str = "",
        text: str = "",
    ) -> None:
        """Go, and forget everything. Without a connection the relay is not told, and a member that
        leaves is told so. The rest is what the `Closed` event tells."""
        standing, member = self._standing, self._standing.member
        untold = reason is CloseReason.LEFT and member is not None
        if member is None or not self._link.live:
            if member is None and standing.newcomer is not None:
                standing.newcomer.withdraw()
            standing.close(reason, *(("unconfirmed", LEFT_UNTOLD) if untold else (code, text)))
            done()
            return
        if member.facilitator is not None and member.ready:
            member.beat(leaving=True)
        relay = standing.identity.relay
        counter = member.membership.roster.counter
        signed = relay.sign(Label.LEAVE, LeaveStatement(standing.room, relay.public, counter))

        def answered(answer: RelayAnswer | None) -> None:
            lost = untold and answer is None
            standing.close(reason, *(("unconfirmed", LEFT_UNTOLD) if lost else (code, text)))
            done()

        self._link.request(lambda n: frames.LeaveRoom(n, signed.body, signed.signature), answered)

    # --- of facilitators -----------------------------------------------------------------------

    def appoint(self, name: str, done: Done) -> None:
        """Make a member a facilitator. `RoleChanged` follows.

        Raises `InvalidInput` (`unknown_name`), `NotNow` (`already_facilitator`,
        `two_of_one_name`, `too_many_facilitators`, `too_many_appointments`, `cannot_facilitate`),
        `RoomClosed`.
        """
        self._standing.require_facilitator().roles.appoint(name, done)

    def standby(self, on: bool, done: Done) -> None:
        """Make a standby's link, in the place of the one before, or close it. `StandbyLink` and
        `StandbyChanged` follow. Raises `NotNow` (`too_many_facilitators`, `too_many_appointments`,
        `room_full`), `RoomClosed`."""
        standbys = self._standing.require_facilitator().standbys

        def finished(link: str, error: AlcoveError | None) -> None:
            if error is None:
                self._standing.emit(events.StandbyLink(link))
            done(error)

        if on:
            standbys.set(finished)
        else:
            standbys.clear(lambda error: finished("", error))

    def demote(self, name: str, done: Done) -> None:
        """Make another facilitator a participant. `RoleChanged` follows.

        Raises `InvalidInput` (`unknown_name`), `NotNow` (`not_oneself`, `no_facilitator`),
        `RoomClosed`.
        """
        self._standing.require_facilitator().roles.demote(name, done)

    def step_down(self, done: Done) -> None:
        """Be a participant from now on. Another facilitator's client confirms it. `RoleChanged`
        follows. Raises `NotNow` (`last_facilitator`, `stepping_down`), `RoomClosed`."""
        self._standing.require_facilitator()
        member = self._standing.require_member()
        member.stepping_down.ask(done)
        member.tick()

    def hand_over(self, name: str, done: Done) -> None:
        """Appoint a member, and step down once they have what facilitators share.

        Raises `InvalidInput` (`unknown_name`), `NotNow` (as `appoint`, `not_oneself`,
        `handing_over`), `RoomClosed`.
        """

        def step_down(done: Done) -> None:
            try:
                self.step_down(done)
            except AlcoveError as error:
                done(error)

        self._standing.require_facilitator().roles.hand_over(name, step_down, done)

    def safety_words(self, *, ref: str | None = None) -> None:
        """`SafetyWords` follows. Raises `NotNow` (`not_facilitator`), `RoomClosed`."""
        self._standing.require_facilitator()
        group = self._standing.require_member().membership.group
        self._standing.emit(events.SafetyWords(safety_words(group), ref))

    def acts(self, *, ref: str | None = None) -> None:
        """`PastActs` follows. Raises `NotNow` (`not_in_room`), `RoomClosed`."""
        acts = self._standing.require_member().act_log.acts()
        self._standing.emit(events.PastActs(acts, ref))

    def list_members(self, *, ref: str | None = None) -> None:
        """`MemberList` follows. Raises `NotNow` (`not_in_room`), `RoomClosed`."""
        members = self._standing.require_member().whereabouts.members()
        self._standing.emit(events.MemberList(members, ref))

    def change_agreement(
        self, texts: tuple[AgreementText, ...], done: Done, *, correction: bool
    ) -> None:
        """Give the room another agreement, in all its languages. A `correction` leaves the one
        before good; otherwise everybody is asked before they post. `AgreementShown` follows.

        Raises `InvalidInput` (as `unpack_agreement`), `NotNow` (`agreement_under_way`,
        `agreement_same`, `too_many_corrections`, `not_facilitator`), `RoomClosed`. `done` may get
        `agreement_race`: another facilitator's change came first.
        """
        self._standing.require_facilitator()
        member = self._standing.require_member()
        member.agreement_change.change(texts, done, correction=correction)
        member.pump()

    def end(self, done: Done) -> None:
        """End the room for all members. Raises `NotNow`, `RoomClosed`."""

        def ended(error: AlcoveError | None) -> None:
            done(error)
            if error is None:
                self._standing.close(CloseReason.ENDED)

        self._standing.require_facilitator().end(ended)
