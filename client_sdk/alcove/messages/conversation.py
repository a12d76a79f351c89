"""Messages: those of other members, and what becomes of this client's own.

Receiving judges in this order: duplicate blob, MLS (sender, signature, generation), payload,
the sender's right, inner id, counter, the agreement that the sender accepted. The author is the
member whom MLS names. Nothing inside a message names one.
"""

from collections.abc import Callable
from typing import Final, TypeAlias, assert_never

from alcove_protocol import frames
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import BlobClass
from alcove_protocol.position import Position
from alcove_protocol.roster import NO_HASH

from alcove import events, mls
from alcove.errors import NotNow
from alcove.group.admission import APPLICATION_AHEAD
from alcove.group.framing import application_padding, check_class
from alcove.group.membership import Membership
from alcove.group.rights import Act, NotAllowed, may
from alcove.messages.alarms import Alarms, RoomWatch
from alcove.messages.folding import Folding
from alcove.messages.outbox import Outbox, Outgoing
from alcove.messages.payload import (
    MESSAGE_ID_SIZE,
    Fold,
    Heartbeat,
    HeartbeatHeard,
    MessageBody,
    Payload,
    Retract,
    Text,
    ToldAgreement,
    Void,
)
from alcove.messages.reading import Misplaced, body_of, read_in_place
from alcove.messages.said import SaidMessages
from alcove.messages.shown import ShownMessages
from alcove.messages.slow import SlowMode
from alcove.messages.stream import Stream
from alcove.relay.ports import Ports

Shown: TypeAlias = Text | Retract | Void | ToldAgreement | Fold
"""Bodies that have a counter, so everything but a heartbeat."""


NOT_TAKEN: Final = (
    "Your message was not taken back, because the relay refused that. Others may still see it; you "
    "can try again."
)


class _NotItsAuthors(Exception):
    """The relay has this message from another member than its author."""


