"""What goes out: the next message of the outbox, and a facilitator's heartbeats.

head of the outbox ──▶ in flight ──published──▶ sent
                           │
                           ├─ stale, and the commit that won is here → sent again
                           ├─ read-only, busy, not to write          → waits; a text fails with the
                           │                                           commit that forbids it
                           ├─ refused otherwise                      → fails; a void uses its
                           │                                           counter
                           └─ connection lost                        → the same bytes, later
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.card import agreement_hash
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import BlobClass, RelayAnswer
from alcove_protocol.position import Position

from alcove import events, mls
from alcove.engine.following import Following
from alcove.errors import PASSING
from alcove.group.membership import Membership
from alcove.messages.conversation import Conversation
from alcove.messages.muted import muted
from alcove.messages.outbox import UNCONFIRMED, Outgoing
from alcove.messages.payload import (
    MESSAGE_ID_SIZE,
    Fold,
    Heartbeat,
    Text,
    ToldAgreement,
    Void,
)
from alcove.messages.presence import Presence
from alcove.messages.stream import Advance, Stream
from alcove.relay.ports import Ports

WAIT: Final = PASSING | {"paused", "not_allowed", "slow"}
"""Refusals after which the message waits. Of the last two, the first is for who is paused, and the
second for all who listen. The commit that says so is on its way here."""


class Publisher:
    """Sends one message after another. Calls `published` with where the relay put each blob. When
    that position had passed, the log does not have the blob there."""

    def __init__(
        self,
        membership: Membership,
        stream: Stream,
        following: Following,
        conversation: Conversation,
        presence: Presence,
        ports: Ports,
        *,
        published: Callable[[Position, BlobClass, bytes], Advance],
        ready: Callable[[], bool],
    ) -> None:
        self._membership = membership
        self._stream = stream
        self._following = following
        self._conversation = conversation
        self._presence = presence
        self._link = ports.link
        self._emit = ports.emit
        self._random = ports.random
        self._published = published
        self._ready = ready

    @property
    def stalled(self) -> bool:
        """Whether no message can go out now. While one is in flight, the next is not stalled: it
        goes when the relay has answered."""
        due = self._membership.agreement_due or self._conversation.slow.wait > 0
        return due or not self._presence.may_post or not self._ready()

    def _may_go(self, item: Outgoing) -> bool:
        """Whether this item can go out now: a void, what the relay has already, and the text of the
        ground rules that hold, go sooner. Every member of this epoch was shown those, or asks for
        them, so they tell nothing to one that was removed and reads on.

        No text goes while the person has not accepted the room's agreement, nor what all others
        would refuse for its generation.
        """
        if item.kind == Text.KIND and self._membership.agreement_due:
            return False
        if not item.given_in(self._membership.group.epoch) and not self._conversation.may_encrypt:
            return False
        if self._conversation.slow.wait:
            return False
        given = item.kind == Void.KIND or item.given_in(self._membership.group.epoch)
        given = given or self._is_of_the_room(item)
        may = self._presence.may_post or (given and self._presence.may_repeat)
        return may and self._ready()

    def _is_of_the_room(self, item: Outgoing) -> bool:
        """Whether it is the text of the ground rules that hold in this epoch."""
        if item.kind != ToldAgreement.KIND:
            return False
        told, group = ToldAgreement.decode(item.body), self._membership.group
        hashed = agreement_hash(group.group_id, told.version, told.texts)
        return hashed == self._membership.state.agreement

    def pump(self) -> None:
        """Publish the next message, if it can be."""
        item = self._conversation.outbox.head
        if item is None or item.in_flight or self._is_muted() or not self._may_go(item):
            return
        if not self._conversation.may_send(item):
            if item.kind in (ToldAgreement.KIND, Fold.KIND):
                self._conversation.give_up(item, "not_facilitator", "")
                self.pump()  # what waits behind it goes
            return
        try:
            blob = self._conversation.encrypt(item)
        except (mls.MLSError, Malformed) as error:
            self._conversation.give_up(item, error.code, "The message could not be encrypted.")
            return
        item.in_flight = True
        self._publish(item, blob)

    def _is_muted(self) -> bool:
        """Whether this member may not write. Then each text fails, so that none is said later
        without its person's will. The rest waits, since the relay takes nothing of a muted member.
        """
        why = muted(self._membership)
        if why is None:
            return False
        for item in self._conversation.outbox.waiting():
            if item.kind == Text.KIND and item.unanswered:
                self._conversation.give_up(item, "unconfirmed", UNCONFIRMED)
            elif item.kind == Text.KIND:
                self._conversation.give_up(item, why.code, why.text)
        return True

    def _publish(self, item: Outgoing, blob: bytes) -> None:
        base = self._membership.base
        again, item.given, item.repeated = item.repeated, True, True
        publish_id = item.publish_id
        self._presence.coverage.given(item.id)
        self._conversation.slow.given()

        def answered(answer: RelayAnswer | None) -> None:
            # Another head means that a replay has brought this item in the meantime. With another
            # id it has other bytes.
            if self._conversation.outbox.head is item and item.publish_id == publish_id:
                self._answered(item, base, answer, again=again)

        self._link.request(
            lambda n: frames.Publish(
                n, publish_id, base.encode(), int(BlobClass.APPLICATION), item.ttl, blob
            ),
            answered,
        )

    def _answered(
        self, item: Outgoing, base: Position, answer: RelayAnswer | None, *, again: bool
    ) -> None:
        item.in_flight = False
        if isinstance(answer, frames.Published):
            self._conversation.slow.taken()
            position = Position.decode(answer.position)
            if not self._stream.may_hold(position, again=again):
                self._link.hang_up = True  # no log has it there, and a replay shows where it is
                return
            step = self._published(position, BlobClass.APPLICATION, item.blob)
            if step is Advance.LATER:
                return
            if step is not Advance.BEHIND:
                self._presence.coverage.numbered(item.id, position)
            self._conversation.own_sent(item, position)
            self.pump()
            return
        code = answer.code if isinstance(answer, frames.RequestRefused) else ""
        if isinstance(answer, frames.RequestRefused) and code == "stale":
            if self._membership.base != base:
                self.pump()
            else:
                self._following.expect_of_stale(answer)
            return
        if isinstance(answer, frames.RequestRefused) and answer.wait is not None:
            self._conversation.slow.refused(answer.wait)
        if code == "read_only":
            self._presence.relay_says(read_only=True)
        elif code and code not in WAIT:
            self._conversation.give_up(item, code, "The relay did not take the message.")
            return
        self.tell_queued()

    def tell_queued(self) -> None:
        """Tell, once for each, which messages wait."""
        for item in self._conversation.outbox.waiting():
            if item.shown and not item.told_queued and not item.in_flight:
                item.told_queued = True
                self._emit(events.Queued(item.id.hex(), item.ref))

    def beat(
        self, *, leaving: bool, refused: Callable[[], None], taken: Callable[[bytes], None]
    ) -> None:
        """A facilitator's heartbeat. `taken` is given SHA-256 of it when the relay took it."""
        group = self._membership.group
        head = self._membership.roster.head
        body = Heartbeat(
            group.epoch, group.epoch_authenticator, head, leaving, self._presence.started
        )
        begins_log = self._presence.begins_log
        blob = self._conversation.seal(
            self._random(MESSAGE_ID_SIZE),
            0,
            Heartbeat.KIND,
            body.encode(),
            limits.HEARTBEAT_TTL,
            begins_log=begins_log,
        )
        base, publish_id = self._membership.base, self._random(frames.ID_SIZE)

        def answered(answer: RelayAnswer | None) -> None:
            if isinstance(answer, frames.Published):
                taken(sha256(blob).digest())
                position = Position.decode(answer.position)
                if self._published(position, BlobClass.BEAT, blob) is Advance.LATER:
                    return
                if begins_log:
                    self._presence.begin_log(position)
                self._presence.holding()
            elif isinstance(answer, frames.RequestRefused):
                if answer.code == "stale" and self._membership.base == base:
                    self._following.expect_of_stale(answer)
                refused()

        self._link.request(
            lambda n: frames.Publish(
                n, publish_id, base.encode(), int(BlobClass.BEAT), limits.HEARTBEAT_TTL, blob
            ),
            answered,
        )
