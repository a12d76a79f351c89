"""What a person may ask of a room.

A command raises at once when it cannot be done. Otherwise events tell what becomes of it, and
`done`, where there is one, is called once: with None, or with the error.
"""

from collections.abc import Callable

from alcove_protocol import frames
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.labels import Label
from alcove_protocol.statements import LeaveStatement

from alcove.engine.standing import Standing
from alcove.errors import AlcoveError, InvalidInput, NotNow
from alcove.events import CloseReason
from alcove.facilitation.facilitator import InviteDone
from alcove.facilitation.intents import Done
from alcove.messages.payload import Retract
from alcove.relay.link import Link


class Commands:
    """Every command of the SDK's `Room`, decided."""

    def __init__(self, standing: Standing, link: Link) -> None:
        self._standing = standing
        self._link = link

    # --- of every member -----------------------------------------------------------------------

    def say(self, text: str, *, warning: str | None = None, ref: str | None = None) -> str:
        """Send a message and return its id. `Sent`, `Queued` or `Failed` follows.

        Raises `InvalidInput` (`text_empty`, `text_too_long`, `bad_text`), `NotNow`, `RoomClosed`.
        """
        member = self._standing.require_member()
        body = member.conversation.check_text(text, warning)
        item = member.conversation.compose(body, ref=ref)
        member.pump()
        if member.publisher.stalled:
            member.publisher.tell_queued()
        return item.id.hex()

    def retract(self, id: str, *, ref: str | None = None) -> None:
        """Take back this member's own message. `Retracted` follows.

        A message that is on its way is taken back as soon as it is known to be there.
        Raises `InvalidInput` (`unknown_message`), `RoomClosed`.
        """
        member = self._standing.require_member()
        conversation, target = member.conversation, _message_id(id)
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
        if not member.presence.decide():
            raise NotNow("nothing_to_decide", "Your messages are not held back; nothing to decide.")
        member.pump()

    def rejoin(self) -> None:
        """Ask the facilitators to be let in again, with fresh keys: the last resort of a client
        that is in another branch of the group. `ConnectionChanged` follows.

        Raises `NotNow` (`not_in_room`), `RoomClosed`.
        """
        self._standing.require_member().rejoin()

    def accept(self) -> None:
        """Accept the agreement on the card, and knock; or, in the room, one that changed.

        Raises `NotNow` (`nothing_to_accept`, `no_agreement`), `RoomClosed`.
        """
        self._standing.require_open()
        if self._standing.member is not None:
            self._standing.member.accept_agreement()
            return
        if self._standing.newcomer is None:
            raise NotNow("nothing_to_accept", "There is nothing to accept.")
        self._standing.newcomer.accept()

    def leave(
        self,
        done: Callable[[], None],
        reason: CloseReason = CloseReason.LEFT,
        code: str = "",
        text: str = "",
    ) -> None:
        """Go, and forget everything. Without a connection the relay is not told. The rest is what
        the `Closed` event tells."""
        standing, member = self._standing, self._standing.member
        if member is None or not self._link.live:
            if member is None and standing.newcomer is not None:
                standing.newcomer.withdraw()
            standing.close(reason, code, text)
            done()
            return
        if member.facilitator is not None and member.ready:
            member.beat(leaving=True)
        relay = standing.identity.relay
        counter = member.membership.roster.counter
        signed = relay.sign(Label.LEAVE, LeaveStatement(standing.room, relay.public, counter))

        def answered(answer: RelayAnswer | None) -> None:
            standing.close(reason, code, text)
            done()

        self._link.request(lambda n: frames.LeaveRoom(n, signed.body, signed.signature), answered)

    # --- of facilitators -----------------------------------------------------------------------

    def admit(self, id: str, done: Done) -> None:
        """Let a newcomer in. Raises `InvalidInput`, `NotNow` (`unknown_knock`), `RoomClosed`."""
        self._standing.require_facilitator().lobby.admit(_knock_id(id), done)

    def refuse(self, id: str) -> None:
        """Refuse a newcomer, who is told. Raises `InvalidInput`, `NotNow`, `RoomClosed`."""
        self._standing.require_facilitator().lobby.refuse(_knock_id(id))

    def remove(self, name: str, done: Done) -> None:
        """Put a member out. Raises `InvalidInput` (`unknown_name`), `NotNow`, `RoomClosed`."""
        self._standing.require_facilitator().remove(name, done)

    def invite(self, done: InviteDone) -> None:
        """Make one more invite, on the terms of the first. Raises `NotNow`, `RoomClosed`."""
        self._standing.require_facilitator().invite(done)

    def end(self, done: Done) -> None:
        """End the room for all members. Raises `NotNow`, `RoomClosed`."""

        def ended(error: AlcoveError | None) -> None:
            done(error)
            if error is None:
                self._standing.close(CloseReason.ENDED)

        self._standing.require_facilitator().end(ended)


def _message_id(id: str) -> bytes:
    """Empty, which no message's id is, for one that is not hex."""
    try:
        return bytes.fromhex(id)
    except ValueError:
        return b""


def _knock_id(id: str) -> bytes:
    try:
        return bytes.fromhex(id)
    except ValueError:
        raise InvalidInput("unknown_knock", "No newcomer waits under this id.") from None