class Conversation:
    """One member's side of the conversation."""

    def __init__(
        self,
        membership: Membership,
        stream: Stream,
        ports: Ports,
        alarms: Alarms,
        *,
        watch: RoomWatch,
        on_agreement: Callable[[bytes, ToldAgreement], None],
        on_own: Callable[[bytes, bool], None],
        on_fold: Callable[[str, str], None],
        on_life: Callable[[bytes, Position, int], None],
    ) -> None:
        """`on_own` is told what became of this client's own message: sent, or given up. `on_fold`:
        see `Folding`. `on_life` is told of each message that proves how far its author had read the
        log: the author, how far, and how many seconds ago."""
        self._on_life = on_life
        self._on_agreement = on_agreement
        self._on_own = on_own
        self._watch = watch
        self.membership = membership
        self._stream = stream
        self._emit = ports.emit
        self._random = ports.random
        self._wall = ports.wall
        self._alarms = alarms
        self.outbox = Outbox(self._random)
        self._shown = ShownMessages(ports)
        self.slow = SlowMode(membership, ports.clock)
        self.folding = Folding(membership, stream, self._shown, ports, on_fold)
        self._said = SaidMessages()
        self._counters: dict[bytes, int | None] = dict.fromkeys(p.key for p in membership.people())
        self._counted_at: dict[bytes, int] = {}
        self._epoch_from = stream.passed

    # --- sending -------------------------------------------------------------------------------

    def compose(self, body: Text | Retract | Void, *, ref: str | None = None) -> Outgoing:
        """Queue a message. Raises `NotNow` (`queue_full`)."""
        if self.outbox.full:
            raise NotNow("queue_full", "Too many messages are waiting to be sent; wait a moment.")
        item = self._outgoing(body, ref)
        self.outbox.append(item)
        return item

    def tell_first(self, body: ToldAgreement | Fold) -> bytes:
        """Send this before all that waits: that may wait for this very agreement, and a fold is
        urgent. Return the message's id."""
        item = self._outgoing(body, None)
        self.outbox.put_first(item, self.membership.group.epoch)
        return item.id

    def probe(self) -> None:
        """Send a void before all that waits: what it is for tells `coverage`."""
        if not self.outbox.begins_with(Void.KIND, self.membership.group.epoch):
            self.outbox.put_first(self._outgoing(Void(), None), self.membership.group.epoch)

    def _outgoing(self, body: Shown, ref: str | None) -> Outgoing:
        return Outgoing(
            self._random(MESSAGE_ID_SIZE),
            self.outbox.next_counter(),
            body.KIND,
            body.encode(),
            self.membership.state.ttl,
            self._random(frames.ID_SIZE),
            ref,
            shown=isinstance(body, Text),
        )

    def encrypt(self, item: Outgoing) -> bytes:
        """The item's blob in the present epoch: the old bytes while that stands, else new ones."""
        group = self.membership.group
        if item.epoch != group.epoch or not item.blob:
            item.blob = self.seal(item.id, item.counter, item.kind, item.body, item.ttl)
            item.epoch = group.epoch
        return item.blob

    def seal(
        self, id: bytes, counter: int, kind: str, body: bytes, ttl: int, *, begins_log: bool = False
    ) -> bytes:
        """Encrypt a payload. It says where this client's view of the log ends, or that the log
        hash begins anew with it."""
        cursor, current = self._stream.cursor, self._stream.log.current
        if begins_log:
            cursor, current = Position(cursor.generation, 0), None
        position, h = current if current is not None else (cursor, NO_HASH)
        group = self.membership.group
        accepted, at = self.membership.accepted, position.encode()
        payload = Payload(id, counter, group.sent, accepted, at, h, ttl, kind, body)
        return group.encrypt(payload.encode(), padding=application_padding)

    def epoch_began(self) -> None:
        """A commit was merged, or this client is in the group anew. Generations begin at 0."""
        self._epoch_from = self._stream.passed

    @property
    def _most_generation(self) -> int:
        """The last generation that a message may have. Numbers grow with the log, also over burned
        commits and under a new generation of it, and alike for all who follow it."""
        return APPLICATION_AHEAD + self._stream.passed - self._epoch_from

    @property
    def may_encrypt(self) -> bool:
        """Whether others take the next message of this client. What the relay took without a
        number may have used up its generations. Then it waits for the next epoch."""
        return self.membership.group.sent <= self._most_generation

    def may_send(self, item: Outgoing) -> bool:
        """Whether this member may send this, in the present epoch."""
        return may(self.membership.state, self.membership.own.key, Act(item.kind))

    def own_sent(self, item: Outgoing, at: Position) -> None:
        """The relay has numbered this item, and put it there."""
        own = self.membership.own
        self._stream.seen.first_time(item.blob)
        self._said.add(own.key, item.id, item.kind, item.body)
        self.outbox.remove(item)
        self._on_own(item.id, True)
        if item.shown:
            folded = self.folding.covers(item.id, own.key)
            self._shown.remember(item.id, own.key, item.ttl, at, folded=folded)
            self._emit(events.Sent(item.id.hex(), item.ref))
            self.folding.own_sent(item.id, folded=folded)
            if item.taken_back:
                self.outbox.append(self._outgoing(Retract(item.id), None))
        elif item.kind == Retract.KIND:
            self._shown.retract(Retract.decode(item.body).target, own.key)
        elif item.kind == Fold.KIND:
            self.folding.fold(Fold.decode(item.body).target, own.key, own.name)

    def give_up(self, item: Outgoing, code: str, text: str) -> None:
        """Fail an item. A void uses its counter, unless the log brings the item after all."""
        self.outbox.give_up(item)
        self._on_own(item.id, False)
        if item.shown:
            self._emit(events.Failed(item.id.hex(), code, text, item.ref))
        elif item.kind == Retract.KIND and self.may_retract(Retract.decode(item.body).target):
            self._emit(events.Problem("not_retracted", NOT_TAKEN))
        item.void(Void(), Void.KIND)
        item.publish_id = self._random(frames.ID_SIZE)  # by the old one the relay knows other bytes
        item.in_flight = item.given = item.repeated = False

    def own_blob(self, blob: bytes) -> Outgoing | None:
        """The item with these bytes: this client's own message, in the log."""
        return self.outbox.known(blob, self.membership.group.epoch)

    def unsend(self, message: bytes) -> bool:
        """Retract a message that was never sent. True when that was possible: no member sees it."""
        for item in self.outbox.waiting():
            if item.id == message and item.shown and not item.given:
                item.void(Void(), Void.KIND)
                self._emit(events.Retracted(message.hex()))
                return True
        return False

    def take_back_later(self, message: bytes) -> bool:
        """Retract a message of the outbox that others may have by now, once it is numbered."""
        for item in self.outbox.waiting():
            if item.id == message and item.shown:
                item.taken_back = True
                return True
        return False

    def may_retract(self, message: bytes) -> bool:
        """Whether it is this client's own, and has not expired."""
        return self._shown.is_of(message, self.membership.own.key)

    def taking_back(self) -> dict[bytes, bool]:
        """Own messages that were taken back, which was not sent yet, and that have not expired;
        and whether the relay may have it."""
        waiting = [item for item in self.outbox.waiting() if item.kind == Retract.KIND]
        found = {Retract.decode(item.body).target: item.given for item in waiting}
        return {message: given for message, given in found.items() if self.may_retract(message)}

    # --- receiving -----------------------------------------------------------------------------

    def receive(self, frame: frames.BlobIs) -> HeartbeatHeard | None:
        """Handle an application blob. Return a heartbeat, and make events of everything else."""
        blob, blob_class = frame.blob, frame.blob_class
        if not self._stream.seen.first_time(blob):
            return None
        payloads: list[Payload] = []
        authors: list[mls.LeafNode] = []

        def fresh(leaf: mls.LeafNode, plaintext: bytes, generation: int) -> None:
            authors.append(leaf)
            payloads.append(read_in_place(plaintext, generation, blob_class))
            if self.membership.person(leaf).relay_key != frame.key:
                raise _NotItsAuthors

        try:
            check_class(blob, mls.ContentType.APPLICATION)
            most = self._most_generation
            received = self.membership.group.receive(blob, fresh=fresh, most_generation=most)
            if not isinstance(received, mls.ReceivedApplication) or received.authenticated_data:
                raise NotAllowed("class")
            self.membership.unheard.discard(received.leaf.signature_key)
            (payload,) = payloads
            body = body_of(payload)
        except (mls.OwnMessage, Misplaced):
            return None
        except mls.GenerationConsumed:
            # Two messages under one key. One who was away for the first can read the second.
            self._alarms.unreadable(None)
            return None
        except _NotItsAuthors:
            # Any member can publish another's bytes again, for one who was away when they came.
            # That one has missed them. A relay that lies about the publisher withholds them so.
            who = self.membership.person(authors[0])
            self._alarms.missed(who.key, who.name, None)
            return None
        except (mls.MLSError, Malformed, NotAllowed):
            if blob_class == BlobClass.BEAT and not authors:
                # The relay takes beats of the current base only, so every member can read them
                # unless the sender is in another group by now.
                self._alarms.nobodys_beat(self.membership.find_relay_key(frame.key))
                self._watch.split()
                return None
            # Only a signature names an author: any member can encrypt under any other's keys.
            author = self.membership.person(authors[0]) if authors else None
            self._alarms.unreadable(author)
            return None
        return self._judge(received.leaf, payload, body, frame)

    def _judge(
        self,
        leaf: mls.LeafNode,
        payload: Payload,
        body: MessageBody | None,
        frame: frames.BlobIs,
    ) -> HeartbeatHeard | None:
        sender, state = leaf.signature_key, self.membership.state
        act = Act(payload.kind) if body is not None else Act.TEXT
        if not may(state, sender, act):
            return None
        if isinstance(body, Heartbeat):
            return HeartbeatHeard(sender, payload, body)
        self.slow.heard(sender, frame.age)
        agrees = self.compare_log(payload)
        if agrees:
            self._on_life(sender, Position.decode(payload.position), frame.age)
        elif agrees is False:
            self._watch.differs(sender, self.membership.person(leaf).name)
        known = payload.id in self._said or payload.id in self._shown
        # Also what is known takes its counter: one that was let go sends it again under a new one.
        if not self._count(leaf, payload) or known:
            self._again(leaf, payload, body)
            return None
        self._said.add(sender, payload.id, payload.kind, payload.body)
        accepted = payload.agreement in state.good_agreements()
        if isinstance(body, Text | None) and not accepted:
            return None  # its author has not accepted the agreement that holds here
        self._show(leaf, payload, body, frame)
        return None

    def _again(self, leaf: mls.LeafNode, payload: Payload, body: Shown | None) -> None:
        """A message under a used id or counter: its author sent it again, in another epoch. If it
        was other words, they are told as missed. Members who came later show them, so by silence
        here its author would speak to those alone."""
        who, kind = self.membership.person(leaf), payload.kind
        repeated = self._said.is_repeated(who.key, payload.id, kind, payload.body)
        if isinstance(body, Text | None) and not repeated:
            self._alarms.missed(who.key, who.name, 1)

    def _show(
        self, leaf: mls.LeafNode, payload: Payload, body: Shown | None, frame: frames.BlobIs
    ) -> None:
        name = self.membership.person(leaf).name
        match body:
            case Text():
                self._show_text(leaf.signature_key, name, payload, body, frame)
            case Fold():
                self.folding.fold(body.target, leaf.signature_key, name)
            case Retract():
                self._shown.retract(body.target, leaf.signature_key)
            case Void():
                pass  # its counter is all that it says
            case ToldAgreement():
                self._on_agreement(leaf.signature_key, body)
            case None if self.folding.covers(payload.id, leaf.signature_key):
                pass  # nothing of it could be opened, and a line for each would be no fold
            case None:
                self._emit(events.Unknown(name, payload.kind))
            case _:
                assert_never(body)

    def _show_text(
        self, author: bytes, name: str, payload: Payload, body: Text, frame: frames.BlobIs
    ) -> None:
        # The author can claim any time to live. The room's is what its members were promised.
        age, folded = frame.age, self.folding.covers(payload.id, author)
        left = min(payload.ttl, self.membership.state.ttl) - age
        if left <= 0:
            # Without this event a relay could silence a member by a wrong age.
            self._alarms.missed(author, name, 1)
            return
        at = Position.decode(frame.position)
        self._shown.remember(payload.id, author, left, at, folded=folded)
        if self.slow.exceeded and self.membership.own.facilitator:
            self._alarms.out_of_turn(author, name)
        id, time = payload.id.hex(), self._wall() - age
        self._emit(events.Message(id, name, body.text, left, body.warning, time, age, folded))

    def _count(self, leaf: mls.LeafNode, payload: Payload) -> bool:
        """False without a counter, or with a used one. A hole is told once. A `void` takes the
        counter of what its author abandoned, so that makes none."""
        counter, sender = payload.counter, leaf.signature_key
        last = self._counters.get(sender, 0)
        if counter == 0 or (last is not None and counter <= last):
            return False
        missed = counter - last - 1 if last is not None else 0
        if missed > 0:
            # The author can claim any number. More than the log can have held is no number at all.
            most = self._stream.passed - self._counted_at.get(sender, 0) + APPLICATION_AHEAD
            name = self.membership.person(leaf).name
            self._alarms.missed(sender, name, missed if missed <= most else None)
            self.slow.missed(sender)
        self._counters[sender], self._counted_at[sender] = counter, self._stream.passed
        return True

    def forgive_holes(self) -> None:
        """A gap was announced. The next counter of each member may be any higher one."""
        people = (person.key for person in self.membership.people())
        self._counters = dict.fromkeys((*self._counters, *people))

    def count_anew(self, key: bytes) -> None:
        """A commit added a leaf of this member, which begins to count at 1 with its Welcome. So the
        group's own state says it, to all that merge the commit, and neither the relay nor an entry
        whose commit was burned can make it count otherwise than the others."""
        self._counters.pop(key, None)
        self._counted_at.pop(key, None)

    def forget_member(self, key: bytes) -> None:
        self.count_anew(key)
        self._alarms.forget(key)
        self.slow.forget(key)

    # --- expiry --------------------------------------------------------------------------------

    def tick(self) -> None:
        """Tell which messages have expired. The keys of messages that never came stay until the
        epoch ends: an author may send the same bytes again behind a later heartbeat."""
        self._shown.tick()
        self.folding.tick()

    def leave_shown(self) -> ShownMessages:
        """Before the room is left for its door: what the person goes on to see, and takes back."""
        taking_back = self.taking_back()
        moved = self._shown.moved(self.membership.state.hold)
        moved.taking_back = taking_back
        return moved

    def still_shows(self, shown: ShownMessages) -> None:
        """The person came back, and sees these from before. What they took back goes out now."""
        self._shown.take(shown)
        self.folding.came_back(shown.hold)
        for message in filter(self.may_retract, shown.taking_back):
            self.outbox.append(self._outgoing(Retract(message), None))

    def compare_log(self, payload: Payload) -> bool | None:
        """Whether the sender saw the same log up to their position. None when that is unknown."""
        if payload.log == NO_HASH:
            return None
        return self._stream.log.agrees(Position.decode(payload.position), payload.log)

    def forget(self) -> None:
        """At close: forget all that was said."""
        self._shown.forget()
        self.folding.forget()
        self._said.forget()
        self._counters.clear()
        self._counted_at.clear()
        self.outbox = Outbox(self._random)
